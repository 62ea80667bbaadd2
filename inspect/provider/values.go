package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Values are sources (or templates, where they begin with no source and have
// a brace), the first of which that yields something non-empty counts. In
// YAML they are a string or a list of strings.
type Values struct{ list []value }

// A value is a source or a template.
type value struct {
	source   Source
	template Template // where source is zero
}

// IsZero reports whether v has no values at all.
func (v Values) IsZero() bool { return len(v.list) == 0 }

// Strings returns the texts that v was read from.
func (v Values) Strings() []string {
	var all []string
	for i := range v.list {
		all = append(all, v.list[i].source.text+v.list[i].template.text)
	}
	return all
}

// UnmarshalYAML reads v from a string or a list of strings.
func (v *Values) UnmarshalYAML(n ast.Node) error {
	nodes := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	v.list = nil
	for _, node := range nodes {
		var one value
		if err := unmarshalText(node, &one, parseValue); err != nil {
			return err
		}
		v.list = append(v.list, one)
	}
	return nil
}

// parseValue compiles a value.
func parseValue(text string) (value, error) {
	kind, _, _ := strings.Cut(text, ":")
	switch {
	case slices.Contains(sourceKinds, kind):
		s, err := parseSource(text)
		return value{source: s}, err
	case strings.Contains(text, "{"):
		t, err := parseTemplate(text)
		return value{template: t}, err
	}
	return value{}, fmt.Errorf("%q is neither a source, as json:/id, nor a template, as {body.sha256}", text)
}

// text returns what v yields, or "". A template whose tokens are all missing,
// or lack what they need, is empty.
func (v *value) text(sc *scope) (text string) {
	if !v.source.IsZero() {
		v.source.each(sc, func(s string) bool {
			text = s
			return text == ""
		})
		return text
	}
	has := false
	var b strings.Builder
	for i := range v.template.parts {
		p := &v.template.parts[i]
		if p.token == "" {
			b.WriteString(p.text)
			continue
		}
		s, err := p.value(sc)
		if err != nil {
			return ""
		}
		has = has || s != ""
		b.WriteString(s)
	}
	if !has {
		return ""
	}
	return b.String()
}
