package replay

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func TestOutlook(t *testing.T) {
	checker := &provider.Checker{Catalog: provider.BuiltIn()}
	known := func(name string, attempt int) provider.Facts {
		return provider.Facts{Provider: name, Certainty: provider.Certain, ProviderAttempt: attempt}
	}
	answer := func(status int, h http.Header) *inspect.Response { return &inspect.Response{Status: status, Header: h} }
	broke := errors.New("broke")
	for _, tt := range []struct {
		name    string
		facts   provider.Facts
		rec     inspect.Attempt
		err     error
		sent    int  // status that went out before the end
		nobody  bool // waits for the answer
		gone    bool
		want    provider.Verdict // "" = no outlook
		retryIn time.Duration
		part    string
	}{
		{name: "accepted", facts: known("stripe", 0), rec: inspect.Attempt{Response: answer(201, nil)}, want: provider.Accepted, part: "Stripe: accepted"},
		{name: "exactly 200", facts: known("apixo", 0), rec: inspect.Attempt{Response: answer(204, nil)}, want: provider.WouldRetry, retryIn: 30 * time.Second, part: "exactly 200"},
		{name: "its own count", facts: known("apixo", 2), rec: inspect.Attempt{Response: answer(500, nil)}, want: provider.WouldRetry, retryIn: 2 * time.Minute, part: "attempt 3 of 4"},
		{name: "down", facts: known("apixo", 0), rec: inspect.Attempt{ErrorKind: inspect.ErrRefused}, err: broke, want: provider.WouldRetry, retryIn: 30 * time.Second},
		{name: "down, GitHub", facts: known("github", 0), rec: inspect.Attempt{ErrorKind: inspect.ErrRefused}, err: broke, want: provider.GivesUp, part: "502"},
		{name: "the handler's time is over", facts: known("github", 0), rec: inspect.Attempt{ErrorKind: inspect.ErrTimeout}, err: broke, want: provider.GivesUp, part: "504"},
		{name: "half an answer", facts: known("github", 0), rec: inspect.Attempt{ErrorKind: inspect.ErrReset, Response: answer(200, nil)}, err: broke, sent: 200, want: provider.GivesUp, part: "no answer"},
		{name: "hookloop failed", facts: known("github", 0), rec: inspect.Attempt{ErrorKind: inspect.ErrOther}, err: errPanic, want: provider.GivesUp, part: "no answer"},
		{name: "too late", facts: known("slack", 0), rec: inspect.Attempt{Response: answer(200, nil), Duration: 3400 * time.Millisecond}, want: provider.TooLate, part: "took 3.4 s of 3 s"},
		{name: "hung up first", facts: known("slack", 0), rec: inspect.Attempt{Response: answer(200, nil), Duration: time.Second}, gone: true, want: provider.WouldRetry, part: "no answer in 1 s"},
		{name: "hung up at its limit", facts: known("slack", 0), rec: inspect.Attempt{Response: answer(200, nil), Duration: 5 * time.Second}, gone: true, want: provider.TooLate},
		{name: "the stop header", facts: known("slack", 0), rec: inspect.Attempt{Response: answer(500, http.Header{"X-Slack-No-Retry": {"1"}})}, want: provider.GivesUp, part: "X-Slack-No-Retry"},
		{name: "a stream, which ends with either side", facts: known("stripe", 0), rec: inspect.Attempt{Response: answer(200, nil), Protocol: inspect.SSE}, gone: true, sent: 200, want: provider.Accepted},
		{name: "a WebSocket", facts: known("stripe", 0), rec: inspect.Attempt{Response: answer(101, nil), Protocol: inspect.WebSocket}, sent: 101},
		{name: "nobody waits", facts: known("stripe", 0), rec: inspect.Attempt{Response: answer(200, nil)}, nobody: true},
		{name: "a replay", facts: known("stripe", 0), rec: inspect.Attempt{Response: answer(200, nil), Trigger: inspect.Replay}},
		{name: "not recognised", rec: inspect.Attempt{Response: answer(200, nil)}},
		{name: "a guess", facts: provider.Facts{Provider: "stripe", Certainty: provider.Guess}, rec: inspect.Attempt{Response: answer(200, nil)}},
		{name: "gone from the catalog", facts: known("nowhere", 0), rec: inspect.Attempt{Response: answer(200, nil)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rec.Trigger == "" {
				tt.rec.Trigger = inspect.Initial
			}
			a := &attempt{
				plan: &plan{record: &tt.rec}, s: &Sender{Checker: checker}, d: &inspect.Delivery{Facts: tt.facts},
				w: httptest.NewRecorder(), r: httptest.NewRequestWithContext(t.Context(), "POST", "/", nil), status: tt.sent, gone: tt.gone,
			}
			if tt.nobody {
				a.w, a.r = nil, nil
			}
			got := a.outlook(tt.err)
			if tt.want == "" {
				if got != nil {
					t.Fatalf("got %+v, want none", got)
				}
				return
			}
			if got == nil || got.Verdict != tt.want || !strings.Contains(got.Text, tt.part) || got.Provider != tt.facts.Provider {
				t.Fatalf("got %+v, want %s with %q", got, tt.want, tt.part)
			}
			if tt.retryIn != 0 && got.RetryIn != tt.retryIn {
				t.Errorf("retry in: got %s, want %s", got.RetryIn, tt.retryIn)
			}
		})
	}
}

