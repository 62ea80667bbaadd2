package cli

import (
	"strings"
	"testing"

	"hookloop/inspect/provider"
)

func TestWorse(t *testing.T) {
	valid := provider.Facts{Provider: "a", Certainty: provider.Certain, Signature: provider.Valid}
	invalid := provider.Facts{Provider: "a", Certainty: provider.Certain, Signature: provider.Invalid}
	noSecret := provider.Facts{Provider: "a", Certainty: provider.Certain, Signature: provider.Unverifiable}
	named := provider.Facts{Provider: "a", Certainty: provider.Named, Signature: provider.Unverifiable}
	guess := provider.Facts{Provider: "a", Certainty: provider.Guess, Signature: provider.Unverifiable}
	for _, test := range []struct {
		name        string
		stored, now provider.Facts
		want        bool
	}{
		{"the secret is gone", valid, noSecret, true},
		{"the secret is gone, and it was a bad one", invalid, noSecret, true},
		{"there is a secret now", noSecret, invalid, false},
		{"there is another secret now", invalid, valid, false},
		{"nobody looked before", provider.Facts{}, noSecret, false},
		{"the user had named it", named, guess, true},
		{"the user had named it, and a signature proves another", named, valid, false},
		{"the user names it", guess, named, false},
	} {
		if got := worse(test.stored, test.now); got != test.want {
			t.Errorf("%s: got %t, want %t", test.name, got, test.want)
		}
	}
}

// What the catalog says is said as it says it, and what is known here besides.
func TestExplainProvider(t *testing.T) {
	c := &provider.Checker{
		Catalog: provider.BuiltIn(), Secrets: map[string][]provider.Secret{"paypal": {{Label: "PAYPAL", Value: "s"}}},
		Settings: map[string]map[string]string{"paypal": {"webhook_id": "WH"}},
	}
	for name, want := range map[string][]string{
		"stripe": {"Stripe (stripe)\n", "  secret            --secret stripe=env:STRIPE_WEBHOOK_SECRET", "  received          3 kept here: invoice.paid 2, no event type 1\n"},
		"paypal": {"  configured  PAYPAL\n", "  configured  the setting webhook_id\n"},
		"sns":    {"hookloop confirm ID confirms it"},
		"slack":  {"--answer-handshakes"},
	} {
		var out strings.Builder
		explainProvider(printer{&out}, c, c.Catalog.Provider(name), tally{"invoice.paid": 2, "": 1})
		for _, part := range want {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s lacks %q:\n%s", name, part, &out)
			}
		}
		if name == "stripe" && strings.Contains(out.String(), "configured ") {
			t.Errorf("%s is not configured:\n%s", name, &out)
		}
	}
}
