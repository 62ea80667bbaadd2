package tui

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/tunnel"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(run(m))
}

// idle is a store that no test writes to.
var idle *inspect.Store

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hookloop-tui-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if idle, err = inspect.Open(dir, inspect.Options{}); err != nil {
		panic(err)
	}
	defer func() { _ = idle.Close() }()
	return m.Run()
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func openStore(tb testing.TB) *inspect.Store {
	tb.Helper()
	s, err := inspect.Open(tb.TempDir(), inspect.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// newTestModel returns a model of size w×h that has read nothing yet. Commands
// are not run: a test gives it the messages.
func newTestModel(tb testing.TB, w, h int) *model {
	tb.Helper()
	return newModelOn(tb, idle, w, h)
}

func newModelOn(tb testing.TB, store *inspect.Store, w, h int) *model {
	tb.Helper()
	m := newModel(context.Background(), Config{
		Store: store, Sender: &replay.Sender{}, Version: "v1.2.3",
		HandlerURL: "http://localhost:3000", ReceiverURL: "http://127.0.0.1:4041", InspectorURL: "http://127.0.0.1:4040/?token=3f9a",
		Editor: []string{"vi"}, OpenURL: func(string) error { return nil },
	})
	m.cfg.Running = &replay.Running{Sender: m.cfg.Sender}
	tb.Cleanup(func() {
		m.cfg.Running.Close()
		m.close()
	})
	m.now = noon
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return m
}

// live gives m the vitals of a session that is well.
func (m *model) live(s tunnel.Status, c inspect.Counters) {
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon, tunnel: s, health: replay.Health{State: replay.HealthUp}, counters: c, notice: m.notice}})
}

var online = tunnel.Status{Provider: "ngrok", State: tunnel.Online, URL: "https://blue-fox.ngrok-free.app", Since: noon.Add(-time.Hour)}

var sampleCounters = inspect.Counters{
	Received: 12, Forwarded: 10, Held: 1, Refused: 1, Attempts: 13, Status2xx: 8, Status3xx: 1, Status4xx: 1, Status5xx: 1, Errors: 1, Pending: 1,
}

var stripeFacts = provider.Facts{
	Provider: "stripe", Certainty: provider.Certain, Event: "invoice.paid", EventID: "evt_1", ProviderAttempt: 2, Signature: provider.Valid, SignatureCode: provider.CodeOK,
	SignatureReason: "signed with STRIPE_WEBHOOK_SECRET", Scheme: "v1", Secret: "STRIPE_WEBHOOK_SECRET", Address: provider.NotListed,
}

