package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The clocks of the catalog are the published ones.
func TestBuiltInClocks(t *testing.T) {
	catalog := BuiltIn()
	for _, tt := range clocks {
		if tt.unlisted {
			continue
		}
		p := catalog.Provider(tt.provider)
		if p == nil {
			t.Errorf("the catalog has no %s", tt.provider)
			continue
		}
		t.Run(tt.provider, func(t *testing.T) {
			checkClock(t, p.Delivery.Retries(), tt.want, tt.more, tt.count)
		})
	}
}

// The catalog's rows say what the samples of words say.
func TestBuiltInOutlooks(t *testing.T) {
	catalog := BuiltIn()
	tests := []struct {
		provider string
		o        Outcome
		want     string
	}{
		{"stripe", Outcome{Status: 200}, "Stripe: accepted"},
		{"stripe", Outcome{Status: 500}, "Stripe: would retry (attempt 2; intervals are not published, about 1 h is our guess)"},
		{"apixo", Outcome{Status: 500}, "APIXO: would retry in 30 s (attempt 2 of 4); it wants exactly 200"},
		{"apixo", Outcome{Status: 201}, "APIXO: would retry in 30 s (attempt 2 of 4); it wants exactly 200"},
		{"slack", Outcome{Status: 200, Duration: 3400 * time.Millisecond}, "Slack: took 3.4 s of 3 s, would already have retried"},
		{"slack", Outcome{Status: 500, Header: http.Header{"X-Slack-No-Retry": {"1"}}}, "Slack: 500 with X-Slack-No-Retry, gives up"},
		{"standardwebhooks", Outcome{Status: 410}, "Standard Webhooks: 410, endpoint disabled"},
		{"assemblyai", Outcome{Status: 404}, "AssemblyAI: 404, gives up"},
		{"daglo", Outcome{Status: 200}, "daglo: accepted"},
		{"twilio", Outcome{Status: 500}, "Twilio: 500, failed; it retries only connection failures"},
		{"discord", Outcome{Status: 200, Variant: "events"}, "Discord: would retry (attempt 2; intervals are not published, about 10 s is our guess); it wants exactly 204"},
		{"discord", Outcome{Status: 204}, "Discord: accepted"},
		{"github", Outcome{Status: 500}, "GitHub: 500, failed; it never retries (redeliver it by hand…"},
		{"typeform", Outcome{Status: 503}, "Typeform: would retry in 2 min to 3 min (attempt 2)"},
		{"typeform", Outcome{Status: 410}, "Typeform: 410, …"},
		{"jira", Outcome{Status: 503}, "Jira Cloud: would retry in 5 min to 15 min (attempt 2 of 6)"},
		{"elevenlabs", Outcome{Status: 201}, "ElevenLabs: 201, failed; it never retries; it wants exactly 200"},
	}
	for _, tt := range tests {
		p := catalog.Provider(tt.provider)
		if p == nil {
			t.Errorf("the catalog has no %s", tt.provider)
			continue
		}
		if got := p.Outlook(tt.o).Text; got != tt.want && !(strings.HasSuffix(tt.want, "…") && strings.HasPrefix(got, strings.TrimSuffix(tt.want, "…"))) {
			t.Errorf("%s, %+v:\ngot  %s\nwant %s", tt.provider, tt.o, got, tt.want)
		}
	}
}

// Every entry has an outlook for whatever happens, and a plan that comes to an end.
func TestBuiltInEveryOutlook(t *testing.T) {
	all := BuiltIn().All()
	if len(all) < 44 {
		t.Fatalf("%d providers, want 44 or more", len(all))
	}
	outcomes := []Outcome{
		{},
		{Status: 200},
		{Status: 302},
		{Status: 404},
		{Status: 410},
		{Status: 429, Header: http.Header{"Retry-After": {"7"}}},
		{Status: 500},
		{Status: 500, Attempt: 1e6},
		{Failure: "connect"},
		{Failure: "timeout", Duration: time.Hour},
		{Status: 200, Duration: time.Hour},
	}
	for _, p := range all {
		variants := []string{""}
		for name := range p.Delivery.Variants {
			variants = append(variants, name)
		}
		for _, variant := range variants {
			for _, o := range outcomes {
				o.Variant = variant
				got := p.Outlook(o)
				if got.Text == "" || got.Verdict == "" || got.Confidence == "" || got.RetryIn < 0 {
					t.Errorf("%s %s, %+v: %+v", p.Name, variant, o, got)
				}
				if d, _ := p.Delivery.Variant(variant); o.Status == 200 && d.succeeds(200) && o.Duration == 0 && got.Verdict != Accepted {
					t.Errorf("%s %s does not accept a 200: %s", p.Name, variant, got.Text)
				}
			}
		}
	}
}

// Discord's two products answer differently, and share the endpoint's signature.
func TestBuiltInVariantOf(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":0,"application_id":"1","version":1}`:                                "events", // its ping
		`{"type":1,"application_id":"1","version":1,"event":{"type":"ENTITLEMENT"}}`: "events",
		`{"type":1,"application_id":"1","version":1}`:                                "interactions", // its ping
		`{"type":2,"application_id":"1","version":1,"data":{}}`:                      "interactions",
		`{}`: "",
		"":   "",
	} {
		if got := BuiltIn().Provider("discord").VariantOf(post(body)); got != want {
			t.Errorf("%s is of the variant %q, want %q", body, got, want)
		}
	}
}
