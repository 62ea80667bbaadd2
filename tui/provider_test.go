package tui

import (
	"bytes"
	"encoding/json"
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
		{"nobody knows", 80, provider.Facts{}, []string{"/hooks/stripe/and/a/longer/path"}, []string{"✓", "✗", "·"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := inspect.Summary{ID: 1, Method: "POST", Path: "/hooks/stripe", ReceivedAt: noon, Size: 12, Facts: test.facts}
			if test.facts.Provider == "" {
				s.Path += "/and/a/longer/path"
			}
			row := layoutColumns(test.width).summary(&s, " ", newTheme(true), noon).render(test.width, nil)
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
	if len(c.All()) == 0 {
		t.Skip("the catalog is not there yet")
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

// a checkOf is what a Checker says of the sample.
func checkOf(d provider.Diagnosis) *check { return &check{d} }

var wrongSecret = provider.Diagnosis{
	Result: provider.Invalid, Code: provider.CodeWrongSecret, Reason: "the signature is from another secret", Provider: "stripe", Scheme: "v1",
	SignedAt: noon.Add(-12 * time.Second), Notes: []string{"the URL is not signed"},
	Explain: &provider.Explanation{
		Message: []byte("1710417591.{\"a\":\t1} \r\nend\n"), Expected: "5257a869e7a1b2c3d4e5f60718293a4b",
		Received: []string{"ffffffff", "0000\x1b[2J"}, Where: "header Stripe-Signature",
	},
}

func TestCheckIsShownOverTheStoredOne(t *testing.T) {
	m := sampleModel(t, 100, 40)
	m.open(tabRequest)
	if got, want := m.text(), "✓ valid: signed with STRIPE_WEBHOOK_SECRET"; !strings.Contains(got, want) {
		t.Fatalf("before the check there is no %q in\n%s", want, got)
	}
	m.detail.checking = true
	m.Update(checkedMsg{id: 12, check: checkOf(wrongSecret)})
	if m.detail.built[tabRequest] || m.detail.checking {
		t.Fatal("the tab is not to be laid out again")
	}
	d, attempts := sampleDelivery()
	m.Update(docMsg{d: m.detail.d, tab: tabRequest, doc: buildDoc(tabRequest, m.subject(d, attempts, 0), m.t)})
	if m.detail.built[tabRequest] {
		t.Error("a doc from before the check was taken for one of it")
	}
	s := m.subject(m.detail.d, attempts, 0)
	s.check = m.detail.check
	m.Update(docMsg{d: m.detail.d, tab: tabRequest, doc: buildDoc(tabRequest, s, m.t)})
	if got, want := m.text(), "✗ invalid: the signature is from another secret; it was valid when it arrived"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
	m.Update(checkedMsg{id: 11, check: checkOf(provider.Diagnosis{Result: provider.Valid})})
	if m.detail.check.Result != provider.Invalid {
		t.Error("the check of another delivery was taken")
	}
}

func TestCheckIsMadeOncePerOpening(t *testing.T) {
	m := sampleModel(t, 100, 40)
	m.cfg.Checker = &provider.Checker{Catalog: provider.BuiltIn()}
	m.open(tabRequest)
	if !m.detail.checking || m.detail.due {
		t.Fatalf("checking %v, due %v: want it to be looked at when it is opened", m.detail.checking, m.detail.due)
	}
	m.Update(checkedMsg{id: 12, check: checkOf(wrongSecret)})
	m.keys("j", "k", "tab")
	if m.detail.checking {
		t.Error("moving around has it looked at again")
	}
	m.keys("v")
	if !m.detail.checking || m.detail.tab != tabSignature {
		t.Errorf("v: checking %v, tab %v", m.detail.checking, tabNames[m.detail.tab])
	}
}

// signatureText is the Signature tab as text.
func signatureText(m *model, c *check) string {
	d, attempts := sampleDelivery()
	s := m.subject(d, attempts, 0)
	s.check = c
	doc := buildDoc(tabSignature, s, m.t)
	var b strings.Builder
	for i := range doc.n {
		b.WriteString(doc.line(i).text() + "\n")
	}
	return b.String()
}

func TestSignatureTab(t *testing.T) {
	m := sampleModel(t, 100, 40)
	got := signatureText(m, checkOf(wrongSecret))
	for _, want := range []string{
		"Signature  ✗ invalid\n", "Why        the signature is from another secret\n", "Scheme     v1\n", "14 Mar 2026 11:59:48, 3s before it arrived\n",
		"On arrival valid: signed with STRIPE_WEBHOOK_SECRET\n", "Received in header Stripe-Signature\nffffffff\n0000\\x1b[2J\n", "masked; --show-secrets shows it\n",
		"Signed string", "1710417591.{\"a\":⇥1}·␍⏎\n", "\nend⏎\n", "· the URL is not signed\n",
	} {
		if !strings.Contains(strings.ReplaceAll(got, "\\u001b", "\\x1b"), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	bytes, explained := wrongSecret, *wrongSecret.Explain
	explained.Message, bytes.Explain = []byte("id=1\xff\x00"), &explained
	if got := signatureText(m, checkOf(bytes)); !strings.Contains(got, "69 64 3d 31 ff 00") {
		t.Errorf("the bytes are not in\n%s", got)
	}
	m.cfg.ShowSecrets = true
	if got := signatureText(m, checkOf(wrongSecret)); !strings.Contains(got, "Expected\n5257a869e7a1b2c3d4e5f60718293a4b\n") {
		t.Errorf("the expected signature is not whole in\n%s", got)
	}
	if got := signatureText(m, nil); !strings.Contains(got, "✓ valid\n") || !strings.Contains(got, "signed with STRIPE_WEBHOOK_SECRET") {
		t.Errorf("without a checker there is nothing of what was found on arrival in\n%s", got)
	}
}

func TestExpectedIsMasked(t *testing.T) {
	if e := wrongSecret.Explain.Masked(); e.Expected == wrongSecret.Explain.Expected {
		t.Skip("Masked masks nothing yet")
	}
	m := sampleModel(t, 100, 40)
	if got := signatureText(m, checkOf(wrongSecret)); strings.Contains(got, wrongSecret.Explain.Expected) {
		t.Errorf("the expected signature is whole in\n%s", got)
	}
}

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
		{"enter signs", both, "enter", "↵ sign again  a as received  esc cancel", replay.SignAgain, true, false},
		{"a sends it as received", both, "a", "", replay.AsReceived, true, false},
		{"s signs", both, "s", "", replay.SignAgain, true, false},
		{"esc cancels", both, "esc", "", "", false, false},
		{"n cancels", both, "n", "", "", false, false},
		{"j is nothing", both, "j", "", "", false, true},
		{"enter leaves it, where that is the rule", stays, "enter", "↵ as received  s sign again  esc cancel", replay.AsReceived, true, false},
		{"s signs, where that is not the rule", stays, "s", "", replay.SignAgain, true, false},
		{"enter, where it can't be signed", never, "enter", "It cannot be signed again: there is no secret", replay.AsReceived, true, false},
		{"s, where it can't be signed", never, "s", "↵ send as received  esc cancel", "", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := sampleModel(t, 100, 30)
			m.Update(forecastMsg{id: 12, options: replay.Options{Edited: true, Body: []byte("{}")}, forecast: &test.forecast})
			text := strings.Join(strings.Fields(m.text()), " ")
			for _, want := range []string{"#12 as received would be refused: the timestamp is 2 h old, Stripe's libraries allow 5 min.", strings.Join(strings.Fields(test.says), " ")} {
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
  name: Queue
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
	want := "Its signature is invalid! Confirm Queue's SubscriptionConfirmation of #12 by fetching the address in it?"
	if got := strings.Join(strings.Fields(m.text()), " "); m.ask.kind != askConfirm || !strings.Contains(got, want+" y yes n no") {
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

func TestPlainOutputTellsTheProvider(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 4, 5, 0, time.UTC)
	github := provider.Facts{Provider: "github", Certainty: provider.Certain, Event: "push", Signature: provider.Invalid, SignatureCode: provider.CodeWrongSecret, SignatureReason: "the signature is from another secret"}
	initial := &inspect.AttemptSummary{Number: 1, Trigger: inspect.Initial, State: inspect.Answered, StartedAt: at, Duration: 12 * time.Millisecond, Status: 200}
	again := &inspect.AttemptSummary{Number: 2, Trigger: inspect.Replay, State: inspect.Answered, StartedAt: at, Duration: 12 * time.Millisecond, Status: 200}
	accepted := *initial
	accepted.Outlook = &provider.Outlook{Provider: "stripe", Verdict: provider.Accepted, Text: "Stripe: accepted", Confidence: provider.FromSource, Limit: 10 * time.Second}
	for _, test := range []struct {
		name    string
		facts   provider.Facts
		attempt *inspect.AttemptSummary
		signed  string
		want    string
	}{
		{"valid", stripeFacts, &accepted, "", "15:04:05 #12 POST /hooks stripe invoice.paid ✓ → 200 12 ms 1.3 KiB · Stripe: accepted\n"},
		{"signed again", stripeFacts, again, "stripe v1", "15:04:05 #12 POST /hooks stripe invoice.paid ✓ → 200 12 ms 1.3 KiB (replay, attempt 2, signed again)\n"},
		{"invalid", github, initial, "", "15:04:05 #12 POST /hooks github push ✗ → 200 12 ms 1.3 KiB · signature invalid: the signature is from another secret\n"},
		{"invalid, again", github, again, "", "15:04:05 #12 POST /hooks github push ✗ → 200 12 ms 1.3 KiB (replay, attempt 2)\n"},
		{"held", github, nil, "", "15:04:05 #12 POST /hooks github push ✗ held 1.3 KiB · signature invalid: the signature is from another secret\n"},
		{"a guess", provider.Facts{Provider: "square", Certainty: provider.Guess, Signature: provider.Unverifiable}, initial, "", "15:04:05 #12 POST /hooks square? → 200 12 ms 1.3 KiB\n"},
		{"a handshake", provider.Facts{Provider: "slack", Handshake: "url_verification", Signature: provider.Valid}, initial, "", "15:04:05 #12 POST /hooks slack handshake url_verification ✓ → 200 12 ms 1.3 KiB\n"},
		{"unknown", provider.Facts{}, initial, "", "15:04:05 #12 POST /hooks → 200 12 ms 1.3 KiB\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &inspect.Summary{ID: 12, Method: "POST", Path: "/hooks", Size: 1284, ReceivedAt: at, Disposition: inspect.Held, Facts: test.facts}
			var out bytes.Buffer
			write := func() error { return compact{&out}.delivery(s) }
			if test.attempt != nil {
				write = func() error { return compact{&out}.attempt(s, test.attempt, test.signed) }
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
	if err := j.attempt(s, a, "stripe v1 with WHSEC"); err != nil {
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
	if outlook["text"] != "Stripe: accepted" || outlook["verdict"] != "accepted" || outlook["confidence"] != "B" || got[1]["signed"] != "stripe v1 with WHSEC" {
		t.Errorf("got %v", got[1])
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
			f = compact{&out}
		case jsonl:
			f = jsonl{&out}
		}
		s := &inspect.Summary{ID: 1, ReceivedAt: noon, Disposition: inspect.Held, Facts: hostileFacts}
		a := &inspect.AttemptSummary{Number: 1, Trigger: inspect.Initial, Status: 200, Outlook: outlook}
		if err := f.delivery(s); err != nil {
			t.Fatal(err)
		}
		if err := f.attempt(s, a, hostile); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%T wrote %d lines, want 2", f, n)
		}
		checkHarmless(t, fmt.Sprintf("%T", f), out.String())
	}
}