// sampleRows are deliveries of every outcome, newest first as a Store lists them.
func sampleRows() []inspect.Summary {
	answered := func(status int, d time.Duration) *inspect.AttemptSummary {
		return &inspect.AttemptSummary{Number: 1, Trigger: inspect.Initial, State: inspect.Answered, Status: status, Duration: d, Size: 11}
	}
	rows := []inspect.Summary{
		{Method: "POST", Path: "/hooks/stripe", Size: 1284, Last: answered(200, 12*time.Millisecond)},
		{Method: "POST", Path: "/hooks/github", Size: 9130, Last: answered(204, 3200*time.Microsecond)},
		{Method: "PUT", Path: "/hooks/shop/orders/with/a/path/that/is/far/too/long/for/any/list", Size: 512, Last: answered(302, 1500*time.Millisecond)},
		{Method: "POST", Path: "/hooks/stripe", Size: 33 << 20, Last: answered(404, 800*time.Microsecond)},
		{Method: "POST", Path: "/hooks/stripe", Size: 0, Pinned: true, Last: answered(500, 95*time.Second)},
		{Method: "POST", Path: "/hooks/한국어/✓", Size: 77, Disposition: inspect.Held},
		{Method: "POST", Path: "/big", Size: 40 << 20, Disposition: inspect.Refused, Reason: "the body is over the limit", Truncated: true},
		{Method: "POST", Path: "/apixo/callback", Size: 140, Last: &inspect.AttemptSummary{Number: 1, State: inspect.Errored, Error: "nothing listens at localhost:3000", Duration: 400 * time.Microsecond}},
		{Method: "POST", Path: "/apixo/callback", Size: 141, Last: &inspect.AttemptSummary{Number: 1, State: inspect.Pending}},
		{Method: "GET", Path: "/stream", Size: 0, Last: &inspect.AttemptSummary{Number: 1, State: inspect.Pending, Status: 200, Protocol: inspect.SSE}},
		{Method: "GET", Path: "/socket", Size: 0, Last: &inspect.AttemptSummary{Number: 1, State: inspect.Answered, Status: 101, Protocol: inspect.WebSocket, Duration: 2 * time.Hour}},
		{Method: "POST", Path: "/hooks/stripe", Size: 1284, Attempts: 2, Last: &inspect.AttemptSummary{Number: 2, Trigger: inspect.Replay, State: inspect.Answered, Status: 200, Duration: 31 * time.Millisecond}},
	}
	facts := map[int]provider.Facts{
		0:  stripeFacts,
		1:  {Provider: "github", Certainty: provider.Certain, Event: "push", Signature: provider.Invalid, SignatureCode: provider.CodeWrongSecret, SignatureReason: "the signature is from another secret"},
		3:  {Provider: "stripe", Certainty: provider.Guess, Event: "customer.subscription.trial_will_end", Signature: provider.Unverifiable, SignatureCode: provider.CodeNoSecret},
		4:  {Provider: "slack", Certainty: provider.Certain, Handshake: "url_verification", Signature: provider.Valid},
		7:  {Provider: "apixo", Certainty: provider.Likely, Event: "task.completed", EventID: "task-1", Signature: provider.Unverifiable, SignatureCode: provider.CodeNotSigned},
		11: stripeFacts,
	}
	list := make([]inspect.Summary, 0, len(rows))
	for i, s := range rows {
		s.Facts = facts[i]
		s.ID, s.ReceivedAt, s.Target = int64(i+1), noon.Add(time.Duration(i-20)*time.Second), s.Path
		if s.ID == 1 {
			s.ReceivedAt = noon.AddDate(0, -1, 0)
		}
		if s.Last != nil {
			s.Disposition, s.Attempts = inspect.Forwarded, max(s.Attempts, 1)
		}
		list = append([]inspect.Summary{s}, list...)
	}
	return list
}

// sampleDelivery is the newest of sampleRows, with its attempts.
func sampleDelivery() (*inspect.Delivery, []inspect.Attempt) {
	body := `{"id":"evt_1","amount":1200,"big":12345678901234567890,"live":false,"next":null,"tags":["a","b"]}`
	d := &inspect.Delivery{
		ID: 12, ReceivedAt: noon.Add(-9 * time.Second), Method: "POST", Target: "/hooks/stripe?x=1;y=2&z=%zz", Host: "blue-fox.ngrok-free.app",
		Proto: "HTTP/1.1", RemoteAddr: "203.0.113.7:4711", Endpoint: "https://blue-fox.ngrok-free.app",
		Header: http.Header{"Content-Type": {"application/json"}, "X-Twice": {"one", "two"}, "Stripe-Signature": {"t=1710417591,v1=" + strings.Repeat("5257a869e7", 7)}},
		Body:   []byte(body), Size: int64(len(body)), Disposition: inspect.Forwarded, Facts: stripeFacts,
	}
	return d, []inspect.Attempt{
		{
			DeliveryID: 12, Number: 1, Trigger: inspect.Initial, State: inspect.Errored, StartedAt: noon.Add(-9 * time.Second), Duration: 5 * time.Second,
			URL: "http://localhost:3000/hooks/stripe?x=1;y=2&z=%zz", Error: "no answer within 5s: the handler is slow or stuck", ErrorKind: inspect.ErrTimeout,
			Outlook: &provider.Outlook{
				Provider: "stripe", Verdict: provider.WouldRetry, Text: "Stripe: would retry in 1 h (attempt 3 of 17); it wants any 2xx",
				Confidence: provider.Quoted, Limit: 10 * time.Second,
			},
		},
		{
			DeliveryID: 12, Number: 2, Trigger: inspect.Replay, State: inspect.Answered, StartedAt: noon.Add(-3 * time.Second), Duration: 31 * time.Millisecond,
			URL: "http://localhost:3000/hooks/stripe?x=1;y=2&z=%zz", Sent: &inspect.Sent{Edited: true, Body: []byte("{}"), Signed: "Stripe v1, with STRIPE_WEBHOOK_SECRET"},
			Response: &inspect.Response{
				Status: 200, Proto: "HTTP/1.1", Header: http.Header{"Content-Type": {"text/html"}, "Date": {"Sat, 14 Mar 2026 11:59:57 GMT"}},
				Body: []byte("<p>thanks</p>\n"), Size: 14,
			},
		},
	}
}

