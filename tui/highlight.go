package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

// This file colours the lines of bodies. Each function looks at nothing but
// one line, so its cost is that of the line, and keeps its text as it is.

func highlight(kind inspect.Kind, text string, t *theme) line {
	switch kind {
	case inspect.KindJSON:
		return highlightJSON(text, t)
	case inspect.KindXML, inspect.KindHTML:
		return highlightTags(text, t)
	case inspect.KindForm:
		return highlightPair(text, t)
	}
	return plain(text)
}

// highlightPair colours "name = value" of a form, and JSON below a name.
func highlightPair(s string, t *theme) line {
	name, value, ok := strings.Cut(s, " =")
	if !ok || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		return highlightJSON(s, t)
	}
	return line{{name, t.key}, {" =", t.punct}, {text: value}}
}

// highlightTags colours the tags of XML and HTML, and the quoted text in them.
func highlightTags(s string, t *theme) line {
	var l line
	for s != "" {
		open := strings.IndexByte(s, '<')
		if open != 0 {
			if open < 0 {
				open = len(s)
			}
			l = append(l, span{text: s[:open]})
			s = s[open:]
			continue
		}
		end := strings.IndexByte(s, '>') + 1
		if end == 0 {
			end = len(s)
		}
		l = append(l, highlightTag(s[:end], t)...)
		s = s[end:]
	}
	return l
}

func highlightTag(s string, t *theme) line {
	var l line
	for s != "" {
		n, st := strings.IndexAny(s, `"'`), t.key
		switch {
		case n < 0:
			n = len(s)
		case n == 0:
			n, st = len(s), t.str
			if i := strings.IndexByte(s[1:], s[0]); i >= 0 {
				n = i + 2
			}
		}
		l = append(l, span{s[:n], st})
		s = s[n:]
	}
	return l
}

// highlightJSON colours one line of indented JSON.
func highlightJSON(s string, t *theme) line {
	var l line
	for s != "" {
		n, st := jsonToken(s, t)
		if k := len(l) - 1; k >= 0 && len(st) == 0 && len(l[k].st) == 0 {
			l[k].text += s[:n]
		} else {
			l = append(l, span{s[:n], st})
		}
		s = s[n:]
	}
	return l
}

// jsonToken returns the length and the style of the token s begins with.
func jsonToken(s string, t *theme) (int, ansi.Style) {
	switch c := s[0]; {
	case c == '"':
		n := stringEnd(s)
		if strings.HasPrefix(strings.TrimLeft(s[n:], " "), ":") {
			return n, t.key
		}
		return n, t.str
	case c == '-' || c >= '0' && c <= '9':
		return 1 + prefixLen(s[1:], "+-.0123456789eE"), t.num
	case strings.IndexByte("{}[],:", c) >= 0:
		return 1, t.punct
	}
	for _, w := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s, w) {
			return len(w), t.word
		}
	}
	n := strings.IndexAny(s[1:], `"{}[],:-0123456789tfn`)
	if n < 0 {
		return len(s), nil
	}
	return n + 1, nil
}

// stringEnd returns the length of the JSON string s begins with.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

func prefixLen(s, set string) int {
	return len(s) - len(strings.TrimLeft(s, set))
}

// highlightHex dims the offset and the bytes' text of a hex dump's line.
func highlightHex(s string, t *theme) line {
	const offset, text = 8, 60
	if len(s) < text {
		return plain(s)
	}
	return line{{s[:offset], t.dim}, {text: s[offset:text]}, {s[text:], t.str}}
}
