package provider

import (
	"fmt"
	"time"
)

// signedAt reads the timestamp of r; ok is false where there is none.
func (c *check) signedAt(r *Request) (at time.Time, ok bool) {
	if c.s.Timestamp.IsZero() {
		return time.Time{}, false
	}
	text, _ := c.s.Timestamp.first(c.scope(r))
	return parseTime(c.s.Timestamp.form, text)
}

// age measures the timestamp, into the past and into the future.
func (v *verification) age(c *check, d *Diagnosis) {
	at, ok := c.signedAt(v.r)
	if !ok {
		return
	}
	d.SignedAt = at
	limit := time.Duration(c.s.Tolerance)
	// Receivers compare whole seconds, so a part of one is no age yet.
	age := v.now.Truncate(time.Second).Sub(at.Truncate(time.Second))
	moment, hint := "it arrived", ""
	if v.r.Time.IsZero() {
		moment, hint = "now", "; --at gives the time when it arrived"
	} else if age < 0 {
		moment = "the time it arrived"
	}
	switch {
	case limit == 0:
	case age > limit:
		d.Result, d.Code = Invalid, CodeTooOld
		d.Reason = fmt.Sprintf("timestamp too old by %s: it was signed %s before %s, and %s takes at most %s%s", seconds(age-limit), seconds(age), moment, c.p.short(), seconds(limit), hint)
	case -age > limit:
		d.Result, d.Code = Invalid, CodeInFuture
		d.Reason = fmt.Sprintf("timestamp in the future by %s: it was signed %s ahead of %s, and %s takes at most %s%s", seconds(-age-limit), seconds(-age), moment, c.p.short(), seconds(limit), hint)
	}
}

// jwtAge looks at exp and nbf of the token that k signed.
func (v *verification) jwtAge(c *check, k *key, d *Diagnosis) {
	sc := c.scope(v.r)
	for _, text := range c.s.Signature.values(sc) {
		t, err := parseJWT(text)
		if err != nil || !equal(t.signature, jwtMAC(t.signed, k.raw)) {
			continue
		}
		if t.claims.IssuedAt != nil {
			d.SignedAt = claimTime(*t.claims.IssuedAt)
		}
		if by, late := t.late(v.now); late {
			d.Result, d.Code, d.Reason = Invalid, CodeTooOld, fmt.Sprintf("timestamp too old by %s: the JWT had expired (exp)", seconds(by))
		} else if by, early := t.early(v.now); early {
			d.Result, d.Code, d.Reason = Invalid, CodeInFuture, fmt.Sprintf("timestamp in the future by %s: the JWT is not valid yet (nbf)", seconds(by))
		}
		return
	}
}

// seconds is a time in words that show the second: "12 s".
func seconds(d time.Duration) string {
	if d%time.Second != 0 {
		d = d.Truncate(time.Second) + time.Second
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
