package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// put writes a value where s reads it, in the first of its places that the
// request has. lead is what stands before it in a list.
func (d *draft) put(c *check, s *Source, value, lead string) (err error) {
	switch s.kind {
	case "header":
		name, old := d.header(c, s)
		if name == "" {
			return fmt.Errorf("no header is named where the signature is to stand")
		}
		value = s.prefixFor(old, c.s.Kind) + value
		if sep := s.separator(); lead != "" && sep != "" {
			value = lead + sep + value
		}
		d.r.Header[name] = []string{value}
	case "query":
		name := s.names[0].nameIn(c.settings)
		value = s.prefix() + value
		d.r.Target = setQuery(d.r.Target, name, value)
		if d.r.URL != "" {
			d.r.URL = setQuery(d.r.URL, name, value)
		}
	case "json":
		body, err := putJSON(d.r.Body, s, value)
		if err != nil {
			return err
		}
		if !bytes.Equal(body, d.r.Body) {
			d.r.Body = body
			d.noteBody()
		}
	default:
		return fmt.Errorf("nothing can be put into a %s", s.kind)
	}
	return nil
}

// header returns the header that s reads, and its first value.
func (d *draft) header(c *check, s *Source) (name, value string) {
	for i := range s.names {
		name := s.names[i].nameIn(c.settings)
		for _, have := range sortedNames(d.r.Header) {
			if have == name || s.names[i].glob && matchFold(name, have) {
				if values := d.r.Header[have]; len(values) > 0 {
					value = values[0]
				}
				return have, value
			}
		}
	}
	name = strings.ReplaceAll(s.names[0].nameIn(c.settings), "*", "1")
	return http.CanonicalHeaderKey(name), ""
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// nameIn returns a name, or what a setting says it is; headers' are canonical.
func (n *sourceName) nameIn(settings map[string]string) string {
	if n.setting != "" {
		return http.CanonicalHeaderKey(settings[n.setting])
	}
	return n.name
}

// prefixFor returns what stands before a value. What may stand there stands
// there where it did before; before a new value it does, but for JWTs.
func (s *Source) prefixFor(old string, kind Kind) string {
	all := ""
	for _, op := range s.ops {
		switch op.name {
		case "pre":
			all += op.arg
		case "opt":
			if _, there := op.cut(old); there || old == "" && kind != JWTHS256 {
				all += op.arg
			}
		}
	}
	return all
}

// separator returns what s splits lists at, or "".
func (s *Source) separator() string {
	for _, op := range s.ops {
		if op.name == "split" {
			return op.arg
		}
	}
	return ""
}

// sharesPlace reports whether two sources read the same header.
func (s *Source) sharesPlace(other *Source) bool {
	return s.kind == other.kind && slices.EqualFunc(s.names, other.names, func(a, b sourceName) bool {
		return a.name == b.name && a.setting == b.setting
	})
}

// putJSON puts a value in the place of the one that s reads, and moves nothing
// else. What was no string stays none.
func putJSON(body []byte, s *Source, value string) ([]byte, error) {
	doc := document{text: body}
	for i := range s.names {
		at, ok := doc.find(s.names[i].pointer)
		if !ok {
			continue
		}
		with := []byte(value)
		if old := body[at.start]; old != '-' && (old < '0' || old > '9') {
			with, _ = json.Marshal(value)
		}
		return splice(body, at, with), nil
	}
	return nil, fmt.Errorf("the body has no %s, where it would stand", s.names[0].name)
}

// setQuery sets a parameter of a URL or target and leaves the rest as it is.
func setQuery(text, name, value string) string {
	text, fragment, hasFragment := strings.Cut(text, "#")
	path, query, hasQuery := strings.Cut(text, "?")
	parts := strings.Split(query, "&")
	found := false
	for i, part := range parts {
		if key, _, _ := strings.Cut(part, "="); unescape(key) == name {
			parts[i] = key + "=" + url.QueryEscape(value)
			found = true
		}
	}
	switch {
	case !hasQuery || query == "":
		parts = []string{url.QueryEscape(name) + "=" + url.QueryEscape(value)}
	case !found:
		parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	out := path + "?" + strings.Join(parts, "&")
	if hasFragment {
		out += "#" + fragment
	}
	return out
}
