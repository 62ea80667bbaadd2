package provider

import (
	"fmt"
	"slices"
	"strings"
)

// uncovered says what of a request does not count in a signature that holds,
// although it should; nil = nothing.
func (c *check) uncovered(r *Request) *Diagnosis {
	if c.s.Message.uses("url") && r.Target != "" && !sameQuery(query(r.URL), query(r.Target)) {
		return &Diagnosis{Result: Invalid, Code: CodeURLDiffers, Reason: fmt.Sprintf(
			"the query is not covered: the signature holds for the URL %s, and the request has the query %q: give with --url the URL that was called", r.URL, cut(query(r.Target)))}
	}
	if c.leavesBody(r) {
		return &Diagnosis{Result: Invalid, Code: CodeMissing, Reason: "the body is not covered: it is no form, and the hash of it" + c.p.bodyHashPlace() + " is missing"}
	}
	return nil
}

// leavesBody reports whether the body does not count in the signature, because
// it is no form.
func (c *check) leavesBody(r *Request) bool {
	return c.s.Message.uses("form.sorted") && !c.s.Message.coversBody() && c.s.BodyHash.IsZero() && len(r.Body) > 0 && !isForm(r.Header, r.Body)
}

// signs reports whether a request is to be signed by c's scheme: it applies,
// or would if the hash of the body were there, which another scheme leaves out.
func (c *check) signs(r *Request) bool {
	if c.s.BodyHash.IsZero() || c.applies(r) {
		return c.applies(r) && !c.leavesBody(r)
	}
	for i := range c.p.Schemes {
		other := &check{p: c.p, s: &c.p.Schemes[i], settings: c.settings}
		if other.applies(r) && other.leavesBody(r) {
			return true
		}
	}
	return false
}

// bodyHashPlace says where another of p's schemes has the hash of a body.
func (p *Provider) bodyHashPlace() string {
	for i := range p.Schemes {
		if s := &p.Schemes[i]; !s.BodyHash.IsZero() {
			return " in " + s.BodyHash.where(nil)
		}
	}
	return ""
}

// sameQuery reports whether two queries have the same fields, in one order,
// however they are escaped.
func sameQuery(a, b string) bool {
	return a == b || slices.EqualFunc(parsePairs([]byte(a)), parsePairs([]byte(b)), func(a, b pair) bool {
		return a.name == b.name && a.value() == b.value()
	})
}

// query returns the query of a URL or a target.
func query(url string) string {
	url, _, _ = strings.Cut(url, "#")
	_, text, _ := strings.Cut(url, "?")
	return text
}
