package provider

import (
	"bytes"
	"strings"
)

// An Explanation is what was compared. It holds what a secret makes, so it is
// shown masked unless the user wants otherwise; see Masked.
type Explanation struct {
	Message  []byte   // the exact signed string; nil where the token itself is compared
	Size     int      // of Message as it stands here, so that Masked tells no length of a secret
	Expected string   // the signature that the first secret makes, as it would stand in the request; "" for public keys
	Received []string // the candidates found in the request
	Where    string   // "header Stripe-Signature"

	prefix string // of Expected; not secret
	secret string // where it stands in Message, or is Expected
}

// hidden stands for what is not shown.
const hidden = "…"

// Masked returns e with what Expected holds hidden but for its first
// characters, and with the secret hidden where Message holds it. Tokens are
// hidden whole, also those that were received.
func (e *Explanation) Masked() *Explanation {
	if e == nil {
		return nil
	}
	m := *e
	if rest := strings.TrimPrefix(e.Expected, e.prefix); rest != "" {
		shown := rest[:min(4, len(rest)/4)]
		if e.Message == nil {
			shown = "" // it is the secret itself
		}
		m.Expected = e.prefix + shown + hidden
	}
	if e.secret != "" && e.Message != nil {
		m.Message = bytes.ReplaceAll(e.Message, []byte(e.secret), []byte(hidden))
		m.Size = len(m.Message)
	}
	if e.Message == nil { // nor is another's token shown
		m.Received = make([]string, len(e.Received))
		for i := range m.Received {
			m.Received[i] = e.prefix + hidden
		}
	}
	m.secret = ""
	return &m
}

// explanation says what was compared for a key. Of items it is the first one
// that does not hold, or the first.
func (c *check) explanation(r *Request, k *key) *Explanation {
	var shown *scope
	c.items(c.scope(r), func(sc *scope) bool {
		held, err := c.itemHolds(sc, k)
		if failed := err == nil && !held; failed || shown == nil {
			shown = sc
			return !failed
		}
		return true
	})
	if shown == nil {
		return nil
	}
	e := &Explanation{Where: c.s.Signature.where(c.settings), prefix: c.s.Signature.prefix()}
	e.Received = c.s.Signature.values(shown)
	for i := range e.Received {
		e.Received[i] = e.prefix + e.Received[i]
	}
	switch {
	case c.s.Kind == Token:
		e.Expected = e.prefix + k.secret
	case c.s.Kind == JWTHS256:
		c.explainJWT(e, shown, k)
	default:
		e.Message, _ = c.s.Message.expand(shown)
		e.Size = len(e.Message)
		if k.public == nil {
			mac, _ := c.s.mac(shown, k)
			e.Expected = e.prefix + encode(c.s.Signature.form, mac)
		}
		if c.s.Message.uses("secret") {
			e.secret = k.secret
		}
	}
	return e
}

func (c *check) explainJWT(e *Explanation, sc *scope, k *key) {
	for _, text := range c.s.Signature.values(sc) {
		if t, err := parseJWT(text); err == nil {
			e.Message, e.Size = []byte(t.signed), len(t.signed)
			e.prefix += t.signed + "."
			e.Expected = e.prefix + encode("base64url", jwtMAC(t.signed, k.raw))
			return
		}
	}
}

// prefix returns what a source takes away from before each value. It is what
// stands there again when something is signed.
func (s *Source) prefix() string {
	all := ""
	for _, op := range s.ops {
		if op.name == "pre" {
			all += op.arg
		}
	}
	return all
}
