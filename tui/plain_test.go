package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func TestPlainOutputTellsTheProvider(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 4, 5, 0, time.UTC)
	github := provider.Facts{Provider: "github", Certainty: provider.Certain, Event: "push", Signature: provider.Invalid, SignatureCode: provider.CodeWrongSecret, SignatureReason: "the signature is from another secret"}
	initial := &inspect.AttemptSummary{Number: 1, Trigger: inspect.Initial, State: inspect.Answered, StartedAt: at, Duration: 12 * time.Millisecond, Status: 200}
	again := &inspect.AttemptSummary{Number: 2, Trigger: inspect.Replay, State: inspect.Answered, StartedAt: at, Duration: 12 * time.Millisecond, Status: 200}
	accepted := *initial
	accepted.Outlook = &provider.Outlook{Provider: "stripe", Verdict: provider.Accepted, Text: "Stripe: accepted", Confidence: provider.FromSource, Limit: 10 * time.Second}
	quoted := *initial
	quoted.Outlook = &provider.Outlook{Provider: "stripe", Verdict: provider.Accepted, Text: "Stripe: accepted", Confidence: provider.Quoted}
	for _, test := range []struct {
		name    string
		facts   provider.Facts
		attempt *inspect.AttemptSummary
		by      maker
		want    string
	}{
		{"valid", stripeFacts, &accepted, maker{}, "15:04:05 #12 POST /hooks stripe invoice.paid evt_1 ✓ → 200 12 ms 1.3 KiB · Stripe: accepted\n"},
		{"signed again", stripeFacts, again, maker{signed: "stripe v1"}, "15:04:05 #12 POST /hooks stripe invoice.paid evt_1 ✓ → 200 12 ms 1.3 KiB (replay, attempt 2, signed again)\n"},
		{"not signed again", stripeFacts, again, maker{notSigned: "it is old", simulation: 3}, "15:04:05 #12 POST /hooks stripe invoice.paid evt_1 ✓ → 200 12 ms 1.3 KiB (replay, attempt 2, not signed again, simulation 3)\n"},
		{"invalid", github, initial, maker{}, "15:04:05 #12 POST /hooks github push ✗ → 200 12 ms 1.3 KiB · signature invalid: the signature is from another secret\n"},
		{"invalid, again", github, again, maker{}, "15:04:05 #12 POST /hooks github push ✗ → 200 12 ms 1.3 KiB (replay, attempt 2)\n"},
		{"held", github, nil, maker{}, "15:04:05 #12 POST /hooks github push ✗ held 1.3 KiB · signature invalid: the signature is from another secret\n"},
		{"a guess", provider.Facts{Provider: "square", Certainty: provider.Guess, Signature: provider.Unverifiable}, initial, maker{}, "15:04:05 #12 POST /hooks square? → 200 12 ms 1.3 KiB\n"},
		{"a handshake", provider.Facts{Provider: "slack", Handshake: "url_verification", Signature: provider.Valid}, initial, maker{}, "15:04:05 #12 POST /hooks slack handshake url_verification ✓ → 200 12 ms 1.3 KiB\n"},
		{"answered", provider.Facts{Provider: "slack", Handshake: "url_verification"}, nil, maker{}, "15:04:05 #12 POST /hooks slack handshake url_verification answered by hookloop: Slack's url_verification 1.3 KiB\n"},
		{"not signed", provider.Facts{Provider: "notion", Handshake: "verification_token", Signature: provider.Valid, Scheme: "handshake"}, initial, maker{}, "15:04:05 #12 POST /hooks notion handshake verification_token · → 200 12 ms 1.3 KiB\n"},
		{"quoted", stripeFacts, &quoted, maker{}, "15:04:05 #12 POST /hooks stripe invoice.paid evt_1 ✓ → 200 12 ms 1.3 KiB · Stripe: accepted (B)\n"},
		{"unknown", provider.Facts{}, initial, maker{}, "15:04:05 #12 POST /hooks → 200 12 ms 1.3 KiB\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			reason := ""
			if test.name == "answered" {
				reason = "hookloop answered the handshake: Slack's url_verification"
			}
			s := &inspect.Summary{Reason: reason, ID: 12, Method: "POST", Path: "/hooks", Size: 1284, ReceivedAt: at, Disposition: inspect.Held, Facts: test.facts}
			var out bytes.Buffer
			write := func() error { return compact{&out, &Config{}}.delivery(s) }
			if test.attempt != nil {
				write = func() error { return compact{&out, &Config{}}.attempt(s, test.attempt, test.by) }
			}
			if err := write(); err != nil || out.String() != test.want {
				t.Errorf("got  %s (%v)\nwant %s", out.String(), err, test.want)
			}
		})
	}
}

