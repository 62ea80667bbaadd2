package provider

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// maxHashed is how many bytes are hashed while it is tried what would make a
// signature hold, and then no more is tried.
const maxHashed = 64 << 20

// tries reports whether r may be tried with one more key, and counts it.
func (v *verification) tries(c *check, r *Request) bool {
	size := 512
	if c.s.readsBody() {
		size += len(r.Body)
	}
	v.hashed += size * len(c.urls(r.URL))
	v.cut = v.cut || v.hashed > maxHashed || v.ctx != nil && v.ctx.Err() != nil
	return !v.cut
}

// anyHolds returns the label of the first key under which a request's
// signature holds.
func (v *verification) anyHolds(c *check, r *Request, keys []*key) (label string, ok bool) {
	for _, k := range keys {
		if !v.tries(c, r) {
			return "", false
		}
		if held, err := c.holds(r, k); held && err == nil && c.bodyHashHolds(r) {
			return k.label, true
		}
	}
	return "", false
}

// mismatch says why a signature that is there is under none of the keys. What
// would make it hold is tried; the cheapest and likeliest first.
func (v *verification) mismatch(c *check, keys []*key) Diagnosis {
	d := Diagnosis{Result: Invalid}
	if bad := v.malformed(c, keys); bad != nil {
		return *bad
	}
	if how := v.secretForm(c); how != "" {
		d.Code, d.Reason = CodeSecretForm, how
		return d
	}
	if whose := v.swapped(c); whose != "" {
		d.Code, d.Reason = CodeWrongSecret, "wrong secret: "+whose
		return d
	}
	if c.s.readsBody() && c.s.Signature.kind != "json" {
		if how := v.findBody(c, keys); how != "" {
			d.Code, d.Reason = CodeBodyChanged, "body changed: the signature matches "+how
			return d
		}
	}
	if c.s.Message.uses("url") {
		if other := v.findURL(c, keys); other != "" {
			d.Code, d.Reason = CodeURLDiffers, fmt.Sprintf("URL differs: the signature matches %s, not %s; give it with --url", other, v.r.URL)
			return d
		}
	}
	d.Code = CodeWrongSecret
	d.Reason = v.wrong(c, keys)
	if v.cut {
		d.Reason += "; not all that would make it match was tried, for that takes long with a large body"
	}
	v.ownURL(c, &d)
	return d
}

// ownURL says of a signature that does not hold that it cannot be checked
// where the URL is signed, and the one that is known is of this machine only:
// the provider has called another, as that of a proxy.
func (v *verification) ownURL(c *check, d *Diagnosis) {
	if !c.s.Message.uses("url") {
		return
	}
	u, err := url.Parse(v.r.URL)
	if err != nil {
		return
	}
	addr, _ := netip.ParseAddr(u.Hostname())
	if name := strings.ToLower(u.Hostname()); addr.IsLoopback() || addr.IsUnspecified() || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		d.Result, d.Code = Unverifiable, CodeURLDiffers
		d.Reason = fmt.Sprintf("the URL that the provider called is signed, and %s is not it, or the secret is wrong: give the public one with --url", cut(v.r.URL))
	}
}

// wrong says that nothing is known but that it is wrong.
func (v *verification) wrong(c *check, keys []*key) string {
	if c.s.Kind == Token {
		return fmt.Sprintf("wrong secret: the token in %s is none that is configured", c.s.Signature.where(c.settings))
	}
	what := "wrong secret"
	if keys[0].public != nil {
		what = "wrong secret (public key)"
	}
	if parts := c.s.signed(); len(parts) > 0 {
		what += ", or " + joinWords(parts, "or") + " was changed on the way"
	}
	which := "the key"
	if len(keys) > 1 {
		which = fmt.Sprintf("any of the %d keys", len(keys))
	} else if keys[0].label != "" {
		which = keys[0].label
	}
	return fmt.Sprintf("%s: the signature does not match with %s", what, which)
}

