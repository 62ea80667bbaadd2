package provider

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// absent says why no scheme has a signature to look at.
func (v *verification) absent() Diagnosis {
	p := v.rec.Provider
	if d := v.unknownVersion(); d != nil {
		return *d
	}
	var wanted []*check
	for i := range p.Schemes {
		c := &check{p: p, s: &p.Schemes[i], settings: v.settings}
		if c.s.Kind != Unsigned && (c.applies(v.r) || c.s.asksForItself()) {
			wanted = append(wanted, c)
		}
	}
	if len(wanted) == 0 || wanted[0].s.asksForItself() && slices.ContainsFunc(p.Schemes, func(s Scheme) bool { return s.Kind == Unsigned }) {
		return Diagnosis{Result: Unverifiable, Code: CodeNotSigned, Reason: fmt.Sprintf("%s does not sign this, so nobody can tell who sent it", p.short())}
	}
	if v.r.Truncated && slices.ContainsFunc(wanted, func(c *check) bool { return c.s.Signature.kind == "json" }) {
		return Diagnosis{Result: Unverifiable, Code: CodeTruncated, Reason: "the body was not kept whole, and the signature stands in it: raise the limit of bodies"}
	}
	for _, c := range wanted {
		if d := v.strange(c); d != nil {
			d.Scheme = c.s.Name
			return *d
		}
	}
	var places []string
	for _, c := range wanted {
		if name := c.s.Signature.unset(v.settings); name != "" {
			if len(wanted) == 1 {
				return Diagnosis{Result: Unverifiable, Code: CodeNoSetting, Reason: noSetting(p, name)}
			}
			continue
		}
		if place := c.s.Signature.where(v.settings); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	d := Diagnosis{Result: Invalid, Code: CodeMissing}
	d.Reason = fmt.Sprintf("header missing: %s signs in %s, and nothing is there", p.short(), joinWords(places, "or"))
	if wanted[0].s.Signature.kind != "header" {
		d.Reason = "the signature is missing" + strings.TrimPrefix(d.Reason, "header missing")
	}
	if len(v.secrets) == 0 && wanted[0].s.KeySource == nil {
		d.Result = Unverifiable
		d.Reason += "; " + noSecret(p)
	}
	return d
}

// unknownVersion says of a signature that is there that what names its version
// names none that is known; nil = no such is there.
func (v *verification) unknownVersion() *Diagnosis {
	p := v.rec.Provider
	var known []string
	var found *check
	for i := range p.Schemes {
		c := &check{p: p, s: &p.Schemes[i], settings: v.settings}
		if c.s.If == nil || !c.s.If.is || c.s.If.not || !c.present(v.r) {
			continue
		}
		found, known = c, append(known, c.s.If.want)
	}
	if found == nil {
		return nil
	}
	source := &found.s.If.source
	is := "is missing"
	if text, ok := source.first(found.scope(v.r)); ok {
		is = fmt.Sprintf("is %q", cut(text))
	}
	return &Diagnosis{Result: Invalid, Code: CodeUnknownVersion, Reason: fmt.Sprintf("unknown version: %s %s, and %s is expected", source.where(v.settings), is, joinWords(known, "or"))}
}

// asksForItself reports whether a scheme's If is that its signature is there.
func (s *Scheme) asksForItself() bool {
	if s.If == nil || s.If.is || s.If.not || s.If.source.kind != s.Signature.kind {
		return false
	}
	return slices.EqualFunc(s.If.source.names, s.Signature.names, func(a, b sourceName) bool {
		return a.name == b.name && a.setting == b.setting
	})
}

var (
	versionLike = regexp.MustCompile(`^v\d+[a-z]?|^h\d+`)
	hashLike    = regexp.MustCompile(`^(hmac-)?(sha-?\d+|md5)$`)
	prefixLike  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]{0,15})[=,]`)
)

// strange says of a place where a signature should be that something else is
// there; nil = nothing is.
func (v *verification) strange(c *check) *Diagnosis {
	s := &c.s.Signature
	place := s.where(v.settings)
	if c.s.Kind == JWTHS256 {
		if text, ok := s.first(c.scope(v.r)); ok && text != "" {
			return &Diagnosis{Result: Invalid, Code: CodeMalformed, Reason: fmt.Sprintf("header malformed: a JWT is expected in %s, and this is none", place)}
		}
		return nil
	}
	bare := *s
	bare.ops = slices.DeleteFunc(slices.Clone(s.ops), func(op sourceOp) bool { return op.name == "pre" })
	found := slices.DeleteFunc(bare.values(c.scope(v.r)), func(text string) bool { return text == "" })
	want := s.prefix()
	if len(found) == 0 || want == "" {
		return nil
	}
	known := versionLike
	if hashLike.MatchString(strings.Trim(want, "=,")) {
		known = hashLike
	}
	var versions, others []string
	for _, text := range found {
		if m := prefixLike.FindStringSubmatch(text); m != nil {
			if known.MatchString(m[1]) && !slices.Contains(versions, m[1]) {
				versions = append(versions, m[1])
			} else if !slices.Contains(others, m[1]) {
				others = append(others, m[1])
			}
		}
	}
	if known.MatchString(strings.Trim(want, "=,")) && len(versions) > 0 {
		return &Diagnosis{Result: Invalid, Code: CodeUnknownVersion, Reason: fmt.Sprintf("unknown version: %s has only %s, and %s signs there with %s", place, joinWords(versions, "and"), c.p.short(), strings.Trim(want, "=,"))}
	}
	d := &Diagnosis{Result: Invalid, Code: CodeMalformed}
	switch {
	case len(others) > 0:
		d.Reason = fmt.Sprintf("header malformed: %s begins with %s=, and %s is expected", place, others[0], want)
	case c.s.Kind == Token:
		d.Reason = fmt.Sprintf("header malformed: %s does not begin with %q", place, strings.TrimSpace(want))
	default:
		d.Reason = fmt.Sprintf("header malformed: %s has no %s in it", place, want)
	}
	return d
}

// passedOver says of a header in which a stronger scheme than chosen signs that
// it is there and malformed; nil = none is. A receiver that looks there first
// refuses the request, however good the weaker signature is.
func (v *verification) passedOver(chosen *check) *Diagnosis {
	schemes := v.rec.Provider.Schemes
	for i := range schemes {
		c := &check{p: v.rec.Provider, s: &schemes[i], settings: v.settings}
		s := &c.s.Signature
		if c.s == chosen.s {
			return nil
		}
		if s.kind != "header" || c.s.Kind == Token || c.s.Kind == JWTHS256 || s.where(v.settings) == chosen.s.Signature.where(v.settings) || !c.applies(v.r) || c.present(v.r) {
			continue
		}
		if d := v.strange(c); d != nil {
			d.Scheme = c.s.Name
			return d
		}
	}
	return nil
}

// malformed says of the candidates that none of them can be a signature; nil
// = one can.
func (v *verification) malformed(c *check, keys []*key) *Diagnosis {
	if !c.s.hasMessage() {
		return v.malformedJWT(c)
	}
	form, size := c.s.Signature.form, c.s.Kind.size()
	reason := ""
	c.items(c.scope(v.r), func(sc *scope) bool {
		c.s.Signature.each(sc, func(text string) bool {
			b, err := decode(form, text)
			switch {
			case err != nil:
				reason = fmt.Sprintf("header malformed: %s is not %s", c.s.Signature.where(v.settings), form)
			case size > 0 && len(b) != size:
				reason = fmt.Sprintf("header malformed: the signature in %s is %d bytes long, and %s makes %d", c.s.Signature.where(v.settings), len(b), c.s.Kind, size)
			default:
				reason = ""
				return false
			}
			return true
		})
		return true
	})
	if reason == "" {
		return nil
	}
	for _, other := range encodings {
		s := *c.s
		s.Signature.form = other
		if name, ok := v.anyHolds(&check{c.p, &s, c.settings}, v.r, keys); ok && other != form {
			reason += fmt.Sprintf("; it is %s, and would hold with %s", other, name)
		}
	}
	return &Diagnosis{Result: Invalid, Code: CodeMalformed, Reason: reason}
}

func (v *verification) malformedJWT(c *check) *Diagnosis {
	if c.s.Kind != JWTHS256 {
		return nil
	}
	for _, text := range c.s.Signature.values(c.scope(v.r)) {
		if _, err := parseJWT(text); err != nil {
			return &Diagnosis{Result: Invalid, Code: CodeMalformed, Reason: "header malformed: " + err.Error()}
		}
	}
	return nil
}
