package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// CanSign reports whether Sign could sign r, and if not, why, in words that say what to do.
func (c *Checker) CanSign(r *Request) (ok bool, why string) {
	if _, err := c.Sign(r, time.Now(), true); err != nil {
		return false, err.Error()
	}
	return true, ""
}

// Sign returns r as its provider would send it at a time. It is signed with the
// secret and the scheme of r.SignedWith, or else with the secret that r's
// signature holds with, or else with the first configured one that can sign.
// newTime false keeps the timestamp that r has. Every scheme that has its
// signature in r, and uses the secret in the same form, is signed; where none
// has, the one whose header a setting names, or else the first. Of a header
// that holds several signatures only the deciding one is left.
func (c *Checker) Sign(r *Request, at time.Time, newTime bool) (*Signed, error) {
	rec := c.Recognize(r)
	v := c.look(r, rec)
	switch {
	case rec.Provider == nil || rec.Certainty == Guess:
		return nil, errors.New(v.unrecognized().Reason)
	case rec.Handshake != nil && !rec.Handshake.Signed:
		return nil, fmt.Errorf("%s does not sign its handshake %s", rec.Provider.short(), rec.Handshake.Name)
	}
	first, k, err := v.signer()
	if err != nil {
		return nil, err
	}
	d := &draft{r: *r, at: at, newTime: newTime}
	if d.r.Header = r.Header.Clone(); d.r.Header == nil {
		d.r.Header = http.Header{}
	}
	if newTime {
		d.r.Time = at
	}
	if err := d.sign(first, k); err != nil {
		return nil, d.explain(first, err)
	}
	for _, other := range v.others(first) {
		if more, err := v.c.keyOf(other.s, Secret{k.label, k.secret}); err == nil {
			if err := d.sign(other, more); err != nil {
				return nil, d.explain(other, err)
			}
		}
	}
	s := &Signed{Request: d.r, Provider: rec.Provider.Name, Scheme: first.s.Name, Secret: k.label, At: at, Notes: d.notes}
	if !d.signedAt.IsZero() {
		s.At = d.signedAt
	}
	if first.s.KeySource != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("it is signed with your own key: a receiver that fetches %s refuses it", rec.Provider.Whose()))
	}
	return s, nil
}

// signer returns the scheme to sign with, and its key.
func (v *verification) signer() (*check, *key, error) {
	p := v.rec.Provider
	var there, possible []*check
	for i := range p.Schemes {
		c := &check{p: p, s: &p.Schemes[i], settings: v.settings}
		switch {
		case c.s.Kind == Unsigned || c.s.Signature.unset(v.settings) != "":
		case c.signs(v.r) && c.present(v.r):
			there = append(there, c)
		case c.signs(v.r) || c.s.asksForItself():
			possible = append(possible, c)
		}
	}
	if len(there) == 0 {
		// Who sets the header's name has the provider send it.
		slices.SortStableFunc(possible, func(a, b *check) int { return b.s.Signature.settings() - a.s.Signature.settings() })
		there = possible
	}
	if len(there) == 0 {
		return nil, nil, v.unsignable()
	}
	if len(v.secrets) == 0 && there[0].s.KeySource == nil {
		return nil, nil, errors.New(noSecret(p))
	}
	if c, k := v.original(there, possible); c != nil {
		return c, k, nil
	}
	var why error
	for _, c := range there {
		if v.r.Truncated && c.s.readsBody() {
			return nil, nil, errors.New("the body was not kept whole, and the signature covers it")
		}
		keys, err := v.keysOf(c)
		if keys = slices.DeleteFunc(keys, func(k *key) bool { return !k.canSign() }); len(keys) > 0 {
			return c, v.matching(c, keys), nil
		}
		if why == nil {
			if why = err; c.s.public() {
				why = fmt.Errorf("%s signs with a private key: give one of your own in PEM with --secret %s=file:KEY.pem", p.short(), p.Name)
			}
		}
	}
	return nil, nil, why
}

// original returns the scheme and the key that the request says it was signed
// with; nil = it says nothing, or it cannot be signed so.
func (v *verification) original(there, possible []*check) (*check, *key) {
	with := v.r.SignedWith
	for _, c := range slices.Concat(there, possible) {
		if v.r.Truncated && c.s.readsBody() || c.s.Name != with.Scheme {
			continue
		}
		keys, _ := v.keysOf(c)
		for _, k := range keys {
			if k.label == with.Secret && k.canSign() {
				return c, k
			}
		}
	}
	return nil, nil
}

// matching returns the first of some keys that the request's signature holds
// with, or else the first.
func (v *verification) matching(c *check, keys []*key) *key {
	one := *v
	one.pair(c, keys)
	for _, k := range keys {
		if len(keys) == 1 || !one.tries(c, one.r) {
			break
		}
		if held, err := c.holds(one.r, k); held && err == nil {
			return k
		}
	}
	return keys[0]
}

// unsignable says why a provider has no scheme to sign with.
func (v *verification) unsignable() error {
	p := v.rec.Provider
	for i := range p.Schemes {
		if name := p.Schemes[i].Signature.unset(v.settings); name != "" {
			return errors.New(noSetting(p, name))
		}
	}
	return fmt.Errorf("%s does not sign this, so there is nothing to sign again", p.short())
}

