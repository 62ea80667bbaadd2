package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A verification looks at one request for one provider.
type verification struct {
	c        *Checker
	ctx      context.Context // until when keys are fetched; nil = they are not
	r        *Request
	now      time.Time
	rec      Recognition
	secrets  []Secret
	settings map[string]string
	explain  bool // whether to make an Explanation
	brief    bool // whether to leave out why a signature does not hold
	pending  bool // whether a key would have to be fetched
	later    bool // whether brief left something out
	hashed   int  // bytes, by what was tried
	cut      bool // whether not all was tried
}

// begin makes a verification that fetches keys until ctx ends.
func (c *Checker) begin(ctx context.Context, r *Request, rec Recognition) *verification {
	v := c.look(r, rec)
	v.ctx = ctx
	return v
}

// look makes a verification that never waits.
func (c *Checker) look(r *Request, rec Recognition) *verification {
	v := &verification{c: c, r: r, now: r.Time, rec: rec}
	if v.now.IsZero() {
		v.now = time.Now()
	}
	if c != nil && rec.Provider != nil {
		v.secrets, v.settings = c.secretsOf(r, rec.Provider), c.Settings[rec.Provider.Name]
	}
	return v
}

// run says what there is to say, whoever sent the request.
func (v *verification) run() Diagnosis {
	switch p, h := v.rec.Provider, v.rec.Handshake; {
	case p == nil || v.rec.Certainty == Guess:
		return v.unrecognized()
	case h != nil && !h.Signed && !v.carriesSignature():
		return v.c.handshakeDiagnosis(v.r, v.rec)
	}
	d := v.verify()
	d.Provider = v.rec.Provider.Name
	return d
}

// carriesSignature reports whether a signature or token of the provider's is
// there, whether or not one is wanted.
func (v *verification) carriesSignature() bool {
	for i := range v.rec.Provider.Schemes {
		c := &check{p: v.rec.Provider, s: &v.rec.Provider.Schemes[i], settings: v.settings}
		if c.s.Kind != Unsigned && c.present(v.r) {
			return true
		}
	}
	return false
}

func (v *verification) unrecognized() Diagnosis {
	d := Diagnosis{Result: Unverifiable, Code: CodeUnrecognized}
	if v.rec.Provider == nil {
		d.Reason = "it is not known who sent this: name the provider with --provider NAME"
		if v.c != nil {
			if name := v.c.named(v.r); name != "" {
				d.Reason = fmt.Sprintf("no provider is called %s: see hookloop providers", name)
			}
		}
		return d
	}
	names := append([]string{v.rec.Provider.Name}, v.rec.Others...)
	d.Reason = fmt.Sprintf("it may be from %s, and nothing is decided by a guess: name the provider with --provider NAME", joinWords(names, "or"))
	return d
}

// handshakeScheme stands in the place of a scheme where a handshake is not signed.
const handshakeScheme = "handshake"

// handshakeDiagnosis says of an unsigned handshake whether it has what is required.
func (c *Checker) handshakeDiagnosis(r *Request, rec Recognition) Diagnosis {
	p, h := rec.Provider, rec.Handshake
	d := Diagnosis{Result: Valid, Code: CodeOK, Provider: p.Name, Scheme: handshakeScheme}
	d.Reason = fmt.Sprintf("%s handshake %s: well-formed, and no signature is involved", p.Whose(), h.Name)
	sc := &scope{r: r, settings: c.Settings[p.Name]}
	ok, checked := h.meets(sc)
	switch {
	case c.handsOverAnother(sc, p, h):
		d.Result, d.Code = Unverifiable, CodeNotSigned
		d.Reason = fmt.Sprintf("%s's handshake %s hands over another secret than the one that is known, and no signature is involved, so anybody could have sent it", p.short(), h.Name)
	case !ok:
		d.Result, d.Code = Invalid, CodeHandshakeRefused
		d.Reason = fmt.Sprintf("%s handshake %s is to be refused: its token is not the one set as %s (no signature is involved)", p.Whose(), h.Name, h.Require.Setting)
	case checked:
		d.Reason = fmt.Sprintf("%s handshake %s: its token is the one set as %s, and no signature is involved", p.Whose(), h.Name, h.Require.Setting)
	case h.Require != nil:
		d.Notes = append(d.Notes, fmt.Sprintf("its token was not compared: give it with --set %s=VALUE", h.Require.Setting))
	}
	return d
}

// handsOverAnother reports whether a handshake hands over a secret while
// others are known.
func (c *Checker) handsOverAnother(sc *scope, p *Provider, h *Handshake) bool {
	value, ok := h.Capture.first(sc)
	secrets := c.secretsOf(sc.r, p)
	return ok && len(secrets) > 0 && !slices.ContainsFunc(secrets, func(s Secret) bool { return equal([]byte(s.Value), []byte(value)) })
}

// verify finds the scheme that decides and looks at it.
func (v *verification) verify() Diagnosis {
	c, keys, problem := v.choose()
	if c == nil {
		return v.absent()
	}
	if d := v.passedOver(c); d != nil {
		return *d
	}
	d := v.examine(c, keys, problem)
	d.Scheme = c.s.Name
	switch d.Code {
	case CodeNoSecret, CodeNoSetting, CodeNoKey:
		d.SignedAt, _ = c.signedAt(v.r)
	}
	if d.Result == Valid || d.Result == Invalid {
		d.Notes = append(d.Notes, c.s.warnings()...)
	}
	return d
}

