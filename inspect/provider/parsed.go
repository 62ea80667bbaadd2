package provider

import (
	"fmt"
	"net/http"
	"strings"
	"unsafe"
)

// A parsed is a request's query and body, parsed when they are first asked
// for, and once. It is for one goroutine.
type parsed struct {
	target, url string
	header      http.Header
	body        []byte

	doc    document
	query  []pair
	form   []pair
	sorted string
	fields map[string]*document // the JSON in fields of the form
	did    struct{ query, form, sorted bool }
}

func newParsed(r *Request) *parsed {
	return &parsed{target: r.Target, url: r.URL, header: r.Header, body: r.Body, doc: document{text: r.Body, bounded: true}}
}

// sharing returns a copy of r whose query and body are parsed once, whatever
// is asked of it and of copies of it that have the same.
func (r *Request) sharing() *Request {
	if r == nil || r.parsed != nil && r.parsed.of(r) {
		return r
	}
	one := *r
	one.parsed = newParsed(r)
	return &one
}

// of reports whether p is what r says: of the same bytes in memory, not of such
// that are alike. Its URL stands for the target where r has none.
func (p *parsed) of(r *Request) bool {
	return len(p.body) == len(r.Body) && unsafe.SliceData(p.body) == unsafe.SliceData(r.Body) &&
		p.target == r.Target && (r.Target != "" || p.url == r.URL) && p.header.Get("Content-Type") == r.Header.Get("Content-Type")
}

func (p *parsed) queryPairs() []pair {
	if !p.did.query {
		p.did.query = true
		target := p.target
		if target == "" {
			target = p.url
		}
		target, _, _ = strings.Cut(target, "#")
		if _, text, ok := strings.Cut(target, "?"); ok {
			p.query = parsePairs([]byte(text))
		}
	}
	return p.query
}

func (p *parsed) formPairs() []pair {
	if !p.did.form {
		p.did.form = true
		if isForm(p.header, p.body) {
			p.form = parsePairs(p.body)
		}
	}
	return p.form
}

// field returns the JSON in a field of the form: the first of that name. It is
// empty where there is none.
func (p *parsed) field(name string) *document {
	if d := p.fields[name]; d != nil {
		return d
	}
	d := &document{bounded: true}
	eachPair(p.formPairs(), name, func(value string) bool {
		d.text = []byte(value)
		return false
	})
	if p.fields == nil {
		p.fields = make(map[string]*document)
	}
	p.fields[name] = d
	return d
}

func (p *parsed) sortedForm() (string, error) {
	pairs := p.formPairs()
	if len(pairs) == maxFields {
		return "", fmt.Errorf("the form has %d fields or more, which nobody signs", maxFields)
	}
	if !p.did.sorted {
		p.did.sorted = true
		p.sorted = sortedForm(pairs)
	}
	return p.sorted, nil
}