// The time that counts is the provider's: it runs from the arrival of its request.
func TestOutlookCountsTheWait(t *testing.T) {
	start := time.Now()
	a := &attempt{
		plan: &plan{record: &inspect.Attempt{Trigger: inspect.Initial, Response: &inspect.Response{Status: 200}, Duration: 2 * time.Second}},
		s:    &Sender{Checker: &provider.Checker{Catalog: provider.BuiltIn()}}, start: start,
		d: &inspect.Delivery{ReceivedAt: start.Add(-2 * time.Second), Facts: provider.Facts{Provider: "slack", Certainty: provider.Likely}},
		w: httptest.NewRecorder(), r: httptest.NewRequestWithContext(t.Context(), "POST", "/", nil),
	}
	if got := a.outlook(nil); got == nil || got.Verdict != provider.TooLate || !strings.Contains(got.Text, "took 4 s of 3 s") {
		t.Errorf("got %+v, want too late after 4 s", got)
	}
}

// A hangup ends when the provider of a request has gone.
type hangup = <-chan struct{}

// What goes wrong while the outlook is worked out leaves the attempt to end without one.
func TestOutlookThatFails(t *testing.T) {
	r := new(rig).start(t, "")
	d := &inspect.Delivery{Method: "POST", Target: "/", Proto: "HTTP/1.1", ReceivedAt: time.Now(), Disposition: inspect.Forwarded}
	rec := &inspect.Attempt{Trigger: inspect.Initial, State: inspect.Pending, StartedAt: time.Now(), Response: &inspect.Response{Status: 200}}
	if err := r.store.Add(t.Context(), d, rec); err != nil {
		t.Fatal(err)
	}
	d.Facts = provider.Facts{Provider: "stripe", Certainty: provider.Certain}
	r.sender.Checker = &provider.Checker{Catalog: provider.BuiltIn()}
	a := &attempt{plan: &plan{record: rec}, s: &r.sender, d: d, w: httptest.NewRecorder()} // without a request, which it asks
	a.finish(nil)
	if got := r.attempt(t, d.ID, 1); got.State != inspect.Answered || got.Outlook != nil {
		t.Errorf("got %+v, want it answered, without an outlook", got)
	}
}

// recognized makes the deliveries of r a provider's; gone gets the end of each request.
func (r *rig) recognized(name string, gone chan<- hangup) {
	r.sender.Checker = &provider.Checker{Catalog: provider.BuiltIn()}
	r.receiver.Forward = func(d *inspect.Delivery) (*inspect.Attempt, func(http.ResponseWriter, *http.Request)) {
		d.Facts = provider.Facts{Provider: name, Certainty: provider.Certain}
		first, send := r.sender.Forward(d)
		return first, func(w http.ResponseWriter, req *http.Request) {
			if gone != nil {
				gone <- req.Context().Done()
			}
			send(w, req)
		}
	}
}