// choose returns the first scheme that applies and whose signature is there,
// with its keys. One that none of the secrets fits is passed over if another
// applies. nil = no signature is there.
func (v *verification) choose() (chosen *check, keys []*key, problem error) {
	schemes := v.rec.Provider.Schemes
	for i := range schemes {
		c := &check{p: v.rec.Provider, s: &schemes[i], settings: v.settings}
		if c.s.Kind == Unsigned || !c.applies(v.r) || !c.present(v.r) {
			continue
		}
		k, err := v.keysOf(c)
		if len(k) > 0 || c.s.KeySource != nil {
			return c, k, nil
		}
		if chosen == nil {
			chosen, problem = c, err
		}
	}
	return chosen, nil, problem
}

// examine looks at a scheme whose signature is there.
func (v *verification) examine(c *check, keys []*key, problem error) Diagnosis {
	if v.r.Truncated && c.s.readsBody() {
		return Diagnosis{Result: Unverifiable, Code: CodeTruncated, Reason: "the body was not kept whole, and the signature covers it: raise the limit of bodies"}
	}
	v.pair(c, keys)
	if d := v.badTimestamp(c); d != nil {
		return *d
	}
	if c.s.KeySource != nil {
		fetched, d := v.fetchKeys(c, len(keys) > 0)
		if d != nil {
			return *d
		}
		keys = append(keys, fetched...)
	}
	switch {
	case len(keys) > 0:
	case len(v.secrets) == 0:
		return Diagnosis{Result: Unverifiable, Code: CodeNoSecret, Reason: noSecret(c.p)}
	case v.brief:
		v.later = true
		return Diagnosis{Result: Invalid, Code: CodeSecretForm, Reason: fmt.Sprintf("secret in the wrong form: %v", problem)}
	default:
		return v.unfitSecret(c, problem)
	}
	if err := c.unclear(v.r); err != nil {
		return Diagnosis{Result: Invalid, Code: CodeMalformed, Reason: err.Error()}
	}
	for _, k := range keys {
		held, err := c.holds(v.r, k)
		if err != nil {
			return v.lacking(c, keys, err)
		}
		if held {
			return v.held(c, k)
		}
	}
	if v.brief {
		v.later = true
		d := Diagnosis{Result: Invalid, Code: CodeWrongSecret, Reason: "the signature does not hold; looking why"}
		v.ownURL(c, &d)
		return d
	}
	d := v.mismatch(c, keys)
	if v.explain {
		d.Explain = c.explanation(v.r, keys[0])
	}
	return d
}

// held says of a signature that holds whether its time and its body's hash do.
func (v *verification) held(c *check, k *key) Diagnosis {
	d := Diagnosis{Result: Valid, Code: CodeOK, Secret: k.label}
	if v.explain {
		d.Explain = c.explanation(v.r, k)
	}
	if bad := c.uncovered(v.r); bad != nil {
		bad.Secret, bad.Explain = d.Secret, d.Explain
		return *bad
	}
	if !c.bodyHashHolds(v.r) {
		d.Result, d.Code, d.Reason = Invalid, CodeBodyChanged, v.hashMismatch(c)
		return d
	}
	if c.s.Kind == JWTHS256 {
		v.jwtAge(c, k, &d)
	} else {
		v.age(c, &d)
	}
	if d.Result == Valid {
		d.Reason = "the signature holds: scheme " + c.s.Name
		if c.s.Kind == Token {
			d.Reason = "the token is the right one"
		}
		if k.label != "" {
			d.Reason += ", with " + k.label
		}
	}
	return d
}

// warnings says what a scheme does not protect.
func (s *Scheme) warnings() []string {
	switch {
	case s.Notes != "":
		return []string{s.Notes}
	case s.Kind == Unsigned:
		return nil
	case s.Kind == Token:
		return []string{"a token vouches for the sender only, not for the content"}
	case s.Kind == JWTHS256 || !s.readsBody() && s.BodyHash.IsZero() || s.Signature.kind == "json" && !s.Message.coversBody() && s.Each == "" && !s.Message.uses("lines"):
		return []string{"the signature does not cover the body, so it vouches for the sender only"}
	}
	return nil
}

// cut shortens text that a message quotes.
func cut(text string) string {
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}

// where says in words where a source reads: "header Stripe-Signature".
func (s *Source) where(settings map[string]string) string {
	var names []string
	for i := range s.names {
		n := &s.names[i]
		switch {
		case n.setting != "" && settings[n.setting] != "":
			names = append(names, n.nameIn(settings))
		case n.setting != "":
			names = append(names, "that the setting "+n.setting+" names")
		default:
			names = append(names, n.name)
		}
	}
	words := map[string]string{"header": "header", "query": "query parameter", "form": "form field", "json": "the body's", "json-key": "a key of the body's", "form-json": "the JSON in form field", "method": "method"}
	return words[s.kind] + " " + strings.Join(slices.Compact(names), " or ")
}
