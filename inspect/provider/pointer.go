package provider

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep JSON may be nested, as in encoding/json.
const maxDepth = 10000

// A pointer is a JSON pointer (RFC 6901), taken apart.
type pointer []string

// parsePointer takes text apart; ok is false where it begins with no slash.
func parsePointer(text string) (p pointer, ok bool) {
	if text == "" {
		return nil, true
	}
	if text[0] != '/' {
		return nil, false
	}
	p = strings.Split(text[1:], "/")
	for i, token := range p {
		p[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return p, true
}

// A document is a JSON text that is looked into again and again. The members
// of an object at its top are found once.
type document struct {
	text    []byte
	known   bool // whether text has been looked at
	valid   bool
	root    span
	members []member // of the top, if it is an object

	bounded bool            // whether only few members are kept
	wanted  map[string]bool // those that are kept in any case
	some    map[string]span // of an object with many: those looked for; zero = it is not there
}

// maxMembers is how many members of a bounded document are kept. Of one that
// has more, only those are that are looked for.
const maxMembers = 4096

// A span is a range of a text.
type span struct{ start, end int }

type member struct{ key, value span }

// look scans the whole text once. Text that is no JSON has no values.
func (d *document) look() bool {
	if d.known {
		return d.valid
	}
	d.known = true
	s := scanner{text: d.text}
	s.space()
	start := s.at
	ok := false
	if s.peek() == '{' {
		ok = s.object(func(key, value span) bool {
			d.keep(member{key, value})
			return true
		})
	} else {
		ok = s.value()
	}
	if ok {
		d.root = span{start, s.at}
		s.space()
		d.valid = s.at == len(s.text)
	}
	return d.valid
}

func (d *document) keep(m member) {
	if d.some == nil {
		if d.members = append(d.members, m); !d.bounded || len(d.members) <= maxMembers {
			return
		}
		early := d.members
		d.members, d.some = nil, map[string]span{}
		for _, m := range early {
			d.keep(m)
		}
		return
	}
	if raw := d.text[m.key.start+1 : m.key.end-1]; bytes.IndexByte(raw, '\\') < 0 {
		if d.wanted[string(raw)] {
			d.some[string(raw)] = m.value
		}
	} else if name := unquote(d.text[m.key.start:m.key.end]); d.wanted[name] {
		d.some[name] = m.value
	}
}

// member returns the value of a member of the top, of which there are many.
func (d *document) member(name string) (v span, ok bool) {
	v, known := d.some[name]
	if !known && !d.wanted[name] {
		v, _ = within(d.text, d.root, pointer{name})
		d.some[name] = v
	}
	return v, v.end > 0
}

// find returns where the value stands that p points to. Of keys that stand
// twice the last counts.
func (d *document) find(p pointer) (v span, ok bool) {
	if !d.look() {
		return span{}, false
	}
	if len(p) == 0 {
		return d.root, true
	}
	if d.text[d.root.start] != '{' {
		return within(d.text, d.root, p)
	}
	if d.some != nil {
		v, ok := d.member(p[0])
		if !ok {
			return span{}, false
		}
		return within(d.text, v, p[1:])
	}
	for i := len(d.members) - 1; i >= 0; i-- {
		if keyIs(d.text, d.members[i].key, p[0]) {
			return within(d.text, d.members[i].value, p[1:])
		}
	}
	return span{}, false
}

// within is find in a value of a text that is known to be valid.
func within(text []byte, v span, p pointer) (span, bool) {
	for _, token := range p {
		s := scanner{text: text[:v.end], at: v.start}
		found, ok := span{}, false
		switch s.peek() {
		case '{':
			s.object(func(key, value span) bool {
				if keyIs(text, key, token) {
					found, ok = value, true
				}
				return true
			})
		case '[':
			want, isIndex := arrayIndex(token)
			if !isIndex {
				return span{}, false
			}
			n := 0
			s.array(func(value span) bool {
				if n == want {
					found, ok = value, true
				}
				n++
				return !ok
			})
		}
		if !ok {
			return span{}, false
		}
		v = found
	}
	return v, true
}

// each calls yield for every value that p points to, where a token * stands
// for every value of an array or object.
func (d *document) each(p pointer, yield func(span) bool) {
	if v, ok := d.find(nil); ok {
		eachWithin(d.text, v, p, yield)
	}
}

func eachWithin(text []byte, v span, p pointer, yield func(span) bool) bool {
	star := 0
	for star < len(p) && p[star] != "*" {
		star++
	}
	v, ok := within(text, v, p[:star])
	if !ok {
		return true
	}
	if star == len(p) {
		return yield(v)
	}
	more := true
	visit := func(value span) bool {
		more = eachWithin(text, value, p[star+1:], yield)
		return more
	}
	s := scanner{text: text[:v.end], at: v.start}
	switch s.peek() {
	case '{':
		s.object(func(_, value span) bool { return visit(value) })
	case '[':
		s.array(visit)
	}
	return more
}

// arrayIndex returns the number that a token of a pointer is, without leading zeros.
func arrayIndex(token string) (n int, ok bool) {
	if token == "" || len(token) > 9 || token[0] == '0' && token != "0" {
		return 0, false
	}
	for _, c := range []byte(token) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(token)
	return n, err == nil
}

// keyIs reports whether the string literal at key is want.
func keyIs(text []byte, key span, want string) bool {
	raw := text[key.start+1 : key.end-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == want
	}
	return unquote(text[key.start:key.end]) == want
}

// jsonText returns a value as text: what a string says, else the raw JSON.
// ok is false for null.
func jsonText(raw []byte) (text string, ok bool) {
	switch raw[0] {
	case '"':
		return unquote(raw), true
	case 'n':
		return "", false
	}
	return string(raw), true
}

// unquote returns what a valid string literal says. Bytes that are no UTF-8
// stay as they are; half a surrogate pair becomes U+FFFD.
func unquote(literal []byte) string {
	raw := literal[1 : len(literal)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch c := raw[i]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+6 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
					low = hex4(raw[i+3:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func hex4(text []byte) (r rune) {
	for _, c := range text[:4] {
		r = r<<4 | rune(hexValue(c))
	}
	return r
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
