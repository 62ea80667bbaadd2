package provider

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A Condition is a source and what it must be:
//
//	header:X                  it is there
//	header:X=value            it is this; * matches any text
//	!json:/event              it is not there
//	method=GET                the request's method
//	query:hub.mode=subscribe
//
// The first = ends the source, so one with an = in it cannot stand here.
type Condition struct {
	text   string
	not    bool
	source Source
	is     bool // whether it must be want, or only there
	glob   bool // whether want has a *
	want   string
}

func (c Condition) String() string { return c.text }

// UnmarshalYAML reads c from a string.
func (c *Condition) UnmarshalYAML(n ast.Node) error { return unmarshalText(n, c, parseCondition) }

// parseCondition compiles a condition.
func parseCondition(text string) (Condition, error) {
	c := Condition{text: text}
	rest, not := strings.CutPrefix(text, "!")
	source, want, is := strings.Cut(rest, "=")
	s, err := parseSource(source)
	if err != nil {
		return Condition{}, fmt.Errorf("condition %q: %w", text, err)
	}
	c.not, c.source, c.is, c.want = not, s, is, want
	c.glob = strings.Contains(want, "*")
	if s.kind == "method" && !is {
		return Condition{}, fmt.Errorf("condition %q: write which method, as method=POST", text)
	}
	return c, nil
}

// holds reports whether c holds. Of several values one is enough.
func (c *Condition) holds(sc *scope) bool {
	found := false
	c.source.each(sc, func(value string) bool {
		switch {
		case !c.is:
			found = true
		case c.glob:
			found = match(c.want, value)
		default:
			found = value == c.want
		}
		return !found
	})
	return found != c.not
}

// allHold reports whether all of some conditions hold.
func allHold(all []Condition, sc *scope) bool {
	for i := range all {
		if !all[i].holds(sc) {
			return false
		}
	}
	return true
}

// match reports whether text is pattern, where * stands for any text.
func match(pattern, text string) bool {
	first, rest, ok := strings.Cut(pattern, "*")
	if !ok {
		return pattern == text
	}
	if text, ok = strings.CutPrefix(text, first); !ok {
		return false
	}
	for {
		part, more, ok := strings.Cut(rest, "*")
		if !ok {
			return strings.HasSuffix(text, rest)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], more
	}
}

// matchFold is match whatever the case of ASCII letters.
func matchFold(pattern, text string) bool {
	return match(strings.ToLower(pattern), strings.ToLower(text))
}
