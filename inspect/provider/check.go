package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// A check compares the signatures of one scheme with those that keys make.
type check struct {
	p        *Provider
	s        *Scheme
	settings map[string]string
}

// scope returns a scope for a request; its timestamp is read.
func (c *check) scope(r *Request) *scope {
	sc := &scope{r: r, settings: c.settings}
	sc.ts, _ = c.s.Timestamp.first(sc)
	return sc
}

// present reports whether r has a signature of this scheme.
func (c *check) present(r *Request) bool {
	there := false
	c.items(c.scope(r), func(sc *scope) bool {
		c.s.Signature.each(sc, func(text string) bool {
			there = text != "" && (c.s.Kind != JWTHS256 || looksLikeJWT(text))
			return !there
		})
		return !there
	})
	return there
}

// applies reports whether the scheme is the one to look at.
func (c *check) applies(r *Request) bool {
	return c.s.If == nil || c.s.If.holds(&scope{r: r, settings: c.settings})
}

// items calls yield with a request's scope or, where items are signed one by
// one, with one for each of them.
func (c *check) items(sc *scope, yield func(*scope) bool) {
	if c.s.Each == "" {
		yield(sc)
		return
	}
	p, _ := parsePointer(c.s.Each)
	sc.doc().each(p, func(v span) bool {
		one := *sc
		one.item = &document{text: sc.r.Body[v.start:v.end], bounded: true}
		return yield(&one)
	})
}

// holds reports whether k makes a signature that r has, for a URL as it is
// given or in a form that the scheme accepts. Of items all must hold. The
// error says what the message lacks.
func (c *check) holds(r *Request, k *key) (bool, error) {
	whole := c.scope(r)
	for _, url := range c.urls(r.URL) {
		all, some := true, false
		var err error
		c.items(whole, func(sc *scope) bool {
			sc.url, some = url, true
			all, err = c.itemHolds(sc, k)
			return all
		})
		if err != nil {
			return false, err
		}
		if all && some {
			return true, nil
		}
	}
	return false, nil
}

func (c *check) itemHolds(sc *scope, k *key) (bool, error) {
	compare, err := c.comparer(sc, k)
	if err != nil {
		return false, err
	}
	found := false
	c.s.Signature.each(sc, func(text string) bool {
		found = compare(text)
		return !found
	})
	return found, nil
}

// comparer returns a function that tells whether a candidate is what k makes.
func (c *check) comparer(sc *scope, k *key) (func(string) bool, error) {
	sc.secret, sc.key = k.secret, k.raw
	form := c.s.Signature.form
	switch {
	case c.s.Kind == Token:
		return func(text string) bool { return equal([]byte(text), k.raw) }, nil
	case c.s.Kind == JWTHS256:
		return func(text string) bool {
			t, err := parseJWT(text)
			return err == nil && equal(t.signature, jwtMAC(t.signed, k.raw))
		}, nil
	case c.s.public():
		message, err := c.s.Message.expand(sc)
		if err != nil {
			return nil, err
		}
		return func(text string) bool {
			sig, err := decode(form, text)
			return err == nil && c.s.verifyPublic(k, message, sig)
		}, nil
	}
	want, err := c.s.mac(sc, k)
	if err != nil {
		return nil, err
	}
	return func(text string) bool {
		sig, err := decode(form, text)
		return err == nil && equal(sig, want)
	}, nil
}

// bodyHashHolds reports whether the hash of the body is the one that r states.
func (c *check) bodyHashHolds(r *Request) bool {
	if c.s.BodyHash.IsZero() {
		return true
	}
	stated, ok := c.s.BodyHash.first(&scope{r: r, settings: c.settings})
	sum := sha256.Sum256(r.Body)
	return ok && equal([]byte(strings.ToLower(stated)), []byte(hex.EncodeToString(sum[:])))
}

// readsBody reports whether the body counts, in whatever form.
func (s *Scheme) readsBody() bool {
	for i := range s.Message.parts {
		switch p := &s.Message.parts[i]; p.token {
		case "body", "body.sha256", "body.crc32", "form.sorted", "form", "json", "lines", "hmac":
			return true
		}
	}
	return inBody(&s.Signature) || inBody(&s.Timestamp) || !s.BodyHash.IsZero()
}

// parseTime reads a timestamp in one of the forms of a source.
func parseTime(form, text string) (time.Time, bool) {
	if form == "rfc3339" {
		t, err := time.Parse(time.RFC3339, text)
		return t, err == nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || n < 0:
		return time.Time{}, false
	case form == "unixms":
		return time.UnixMilli(n), n/1000 <= lastSecond
	}
	return time.Unix(n, 0), n <= lastSecond
}

// lastSecond is the end of the year 9999, after which no time can be written
// as RFC 3339 has it.
const lastSecond = 253402300799

// formatTime is the inverse of parseTime.
func formatTime(form string, t time.Time) string {
	switch form {
	case "unix":
		return strconv.FormatInt(t.Unix(), 10)
	case "unixms":
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return t.UTC().Format("2006-01-02T15:04:05Z07:00")
}
