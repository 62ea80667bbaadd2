package provider

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Sources, conditions and templates: the three small languages of the catalog.
//
// A SOURCE reads candidates out of a request:
//
//	header:A,B       all values of header A, else of B; a * in a name matches any text
//	header:{setting.header}   the header that a setting names
//	query:name  form:name,…   of the target's query, of a form body
//	json:/pointer,/other      a value of a JSON body (RFC 6901); text for strings, else the raw JSON; null is no value
//	json-key:/                the keys of an object
//	form-json:name/pointer    a value of the JSON in a field of a form body
//	method                    the request's method
//
// and passes each through operations:
//
//	|split:SEP   each part on its own, spaces around it taken away
//	|pre:P       only those that begin with P, without it
//	|opt:P       P taken away where it is there; case counts, but not if P ends in a space
//	|not:A,B     all but these
//
// The last may be an encoding (hex, base64, base64url) or a form of time
// (unix, unixms, rfc3339).
type Source struct {
	text  string
	kind  string // header, query, form, json, json-key, form-json, method
	names []sourceName
	ops   []sourceOp
	form  string // the encoding or form of time; "" = text
}

// A sourceName is one of the alternatives of a source.
type sourceName struct {
	name    string // of headers canonical, unless it has a *
	glob    bool
	setting string // the setting whose value is the name
	pointer pointer
	field   string // of form-json
}

type sourceOp struct {
	name, arg string
	list      []string // of "not"
}

var (
	sourceKinds = []string{"header", "query", "form", "json", "json-key", "form-json", "method"}
	encodings   = []string{"hex", "base64", "base64url"}
	timeForms   = []string{"unix", "unixms", "rfc3339"}
)

func (s Source) String() string { return s.text }

// IsZero reports whether s reads nothing.
func (s Source) IsZero() bool { return s.text == "" }

// UnmarshalYAML reads s from a string.
func (s *Source) UnmarshalYAML(n ast.Node) error { return unmarshalText(n, s, parseSource) }

// parseSource compiles a source.
func parseSource(text string) (Source, error) {
	s := Source{text: text}
	parts := strings.Split(text, "|")
	kind, names, hasNames := strings.Cut(parts[0], ":")
	s.kind = kind
	switch {
	case !slices.Contains(sourceKinds, kind):
		return Source{}, fmt.Errorf("%q is no source: write header:NAME, query:NAME, form:NAME, json:/POINTER, json-key:/POINTER, form-json:NAME/POINTER or method", text)
	case kind == "method" && hasNames:
		return Source{}, fmt.Errorf("%q: method stands without a name", text)
	case kind != "method" && names == "":
		return Source{}, fmt.Errorf("%q names nothing: write %s:NAME", text, kind)
	}
	for name := range strings.SplitSeq(names, ",") {
		n, err := parseSourceName(kind, name)
		if err != nil {
			return Source{}, fmt.Errorf("%q: %w", text, err)
		}
		s.names = append(s.names, n)
	}
	for i, op := range parts[1:] {
		if err := s.addOp(op, i == len(parts)-2); err != nil {
			return Source{}, fmt.Errorf("%q: %w", text, err)
		}
	}
	return s, nil
}

func parseSourceName(kind, name string) (sourceName, error) {
	n := sourceName{name: name}
	if inner, ok := strings.CutPrefix(name, "{setting."); ok {
		setting, ok := strings.CutSuffix(inner, "}")
		if !ok || setting == "" || strings.Contains(kind, "json") {
			return n, fmt.Errorf("%q is no name: write {setting.KEY}", name)
		}
		return sourceName{setting: setting}, nil
	}
	switch kind {
	case "json", "json-key":
		p, ok := parsePointer(name)
		if kind == "json-key" && name == "/" {
			p = nil
		}
		if !ok {
			return n, fmt.Errorf("%q is no JSON pointer: write it with a slash, as /data/id", name)
		}
		n.pointer = p
	case "form-json":
		field, rest, ok := strings.Cut(name, "/")
		if !ok || field == "" {
			return n, fmt.Errorf("%q is no field and JSON pointer: write it as payload/type", name)
		}
		n.field = field
		n.pointer, _ = parsePointer("/" + rest)
	case "method":
	case "header":
		if !isToken(name) { // * is one of its characters
			return n, fmt.Errorf("%q is no header name", name)
		}
		if n.glob = strings.Contains(name, "*"); !n.glob {
			n.name = http.CanonicalHeaderKey(name)
		}
	default:
		if name == "" || strings.ContainsAny(name, "{}") {
			return n, fmt.Errorf("%q is no name", name)
		}
	}
	return n, nil
}

