package tui

import (
	"strings"
	"testing"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
)

func TestSigningQuestion(t *testing.T) {
	refused := "the timestamp is 2 h old, Stripe's libraries allow 5 min."
	both, never := replay.Forecast{Refused: refused, Sign: true, CanSign: true}, replay.Forecast{Refused: refused, Why: "there is no secret for stripe: start hookloop with --secret stripe=…"}
	stays := replay.Forecast{Refused: refused, CanSign: true}
	for _, test := range []struct {
		name     string
		forecast replay.Forecast
		key      string
		says     string
		want     replay.Signing
		sends    bool
		open     bool
	}{
		{"enter signs", both, "enter", "↵ sign again  a keep the old signature  esc cancel", replay.SignAgain, true, false},
		{"a sends it as received", both, "a", "", replay.AsReceived, true, false},
		{"s signs", both, "s", "", replay.SignAgain, true, false},
		{"esc cancels", both, "esc", "", "", false, false},
		{"n cancels", both, "n", "", "", false, false},
		{"j is nothing", both, "j", "", "", false, true},
		{"enter leaves it, where that is the rule", stays, "enter", "↵ keep the old signature  s sign again  esc cancel", replay.AsReceived, true, false},
		{"s signs, where that is not the rule", stays, "s", "", replay.SignAgain, true, false},
		{"enter, where it can't be signed", never, "enter", "It cannot be signed again: there is no secret", replay.AsReceived, true, false},
		{"s, where it can't be signed", never, "s", "↵ send with the old signature  esc cancel", "", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := sampleModel(t, 100, 30)
			m.Update(forecastMsg{id: 12, options: replay.Options{Edited: true, Body: []byte("{}")}, forecast: &test.forecast})
			text := strings.Join(strings.Fields(m.text()), " ")
			for _, want := range []string{"#12 with its old signature would be refused: the timestamp is 2 h old, Stripe's libraries allow 5 min.", strings.Join(strings.Fields(test.says), " ")} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, m.text())
				}
			}
			checkScreen(t, m)
			asked := m.ask
			cmd := m.press(keyMsg(test.key))
			if sends := cmd != nil; sends != test.sends || (m.ask.kind == askSigning) != test.open {
				t.Fatalf("sends %v, open %v; want %v, %v", sends, m.ask.kind == askSigning, test.sends, test.open)
			}
			if test.sends {
				if _, o := asked.chose(test.key); o.Signing != test.want || !o.Edited || string(o.Body) != "{}" {
					t.Errorf("got %+v, want signing %q with the edited body", o, test.want)
				}
			}
		})
	}
}

func TestSigningQuestionWaitsForAnother(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.keys("/", "x")
	m.Update(forecastMsg{id: 12, forecast: &replay.Forecast{Refused: "it is old"}})
	if m.ask.kind != askFilter || m.ask.input.Value() != "x" {
		t.Errorf("the question took the place of what is typed: %v", m.ask.kind)
	}
	m.keys("esc")
	if got := m.text(); !strings.Contains(got, "#12 was not replayed") {
		t.Errorf("nobody says that nothing was sent:\n%s", got)
	}
}

const confirmable = `
queue:
  name: Queue (HTTP)
  recognize:
    - when: ["header:X-Queue"]
      certainty: certain
  handshakes:
    - name: SubscriptionConfirmation
      when: ["json:/Type=SubscriptionConfirmation"]
      confirm: "json:/SubscribeURL"
      hosts: ["queue.example"]
      notes: Confirm it to get deliveries
    - name: ping
      when: ["json:/Type=ping"]
`

func TestConfirmAsksFirst(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.cfg.Checker = &provider.Checker{Catalog: userCatalog(t, confirmable)}
	m.keys("c")
	if got := m.message.text; got != "#12 is no handshake that wants a confirmation." {
		t.Errorf("got %q", got)
	}
	s := m.summary()
	s.Facts = provider.Facts{Provider: "queue", Handshake: "ping"}
	m.keys("c")
	if got := m.message.text; got != "#12 is a handshake that its answer confirms; there is nothing to fetch." {
		t.Errorf("got %q", got)
	}
	s.Facts = provider.Facts{Provider: "queue", Handshake: "SubscriptionConfirmation", Signature: provider.Invalid}
	m.message = message{}
	if got := m.text(); !strings.Contains(got, " c confirm ") {
		t.Errorf("the key is not on the last line:\n%s", got)
	}
	m.keys("c")
	want := "Its signature is invalid! Confirm Queue's SubscriptionConfirmation of #12? It names no address to fetch: "
	if got := strings.Join(strings.Fields(m.text()), " "); m.ask.kind != askConfirm || !strings.Contains(got, want) || !strings.Contains(got, " y yes n no") {
		t.Errorf("no %q in\n%s", want, m.text())
	}
	m.keys("n")
	if m.message.text != "Nothing was done." {
		t.Errorf("n says %q", m.message.text)
	}
	m.keys("c")
	if cmd := m.press(keyMsg("y")); cmd == nil {
		t.Error("y does nothing")
	}
}

func TestAnsweredHandshakeSaysSo(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.open(tabRequest)
	d, _ := sampleDelivery()
	d.Disposition, d.Reason = inspect.Held, "hookloop answered the handshake: Slack's url_verification"
	d.Facts = provider.Facts{Provider: "slack", Handshake: "url_verification"}
	for n, want := range map[tab]string{
		tabRequest:  "Handshake  url_verification: hookloop answered the handshake: Slack's url_verification",
		tabResponse: "Held: hookloop answered the handshake: Slack's url_verification. r sends it to the handler.",
	} {
		m.detail.tab = n
		m.Update(detailMsg{id: d.ID, tab: n, d: d, doc: buildDoc(n, m.subject(d, nil, 0), m.t)})
		if got := m.text(); !strings.Contains(got, want) || strings.Contains(got, "Refused") {
			t.Errorf("%s: no %q in\n%s", tabNames[n], want, got)
		}
	}
}