func TestOutlookOfForwards(t *testing.T) {
	outlook := func(t *testing.T, r *rig, id int64, n int) provider.Outlook {
		t.Helper()
		a := r.attempt(t, id, n)
		if a.Outlook == nil {
			t.Fatalf("attempt %d has no outlook: %+v", n, a)
		}
		return *a.Outlook
	}
	t.Run("answered", func(t *testing.T) {
		h := recordTCP(t, "HTTP/1.1 204 No Content\r\n\r\n")
		r := new(rig).start(t, h.addr)
		r.recognized("apixo", nil)
		exchange(t, r.addr, post("/", "{}"))
		if got := outlook(t, r, 1, 1); got.Verdict != provider.WouldRetry {
			t.Errorf("got %+v, want a retry", got)
		}
		if a := r.replay(t, 1, Options{}); a.Outlook != nil {
			t.Errorf("a replay got %+v, want none: no provider waits for it", a.Outlook)
		}
	})
	t.Run("down", func(t *testing.T) {
		l := listen(t)
		_ = l.Close()
		r := new(rig).start(t, l.Addr().String())
		r.recognized("apixo", nil)
		if m := exchange(t, r.addr, post("/", "{}")); m.status() != http.StatusBadGateway {
			t.Fatalf("got %s", m.start)
		}
		if got := outlook(t, r, 1, 1); got.Verdict != provider.WouldRetry || got.RetryIn != 30*time.Second {
			t.Errorf("got %+v, want a retry in 30 s", got)
		}
	})
	for _, tt := range []struct {
		name, provider string
		handler        string // what it answers; "" = nothing listens
		want           provider.Verdict
		text           string
	}{
		{"a fixed answer", "apixo", ok200, provider.WouldRetry, "APIXO: would retry in 30 s (attempt 2 of 4); it wants exactly 200 (it got 202 at once)"},
		{"a fixed answer, whatever the handler's is", "github", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", provider.Accepted, "GitHub: accepted (it got 202 at once)"},
		{"a fixed answer, down", "github", "", provider.Accepted, "GitHub: accepted (it got 202 at once)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := new(rig)
			if tt.handler != "" {
				r.start(t, recordTCP(t, tt.handler).addr)
			} else {
				l := listen(t)
				_ = l.Close()
				r.start(t, l.Addr().String())
			}
			r.recognized(tt.provider, nil)
			r.receiver.Answer = 202
			exchange(t, r.addr, post("/", "{}"))
			if got := outlook(t, r, 1, 1); got.Verdict != tt.want || got.Text != tt.text || got.Limit != 0 {
				t.Errorf("got %+v, want %s: %s", got, tt.want, tt.text)
			}
		})
	}
	t.Run("a lost answer", func(t *testing.T) {
		r := new(rig).start(t, recordTCP(t, ok200).addr)
		r.recognized("github", nil)
		if err := r.receiver.LoseAcks(1, inspect.LostStatus); err != nil {
			t.Fatal(err)
		}
		exchange(t, r.addr, post("/", "{}"))
		if a := r.attempt(t, 1, 1); a.Outlook != nil {
			t.Errorf("got %+v, want none: the provider never sees the handler's status", a.Outlook)
		}
	})
	for _, size := range []string{"Content-Length: 2\r\n\r\nok", "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"} {
		t.Run("hung up", func(t *testing.T) {
			gone := make(chan hangup, 1)
			asked := make(chan struct{}, 1)
			h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
				if _, err := readMessage(br, true); err != nil {
					return
				}
				asked <- struct{}{}
				<-(<-gone)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+size)
			})
			r := new(rig).start(t, h.addr)
			r.recognized("apixo", gone)
			conn, _ := dial(t, r.addr)
			write(t, conn, post("/", "{}"))
			wait(t, "the handler's turn", asked)
			_ = conn.Close()
			if got := outlook(t, r, 1, 1); got.Verdict != provider.WouldRetry || !strings.Contains(got.Text, "no answer in") {
				t.Errorf("got %+v, want a retry as nothing was answered in time", got)
			}
		})
	}
}
