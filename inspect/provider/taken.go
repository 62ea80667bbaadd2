package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Fault says in words why the provider would not take a handler's answer to
// rec's handshake, for [Outcome].Fault. It is "" where it would, where any
// success is answer enough, and for a request that is no handshake. An answer
// whose signature cannot be made for want of a secret is compared in its shape
// only, and one that is compressed in its status and headers.
func (c *Checker) Fault(r *Request, rec Recognition, status int, header http.Header, body []byte) string {
	p, h := rec.Provider, rec.Handshake
	if c == nil || p == nil || h == nil || h.Reply == nil {
		return ""
	}
	if want := h.Reply.Status; !p.Delivery.succeeds(status) || want == http.StatusNoContent && status != want {
		return fmt.Sprintf("it wants %d, not %d", want, status)
	}
	sc := &scope{r: r, settings: c.Settings[p.Name]}
	for _, name := range slices.Sorted(maps.Keys(h.Reply.Headers)) {
		t := h.Reply.Headers[name]
		want, err := t.expand(sc)
		got := header.Get(name)
		switch {
		case err != nil || !t.uses("header") && !t.uses("json"): // not asked for, or the same for everybody
		case got == "":
			return "the answer lacks the header " + name
		case got != string(want) && got != "*" && strings.Trim(string(want)+got, "0123456789") != "":
			return "the answer's header " + name + " is not what was asked for"
		}
	}
	if h.Reply.Body.IsZero() || header.Get("Content-Encoding") != "" {
		return ""
	}
	shape := c.addKey(p, h.Reply, sc) != nil
	if shape {
		sc.secret, sc.key = "none", []byte("none")
	}
	return h.Reply.bodyFault(sc, body, shape)
}

// bodyFault compares a body with the one that a handshake wants. With shape,
// only what is JSON, and the names in it, are compared.
func (r *Reply) bodyFault(sc *scope, body []byte, shape bool) string {
	isJSON := strings.Contains(r.Type, "json")
	sc.escape = isJSON
	text, err := r.Body.expand(sc)
	if err != nil {
		return ""
	}
	var got, want map[string]any
	isObject := json.Unmarshal(body, &got) == nil
	if isJSON && json.Unmarshal(text, &want) == nil {
		for _, name := range slices.Sorted(maps.Keys(want)) {
			value, ok := got[name]
			switch {
			case !isObject || !ok:
				return "the answer is not JSON with " + joinWords(slices.Sorted(maps.Keys(want)), "and")
			case !shape && !reflect.DeepEqual(value, want[name]):
				return "the answer's " + name + " is not the one it wants"
			}
		}
		return ""
	}
	if bytes.Equal(bytes.TrimSpace(body), bytes.TrimSpace(text)) {
		return ""
	}
	if r.Body.uses("json") { // what came in JSON may go back in JSON, or in a form
		for _, value := range got {
			if value == string(text) {
				return ""
			}
		}
		if form, err := url.ParseQuery(string(body)); err == nil && form.Get("challenge") == string(text) {
			return ""
		}
	}
	return "the answer is not the challenge"
}