// signed returns in words what of a request counts in a signature.
func (s *Scheme) signed() (parts []string) {
	if s.Kind == JWTHS256 {
		return []string{"the JWT"}
	}
	fields := s.signedFields()
	switch whole := s.Message.coversBody() || s.Message.uses("body.crc32") || s.Message.uses("form.sorted") || !s.BodyHash.IsZero(); {
	case whole:
		parts = append(parts, "the body")
	case len(fields) > 2:
		parts = append(parts, "a signed field of the body")
	case len(fields) > 0:
		fields[0] = "the body's " + fields[0]
		parts = append(parts, fields...)
	}
	inHeader := func(p part) bool { return p.token == "header" && p.source.sharesPlace(&s.Timestamp) }
	if s.Message.uses("ts") || slices.ContainsFunc(s.Message.parts, inHeader) {
		parts = append(parts, "the timestamp")
	}
	if s.Message.uses("url") {
		parts = append(parts, "the URL")
	}
	return parts
}

// signedFields returns what is signed of a JSON body or a form, by name.
func (s *Scheme) signedFields() (names []string) {
	for i := range s.Message.parts {
		p := &s.Message.parts[i]
		for _, l := range p.lines {
			names = append(names, l.key)
		}
		if inBody(&p.source) && len(p.source.names) > 0 {
			names = append(names, p.source.names[0].name)
		}
	}
	return names
}

// unfitSecret says that no secret can be the scheme's key.
func (v *verification) unfitSecret(c *check, problem error) Diagnosis {
	d := Diagnosis{Result: Invalid, Code: CodeSecretForm}
	if how := v.secretForm(c); how != "" {
		d.Reason = how
		return d
	}
	if whose := v.swapped(c); whose != "" {
		d.Code, d.Reason = CodeWrongSecret, "wrong secret: "+whose
		return d
	}
	d.Reason = fmt.Sprintf("secret in the wrong form: %v", problem)
	if c.s.public() {
		d.Reason += fmt.Sprintf("; give the public key that %s shows", c.p.short())
	}
	return d
}

// swapped says whose secret would match instead, or "".
func (v *verification) swapped(c *check) string {
	try := func(whose string, secrets []Secret) string {
		keys, _ := v.c.keysOf(c.s, secrets)
		if label, ok := v.anyHolds(c, v.r, keys); ok {
			return fmt.Sprintf("the one configured for %s (%s) would match", whose, label)
		}
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(v.c.Secrets)) {
		if found := try(name, v.c.Secrets[name]); found != "" {
			return found
		}
	}
	for _, route := range v.c.Routes {
		if found := try("the route "+route.Prefix, route.Secrets); found != "" {
			return found
		}
	}
	return ""
}

// findBody says which other body would match, or "".
func (v *verification) findBody(c *check, keys []*key) string {
	r := *v.r
	for how, body := range bodies(v.r) {
		r.Body = body
		if _, ok := v.anyHolds(c, &r, keys); ok {
			return how
		}
		if v.cut {
			break
		}
	}
	return ""
}

// hashMismatch says that the body is not the one whose hash is signed.
func (v *verification) hashMismatch(c *check) string {
	reason := fmt.Sprintf("body changed: its SHA-256 is not the one in %s", c.s.BodyHash.where(c.settings))
	if v.brief {
		v.later = true
		return reason
	}
	r := *v.r
	for how, body := range bodies(v.r) {
		if r.Body = body; !v.tries(c, &r) {
			break
		}
		if c.bodyHashHolds(&r) {
			return reason + ", which matches " + how
		}
	}
	return reason
}

// findURL returns another URL that would match, or "".
func (v *verification) findURL(c *check, keys []*key) string {
	r := *v.r
	for _, url := range addresses(v.r) {
		r.URL = url
		if _, ok := v.anyHolds(c, &r, keys); ok {
			return url
		}
		if v.cut {
			break
		}
	}
	return ""
}
