package tui

import (
	"bytes"
	"strings"
	"testing"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func TestLostAnswersAreTold(t *testing.T) {
	const want = "the provider got 500 instead of the handler's answer"
	m := sampleModel(t, 120, 40)
	d, attempts := sampleDelivery()
	d.Disposition, d.Reason = inspect.Forwarded, inspect.LostStatus.Reason()
	attempts = attempts[:1]
	m.open(tabRequest)
	m.Update(detailMsg{id: d.ID, tab: tabRequest, d: d, attempts: attempts, doc: buildDoc(tabRequest, m.subject(d, attempts, 0), m.t)})
	if got := m.text(); strings.Count(got, want) != 2 { // below the title, and in the request
		t.Errorf("it is there %d times, want 2:\n%s", strings.Count(got, want), got)
	}
	last := &inspect.AttemptSummary{
		Number: 1, Trigger: inspect.Initial, State: inspect.Answered, StartedAt: noon, Status: 200,
		Outlook: &provider.Outlook{Verdict: provider.Accepted, Text: "Stripe: accepted"},
	}
	s := &inspect.Summary{ID: 3, Method: "POST", Path: "/", Disposition: inspect.Forwarded, Reason: d.Reason, Last: last}
	if word, tone := outcome(s); word != "lost" || tone != toneWarn {
		t.Errorf("in the list it is %s, tone %d", word, tone)
	}
	var out bytes.Buffer
	if err := (compact{&out, &Config{}}).attempt(s, last, maker{}); err != nil || out.String() != "12:00:00 #3 POST / → 200 0 µs 0 B · "+want+"\n" {
		t.Errorf("got %s (%v)", out.String(), err)
	}
}

// TestHeldIsHandedOver has an attempt that the developer did not ask for, and one that he did.
func TestHeldIsHandedOver(t *testing.T) {
	s := &inspect.Summary{ID: 3, Method: "POST", Path: "/", Disposition: inspect.Held, Reason: inspect.HeldReason}
	for number, want := range map[int]string{1: "(after hold, attempt 1)", 2: "(replay, attempt 2)"} {
		var out bytes.Buffer
		a := &inspect.AttemptSummary{Number: number, Trigger: inspect.Replay, State: inspect.Answered, StartedAt: noon, Status: 200}
		if err := (compact{&out, &Config{}}).attempt(s, a, maker{}); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("attempt %d: got %s (%v), want %s", number, out.String(), err, want)
		}
	}
	s.Last = &inspect.AttemptSummary{Number: 1, State: inspect.Answered, Status: 200}
	if word, _ := outcome(s); word != "200" {
		t.Errorf("what was delivered is still %q", word)
	}
}
