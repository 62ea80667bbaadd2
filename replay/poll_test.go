package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hookloop/inspect"
)

// A statusAPI is a RoundTripper that answers one after the other; the last
// again and again.
type statusAPI struct {
	answers []string // "200 BODY", "429 Retry-After=7", "error"
	start   time.Time
	asked   []string // at which time since start
	header  http.Header
}

func (s *statusAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, time.Since(s.start).String())
	s.header = r.Header
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if answer == "error" {
		return nil, io.ErrUnexpectedEOF
	}
	status, rest, _ := strings.Cut(answer, " ")
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Set-Cookie", "session=secret")
	if after, ok := strings.CutPrefix(rest, "Retry-After="); ok {
		w.Header().Set("Retry-After", after)
		rest = ""
	}
	var code int
	_, _ = fmt.Sscan(status, &code)
	w.WriteHeader(code)
	_, _ = io.WriteString(w, rest)
	return w.Result(), nil
}

const (
	statePending = `200 {"data":{"state":"pending"}}`
	stateSuccess = `200 {"data":{"state":"success","taskId":"t1"}}`
	unsuccessful = `200 {"data":{"state":"failed"}}`
)

func newPoll(api *statusAPI) *Poll {
	api.start = time.Now()
	return &Poll{
		URL: "https://api.example.test/status?key=secret", Transport: api, Header: http.Header{"Authorization": {"Bearer secret"}},
		Until: []Match{{"data.state", []string{"success"}}}, FailOn: []Match{{"data.state", []string{"failed"}}},
	}
}

func TestPollAwait(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers []string
		set     func(*Poll)
		asked   []string
		failed  bool
		err     string // part of it
	}{
		{"at once", []string{stateSuccess}, nil, []string{"0s"}, false, ""},
		{"after a while", []string{statePending, statePending, stateSuccess}, func(p *Poll) { p.WaitFirst = 5 * time.Second }, []string{"5s", "8s", "11s"}, false, ""},
		{"failed", []string{statePending, unsuccessful}, nil, []string{"0s", "3s"}, true, ""},
		{"backoff", []string{statePending, statePending, statePending, statePending, stateSuccess}, func(p *Poll) { p.Backoff, p.Max = 2, 10*time.Second }, []string{"0s", "3s", "9s", "19s", "29s"}, false, ""},
		{"Retry-After", []string{"429 Retry-After=7", "503 Retry-After=1", stateSuccess}, nil, []string{"0s", "7s", "10s"}, false, ""},
		{"trouble", []string{"error", "500 x", "408 x", stateSuccess}, nil, []string{"0s", "3s", "6s", "9s"}, false, ""},
		{"no JSON", []string{"200 <html>", "200 ", stateSuccess}, nil, []string{"0s", "3s", "6s"}, false, ""},
		{"timeout", []string{statePending}, func(p *Poll) { p.Timeout = 7 * time.Second }, []string{"0s", "3s", "6s"}, false, ErrPollTimeout.Error()},
		{"timeout before the first", []string{stateSuccess}, func(p *Poll) { p.Timeout, p.WaitFirst = time.Second, time.Minute }, nil, false, ErrPollTimeout.Error()},
		{"wrong key", []string{"401 x"}, nil, []string{"0s"}, false, "is the key that -H sends right"},
		{"not there", []string{"404 x"}, nil, []string{"0s"}, false, "answers 404"},
		{"redirect", []string{"302 x"}, nil, []string{"0s"}, false, "which is not followed"},
		{"too large", []string{stateSuccess}, func(p *Poll) { p.MaxBody = 10 }, []string{"0s"}, false, "larger than 10 bytes"},
		{"came before", []string{statePending}, func(p *Poll) { p.Elsewhere = func(context.Context) (bool, error) { return true, nil } }, nil, false, ErrElsewhere.Error()},
		{"came meanwhile", []string{stateSuccess}, func(p *Poll) {
			n := 0
			p.Elsewhere = func(context.Context) (bool, error) { n++; return n > 1, nil }
		}, []string{"0s"}, false, ErrElsewhere.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &statusAPI{answers: tc.answers}
				p := newPoll(api)
				events := 0
				p.OnEvent = func(PollEvent) { events++ }
				if tc.set != nil {
					tc.set(p)
				}
				a, err := p.Await(t.Context())
				if !slices.Equal(api.asked, tc.asked) {
					t.Errorf("asked at %v, want %v", api.asked, tc.asked)
				}
				if tc.err != "" {
					if err == nil || !strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "secret") {
						t.Errorf("error: got %v, want %q", err, tc.err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if a.Failed != tc.failed || a.Asked != len(tc.asked) || events != a.Asked {
					t.Errorf("got %+v, %d events", a, events)
				}
				if api.header.Get("Authorization") == "" {
					t.Error("the header was not sent")
				}
				d := p.Delivery(a, "/poll")
				if all := fmt.Sprintf("%+v", d); strings.Contains(all, "secret") || d.Source != inspect.FromPoll || d.Header.Get("Content-Type") != "application/json" || string(d.Body) != string(a.Body) {
					t.Errorf("the delivery: %s", all)
				}
			})
		})
	}
}

func TestPollWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cron, err := ParseCron("*/5 * * * *")
		if err != nil {
			t.Fatal(err)
		}
		api := &statusAPI{answers: []string{
			`200 {"n":1,"at":1}`, `200 {"n":1,"at":2}`, "500 x", `200 {"n":2,"at":3}`, "429 Retry-After=400", `200 {"n":1,"at":4}`, `200 {"n":1,"at":5}`,
		}}
		p := newPoll(api)
		p.Until, p.FailOn, p.Schedule, p.Changed = nil, nil, cron, "n"
		ctx, cancel := context.WithTimeout(t.Context(), 41*time.Minute)
		defer cancel()
		var found []string
		err = p.Watch(ctx, p.Digest([]byte(`{"n":1}`)), func(a *PollAnswer) error {
			found = append(found, string(a.Body))
			return nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
		if want := []string{`{"n":2,"at":3}`, `{"n":1,"at":4}`}; !slices.Equal(found, want) {
			t.Errorf("found %v, want %v", found, want)
		}
		if want := []string{"5m0s", "10m0s", "15m0s", "20m0s", "25m0s", "35m0s", "40m0s"}; !slices.Equal(api.asked, want) {
			t.Errorf("asked at %v, want %v", api.asked, want)
		}
	})
}

func TestPollWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoll(&statusAPI{answers: []string{stateSuccess}})
		refused := errors.New("the store is closed")
		if err := p.Watch(t.Context(), "", func(*PollAnswer) error { return refused }); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	})
}

// TestPollTargets asks other machines, but never hookloop itself or what is
// never sent to.
func TestPollTargets(t *testing.T) {
	for _, address := range []string{"http://169.254.169.254/latest", "ftp://x.test", "x.test", "http://user:pw@x.test", "http://100.100.100.200/"} {
		err := (&Poll{URL: address}).Check()
		if err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := (&Poll{URL: "https://192.0.2.1/x"}).Check(); err != nil {
		t.Error(err)
	}
	r := new(rig).start(t, "")
	own := r.addr
	guard := PollGuard(&Guard{Own: ownAddr(t, own)})
	p := &Poll{URL: "http://" + own + "/status", Transport: NewTransport(TransportOptions{Guard: guard})}
	if _, err := p.Await(t.Context()); err == nil || !strings.Contains(err.Error(), "hookloop itself") {
		t.Errorf("asking hookloop itself: %v", err)
	}
	if got := len(r.deliveries(t)); got != 0 {
		t.Errorf("%d deliveries of it", got)
	}
}

func TestParseMatch(t *testing.T) {
	m, err := ParseMatch("data.state=success|done")
	if err != nil || !m.holds([]byte(`{"data":{"state":"done"}}`)) || m.holds([]byte(`{"data":{"state":"success|done"}}`)) || m.holds([]byte(`no`)) {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := ParseMatch("data.state"); err == nil {
		t.Error("no value is read")
	}
}

func ownAddr(t *testing.T, addr string) func() []netip.AddrPort {
	t.Helper()
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return func() []netip.AddrPort { return []netip.AddrPort{ap} }
}

// TestPollBackoff has an interval never become shorter but by Max.
func TestPollBackoff(t *testing.T) {
	for _, tt := range []struct {
		p          Poll
		from, want time.Duration
	}{
		{Poll{}, time.Second, time.Second},
		{Poll{Backoff: 2}, time.Second, 2 * time.Second},
		{Poll{Backoff: 2, Max: 90 * time.Second}, time.Minute, 90 * time.Second},
		{Poll{Backoff: math.Inf(1)}, time.Minute, 24 * time.Hour},
		{Poll{Backoff: 2}, 48 * time.Hour, 48 * time.Hour},
	} {
		if got := tt.p.longer(tt.from); got != tt.want {
			t.Errorf("%+v: after %s comes %s, want %s", tt.p, tt.from, got, tt.want)
		}
	}
}
