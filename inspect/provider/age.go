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
	now, at := v.now.Truncate(time.Second), at.Truncate(time.Second)
	age, ahead := now.Sub(at), at.Sub(now) // which end at 292 years, either way
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
	case ahead > limit:
		d.Result, d.Code = Invalid, CodeInFuture
		d.Reason = fmt.Sprintf("timestamp in the future by %s: it was signed %s ahead of %s, and %s takes at most %s%s", seconds(ahead-limit), seconds(ahead), moment, c.p.short(), seconds(limit), hint)
	}
}

// jwtAge looks at exp and nbf of the tokens that k signed. One that is in time is enough.
func (v *verification) jwtAge(c *check, k *key, d *Diagnosis) {
	sc, found := c.scope(v.r), *d
	for _, text := range c.s.Signature.values(sc) {
		t, err := parseJWT(text)
		if err != nil || !equal(t.signature, jwtMAC(t.signed, k.raw)) {
			continue
		}
		one := found
		if t.claims.issuedAt != nil {
			one.SignedAt = claimTime(*t.claims.issuedAt)
		}
		if by, late := t.late(v.now); late {
			one.Result, one.Code, one.Reason = Invalid, CodeTooOld, fmt.Sprintf("timestamp too old by %s: the JWT had expired (exp)", seconds(by))
		} else if by, early := t.early(v.now); early {
			one.Result, one.Code, one.Reason = Invalid, CodeInFuture, fmt.Sprintf("timestamp in the future by %s: the JWT is not valid yet (nbf)", seconds(by))
		}
		if *d = one; one.Result != Invalid {
			return
		}
	}
}

// seconds is a time in words that show the second: "12 s".
func seconds(d time.Duration) string {
	whole := d / time.Second
	if d%time.Second != 0 {
		whole++
	}
	return fmt.Sprintf("%d s", whole)
}