// sampleModel is a model with sampleRows.
func sampleModel(tb testing.TB, w, h int) *model {
	m := newTestModel(tb, w, h)
	m.Update(listedMsg{at: m.at, rows: sampleRows(), done: true})
	m.live(online, sampleCounters)
	return m
}

// subject is what docs of d are made of before its signature is looked at.
func (m *model) subject(d *inspect.Delivery, attempts []inspect.Attempt, chosen int) subject {
	return subject{cfg: &m.cfg, d: d, attempts: attempts, chosen: chosen}
}

// open opens the newest delivery at a tab.
func (m *model) open(n tab) {
	m.press(keyMsg("enter"))
	m.detail.tab = n
	m.arrange()
	d, attempts := sampleDelivery()
	msg := detailMsg{id: d.ID, tab: n, d: d, attempts: attempts}
	if n != tabAttempts {
		msg.doc = buildDoc(n, m.subject(d, attempts, 0), m.t)
	}
	m.Update(msg)
}

func keyMsg(name string) tea.KeyPressMsg {
	special := map[string]tea.KeyPressMsg{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
		"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "ctrl+d": {Code: 'd', Mod: tea.ModCtrl}, "ctrl+c": {Code: 'c', Mod: tea.ModCtrl},
		"left": {Code: tea.KeyLeft}, "backspace": {Code: tea.KeyBackspace},
	}
	if k, ok := special[name]; ok {
		return k
	}
	r := []rune(name)[0]
	return tea.KeyPressMsg{Code: r, Text: name}
}

// keys presses keys one after another, without running commands.
func (m *model) keys(names ...string) {
	for _, n := range names {
		m.Update(keyMsg(n))
	}
}

