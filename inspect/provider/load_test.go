package provider

import (
	"strings"
	"testing"
)

func TestBuiltIn(t *testing.T) {
	c := BuiltIn()
	if n := len(c.Names()); n != 45 {
		t.Errorf("got %d entries, want the 44 providers and custom", n)
	}
	for _, p := range c.All() {
		if p.Title == "" || p.Docs == "" || p.Notes == "" || len(p.Schemes) == 0 || len(p.Samples) == 0 {
			t.Errorf("%s lacks a name, docs, notes, schemes or samples", p.Name)
		}
		rules := c.entries[p.Name].rules()
		if len(rules) == 0 || len(rules) != len(p.Recognize) {
			t.Errorf("%s: got %d rules when read alone, %d with all the rest", p.Name, len(rules), len(p.Recognize))
		}
		if strings.Contains(p.Notes, "\n") {
			t.Errorf("%s: notes have a line break", p.Name)
		}
	}
}
