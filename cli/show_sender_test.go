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

// What a capture knew is not lost where this shell is told less.
func TestKeepKnown(t *testing.T) {
	stored := provider.Facts{Provider: "acme", Address: provider.Listed, ProviderAttempt: 2}
	if got := keepKnown(stored, provider.Facts{Provider: "acme", Event: "paid"}); got.Address != provider.Listed || got.ProviderAttempt != 2 || got.Event != "paid" {
		t.Errorf("of the same provider: got %+v", got)
	}
	if got := keepKnown(stored, provider.Facts{Provider: "acme", Address: provider.NotListed}); got.Address != provider.NotListed {
		t.Errorf("an address that is looked at now: got %q", got.Address)
	}
	if got := keepKnown(stored, provider.Facts{Provider: "other"}); got.Address != "" {
		t.Errorf("of another provider: got %q", got.Address)
	}
}

// A handshake whose token was compared stays as it was where the setting is not there.
func TestUntold(t *testing.T) {
	r := &provider.Request{Method: "GET", Target: "/?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1"}
	c := &provider.Checker{Catalog: provider.BuiltIn(), Default: "meta"}
	stored := provider.Facts{Provider: "meta", Handshake: c.Recognize(r).Handshake.Name, Signature: provider.Invalid}
	if !untold(c, r, stored) {
		t.Error("without the setting: not untold")
	}
	if untold(c, r, provider.Facts{}) {
		t.Error("nobody has looked before: untold")
	}
	c.Settings = map[string]map[string]string{"meta": {"verify_token": "right"}}
	if untold(c, r, stored) {
		t.Error("with the setting: untold")
	}
}

func TestSplitSecretReference(t *testing.T) {
	catalog := provider.BuiltIn()
	if _, _, err := splitSecret(catalog, "stripe", "strpe=env:X"); err == nil || !strings.Contains(err.Error(), `did you mean "stripe"?`) {
		t.Errorf("a provider that is misspelt: got %v", err)
	}
	if _, _, err := splitSecret(catalog, "stripe", "nobody=file:X"); err == nil {
		t.Error("a provider that there is not was taken for a secret")
	}
	if name, value, err := splitSecret(catalog, "stripe", "c2VjcmV0="); name != "stripe" || value != "c2VjcmV0=" || err != nil {
		t.Errorf("a secret with an =: got %q, %q, %v", name, value, err)
	}
}

// How sure an outlook is is said once.
func TestOutlookWords(t *testing.T) {
	for _, test := range []struct {
		o    provider.Outlook
		want string
	}{
		{provider.Outlook{Text: "A: accepted", Confidence: provider.FromSource}, "A: accepted"},
		{provider.Outlook{Text: "B: accepted", Confidence: provider.Quoted}, "B: accepted (as quoted by others)"},
		{provider.Outlook{Text: "B: would retry (our guess)", Guess: true, Confidence: provider.Quoted}, "B: would retry (our guess)"},
		{provider.Outlook{Text: "S: 500, failed", Confidence: provider.Unknown}, "S: 500, failed (not published)"},
	} {
		if got := outlookWords(&test.o); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
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
		explainProvider(printer{&out}, c, c.Catalog.Provider(name), receipts{byProvider: map[string]map[string]int{name: {"invoice.paid": 2, "": 1}}})
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
