package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hookloop/inspect/provider"
)

// A change is something that a handler must refuse.
type change struct {
	label string
	what  func(*tampering) string // in a sentence after "it accepted"
	hole  string                  // what the handler lacks that accepts it
	// make returns the changed request; the error says why the change does not
	// apply, or can't be made, and what to do.
	make func(*tampering) (*provider.Request, error)
	// tolerated reports whether the provider's own library accepts it; nil = it does not.
	tolerated func(*tampering) bool
}

func says(text string) func(*tampering) string {
	return func(*tampering) string { return text }
}

// changes returns those that there are for t's scheme, whether they apply or not.
func (t *tampering) changes() []change {
	word, forged := "signature", "a delivery signed with another secret"
	if t.sch.Kind == provider.Token {
		word, forged = "token", "a wrong token"
	}
	label := map[string]string{"signature": "wrong secret", "token": "wrong token"}[word]
	all := []change{
		{label: label, what: says(forged), hole: "it does not check the " + word, make: (*tampering).wrongSecret},
		{label: "missing " + word, what: says("a delivery without a " + word), hole: "anybody can send it one", make: (*tampering).unsigned},
		{label: "body plus one byte", what: says("a body that is a byte longer than what was signed"), hole: "it does not check the signature over the bytes that came", make: (*tampering).longer},
		{label: "re-serialised JSON", what: says("a body that was written anew"), hole: "it checks what it parsed, not the bytes that came", make: (*tampering).rewritten},
		{label: "truncated body", what: says("half of the body"), hole: "it does not check the signature over the whole body", make: (*tampering).truncated},
	}
	if t.sch.Kind == provider.JWTHS256 {
		return append(all,
			change{label: "algorithm none", what: says("a token that says it needs no signature (alg none)"), hole: "anybody can make one", make: (*tampering).algNone},
			change{label: "expired token", what: says("an expired token"), hole: "it does not check exp", make: (*tampering).expired},
		)
	}
	if t.sch.Kind == provider.Token {
		return all
	}
	return append(all,
		change{label: "wrong scheme version", what: says("the signature under another version"), hole: "it does not look at the version, so a weaker one would do", make: (*tampering).otherVersion},
		change{label: "old timestamp", what: t.signedAgo, hole: "it does not check the timestamp", make: (*tampering).old},
		change{
			label: "future timestamp", what: t.signedAhead, hole: "it does not check that the timestamp is not in the future", make: (*tampering).future,
			tolerated: func(t *tampering) bool { return pastOnly[t.p.Name] },
		},
		t.replayedChange(),
	)
}

// pastOnly are the providers whose own library takes timestamps of the future.
var pastOnly = map[string]bool{"stripe": true}

// edited returns the genuine delivery with another body, where the signature covers it.
func (t *tampering) edited(edit func([]byte) ([]byte, error)) (*provider.Request, error) {
	r := t.genuine(time.Now())
	body, err := edit(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body, r.Time = body, time.Now()
	// What still holds is what the provider itself does not protect.
	d := t.checker.Verify(t.r.ctx, r)
	if d.Result == provider.Valid || d.Result == provider.Unverifiable && !coversBody(t.sch) {
		return nil, fmt.Errorf("%s's signature does not cover this, so no handler can tell", t.title())
	}
	return r, nil
}

func (t *tampering) longer() (*provider.Request, error) {
	return t.edited(func(body []byte) ([]byte, error) { return append(slices.Clone(body), ' '), nil })
}

func (t *tampering) truncated() (*provider.Request, error) {
	return t.edited(func(body []byte) ([]byte, error) {
		if len(body) < 2 {
			return nil, errors.New("the body is too short to be cut")
		}
		return body[:len(body)/2], nil
	})
}

func (t *tampering) rewritten() (*provider.Request, error) {
	return t.edited(func(body []byte) ([]byte, error) {
		var compact, wide bytes.Buffer
		if json.Compact(&compact, body) != nil || json.Indent(&wide, body, "", "  ") != nil {
			return nil, errors.New("the body is not JSON")
		}
		for _, other := range [][]byte{compact.Bytes(), wide.Bytes()} {
			if !bytes.Equal(other, body) {
				return other, nil
			}
		}
		return nil, errors.New("there is no other way to write this body")
	})
}
