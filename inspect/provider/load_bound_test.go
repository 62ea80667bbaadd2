package provider

import (
	"strings"
	"testing"
)

// What takes long to parse is not parsed, and names cannot write to a terminal.
func TestHostileYAML(t *testing.T) {
	for text, want := range map[string]string{
		"x: " + strings.Repeat("{a: ", 20000):                       "nested too deep",
		"x:\n  " + strings.Repeat("- ", 20000) + "1":                "nested too deep",
		"x: " + strings.Repeat("a", 1<<20):                          "at most 1048576 are read",
		`"a\eb": {like: stripe}`:                                    `providers."a\x1bb": a provider's name has only`,
		"x: {notes: '" + strings.Repeat("[]", 2000) + "', like: y}": `no provider "y"`,
	} {
		err := (&Catalog{}).Add([]byte(text), "f", 1)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%.30q: got %q, want %q", text, err, want)
		}
	}
}
