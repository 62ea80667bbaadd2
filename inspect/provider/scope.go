package provider

import (
	"fmt"
	"strings"
)

// A scope is what sources, conditions and templates are read from. It keeps
// what it has parsed, so one scope serves all that is asked of one request.
// It is for one goroutine.
type scope struct {
	r        *Request
	settings map[string]string // by key; may be nil
	secret   string            // for {secret}
	key      []byte            // for {hmac.…}
	ts       string            // for {ts}: the timestamp as the request has it
	url      string            // for {url}; "" = r.URL
	vars     map[string]string // for {attempt} and the like
	escape   bool              // values are put into templates as the inside of JSON strings

	body  document
	item  *document // what json: reads instead of the body, for signed items
	query []pair
	form  []pair
	did   struct{ body, query, form, sorted bool }

	sorted string
}

// doc returns the JSON that json: reads.
func (sc *scope) doc() *document {
	if sc.item != nil {
		return sc.item
	}
	if !sc.did.body {
		sc.did.body = true
		sc.body = document{text: sc.r.Body}
	}
	return &sc.body
}

func (sc *scope) queryPairs() []pair {
	if !sc.did.query {
		sc.did.query = true
		target := sc.r.Target
		if target == "" {
			target = sc.r.URL
		}
		target, _, _ = strings.Cut(target, "#")
		if _, text, ok := strings.Cut(target, "?"); ok {
			sc.query = parsePairs([]byte(text))
		}
	}
	return sc.query
}

func (sc *scope) formPairs() []pair {
	if !sc.did.form {
		sc.did.form = true
		if isForm(sc.r.Header, sc.r.Body) {
			sc.form = parsePairs(sc.r.Body)
		}
	}
	return sc.form
}

// sortedForm returns the form as {form.sorted} has it.
func (sc *scope) sortedForm() (string, error) {
	pairs := sc.formPairs()
	if len(pairs) == maxFields {
		return "", fmt.Errorf("the form has %d fields or more, which nobody signs", maxFields)
	}
	if !sc.did.sorted {
		sc.did.sorted = true
		sc.sorted = sortedForm(pairs)
	}
	return sc.sorted, nil
}

// address returns the URL that is signed, without its fragment.
func (sc *scope) address() string {
	url := sc.url
	if url == "" {
		url = sc.r.URL
	}
	url, _, _ = strings.Cut(url, "#")
	return url
}
