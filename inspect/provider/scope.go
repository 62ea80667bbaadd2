package provider

import "strings"

// A scope is what sources, conditions and templates are read from. It is for
// one goroutine.
type scope struct {
	r        *Request
	settings map[string]string // by key; may be nil
	secret   string            // for {secret}
	key      []byte            // for {hmac.…}
	ts       string            // for {ts}: the timestamp as the request has it
	url      string            // for {url}; "" = r.URL
	vars     map[string]string // for {attempt} and the like
	escape   bool              // values are put into templates as the inside of JSON strings

	item *document // what json: reads instead of the body, for signed items
	own  *parsed
}

// parsed returns what is parsed of sc's request.
func (sc *scope) parsed() *parsed {
	if sc.own == nil {
		sc.own = sc.r.parsed
		if sc.own == nil || !sc.own.of(sc.r) {
			sc.own = newParsed(sc.r)
		}
	}
	return sc.own
}

// doc returns the JSON that json: reads.
func (sc *scope) doc() *document {
	if sc.item != nil {
		return sc.item
	}
	return &sc.parsed().doc
}

func (sc *scope) queryPairs() []pair { return sc.parsed().queryPairs() }

func (sc *scope) formPairs() []pair { return sc.parsed().formPairs() }

// sortedForm returns the form as {form.sorted} has it.
func (sc *scope) sortedForm() (string, error) { return sc.parsed().sortedForm() }

// address returns the URL that is signed, without its fragment.
func (sc *scope) address() string {
	url := sc.url
	if url == "" {
		url = sc.r.URL
	}
	url, _, _ = strings.Cut(url, "#")
	return url
}
