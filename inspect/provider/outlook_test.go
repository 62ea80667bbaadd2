package provider

import (
	"net/http"
	"testing"
	"time"
)

// The rows of the providers that the samples of words are about.
var outlookRows = map[string]struct{ title, delivery string }{
	"apixo":     {"APIXO", "{confidence: A, timeout: 30s, success: [200], retry: {delays: [30s, 2m, 10m]}}"},
	"stripe":    {"Stripe", "{confidence: B, success: 2xx, retry: {unpublished: exponential, window: 72h}, variants: {sandbox: {retry: {unpublished: exponential, attempts: 3, window: 3h}}}}"},
	"slack":     {"Slack", "{confidence: B, timeout: 3s, success: 2xx, redirects: 2, stop_header: {X-Slack-No-Retry: '1'}, retry: {delays: [0s, 1m, 5m]}}"},
	"standard":  {"Standard Webhooks", "{timeout: 15s, stop_on: 410, stop_means: endpoint disabled, retry_after: 24h, retry: {delays: [5s, 5m, 30m], jitter: true}}"},
	"github":    {"GitHub", "{confidence: A, timeout: 10s, success: 2xx, retry: never, redeliver: redeliver it by hand}"},
	"eleven":    {"ElevenLabs", "{confidence: A, success: 200, retry: never}"},
	"assembly":  {"AssemblyAI", "{confidence: A, timeout: 10s, stop_on: 4xx, retry: {every: 10s, attempts: 9}}"},
	"telegram":  {"Telegram Bot", "{timeout: 60s, retry_after: 1h, retry: {curve: {first: 0s, base: 2s, factor: 2, cap: 60s..120s}, window: 24h}}"},
	"twilio":    {"Twilio", "{timeout: 15s, retry: {delays: [1s], only: [connect]}}"},
	"jira":      {"Jira Cloud", "{timeout: 20s, retry: {delays: [5m..15m, 5m..15m], only: [408, 5xx, timeout, connect]}}"},
	"discord":   {"Discord", "{timeout: 3s, success: [200, 202, 204], retry: {unpublished: exponential, window: 10m}, variants: {interactions: {success: [200, 202], retry: never}, events: {success: 204}}}"},
	"mailgun":   {"Mailgun", "{success: 200, stop_on: 406, retry: {delays: [5m, 10m]}}"},
	"paypal":    {"PayPal", "{retry: {unpublished: x, attempts: 25, window: 72h}}"},
	"sender":    {"CloudEvents", "{success: [200, 204], retry: {unpublished: as the sender decides}}"},
	"ce":        {"CloudEvents", "{retry_after: 30d}"},
	"unlimited": {"CloudEvents", "{retry_after: 365d}"},
	"daglo":     {"", "{confidence: '?'}"},
	"sentry":    {"Sentry", "{timeout: 1s}"},
}

