package provider

import (
	"testing"
	"time"
)

// TestNewSecret signs with a new secret of every scheme, and verifies with
// what a receiver would be given.
func TestNewSecret(t *testing.T) {
	signed := 0
	for _, p := range BuiltIn().All() {
		for _, scheme := range p.Schemes {
			secret, public, ok := scheme.NewSecret()
			if !ok {
				if scheme.Kind != Unsigned {
					t.Errorf("%s %s: no secret", p.Name, scheme.Name)
				}
				continue
			}
			if again, _, _ := scheme.NewSecret(); again == secret {
				t.Errorf("%s %s: the same secret twice", p.Name, scheme.Name)
			}
			if scheme.KeySource != nil {
				continue // what verifies it is fetched
			}
			one := only(p, scheme)
			checker := func(value string) *Checker {
				return &Checker{
					Catalog: catalogOf(one), Default: p.Name, Secrets: map[string][]Secret{p.Name: {{Label: "new", Value: value}}},
					Settings: map[string]map[string]string{p.Name: {"header": "X-Token"}},
				}
			}
			at := time.Now()
			s, err := checker(secret).Sign(p.Render(&p.Samples[0], "https://h.example.test/hooks", at), at, true)
			if err != nil {
				t.Logf("%s %s: %v", p.Name, scheme.Name, err)
				continue
			}
			signed++
			verifies := secret
			if public != "" {
				verifies = public
			}
			if got := checker(verifies).Verify(t.Context(), &s.Request); got.Result != Valid {
				t.Errorf("%s %s: %s %s", p.Name, scheme.Name, got.Result, got.Reason)
			}
		}
	}
	if signed < 30 {
		t.Errorf("only %d schemes were signed with", signed)
	}
}