func (s *Source) addOp(text string, last bool) error {
	if slices.Contains(encodings, text) || slices.Contains(timeForms, text) {
		if !last {
			return fmt.Errorf("%s has to stand last", text)
		}
		s.form = text
		return nil
	}
	name, arg, _ := strings.Cut(text, ":")
	switch name {
	case "split", "pre", "opt", "not":
		if arg == "" {
			return fmt.Errorf("%s: names nothing", name)
		}
		s.ops = append(s.ops, sourceOp{name: name, arg: arg, list: strings.Split(arg, ",")})
		return nil
	}
	return fmt.Errorf("%q is no operation: write split:, pre:, opt: or not:, and last hex, base64, base64url, unix, unixms or rfc3339", text)
}

// each calls yield for every candidate, until it returns false. The first
// alternative that the request has counts.
func (s *Source) each(sc *scope, yield func(string) bool) {
	for i := range s.names {
		found := false
		s.raw(sc, &s.names[i], func(value string) bool {
			found = true
			return s.pass(value, s.ops, yield)
		})
		if found {
			return
		}
	}
}

// raw calls yield for every value of an alternative, before the operations.
func (s *Source) raw(sc *scope, n *sourceName, yield func(string) bool) {
	name := n.name
	if n.setting != "" {
		if name = sc.settings[n.setting]; name == "" {
			return
		}
		if s.kind == "header" {
			name = http.CanonicalHeaderKey(name)
		}
	}
	switch s.kind {
	case "method":
		yield(sc.r.Method)
	case "header":
		eachHeader(sc.r.Header, name, n.glob, yield)
	case "query":
		eachPair(sc.queryPairs(), name, yield)
	case "form":
		eachPair(sc.formPairs(), name, yield)
	case "json":
		d := sc.doc()
		if v, ok := d.find(n.pointer); ok {
			if text, ok := jsonText(d.text[v.start:v.end]); ok {
				yield(text)
			}
		}
	case "form-json":
		d := sc.parsed().field(n.field)
		if v, ok := d.find(n.pointer); ok {
			if text, ok := jsonText(d.text[v.start:v.end]); ok {
				yield(text)
			}
		}
	case "json-key":
		d := sc.doc()
		if v, ok := d.find(n.pointer); ok && d.text[v.start] == '{' {
			walk := scanner{text: d.text[:v.end], at: v.start}
			walk.object(func(key, _ span) bool { return yield(unquote(d.text[key.start:key.end])) })
		}
	}
}

func eachHeader(h http.Header, name string, glob bool, yield func(string) bool) {
	if !glob {
		for _, value := range h[name] {
			if !yield(value) {
				return
			}
		}
		return
	}
	var names []string
	for have := range h {
		if matchFold(name, have) {
			names = append(names, have)
		}
	}
	slices.Sort(names)
	for _, have := range names {
		for _, value := range h[have] {
			if !yield(value) {
				return
			}
		}
	}
}

func eachPair(pairs []pair, name string, yield func(string) bool) {
	for i := range pairs {
		if pairs[i].name == name && !yield(pairs[i].value()) {
			return
		}
	}
}

// values returns the candidates, before they are decoded.
func (s Source) values(sc *scope) (all []string) {
	s.each(sc, func(value string) bool {
		all = append(all, value)
		return true
	})
	return all
}

// first returns the first candidate; ok is false where there is none.
func (s Source) first(sc *scope) (value string, ok bool) {
	s.each(sc, func(v string) bool {
		value, ok = v, true
		return false
	})
	return value, ok
}

// unset returns a setting that s needs and that is not set, or "".
func (s *Source) unset(settings map[string]string) string {
	for i := range s.names {
		if key := s.names[i].setting; key != "" && settings[key] == "" {
			return key
		}
	}
	return ""
}

// settings returns how many of s's names settings give.
func (s *Source) settings() (n int) {
	for i := range s.names {
		if s.names[i].setting != "" {
			n++
		}
	}
	return n
}
