package cli

import (
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

func TestSourceWords(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"header:Stripe-Signature|split:,|pre:v1=|hex", "header Stripe-Signature, behind v1=, in hex"},
		{"header:A,B|base64", "header A or B, in base64"},
		{"header:Authorization|opt:Bearer ", "header Authorization, maybe behind Bearer"},
		{"json:/data/id", "JSON /data/id"},
		{"query:t", "query parameter t"},
		{"{json./a}-{json./b}", "{json./a}-{json./b}"},
	} {
		if got := sourceWords(test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.in, got, test.want)
		}
	}
}