// text is what is on the screen, without styles.
func (m *model) text() string {
	lines := m.screen()
	for i := range lines {
		lines[i] = strings.TrimRight(ansi.Strip(lines[i]), " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// checkScreen fails unless the screen has exactly the window's size.
func checkScreen(tb testing.TB, m *model) {
	tb.Helper()
	lines := m.screen()
	if len(lines) != m.height {
		tb.Errorf("%dx%d: got %d lines", m.width, m.height, len(lines))
	}
	for i, s := range lines {
		if w := ansi.StringWidth(s); w != m.width {
			tb.Fatalf("%dx%d: line %d is %d cells wide: %q", m.width, m.height, i, w, ansi.Strip(s))
		}
	}
}

func TestEverySizeFillsTheWindow(t *testing.T) {
	views := map[string]func(*model){
		"list":     func(*model) {},
		"empty":    func(m *model) { m.list = list{}; m.at.query = "" },
		"filter":   func(m *model) { m.keys("/", "x", "y") },
		"error":    func(m *model) { m.keys("/", "a", ":", "enter") },
		"confirm":  func(m *model) { m.keys("ctrl+d") },
		"help":     func(m *model) { m.keys("?") },
		"request":  func(m *model) { m.open(tabRequest) },
		"response": func(m *model) { m.open(tabResponse) },
		"attempts": func(m *model) { m.open(tabAttempts) },
		"raw":      func(m *model) { m.open(tabRaw) },
		"menu":     func(m *model) { m.keys("s", "z") },
		"timeline": func(m *model) { m.openSimulations(sampleSimulations(), 0) },
		"away": func(m *model) {
			m.notice = "now open the page"
			m.live(tunnel.Status{State: tunnel.Reconnecting, Reason: strings.Repeat("long ", 50), Retries: 3, Since: noon.Add(-time.Minute)}, sampleCounters)
		},
	}
	for name, set := range views {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sampleModel(t, 80, 24)
			set(m)
			for w := 1; w < 210; w += 1 + w/6 {
				for h := 1; h < 64; h += 1 + h/4 {
					m.Update(tea.WindowSizeMsg{Width: w, Height: h})
					checkScreen(t, m)
				}
			}
			m.Update(tea.WindowSizeMsg{})
			if got := m.View().Content; got != "" {
				t.Errorf("a window of no size shows %q", got)
			}
		})
	}
}

func TestMouseStaysWithTheTerminal(t *testing.T) {
	m := sampleModel(t, 80, 24)
	v := m.View()
	if v.MouseMode != tea.MouseModeNone || !v.AltScreen {
		t.Errorf("got mouse mode %v, alt screen %v; want no mouse, so that text can be selected, on the alt screen", v.MouseMode, v.AltScreen)
	}
}

func TestDisabledKeysSayWhy(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*model)
		key  string
		want string
	}{
		{"no sender", func(m *model) { m.cfg.Sender = nil }, "r", "there is no handler"},
		{"no sender for all", func(m *model) { m.cfg.Sender = nil }, "R", "there is no handler"},
		{"no handler, and never sent", func(m *model) {
			m.cfg.HandlerURL = ""
			m.summary().Attempts = 0
		}, "r", "no handler to go to: start hookloop with one"},
		{"no editor", func(m *model) { m.cfg.Editor = nil }, "e", "set EDITOR"},
		{"no browser", func(m *model) { m.cfg.OpenURL = nil }, "o", "The page is at http://127.0.0.1:4040"},
		{"no page", func(m *model) { m.cfg.InspectorURL = "" }, "o", "The page is off"},
		{"no delivery", func(m *model) { m.list.replace(nil, true, true) }, "r", "no delivery here"},
		{"no delivery to open", func(m *model) { m.list.replace(nil, true, true) }, "enter", "no delivery here"},
		{"truncated", func(m *model) { m.keys("k", "k", "k", "k", "k") }, "r", "only the beginning"},
		{"a tab in the list", func(*model) {}, "tab", "is for a delivery"},
		{"nothing found", func(m *model) { m.open(tabRequest) }, "n", "Nothing was found yet"},
		{"no body in attempts", func(m *model) { m.open(tabAttempts) }, "/", "no body here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := sampleModel(t, 100, 30)
			test.set(m)
			m.keys(test.key)
			if got := m.message.text; !strings.Contains(got, test.want) {
				t.Errorf("key %s says %q, want %q in it", test.key, got, test.want)
			}
			if !strings.Contains(m.text(), test.want) {
				t.Errorf("%q is not on the screen", test.want)
			}
		})
	}
}

func TestOpenPage(t *testing.T) {
	m := sampleModel(t, 100, 30)
	var opened []string
	m.cfg.OpenURL = func(url string) error {
		opened = append(opened, url)
		return nil
	}
	m.cfg.DeliveryURL = func(id int64) string { return fmt.Sprintf("%s#%d", m.cfg.InspectorURL, id) }
	id := m.target()
	m.openPage()()
	m.list.replace(nil, true, true)
	m.openPage()()
	want := []string{fmt.Sprintf("%s#%d", m.cfg.InspectorURL, id), m.cfg.InspectorURL}
	if !slices.Equal(opened, want) {
		t.Errorf("o opened %q, want the delivery's page, and without a delivery the page: %q", opened, want)
	}
}