func TestJSONTellsTheProvider(t *testing.T) {
	var out bytes.Buffer
	s := &inspect.Summary{ID: 12, Method: "POST", Path: "/hooks", ReceivedAt: noon, Disposition: inspect.Forwarded, Facts: stripeFacts}
	a := &inspect.AttemptSummary{Number: 1, Outlook: &provider.Outlook{Provider: "stripe", Verdict: provider.Accepted, Text: "Stripe: accepted", Confidence: provider.Quoted}}
	j := jsonl{&out}
	if err := j.delivery(s); err != nil {
		t.Fatal(err)
	}
	if err := j.attempt(s, a, maker{signed: "stripe v1 with WHSEC", notSigned: "it is old"}); err != nil {
		t.Fatal(err)
	}
	var got [2]map[string]any
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if err := json.Unmarshal([]byte(line), &got[i]); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]string{
		"type": "delivery", "provider": "stripe", "certainty": "certain", "event_type": "invoice.paid", "event_id": "evt_1", "signature": "valid",
		"signature_code": "ok", "signature_reason": "signed with STRIPE_WEBHOOK_SECRET", "address": "not listed", "path": "/hooks",
	} {
		if got[0][key] != want {
			t.Errorf("%s: got %v, want %s", key, got[0][key], want)
		}
	}
	outlook, _ := got[1]["outlook"].(map[string]any)
	if outlook["text"] != "Stripe: accepted" || outlook["verdict"] != "accepted" || outlook["confidence"] != "B" || got[1]["signed"] != "stripe v1 with WHSEC" || got[1]["not_signed"] != "it is old" {
		t.Errorf("got %v", got[1])
	}
}

// TestFollowerTellsOfSenders goes through a store.
func TestFollowerTellsOfSenders(t *testing.T) {
	store := openStore(t)
	ctx := context.Background()
	f, err := Follow(ctx, Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	d := &inspect.Delivery{ReceivedAt: noon, Method: "POST", Target: "/hooks", Proto: "HTTP/1.1", Disposition: inspect.Forwarded, Facts: stripeFacts}
	first := &inspect.Attempt{Trigger: inspect.Initial, StartedAt: time.Now().UTC(), URL: "http://localhost:3000/"}
	if err := store.Add(ctx, d, first); err != nil {
		t.Fatal(err)
	}
	first.Outlook = &provider.Outlook{Provider: "stripe", Verdict: provider.Accepted, Text: "Stripe: accepted", Confidence: provider.FromSource}
	finishAttempt(t, store, first, 200)
	again := &inspect.Attempt{DeliveryID: d.ID, Trigger: inspect.Replay, StartedAt: time.Now().UTC(), URL: "http://localhost:3000/", Sent: &inspect.Sent{Signed: "stripe v1 with WHSEC"}}
	if err := store.Begin(ctx, again); err != nil {
		t.Fatal(err)
	}
	finishAttempt(t, store, again, 200)
	settle(t, store)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	var out strings.Builder
	if err := f.JSON(ended, &out, Ready{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{`"type":"ready"`, `"event_type":"invoice.paid"`, `"text":"Stripe: accepted"`, `"signed":"stripe v1 with WHSEC"`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %s, want %s in it", i+1, lines[i], want)
		}
	}
	if strings.Contains(lines[2], `"signed"`) || strings.Contains(lines[3], `"outlook"`) {
		t.Errorf("the attempts are mixed up:\n%s\n%s", lines[2], lines[3])
	}
}

// What to do about a handshake stands on its line.
func TestCompactAdvises(t *testing.T) {
	store := openStore(t)
	zoom := &inspect.Delivery{
		ReceivedAt: noon, Method: "POST", Target: "/", Disposition: inspect.Forwarded,
		Body:  []byte(`{"event":"endpoint.url_validation","payload":{"plainToken":"q"},"event_ts":1}`),
		Facts: provider.Facts{Provider: "zoom", Handshake: "endpoint.url_validation"},
	}
	if err := store.Add(context.Background(), zoom, nil); err != nil {
		t.Fatal(err)
	}
	catalog := provider.BuiltIn()
	answering := &Config{Store: store, Checker: &provider.Checker{Catalog: catalog, Default: "zoom"}, AnswerHandshakes: true}
	asked := &Config{Store: store, Checker: answering.Checker}
	for _, test := range []struct {
		name, provider, handshake, want string
		cfg                             *Config
	}{
		{"SNS", "sns", "SubscriptionConfirmation", " · `hookloop confirm 1` confirms it", asked},
		{"Notion", "notion", "verification_token", " · `hookloop show 1` says what to do", asked},
		{"no secret", "zoom", "endpoint.url_validation", "--secret zoom=env:NAME", answering},
		{"not to answer", "zoom", "endpoint.url_validation", "", asked},
		{"no handshake", "zoom", "", "", answering},
	} {
		s := &inspect.Summary{ID: zoom.ID, Disposition: inspect.Forwarded, Facts: provider.Facts{Provider: test.provider, Handshake: test.handshake}}
		got := compact{nil, test.cfg}.advice(s)
		if !strings.HasSuffix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q at its end", test.name, got, test.want)
		}
	}
}

// A 2xx that the provider does not take is not shown as a success.
func TestOutcomeAgreesWithTheOutlook(t *testing.T) {
	for verdict, want := range map[provider.Verdict]tone{
		provider.Accepted: toneOK, provider.WouldRetry: toneWarn, provider.TooLate: toneWarn, provider.GivesUp: toneBad, provider.NotKnown: toneOK,
	} {
		a := &inspect.AttemptSummary{State: inspect.Answered, Status: 201, Outlook: &provider.Outlook{Verdict: verdict}}
		if status, got := attemptOutcome(a); status != "201" || got != want {
			t.Errorf("%s: got %s, tone %d; want tone %d", verdict, status, got, want)
		}
	}
}
