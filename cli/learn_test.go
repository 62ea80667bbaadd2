package cli

import (
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// The first handshake that was let in hands Notion's secret over; one that was
// refused, and later ones, may be anybody's.
func TestLearnSecrets(t *testing.T) {
	store, err := inspect.Open(t.TempDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, h := range []struct {
		token string
		as    inspect.Disposition
	}{{"secret_refused", inspect.Refused}, {"secret_first", inspect.Held}, {"secret_later", inspect.Held}} {
		d := &inspect.Delivery{
			Method: "POST", Target: "/", Proto: "HTTP/1.1", ReceivedAt: time.Now(), Disposition: h.as,
			Body: []byte(`{"verification_token":"` + h.token + `"}`), Facts: provider.Facts{Provider: "notion", Handshake: "verification_token"},
		}
		if err := store.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
	}
	s := &session{ctx: t.Context(), store: store, checker: &provider.Checker{Catalog: provider.BuiltIn(), Default: "notion"}}
	if err := s.learnSecrets(); err != nil {
		t.Fatal(err)
	}
	list, err := store.List(t.Context(), inspect.ListOptions{Oldest: true})
	if err != nil || len(list) != 3 {
		t.Fatalf("%d deliveries %v", len(list), err)
	}
	for i, want := range []bool{false, true, false} {
		d, err := store.Delivery(t.Context(), list[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		secret := captured(s.checker, d.Request())
		if secret == nil {
			t.Fatalf("#%d hands over nothing", i+1)
		}
		c := &provider.Checker{Catalog: provider.BuiltIn(), Default: "notion", Secrets: map[string][]provider.Secret{"notion": {*secret}}}
		signed, err := c.Sign(&provider.Request{Method: "POST", Target: "/", Header: map[string][]string{"X-Notion-Signature": {"sha256=00"}}, Body: []byte("{}")}, time.Now(), true)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.checker.Verify(t.Context(), &signed.Request).Result == provider.Valid; got != want {
			t.Errorf("the secret of #%d is known: %t, want %t", i+1, got, want)
		}
	}
}