func TestOutlook(t *testing.T) {
	const s = time.Second
	noRetry := http.Header{"X-Slack-No-Retry": {"1"}}
	wait := http.Header{"Retry-After": {"120"}}
	days := http.Header{"Retry-After": {"3456000"}}   // 40 days
	years := http.Header{"Retry-After": {"63072000"}} // two years
	forever := http.Header{"Retry-After": {"99999999999999999999"}}
	date := http.Header{"Retry-After": {"Fri, 31 Dec 2999 23:59:59 GMT"}, "Date": {"Fri, 31 Dec 2021 23:59:59 GMT"}}
	tests := []struct {
		provider string
		o        Outcome
		verdict  Verdict
		text     string
	}{
		{"stripe", Outcome{Status: 200, Duration: 40 * s}, Accepted, "Stripe: accepted"},
		{"apixo", Outcome{Status: 200, Duration: 30 * s}, Accepted, "APIXO: accepted"},
		{"slack", Outcome{Status: 200, Header: noRetry}, Accepted, "Slack: accepted"},
		{"daglo", Outcome{Status: 204}, Accepted, "daglo: accepted"},

		{"apixo", Outcome{Status: 500}, WouldRetry, "APIXO: would retry in 30 s (attempt 2 of 4); it wants exactly 200"},
		{"apixo", Outcome{Status: 202, Attempt: 2}, WouldRetry, "APIXO: would retry in 2 min (attempt 3 of 4); it wants exactly 200"},
		{"apixo", Outcome{Failure: "connect"}, WouldRetry, "APIXO: no connection, would retry in 30 s (attempt 2 of 4)"},
		{"apixo", Outcome{Failure: "timeout", Duration: 20 * s}, WouldRetry, "APIXO: no answer in 20 s, would retry in 30 s (attempt 2 of 4)"},
		{"apixo", Outcome{Failure: "tls"}, WouldRetry, "APIXO: the TLS handshake failed, would retry in 30 s (attempt 2 of 4)"},
		{"apixo", Outcome{Failure: "other"}, WouldRetry, "APIXO: no answer, would retry in 30 s (attempt 2 of 4)"},
		{"apixo", Outcome{}, WouldRetry, "APIXO: no answer, would retry in 30 s (attempt 2 of 4)"},
		{"slack", Outcome{Status: 500}, WouldRetry, "Slack: would retry at once (attempt 2 of 4)"},
		{"slack", Outcome{Status: 304}, WouldRetry, "Slack: would retry at once (attempt 2 of 4); it follows no redirects"},
		{"standard", Outcome{Status: 500}, WouldRetry, "Standard Webhooks: would retry in about 5 s (attempt 2 of 4)"},
		{"standard", Outcome{Status: 503, Header: wait}, WouldRetry, "Standard Webhooks: would retry in 2 min, as Retry-After asks (attempt 2 of 4)"},
		{"standard", Outcome{Status: 302}, WouldRetry, "Standard Webhooks: would retry in about 5 s (attempt 2 of 4); it follows no redirects"},
		{"jira", Outcome{Status: 500}, WouldRetry, "Jira Cloud: would retry in 5 min to 15 min (attempt 2 of 3)"},
		{"telegram", Outcome{Status: 500, Attempt: 2}, WouldRetry, "Telegram Bot: would retry in 2 s (attempt 3)"},
		{"telegram", Outcome{Status: 429, Header: wait}, WouldRetry, "Telegram Bot: would retry in 2 min, as Retry-After asks (attempt 2)"},
		{"ce", Outcome{Status: 429, Header: wait}, WouldRetry, "CloudEvents: would retry in 2 min, as Retry-After asks (attempt 2)"},
		{"ce", Outcome{Status: 429, Header: days}, WouldRetry, "CloudEvents: would retry in 30 days, the longest it waits: Retry-After asks for 40 days (attempt 2)"},
		{"telegram", Outcome{Status: 429, Header: days}, WouldRetry, "Telegram Bot: would retry in 1 h, the longest it waits: Retry-After asks for 40 days (attempt 2)"},
		{"telegram", Outcome{Status: 429, Header: years}, WouldRetry, "Telegram Bot: would retry in 1 h, the longest it waits: Retry-After asks for more than a year (attempt 2)"},
		{"unlimited", Outcome{Status: 429, Header: days}, WouldRetry, "CloudEvents: would retry in 40 days, as Retry-After asks (attempt 2)"},
		{"unlimited", Outcome{Status: 429, Header: years}, WouldRetry, "CloudEvents: would retry in more than a year, as Retry-After asks (attempt 2)"},
		{"unlimited", Outcome{Status: 429, Header: forever}, WouldRetry, "CloudEvents: would retry in more than a year, as Retry-After asks (attempt 2)"},
		{"unlimited", Outcome{Status: 429, Header: date}, WouldRetry, "CloudEvents: would retry in more than a year, as Retry-After asks (attempt 2)"},
		{"ce", Outcome{Status: 429}, NotKnown, "CloudEvents: 429, failed; whether it retries is not published"},
		{"twilio", Outcome{Failure: "connect"}, WouldRetry, "Twilio: no connection, would retry in 1 s (attempt 2 of 2)"},
		{"stripe", Outcome{Status: 500}, WouldRetry, "Stripe: would retry (attempt 2; intervals are not published, about 1 h is our guess)"},
		{"stripe", Outcome{Failure: "connect"}, WouldRetry, "Stripe: no connection, would retry (attempt 2; intervals are not published, about 1 h is our guess)"},
		{"stripe", Outcome{Status: 500, Variant: "sandbox"}, WouldRetry, "Stripe: would retry (attempt 2 of 4; intervals are not published, about 26 min is our guess)"},
		{"stripe", Outcome{Status: 500, Variant: "unheard of"}, WouldRetry, "Stripe: would retry (attempt 2; intervals are not published, about 1 h is our guess)"},
		{"paypal", Outcome{Status: 500}, WouldRetry, "PayPal: would retry (attempt 2 of 26; intervals are not published, about 9 min is our guess)"},
		{"sender", Outcome{Status: 500}, WouldRetry, "CloudEvents: would retry (attempt 2; intervals are not published, about 1 min is our guess); it wants 200 or 204"},

		{"slack", Outcome{Status: 200, Duration: 3400 * time.Millisecond}, TooLate, "Slack: took 3.4 s of 3 s, would already have retried"},
		{"slack", Outcome{Status: 500, Duration: 3400 * time.Millisecond, Attempt: 2}, TooLate, "Slack: took 3.4 s of 3 s, would retry in 1 min (attempt 3 of 4)"},
		{"slack", Outcome{Status: 200, Duration: 3004 * time.Millisecond, Attempt: 4}, TooLate, "Slack: took 3.004 s of 3 s, would already have given up (attempt 4 of 4)"},
		{"apixo", Outcome{Status: 200, Duration: 31 * s}, TooLate, "APIXO: took 31 s of 30 s, would retry in 29 s (attempt 2 of 4)"},
		{"apixo", Outcome{Failure: "timeout", Duration: 90 * s}, TooLate, "APIXO: took 1 min 30 s of 30 s, would already have retried"},
		{"github", Outcome{Status: 200, Duration: 12 * s}, TooLate, "GitHub: took 12 s of 10 s, failed; it never retries (redeliver it by hand)"},
		{"twilio", Outcome{Status: 200, Duration: 16 * s}, TooLate, "Twilio: took 16 s of 15 s, failed; it retries only connection failures"},
		{"sentry", Outcome{Status: 200, Duration: 2 * s}, TooLate, "Sentry: took 2 s of 1 s, failed; whether it retries is not published"},
		{"discord", Outcome{Status: 200, Duration: 4 * s, Variant: "interactions"}, TooLate, "Discord: took 4 s of 3 s, failed; it never retries"},

		{"standard", Outcome{Status: 410}, Disabled, "Standard Webhooks: 410, endpoint disabled"},
		{"assembly", Outcome{Status: 404}, GivesUp, "AssemblyAI: 404, gives up"},
		{"mailgun", Outcome{Status: 406}, GivesUp, "Mailgun: 406, gives up"},
		{"slack", Outcome{Status: 500, Header: noRetry}, GivesUp, "Slack: 500 with X-Slack-No-Retry, gives up"},
		{"github", Outcome{Status: 500}, GivesUp, "GitHub: 500, failed; it never retries (redeliver it by hand)"},
		{"github", Outcome{Failure: "connect"}, GivesUp, "GitHub: no connection, failed; it never retries (redeliver it by hand)"},
		{"github", Outcome{Status: 307}, GivesUp, "GitHub: 307, failed; it never retries (redeliver it by hand); it follows no redirects"},
		{"eleven", Outcome{Status: 201}, GivesUp, "ElevenLabs: 201, failed; it never retries; it wants exactly 200"},
		{"discord", Outcome{Status: 204, Variant: "interactions"}, GivesUp, "Discord: 204, failed; it never retries; it wants 200 or 202"},
		{"discord", Outcome{Status: 200, Variant: "events"}, WouldRetry, "Discord: would retry (attempt 2; intervals are not published, about 10 s is our guess); it wants exactly 204"},
		{"discord", Outcome{Status: 204}, Accepted, "Discord: accepted"},
		{"twilio", Outcome{Status: 500}, GivesUp, "Twilio: 500, failed; it retries only connection failures"},
		{"jira", Outcome{Status: 404}, GivesUp, "Jira Cloud: 404, failed; it retries only 408, any 5xx, timeouts and connection failures"},
		{"apixo", Outcome{Status: 500, Attempt: 4}, GivesUp, "APIXO: 500, gives up (attempt 4 of 4); it wants exactly 200"},
		{"apixo", Outcome{Failure: "connect", Attempt: 5}, GivesUp, "APIXO: no connection, gives up (attempt 5, after the last of 4)"},
		{"apixo", Outcome{Status: 500, Attempt: 9}, GivesUp, "APIXO: 500, gives up (attempt 9, after the last of 4); it wants exactly 200"},
		{"apixo", Outcome{Status: 200, Duration: 31 * s, Attempt: 5}, TooLate, "APIXO: took 31 s of 30 s, would already have given up (attempt 5, after the last of 4)"},
		{"stripe", Outcome{Status: 500, Attempt: 7}, GivesUp, "Stripe: 500, gives up (attempt 7; it retries for 3 days, how often is our guess)"},
		{"telegram", Outcome{Status: 500, Attempt: 7, Elapsed: 24 * time.Hour}, GivesUp, "Telegram Bot: 500, gives up (attempt 7; it retries for 24 h)"},

		{"slack", Outcome{Status: 302}, NotKnown, "Slack: 302, it follows up to 2 redirects and counts what answers there"},
		{"sentry", Outcome{Status: 500}, NotKnown, "Sentry: 500, failed; whether it retries is not published"},
		{"daglo", Outcome{Failure: "connect"}, NotKnown, "daglo: no connection, failed; whether it retries is not published"},
		{"sender", Outcome{Status: 500, Attempt: 7}, NotKnown, "CloudEvents: 500, failed; when it gives up is not published (attempt 7); it wants 200 or 204"},
	}
	for _, tt := range tests {
		row := outlookRows[tt.provider]
		p := &Provider{Name: tt.provider, Title: row.title, Delivery: *delivery(t, row.delivery)}
		got := p.Outlook(tt.o)
		if got.Text != tt.text || got.Verdict != tt.verdict || got.Provider != tt.provider {
			t.Errorf("%s, %+v:\ngot  %s %q\nwant %s %q", tt.provider, tt.o, got.Verdict, got.Text, tt.verdict, tt.text)
		}
		if got.Limit != time.Duration(p.Delivery.Timeout) {
			t.Errorf("%s: limit %s, want %s", tt.provider, got.Limit, p.Delivery.Timeout)
		}
	}
}

