package tui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
)

func TestListTellsTheSender(t *testing.T) {
	for _, test := range []struct {
		name  string
		width int
		facts provider.Facts
		want  []string
		not   []string
	}{
		{"wide", 110, stripeFacts, []string{"/hooks/stripe", "stripe invoice.paid", "✓", "12 B"}, nil},
		{"80 columns", 80, stripeFacts, []string{"/hooks/stripe", "stripe invoice.", "✓", "#1"}, []string{"12 B"}},
		{"60 columns", 60, stripeFacts, []string{"/hooks/stripe", "✓"}, []string{"invoice", "12 B", "#1"}},
		{"40 columns", 40, stripeFacts, []string{"/hooks/stripe"}, []string{"invoice", "✓"}},
		{"a guess", 110, provider.Facts{Provider: "stripe", Certainty: provider.Guess, Event: "x", Signature: provider.Unverifiable}, []string{"stripe? x", "·"}, nil},
		{"invalid", 110, provider.Facts{Provider: "github", Signature: provider.Invalid}, []string{"github ", "✗"}, []string{"?"}},
		{"a handshake", 110, provider.Facts{Provider: "slack", Event: "url_verification", Handshake: "url_verification"}, []string{"slack handshake"}, []string{"url_verification"}},
		{"nobody knows", 80, provider.Facts{Signature: provider.Unverifiable}, []string{"/hooks/stripe/and/a/longer/path"}, []string{"✓", "✗", "·"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := inspect.Summary{ID: 1, Method: "POST", Path: "/hooks/stripe", ReceivedAt: noon, Size: 12, Facts: test.facts}
			if test.facts.Provider == "" {
				s.Path += "/and/a/longer/path"
			}
			row := layoutColumns(test.width, false).summary(&s, " ", badge{}, newTheme(true), noon).render(test.width, nil)
			if got := ansi.StringWidth(row); got != test.width {
				t.Errorf("the row is %d cells wide, want %d", got, test.width)
			}
			row = ansi.Strip(row)
			for _, want := range test.want {
				if !strings.Contains(row, want) {
					t.Errorf("no %q in %q", want, row)
				}
			}
			for _, not := range test.not {
				if strings.Contains(row, not) {
					t.Errorf("%q is in %q", not, row)
				}
			}
		})
	}
}

func TestLongEventTypesCostLittle(t *testing.T) {
	f := provider.Facts{Provider: "stripe", Event: strings.Repeat("é", 1<<20)}
	if got := eventName(&f); len(got) > 2*maxBrief || !strings.HasSuffix(got, "é…") {
		t.Errorf("got %d bytes, want the beginning of a name of 2 MiB", len(got))
	}
}

// hostileFacts are hostile wherever a body or a header can be.
var hostileFacts = provider.Facts{
	Provider: "p" + hostile, Certainty: provider.Guess, Others: []string{hostile}, Event: hostile, EventID: hostile, Handshake: hostile, Signature: provider.Invalid,
	SignatureReason: hostile, Scheme: hostile, Secret: hostile, Address: provider.NotListed, ProviderAttempt: 3,
}

func TestHostileFacts(t *testing.T) {
	outlook := &provider.Outlook{Text: hostile, Verdict: provider.WouldRetry, Limit: time.Second}
	diagnosis := provider.Diagnosis{
		Result: provider.Invalid, Reason: hostile, Provider: hostile, Scheme: hostile, Secret: hostile, Notes: []string{hostile},
		Explain: &provider.Explanation{Message: []byte(hostile), Expected: hostile, Received: []string{hostile}, Where: hostile},
	}
	for _, w := range []int{40, 80, 110, 200} {
		m := hostileModel(t, w)
		m.list.rows[0].Facts = hostileFacts
		m.list.rows[0].Disposition, m.list.rows[0].Reason = inspect.Forwarded, ""
		m.checkHarmless(t, "list")
		m.cfg.ShowSecrets = w > 100
		m.press(keyMsg("enter"))
		d := hostileDelivery("{}", "application/json")
		d.ID, d.Facts, d.Disposition = 7, hostileFacts, inspect.Held
		a := *hostileAttempt(7, inspect.Answered, "text/plain")
		a.Number, a.Trigger, a.State, a.Outlook, a.Sent.Signed = 1, inspect.Initial, inspect.Answered, outlook, hostile
		for _, c := range []*check{nil, checkOf(diagnosis)} {
			m.detail.check = c
			for n := range tabCount {
				m.detail.tab = n
				s := m.subject(d, []inspect.Attempt{a}, 0)
				s.check = c
				m.Update(detailMsg{id: 7, tab: n, d: d, attempts: s.attempts, doc: buildDoc(n, s, m.t)})
				for range 4 {
					m.checkHarmless(t, tabNames[n])
					m.keys("pgdown")
				}
			}
		}
		m.Update(forecastMsg{id: 7, forecast: &replay.Forecast{Refused: hostile, Why: hostile}})
		m.checkHarmless(t, "the question of the signature")
		m.keys("esc")
		m.confirmHandshake()
		m.checkHarmless(t, "the question of the confirmation")
		m.keys("esc")
	}
	for _, f := range []form{compact{}, jsonl{}} {
		var out bytes.Buffer
		switch f.(type) {
		case compact:
			f = compact{&out, &Config{}}
		case jsonl:
			f = jsonl{&out}
		}
		s := &inspect.Summary{ID: 1, ReceivedAt: noon, Disposition: inspect.Held, Facts: hostileFacts}
		a := &inspect.AttemptSummary{Number: 1, Trigger: inspect.Initial, Status: 200, Outlook: outlook}
		if err := f.delivery(s); err != nil {
			t.Fatal(err)
		}
		if err := f.attempt(s, a, maker{signed: hostile}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%T wrote %d lines, want 2", f, n)
		}
		checkHarmless(t, fmt.Sprintf("%T", f), out.String())
	}
}
