package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
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

// beyond is how far a timestamp is out of the tolerance.
const beyond = time.Minute

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
		change{label: "replayed as it is", what: says("an old delivery, sent again as it came"), hole: "whoever has seen one can send it for ever", make: (*tampering).replayed},
	)
}

// pastOnly are the providers whose own library takes timestamps of the future.
var pastOnly = map[string]bool{"stripe": true}

func (t *tampering) tolerance() time.Duration { return time.Duration(t.sch.Tolerance) }

func (t *tampering) signedAgo(*tampering) string {
	return "a delivery signed " + provider.InWords(t.tolerance()+beyond) + " ago"
}

func (t *tampering) signedAhead(*tampering) string {
	return "a delivery signed " + provider.InWords(t.tolerance()+beyond) + " ahead of time"
}

func (t *tampering) wrongSecret() (*provider.Request, error) {
	secret, _, ok := t.sch.NewSecret()
	if !ok {
		return nil, fmt.Errorf("no other key can be made for %s", t.sch.Kind)
	}
	settings := maps.Clone(t.checker.Settings[t.p.Name])
	for _, key := range []string{"public_key", "cert_pem", "secret_b64"} {
		delete(settings, key)
	}
	other := &provider.Checker{
		Catalog: t.checker.Catalog, Default: t.p.Name, Settings: map[string]map[string]string{t.p.Name: settings},
		Secrets: map[string][]provider.Secret{t.p.Name: {{Label: "another", Value: secret}}},
	}
	good := t.genuine(time.Now())
	signed, err := other.Sign(good, time.Now(), true)
	if err != nil {
		return nil, err
	}
	return &signed.Request, nil
}

func (t *tampering) unsigned() (*provider.Request, error) {
	r := t.genuine(time.Now())
	if names := t.signatureHeaders(r.Header); len(names) > 0 {
		r.Header = without(r.Header, names)
		return r, nil
	}
	kind, pointer, _ := strings.Cut(strings.Split(t.sch.Signature.String(), "|")[0], ":")
	if kind != "json" {
		return nil, errors.New("the signature stands in the URL, which is not changed here")
	}
	where := strings.ReplaceAll(t.sch.Each+pointer, "*", "0")
	body, err := editJSON(bytes.TrimSpace(r.Body), pointerNames(where), Edit{How: Remove})
	if err != nil {
		return nil, err
	}
	r.Body = body
	return r, nil
}

// signatureHeaders returns the headers of h in which a signature of t's provider stands.
func (t *tampering) signatureHeaders(h http.Header) (all []string) {
	for i := range t.p.Schemes {
		kind, names, _ := strings.Cut(strings.Split(t.p.Schemes[i].Signature.String(), "|")[0], ":")
		if kind != "header" {
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			if key, ok := strings.CutPrefix(name, "{setting."); ok {
				name = t.checker.Settings[t.p.Name][strings.TrimSuffix(key, "}")]
			}
			for have := range h {
				if ok, _ := path.Match(strings.ToLower(name), strings.ToLower(have)); ok {
					all = append(all, have)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

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

// versioned finds the version in what stands before a signature: "v1=".
var versioned = regexp.MustCompile(`^([a-z]+)(\d)([a-z]?[=,])$`)

func (t *tampering) otherVersion() (*provider.Request, error) {
	for op := range strings.SplitSeq(t.sch.Signature.String(), "|") {
		prefix, _ := strings.CutPrefix(op, "pre:")
		m := versioned.FindStringSubmatch(prefix)
		if m == nil || m[1] == "sha" {
			continue
		}
		other := "0"
		if m[2] == "0" {
			other = "1"
		}
		r := t.genuine(time.Now())
		r.Header = r.Header.Clone()
		for _, name := range t.signatureHeaders(r.Header) {
			for i, value := range r.Header[name] {
				r.Header[name][i] = strings.ReplaceAll(value, prefix, m[1]+other+m[3])
			}
		}
		return r, nil
	}
	return nil, fmt.Errorf("%s's signature names no version", t.title())
}

// aged says why the age of a timestamp can't be tried, or nil.
func (t *tampering) aged() error {
	switch {
	case t.sch.Timestamp.IsZero():
		return fmt.Errorf("%s signs no time, so a handler has only the event id to tell a replay", t.title())
	case t.tolerance() == 0:
		return fmt.Errorf("%s does not say how old a timestamp may be", t.title())
	}
	return nil
}

// signedAt returns the genuine delivery, signed at another time.
func (t *tampering) signedAt(at time.Time) (*provider.Request, error) {
	if err := t.aged(); err != nil {
		return nil, err
	}
	return t.dated(at)
}

func (t *tampering) dated(at time.Time) (*provider.Request, error) {
	if t.cannot != nil {
		return nil, t.cannot
	}
	return t.genuine(at), nil
}

func (t *tampering) old() (*provider.Request, error) {
	return t.signedAt(time.Now().Add(-t.tolerance() - beyond))
}

func (t *tampering) future() (*provider.Request, error) {
	return t.signedAt(time.Now().Add(t.tolerance() + beyond))
}

// longAgo is how old a replay is that stands in for one as it came.
const longAgo = 24 * time.Hour

// replayed returns the delivery as it came, where it is old enough; else as it
// would have come a day ago.
func (t *tampering) replayed() (*provider.Request, error) {
	if err := t.aged(); err != nil {
		return nil, err
	}
	r := *t.base
	r.Time = time.Now()
	d := t.checker.Verify(t.r.ctx, &r)
	if d.Code == provider.CodeTooOld || d.Result == provider.Unverifiable && tooOld(t.sch, d, r.Time) {
		return &r, nil
	}
	return t.dated(time.Now().Add(-longAgo - t.tolerance()))
}

// token finds the JWT in a request's header.
func (t *tampering) token(r *provider.Request) (header, before, jwt string, err error) {
	for _, name := range t.signatureHeaders(r.Header) {
		value := r.Header.Get(name)
		at := strings.LastIndexByte(value, ' ') + 1
		if strings.Count(value[at:], ".") == 2 {
			return name, value[:at], value[at:], nil
		}
	}
	return "", "", "", errors.New("there is no token in its headers")
}

func (t *tampering) algNone() (*provider.Request, error) {
	r := t.genuine(time.Now())
	name, before, jwt, err := t.token(r)
	if err != nil {
		return nil, err
	}
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	r.Header = r.Header.Clone()
	r.Header[name] = []string{before + head + "." + strings.Split(jwt, ".")[1] + "."}
	return r, nil
}

func (t *tampering) expired() (*provider.Request, error) {
	for _, days := range []int{1, 400, 4000} {
		r, err := t.dated(time.Now().AddDate(0, 0, -days))
		if err != nil {
			return nil, err
		}
		r.Time = time.Now()
		if t.checker.Verify(t.r.ctx, r).Code == provider.CodeTooOld {
			return r, nil
		}
	}
	return nil, errors.New("the token has no expiry (exp): give it one of a few minutes")
}