func TestOutlookFacts(t *testing.T) {
	tests := []struct {
		provider   string
		o          Outcome
		confidence Confidence
		guess      bool
		in         time.Duration
	}{
		{"apixo", Outcome{Status: 500}, FromSource, false, 30 * time.Second},
		{"apixo", Outcome{Status: 200}, FromSource, false, 0},
		{"apixo", Outcome{Status: 200, Duration: 31 * time.Second}, FromSource, false, 29 * time.Second},
		{"stripe", Outcome{Status: 500}, Quoted, true, time.Hour + 8*time.Minute + 34*time.Second},
		{"stripe", Outcome{Status: 500, Attempt: 7}, Quoted, true, 0},
		{"jira", Outcome{Status: 500}, Unknown, false, 10 * time.Minute},
		{"daglo", Outcome{Status: 500}, Unknown, false, 0},
	}
	for _, tt := range tests {
		p := &Provider{Name: tt.provider, Delivery: *delivery(t, outlookRows[tt.provider].delivery)}
		got := p.Outlook(tt.o)
		if got.Confidence != tt.confidence || got.Guess != tt.guess || got.RetryIn != tt.in {
			t.Errorf("%s, %+v: %s, guess %v, in %s; want %s, %v, %s", tt.provider, tt.o,
				got.Confidence, got.Guess, got.RetryIn, tt.confidence, tt.guess, tt.in)
		}
	}
}
