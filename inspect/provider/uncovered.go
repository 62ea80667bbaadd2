package provider

import (
	"fmt"
	"strings"
)

// uncovered says what of a request does not count in a signature that holds,
// although it should; nil = nothing.
func (c *check) uncovered(r *Request) *Diagnosis {
	if c.s.Message.uses("url") && query(r.URL) != query(r.Target) && r.Target != "" {
		return &Diagnosis{Result: Invalid, Code: CodeURLDiffers, Reason: fmt.Sprintf(
			"the query is not covered: the signature holds for the URL %s, and the request has the query %q: give with --url the URL that was called", r.URL, cut(query(r.Target)))}
	}
	if c.s.Message.uses("form.sorted") && !c.s.Message.coversBody() && c.s.BodyHash.IsZero() && len(r.Body) > 0 && !isForm(r.Header, r.Body) {
		return &Diagnosis{Result: Invalid, Code: CodeMissing, Reason: "the body is not covered: it is no form, and the hash of it" + c.p.bodyHashPlace() + " is missing"}
	}
	return nil
}

// bodyHashPlace says where another of p's schemes has the hash of a body.
func (p *Provider) bodyHashPlace() string {
	for i := range p.Schemes {
		if s := &p.Schemes[i]; !s.BodyHash.IsZero() {
			return " in " + s.BodyHash.where()
		}
	}
	return ""
}

// query returns the query of a URL or a target.
func query(url string) string {
	url, _, _ = strings.Cut(url, "#")
	_, text, _ := strings.Cut(url, "?")
	return text
}
