package provider

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// While a secret is rotated, what is signed again is signed with the one that
// the original was signed with, also where an edit has broken its signature.
func TestSignInRotation(t *testing.T) {
	c := checkerFor("github", "old", "new")
	body := `{"a":1}`
	original := arrived(body, "X-Hub-Signature-256", "sha256="+hexMAC("new", body))
	f, _ := c.Assess(original)
	if f.Signature != Valid || f.Secret != "S2" {
		t.Fatalf("got %+v", f)
	}
	edited := *original
	edited.Body = []byte(`{"a":2}`)
	edited.SignedWith = f.SignedWith()
	lost := edited
	lost.Header = http.Header{}
	for name, r := range map[string]*Request{"as it was": original, "edited": &edited, "edited, without a signature": &lost} {
		s, err := c.Sign(r, captured, true)
		if err != nil || s.Secret != "S2" || s.Request.Header.Get("X-Hub-Signature-256") != "sha256="+hexMAC("new", string(r.Body)) {
			t.Errorf("%s: got %+v, %v, want it signed with S2", name, s, err)
		}
	}
	edited.SignedWith = SignedWith{}
	if s, err := c.Sign(&edited, captured, true); err != nil || s.Secret != "S1" {
		t.Errorf("not known which: got %+v, %v, want the first", s, err)
	}
	edited.SignedWith = SignedWith{Scheme: "sha256", Secret: "gone"}
	if s, err := c.Sign(&edited, captured, true); err != nil || s.Secret != "S1" {
		t.Errorf("no longer configured: got %+v, %v, want the first", s, err)
	}
}

// The scheme that verified signs again.
func TestSignWithSchemeThatVerified(t *testing.T) {
	c := checkerFor("github", "k")
	body := `{"a":1}`
	r := arrived(body, "X-Hub-Signature", "sha1="+hexSHA1MAC("k", body))
	f, _ := c.Assess(r)
	r.SignedWith = f.SignedWith()
	r.Header = http.Header{}
	s, err := c.Sign(r, captured, true)
	if err != nil || s.Scheme != "sha1" || s.Request.Header.Get("X-Hub-Signature") == "" {
		t.Errorf("got %+v, %v, want it signed with sha1", s, err)
	}
}

// A delivery that has aged is signed with the secret that it was signed with.
func TestSignAgedInRotation(t *testing.T) {
	c := checkerFor("stripe", "old", "new")
	r := arrived("{}", "Stripe-Signature", "t=1760000000,v1="+hexMAC("new", "1760000000.{}"))
	s, err := c.Sign(r, captured.Add(time.Hour), true)
	if err != nil || s.Secret != "S2" {
		t.Fatalf("got %+v, %v, want it signed with S2", s, err)
	}
	r.Header["Stripe-Signature"] = []string{"t=1,v1=" + strings.Repeat("0", 64), r.Header.Get("Stripe-Signature")}
	if s, err := c.Sign(r, captured.Add(time.Hour), true); err != nil || s.Secret != "S2" || len(s.Request.Header["Stripe-Signature"]) != 1 {
		t.Errorf("of two lines: got %+v, %v, want it signed with S2", s, err)
	}
	if d := c.Verify(context.Background(), &s.Request); d.Result != Valid || d.Secret != "S2" {
		t.Errorf("got %+v", d)
	}
}