// others returns the other schemes with a signature in the request that takes
// the same form of the secret.
func (v *verification) others(first *check) []*check {
	var all []*check
	signed := []*Source{&first.s.Signature}
	for i := range v.rec.Provider.Schemes {
		c := &check{p: v.rec.Provider, s: &v.rec.Provider.Schemes[i], settings: v.settings}
		shares := slices.ContainsFunc(signed, c.s.Signature.sharesPlace)
		if !c.s.hasMessage() || shares || c.s.Key.coding != first.s.Key.coding || c.s.public() != first.s.public() || !c.applies(v.r) || !c.present(v.r) {
			continue
		}
		signed = append(signed, &c.s.Signature)
		all = append(all, c)
	}
	return all
}

// A draft is a request that is being signed.
type draft struct {
	r        Request
	at       time.Time
	newTime  bool
	signedAt time.Time
	notes    []string
}

func (d *draft) explain(c *check, err error) error {
	var missing *missingError
	switch errors.As(err, &missing); {
	case missing == nil:
		return err
	case missing.setting != "":
		return errors.New(noSetting(c.p, missing.setting))
	}
	return fmt.Errorf("it cannot be signed: %w, and it is signed, too", missing)
}

// sign puts a scheme's signature, and its timestamp, into d.
func (d *draft) sign(c *check, k *key) error {
	stamp, joined, err := d.stamp(c)
	if err != nil {
		return err
	}
	if !c.bodyHashHolds(&d.r) {
		sum := sha256.Sum256(d.r.Body)
		if err := d.put(c, &c.s.BodyHash, hex.EncodeToString(sum[:]), ""); err != nil {
			return err
		}
		d.note("the URL was changed: the hash of the body stands in it")
	}
	if c.s.Each != "" {
		return d.signItems(c, k)
	}
	sc := &scope{r: &d.r, settings: c.settings, ts: stamp}
	text, err := d.signature(c, sc, k)
	if err != nil {
		return err
	}
	lead := ""
	if joined {
		lead = c.s.Timestamp.prefix() + stamp
	}
	return d.put(c, &c.s.Signature, text, lead)
}

// stamp puts the time into d, unless it stands in one header with the
// signature: then joined is true. It returns the timestamp as text.
func (d *draft) stamp(c *check) (text string, joined bool, err error) {
	s := &c.s.Timestamp
	if s.IsZero() {
		return "", false, nil
	}
	text, there := s.first(&scope{r: &d.r, settings: c.settings})
	if d.newTime || !there {
		text = formatTime(s.form, d.at)
	}
	d.signedAt, _ = parseTime(s.form, text)
	if s.sharesPlace(&c.s.Signature) && s.kind == "header" {
		return text, true, nil
	}
	if d.newTime || !there {
		err = d.put(c, s, text, "")
	}
	return text, false, err
}

// signItems signs each item of a body.
func (d *draft) signItems(c *check, k *key) error {
	p, _ := parsePointer(c.s.Each)
	for i := 0; ; i++ {
		at, ok := nth(d.r.Body, p, i)
		switch {
		case !ok && i == 0:
			return fmt.Errorf("the body has no %s to sign", c.s.Each)
		case !ok:
			return nil
		}
		item := d.r.Body[at.start:at.end]
		text, err := d.signature(c, &scope{r: &d.r, settings: c.settings, item: &document{text: item}}, k)
		if err != nil {
			return err
		}
		signed, err := putJSON(item, &c.s.Signature, text)
		if err != nil {
			return err
		}
		d.r.Body = splice(d.r.Body, at, signed)
		d.noteBody()
	}
}

func nth(body []byte, p pointer, n int) (at span, ok bool) {
	doc := document{text: body}
	doc.each(p, func(v span) bool {
		at, ok = v, n == 0
		n--
		return !ok
	})
	return at, ok
}

// signature returns what stands in the request without the prefix.
func (d *draft) signature(c *check, sc *scope, k *key) (string, error) {
	sc.secret, sc.key = k.secret, k.raw
	switch {
	case c.s.Kind == Token:
		return string(k.raw), nil
	case c.s.Kind == JWTHS256:
		var old *jwt
		if text, ok := c.s.Signature.first(sc); ok {
			old, _ = parseJWT(text)
		}
		d.signedAt = d.at
		return signJWT(old, k.raw, d.at, d.newTime), nil
	case c.s.public():
		message, err := c.s.Message.expand(sc)
		if err != nil {
			return "", err
		}
		sig, err := c.s.signPublic(k, message)
		return encode(c.s.Signature.form, sig), err
	}
	sum, err := c.s.mac(sc, k)
	return encode(c.s.Signature.form, sum), err
}

func (d *draft) note(text string) {
	if !slices.Contains(d.notes, text) {
		d.notes = append(d.notes, text)
	}
}

func (d *draft) noteBody() {
	d.note("the body was changed: the signature or its timestamp stands in it")
}
