package provider

import (
	"strings"
	"testing"
)

// A signature over the URL cannot be checked against the address of the
// receiver on its own machine, unless it holds.
func TestOwnURL(t *testing.T) {
	const header = "X-Square-Hmacsha256-Signature"
	for url, own := range map[string]bool{
		"http://127.0.0.1:4041/hook": true, "http://[::1]:4041/hook": true, "http://LOCALHOST/hook": true, "http://a.localhost/hook": true,
		"https://example.test/hook": false, "https://localhost.example.test/hook": false,
	} {
		c, r := checkerFor("square", "k"), arrived("{}", header, base64MAC("k", "https://elsewhere.test/hook{}"))
		r.URL = url
		d := c.Verify(t.Context(), r)
		f, pending := c.Assess(r)
		want := Diagnosis{Result: Invalid, Code: CodeWrongSecret}
		if own {
			want = Diagnosis{Result: Unverifiable, Code: CodeURLDiffers}
		}
		if d.Result != want.Result || d.Code != want.Code || own != strings.Contains(d.Reason, "give the public one with --url") {
			t.Errorf("%s: got %s %s %s", url, d.Result, d.Code, d.Reason)
		}
		if f.Signature != want.Result || f.SignatureCode != want.Code || !pending {
			t.Errorf("%s: assessed %+v %t", url, f, pending)
		}
		r.Header.Set(header, base64MAC("k", url+"{}"))
		if d := c.Verify(t.Context(), r); d.Result != Valid {
			t.Errorf("%s: got %s, want what holds valid", url, d.Reason)
		}
	}
}
