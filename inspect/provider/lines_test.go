package provider

import (
	"net/http"
	"strings"
	"testing"
)

// Of several lines of a header that has a time and a signature, each is
// looked at on its own, in any order.
func TestSeveralLines(t *testing.T) {
	zero := strings.Repeat("0", 64)
	for name, tt := range map[string]struct{ header, bogus, genuine, split, old string }{
		"stripe":     {"Stripe-Signature", "t=1,v1=" + zero, "t=1760000000,v1=" + hexMAC("k", "1760000000.{}"), "t=1760000000", "t=1750000000,v1=" + hexMAC("k", "1750000000.{}")},
		"paddle":     {"Paddle-Signature", "ts=1;h1=" + zero, "ts=1760000000;h1=" + hexMAC("k", "1760000000:{}"), "ts=1760000000", "ts=1750000000;h1=" + hexMAC("k", "1750000000:{}")},
		"elevenlabs": {"ElevenLabs-Signature", "t=1,v0=" + zero, "t=1760000000,v0=" + hexMAC("k", "1760000000.{}"), "t=1760000000", "t=1750000000,v0=" + hexMAC("k", "1750000000.{}")},
		"calendly":   {"Calendly-Webhook-Signature", "t=1,v1=" + zero, "t=1760000000,v1=" + hexMAC("k", "1760000000.{}"), "t=1760000000", "t=1750000000,v1=" + hexMAC("k", "1750000000.{}")},
	} {
		t.Run(name, func(t *testing.T) {
			c := checkerFor(name, "other", "k")
			_, signature, _ := strings.Cut(strings.ReplaceAll(tt.genuine, ";", ","), ",")
			for _, lines := range [][]string{
				{tt.bogus, tt.genuine},
				{tt.genuine, tt.bogus},
				{"nonsense", tt.genuine},
				{strings.Replace(tt.bogus, "=1", "=now", 1), tt.genuine},
				{tt.old, tt.genuine},
				{tt.bogus, tt.old, tt.genuine},
				{tt.split, signature}, // one header that something on the way took apart
			} {
				r := arrived("{}")
				r.Header[canonical(tt.header)] = lines
				d := c.Verify(t.Context(), r)
				if d.Result != Valid || d.SignedAt.Unix() != 1760000000 {
					t.Errorf("%q: got %s %s, signed at %s", lines, d.Result, d.Reason, d.SignedAt)
				}
				if f, _ := c.Assess(r); f.Signature != Valid || f.Secret != "S2" {
					t.Errorf("%q: got %+v", lines, f)
				}
			}
			r := arrived("{}")
			r.Header[canonical(tt.header)] = []string{tt.bogus, tt.old}
			if d := c.Verify(t.Context(), r); c.Catalog.Provider(name).Schemes[0].Tolerance > 0 && d.Code != CodeTooOld {
				t.Errorf("old: got %s %s", d.Code, d.Reason)
			}
			r.Header[canonical(tt.header)] = []string{tt.bogus, tt.bogus}
			if d := c.Verify(t.Context(), r); d.Code != CodeWrongSecret {
				t.Errorf("bogus: got %s %s", d.Code, d.Reason)
			}
		})
	}
}

func canonical(name string) string { return http.CanonicalHeaderKey(name) }
