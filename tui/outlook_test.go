package tui

import (
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func TestDeadline(t *testing.T) {
	for _, test := range []struct {
		took, limit time.Duration
		pending     bool
		want        string
	}{
		{12 * time.Second, 30 * time.Second, true, "12 s ▕████░░░░░░░░▏ of 30 s"},
		{3400 * time.Millisecond, 3 * time.Second, false, "3.4 s ▕████████████▏ limit 3 s: too late"},
		{3400 * time.Millisecond, 3 * time.Second, true, "3.4 s ▕████████████▏ limit 3 s: already too late"},
		{3 * time.Second, 3 * time.Second, false, "3 s ▕████████████▏ of 3 s"},
		{12 * time.Millisecond, 10 * time.Second, false, "12 ms ▕█░░░░░░░░░░░▏ of 10 s"},
		{0, 10 * time.Minute, true, "0 µs ▕░░░░░░░░░░░░▏ of 10 min"},
		{200 * time.Hour, time.Second, false, "200h00m ▕████████████▏ limit 1 s: too late"},
		{time.Second, 0, true, ""},
	} {
		if got := deadline(test.took, test.limit, test.pending, newTheme(true)).text(); got != test.want {
			t.Errorf("%v of %v: got %q, want %q", test.took, test.limit, got, test.want)
		}
	}
}

// userCatalog is a catalog with an entry of the user's.
func userCatalog(t *testing.T, yaml string) *provider.Catalog {
	t.Helper()
	c := provider.BuiltIn()
	if err := c.Add([]byte(yaml), "test.yaml", 1); err != nil {
		t.Fatal(err)
	}
	return c
}

const acme = `
acme:
  name: Acme Inc.
  docs: https://acme.example/webhooks
  recognize:
    - when: ["header:Acme-Signature"]
      certainty: certain
  event: ["json:/type"]
  event_id: ["json:/id"]
  schemes:
    - name: v1
      kind: hmac-sha256
      signature: "header:Acme-Signature|hex"
      message: "{body}"
  delivery:
    confidence: A
    timeout: 8s
    success: 2xx
`

func TestDeadlineMovesWhilePending(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.cfg.Checker = &provider.Checker{Catalog: userCatalog(t, acme)}
	m.open(tabRequest)
	d, attempts := sampleDelivery()
	d.Facts = provider.Facts{Provider: "acme", Certainty: provider.Certain}
	attempts = attempts[:1]
	attempts[0].State, attempts[0].Outlook, attempts[0].Error = inspect.Pending, nil, ""
	m.Update(detailMsg{id: d.ID, d: d, attempts: attempts})
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{2 * time.Second, "2 s ▕███░░░░░░░░░▏ of 8 s"},
		{6 * time.Second, "6 s ▕█████████░░░▏ of 8 s"},
		{9 * time.Second, "9 s ▕████████████▏ limit 8 s: already too late"},
	} {
		m.Update(syncedMsg{at: m.at, vitals: vitals{now: attempts[0].StartedAt.Add(step.after)}})
		if got := m.text(); !strings.Contains(got, step.want) {
			t.Errorf("after %v: no %q in\n%s", step.after, step.want, got)
		}
		checkScreen(t, m)
	}
}

// The limit is the one of the mode that the delivery is of.
func TestDeadlineOfAVariant(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.cfg.Checker = &provider.Checker{Catalog: userCatalog(t, acme+"    variants:\n      slow: {when: [\"json:/slow\"], timeout: 20s}\n")}
	m.open(tabRequest)
	for body, want := range map[string]string{`{"slow":1}`: "of 20 s", `{}`: "of 8 s"} {
		d, attempts := sampleDelivery()
		d.Facts, d.Body = provider.Facts{Provider: "acme", Certainty: provider.Certain}, []byte(body)
		attempts = attempts[:1]
		attempts[0].State, attempts[0].Outlook, attempts[0].Error = inspect.Pending, nil, ""
		m.Update(detailMsg{id: d.ID, d: d, attempts: attempts})
		m.Update(syncedMsg{at: m.at, vitals: vitals{now: attempts[0].StartedAt.Add(time.Second)}})
		if got := m.text(); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", body, want, got)
		}
	}
}

func TestNoDeadlineForAnInterruptedAttempt(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.open(tabRequest)
	d, attempts := sampleDelivery()
	m.Update(detailMsg{id: d.ID, d: d, attempts: attempts[:1]})
	if got := m.text(); !strings.Contains(got, "5 s ▕") {
		t.Fatalf("no bar in\n%s", got)
	}
	attempts[0].State, attempts[0].Duration = inspect.Interrupted, 0
	m.Update(detailMsg{id: d.ID, d: d, attempts: attempts[:1]})
	if got := m.text(); strings.Contains(got, "▕") {
		t.Errorf("there is a bar in\n%s", got)
	}
}

func TestOutlookTellsWhoseAttempt(t *testing.T) {
	m := sampleModel(t, 120, 30)
	m.open(tabResponse) // of the replay, which the provider knows nothing of
	if got, want := m.text(), "attempt 1 → Stripe: would retry in 1 h (attempt 3 of 17); it wants any 2xx · as quoted by others"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
	m.keys("h")
	d, attempts := sampleDelivery()
	m.Update(detailMsg{id: d.ID, chosen: 1, tab: tabResponse, d: d, attempts: attempts})
	if got := m.text(); strings.Contains(got, "attempt 1 →") || !strings.Contains(got, " Stripe: would retry") {
		t.Errorf("attempt 1 is open, so it need not be named:\n%s", got)
	}
}