func TestBadQueryLosesNothing(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.keys("/", "n", "o", "p", "e", ":", "1", "enter")
	if m.ask.kind != askFilter || m.ask.input.Value() != "nope:1" || m.ask.err == "" {
		t.Errorf("got kind %v, text %q, error %q; want the query still there, with an error", m.ask.kind, m.ask.input.Value(), m.ask.err)
	}
	if got := len(m.list.rows); got != 12 || m.at.query != "" {
		t.Errorf("got %d rows of query %q, want the list as it was", got, m.at.query)
	}
	m.keys("esc")
	if m.ask.kind != askNothing || m.ask.err != "" {
		t.Errorf("esc left the question open: %v %q", m.ask.kind, m.ask.err)
	}
}

func TestFilterAppliesAndClears(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.keys("/", "i", "s", ":", "f", "a", "i", "l", "e", "d", "enter")
	if m.at.query != "is:failed" || !m.listing {
		t.Fatalf("got query %q, listing %v; want a new list", m.at.query, m.listing)
	}
	stale := listedMsg{at: position{gen: m.at.gen - 1}, rows: sampleRows()[:1]}
	m.Update(stale)
	if len(m.list.rows) != 12 {
		t.Error("the answer to an older question was shown")
	}
	m.Update(listedMsg{at: m.at, rows: sampleRows()[:3], done: true})
	if got := m.text(); !strings.Contains(got, "/ is:failed") || len(m.list.rows) != 3 {
		t.Errorf("the filter is not shown, or its rows are not:\n%s", got)
	}
	m.keys("esc")
	if m.at.query != "" {
		t.Errorf("esc left the filter %q", m.at.query)
	}
}

func TestDeleteAsksFirst(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.keys("ctrl+d")
	if got := m.text(); !strings.Contains(got, "Delete #12 and its attempts for ever?") {
		t.Errorf("no question:\n%s", got)
	}
	m.keys("n")
	if m.ask.kind != askNothing {
		t.Error("the question is still there after n")
	}
	m.keys("ctrl+d")
	if cmd := m.answer(keyMsg("y")); cmd == nil {
		t.Error("y does nothing")
	}
}

func TestDeletedDeliveryLeavesTheDetail(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.open(tabRequest)
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, changes: []inspect.Changes{{Removed: []int64{12}}}})
	if m.inside || m.detail.want == 12 {
		t.Errorf("inside %v, want %d: the delivery is gone", m.inside, m.detail.want)
	}
	if s := m.list.selected(); s == nil || s.ID != 11 {
		t.Errorf("the cursor is on %v, want #11", s)
	}
}

func TestQuitKeys(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.open(tabRequest)
	if cmd := m.press(keyMsg("q")); cmd != nil || m.inside {
		t.Error("q in a delivery must go back, and only that")
	}
	for _, key := range []string{"q", "ctrl+c"} {
		cmd := m.press(keyMsg(key))
		if cmd == nil {
			t.Fatalf("%s does nothing", key)
		}
		if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%s does not quit", key)
		}
	}
	m.keys("/")
	if cmd := m.press(keyMsg("ctrl+c")); cmd == nil {
		t.Error("ctrl+c does nothing while something is typed")
	}
	if m.keys("q"); m.ask.input.Value() != "q" {
		t.Errorf("q was not typed: %q", m.ask.input.Value())
	}
}

