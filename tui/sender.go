package tui

import (
	"fmt"
	"slices"
	"strings"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// This file puts into words who sent a delivery and whether its signature holds.

// maxBrief bounds a captured word on a row: an event type comes from a body.
const maxBrief = 256 // bytes

// brief is safe for a row: of a long text its beginning.
func brief(s string) string {
	if len(s) > maxBrief {
		s = strings.ToValidUTF8(s[:maxBrief], "") + "…"
	}
	return safe(s)
}

// senderName is a provider's name, with a mark where it is a guess; "" when it
// is not known.
func senderName(f *provider.Facts) string {
	name := brief(f.Provider)
	if f.Certainty == provider.Guess {
		name += "?"
	}
	return name
}

// eventName is what a delivery is; "" when that is not known.
func eventName(f *provider.Facts) string {
	if f.Handshake != "" {
		return "handshake"
	}
	return brief(f.Event)
}

// signatureMark is a signature's result in one cell, which is empty where
// nobody has looked or it is not known who sent it.
func signatureMark(f *provider.Facts) (string, tone) {
	if f.Provider == "" {
		return " ", toneNone
	}
	return resultMark(f.Signature, f.Scheme)
}

// SignatureMark is a signature's result in one cell: ✓, ✗ or ·; "" where there is nothing to say.
func SignatureMark(f *provider.Facts) string {
	mark, _ := signatureMark(f)
	return strings.TrimSpace(mark)
}

// Unsigned reports whether a result is that of a handshake that carries no
// signature: it is as it should be, and nothing was checked.
func Unsigned(r provider.Result, scheme string) bool {
	return r == provider.Valid && scheme == "handshake"
}

func resultMark(r provider.Result, scheme string) (string, tone) {
	switch r {
	case provider.Valid:
		if Unsigned(r, scheme) {
			return "·", toneDim
		}
		return "✓", toneOK
	case provider.Invalid:
		return "✗", toneBad
	case provider.Unverifiable:
		return "·", toneDim
	}
	return " ", toneNone
}

// signatureWords is a signature's result in words.
func signatureWords(r provider.Result, scheme string) string {
	switch r {
	case provider.Valid:
		if Unsigned(r, scheme) {
			return "not signed (a handshake)"
		}
		return "valid"
	case provider.Invalid:
		return "invalid"
	case provider.Unverifiable:
		return "not verifiable"
	}
	return "not looked at"
}

// answeredBy begins the reason of a handshake that hookloop answered.
const answeredBy = "hookloop answered the handshake: "

// Answered reports whether a delivery is a handshake that hookloop answered.
func Answered(d inspect.Disposition, f *provider.Facts, reason string) bool {
	return d == inspect.Held && f.Handshake != "" && strings.HasPrefix(reason, answeredBy)
}

func answered(s *inspect.Summary) bool { return Answered(s.Disposition, &s.Facts, s.Reason) }

// entry is what the catalog knows of a provider; nil when that is nothing.
func (c *Config) entry(name string) *provider.Provider {
	if c.Checker == nil || c.Checker.Catalog == nil || name == "" {
		return nil
	}
	return c.Checker.Catalog.Provider(name)
}

// providerTitle is a provider's own spelling of its name.
func (c *Config) providerTitle(name string) string {
	if p := c.entry(name); p != nil && p.Title != "" {
		return brief(p.Title)
	}
	return brief(name)
}

// shortTitle is providerTitle for sentences, without what it has in parentheses.
func (c *Config) shortTitle(name string) string {
	title, _, _ := strings.Cut(c.providerTitle(name), " (")
	return title
}

// handshake is what the catalog knows of a delivery's handshake; nil when that
// is nothing, or when it is none.
func (c *Config) handshake(f *provider.Facts) *provider.Handshake {
	p := c.entry(f.Provider)
	if p == nil || f.Handshake == "" {
		return nil
	}
	i := slices.IndexFunc(p.Handshakes, func(h provider.Handshake) bool { return h.Name == f.Handshake })
	if i < 0 {
		return nil
	}
	return &p.Handshakes[i]
}

// hasSecrets reports whether anything is there to sign with.
func (c *Config) hasSecrets() bool {
	return c.Checker != nil &&
		(len(c.Checker.Secrets) > 0 || slices.ContainsFunc(c.Checker.Routes, func(r provider.Route) bool { return len(r.Secrets) > 0 }))
}

var certaintyWords = map[provider.Certainty]string{
	provider.Named: "as you said", provider.Certain: "certain", provider.Likely: "likely", provider.Guess: "a guess",
}

// senderLines say who sent d, what it is and whether its signature holds.
func senderLines(s subject, t *theme) []line {
	f := &s.d.Facts
	var lines []line
	if f.Provider != "" {
		text := line{{fit("Provider", 10) + " ", t.dim}, {s.cfg.providerTitle(f.Provider), t.bold}}
		if w := certaintyWords[f.Certainty]; w != "" {
			text = append(text, span{"  " + w, t.dim})
		}
		if len(f.Others) > 0 {
			text = append(text, span{"; it may be " + safe(strings.Join(f.Others, ", ")), t.dim})
		}
		lines = append(lines, text)
	}
	if f.Event != "" {
		lines = append(lines, fact(t, "Event", safe(f.Event)))
	}
	if f.EventID != "" {
		lines = append(lines, fact(t, "Event ID", safe(f.EventID)))
	}
	if f.ProviderAttempt > 0 {
		lines = append(lines, fact(t, "Its count", fmt.Sprintf("delivery %d of this event, by the provider", f.ProviderAttempt)))
	}
	if l := handshakeLine(s, t); l != nil {
		lines = append(lines, l)
	}
	if l := signatureLine(s, t); l != nil {
		lines = append(lines, l)
	}
	if len(lines) > 0 {
		lines = append(lines, line{})
	}
	return lines
}

// handshakeLine says that d is a handshake and what to do about it.
func handshakeLine(s subject, t *theme) line {
	f := &s.d.Facts
	if f.Handshake == "" {
		return nil
	}
	l := line{{fit("Handshake", 10) + " ", t.dim}, {safe(f.Handshake), t.info}}
	h := s.cfg.handshake(f)
	switch {
	case h != nil && !h.Confirm.IsZero():
		l = append(l, span{": c confirms it", nil})
	case s.d.Disposition == inspect.Held && s.d.Reason != "":
		l = append(l, span{": " + safe(s.d.Reason), nil})
	case s.cfg.unanswered(s.d) != "":
		l = append(l, span{": " + s.cfg.unanswered(s.d), nil})
	case h != nil && h.Reply != nil:
		l = append(l, span{": your handler has to answer it, or start hookloop with --answer-handshakes", nil})
	case h != nil:
		l = append(l, span{": any 2xx answers it", nil})
	}
	if h != nil && h.Notes != "" {
		l = append(l, span{". " + safe(h.Notes), t.dim})
	}
	return l
}

// unanswered says why hookloop, which was to answer handshakes, did not
// answer d; "" where it did or was not to.
func (c *Config) unanswered(d *inspect.Delivery) string {
	if !c.AnswerHandshakes || c.Checker == nil || d.Facts.Handshake == "" || d.Disposition != inspect.Forwarded {
		return ""
	}
	r := d.Request()
	if _, err := c.Checker.Answer(r, c.Checker.Recognize(r)); err != nil {
		return "hookloop could not answer it: " + safe(err.Error())
	}
	return ""
}

// signatureLine says whether the signature holds: as it was just found, else
// as it was found when d arrived.
func signatureLine(s subject, t *theme) line {
	f := &s.d.Facts
	result, reason, scheme := f.Signature, f.SignatureReason, f.Scheme
	if s.check != nil {
		result, reason, scheme = s.check.Result, s.check.Reason, s.check.Scheme
	}
	if result == "" {
		return nil
	}
	l := append(line{{fit("Signature", 10) + " ", t.dim}}, verdict(result, scheme, reason, t)...)
	if s.check != nil && f.Signature != "" && f.Signature != result {
		l = append(l, span{"; it was " + signatureWords(f.Signature, f.Scheme) + " when it arrived", t.dim})
	}
	return l
}

// verdict is a result with its mark and why.
func verdict(r provider.Result, scheme, reason string, t *theme) []span {
	mark, tone := resultMark(r, scheme)
	words := signatureWords(r, scheme)
	reason = strings.TrimPrefix(reason, "the signature holds: ") // valid says so
	spans := []span{{mark + " " + words, t.tone(tone)}}
	if reason != "" && reason != words {
		spans = append(spans, span{": " + safe(reason), nil})
	}
	return spans
}

// addressWords says whether the client's address is one of its provider's.
func addressWords(s subject) (string, tone) {
	title := s.cfg.shortTitle(s.d.Facts.Provider)
	switch s.d.Facts.Address {
	case provider.Listed:
		return "   one of " + title + "'s addresses", toneOK
	case provider.NotListed:
		return "   not one of " + title + "'s published addresses", toneWarn
	}
	return "", toneNone
}