func TestKeysAreUnique(t *testing.T) {
	for _, where := range []scope{inList, inDetail} {
		seen := map[string]string{}
		for _, b := range bindings() {
			if b.where&where == 0 {
				continue
			}
			for _, k := range b.keys {
				if other, ok := seen[k]; ok {
					t.Errorf("%s is bound to %q and to %q", k, other, b.text)
				}
				seen[k] = b.text
			}
		}
		for _, later := range []string{"D", "x", "d", "p"} {
			if text, ok := seen[later]; ok {
				t.Errorf("%s is bound to %q, but belongs to something else", later, text)
			}
		}
	}
}

func TestNarrowHeaderKeepsTheAccounts(t *testing.T) {
	m := sampleModel(t, 60, 20)
	c := sampleCounters
	for _, want := range []string{
		fmt.Sprintf("%d = %d forwarded + %d held + %d refused", c.Received, c.Forwarded, c.Held, c.Refused),
		"13=8 2xx+1 3xx+1 4xx+1 5xx+1 err+1 pend",
	} {
		if got := m.text(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestChangesElsewhereLeaveTheDetail keeps a large body from being read and
// laid out again for what happens to others, with a filter too.
func TestChangesElsewhereLeaveTheDetail(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.open(tabRequest)
	doc := m.detail.pagers[tabRequest].doc
	m.at.query = "method:POST"
	other := inspect.Changes{Deliveries: sampleRows()[3:4]}
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, changes: []inspect.Changes{other}, replace: true, rows: sampleRows(), done: true})
	if m.stale || m.reading {
		t.Error("a change of another delivery has this one read again")
	}
	same := inspect.Changes{Deliveries: sampleRows()[:1]}
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, changes: []inspect.Changes{same}})
	if !m.reading {
		t.Error("a change of this delivery does not have it read again")
	}
	d, attempts := sampleDelivery()
	m.Update(detailMsg{id: d.ID, tab: tabRequest, d: d, attempts: attempts, doc: doc})
	if p := m.detail.pagers[tabRequest]; p.doc != doc || !m.detail.built[tabRequest] {
		t.Error("the request was laid out again for a new attempt")
	}
}

func TestStackedWhenTall(t *testing.T) {
	m := sampleModel(t, 90, 50)
	m.open(tabRequest)
	if got := m.text(); !strings.Contains(got, "/apixo/callback") || !strings.Contains(got, `"amount": 1200`) || m.plan.beside {
		t.Errorf("want the list above the detail, got\n%s", got)
	}
	checkScreen(t, m)
}

func TestLeavingTheDetailFollowsAgain(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.open(tabRequest)
	next := sampleRows()[0]
	next.ID = 13
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, changes: []inspect.Changes{{Deliveries: []inspect.Summary{next}}}})
	if m.target() != 12 || m.list.follow {
		t.Errorf("a new delivery took the open one's place: #%d", m.target())
	}
	m.keys("esc")
	if m.target() != 13 || !m.list.follow {
		t.Errorf("back in the list: #%d, following %v; want the newest", m.target(), m.list.follow)
	}
}

func TestChoosingAttempts(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.open(tabResponse)
	m.keys("h")
	if m.detail.chosen != 1 {
		t.Fatalf("h chose attempt %d, want 1", m.detail.chosen)
	}
	d, attempts := sampleDelivery()
	m.Update(detailMsg{id: d.ID, chosen: 1, tab: tabResponse, d: d, attempts: attempts, doc: buildDoc(tabResponse, m.subject(d, attempts, 1), m.t)})
	if got := m.text(); !strings.Contains(got, "1 of 2 · initial") || !strings.Contains(got, "no answer within 5s") {
		t.Errorf("attempt 1 is not shown:\n%s", got)
	}
	m.keys("h")
	if !strings.Contains(m.message.text, "no attempt further on") {
		t.Errorf("at the first attempt, h says %q", m.message.text)
	}
	m.keys("l")
	if m.detail.chosen != 0 {
		t.Errorf("l chose %d, want the latest, whichever that will be", m.detail.chosen)
	}
}
