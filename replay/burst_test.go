package replay

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookloop/inspect"
)

// counting counts its events without a lock, as `n = n + 1` in a database does.
func counting() func(*stage, http.ResponseWriter, *http.Request) {
	var seen sync.Map
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		if _, loaded := seen.LoadOrStore(eventID(r), true); !loaded {
			n := s.count.Load()
			time.Sleep(20 * time.Millisecond)
			s.count.Store(n + 1)
		}
	}
}

// lookingUp looks whether it knows an event, works a while, and then remembers
// it: two that come at once are both worked on.
func lookingUp() func(*stage, http.ResponseWriter, *http.Request) {
	var known sync.Map
	return func(s *stage, _ http.ResponseWriter, r *http.Request) {
		id := eventID(r)
		if _, ok := known.Load(id); !ok {
			time.Sleep(300 * time.Millisecond) // its work, longer than the others take to come
			s.count.Add(1)
			known.Store(id, true)
		}
	}
}

// limited answers status to all but one at a time.
func limited(status int) func(*stage, http.ResponseWriter, *http.Request) {
	var running atomic.Int64
	next := idempotent()
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		defer running.Add(-1)
		if running.Add(1) > 1 {
			w.WriteHeader(status)
			return
		}
		time.Sleep(20 * time.Millisecond)
		next(s, w, r)
	}
}

const apixoEvent = `{"data":{"taskId":"t1","state":"success"}}`

func TestBurst(t *testing.T) {
	slow := func(_ *stage, _ http.ResponseWriter, _ *http.Request) { time.Sleep(50 * time.Millisecond) }
	for _, tt := range []struct {
		name    string
		of      string // the provider
		body    string
		handler func(*stage, http.ResponseWriter, *http.Request)
		spec    Spec
		want    inspect.Verdict
		says    []string
		probed  int64
	}{
		{name: "right", of: "stripe", handler: idempotent(), want: inspect.Pass, says: []string{"none of 60 failed", "note: each was answered within 10 s; how long the provider waits is not published", "from 0 to 31: the side effect happened 31 times"}, probed: 31},
		{name: "ids that stay", handler: idempotent(), want: inspect.Pass, says: []string{"note: every delivery had the same event id, because it could not be replaced: nothing tells which event it is", "happened once"}, probed: 1},
		{name: "racy counter", of: "stripe", handler: counting(), want: inspect.Fail, says: []string{"the side effect happened only"}, probed: -1},
		{name: "racy look-up", of: "stripe", handler: lookingUp(), want: inspect.Fail, says: []string{"and was to happen 31 times"}, probed: -1},
		{name: "not idempotent", of: "stripe", handler: naive, want: inspect.Fail, says: []string{"the side effect happened 60 times, and was to happen 31 times"}, probed: 60},
		{name: "fails under load", of: "stripe", handler: limited(503), want: inspect.Fail, says: []string{"of 60 failed under load: the handler answered 503 Service Unavailable"}, probed: -1},
		{name: "crashes", of: "stripe", handler: func(*stage, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: inspect.Fail, says: []string{"60 of 60 failed under load: the handler at"}},
		{name: "too many", of: "stripe", handler: limited(429), want: inspect.Inconclusive, says: []string{"neither accepted nor failed", "× 429 Too Many Requests"}, probed: -1},
		{name: "201 for APIXO", of: "apixo", body: apixoEvent, handler: givesStatus(201), want: inspect.Fail, says: []string{"60 of 60 were not accepted (60 × 201 Created): APIXO wants exactly 200"}},
		{name: "409 for what it has", of: "stripe", handler: refusesDuplicates(409), want: inspect.Fail, says: []string{"29 of 60 were not accepted (31 × 200 OK, 29 × 409 Conflict): Stripe wants any 2xx"}},
		{name: "404 for what it does not know", of: "stripe", handler: givesStatus(404), want: inspect.Inconclusive, says: []string{"none was accepted (60 × 404 Not Found): they came with new event ids"}},
		{name: "slow", of: "stripe", handler: slow, spec: Spec{Deadline: 20 * time.Millisecond}, want: inspect.Fail, says: []string{"60 of 60 took longer than the 20 ms that the provider waits"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := setStage(t, tt.of, orDefault(tt.body, slowEvent), tt.handler)
			spec := tt.spec
			spec.Kind, spec.Count, spec.Concurrency = "burst", 60, 10
			if tt.probed != 0 {
				spec.Probe = s.probe()
			}
			sim := s.run(t, spec, tt.want, tt.says...)
			for _, reason := range sim.Reasons {
				if strings.Contains(tt.says[0], "accepted") && strings.HasPrefix(reason.Text, "none of ") {
					t.Errorf("it is not true that %q", reason.Text)
				}
			}
			if got := s.count.Load(); tt.probed > 0 && got != tt.probed {
				t.Errorf("the handler acted %d times, want %d", got, tt.probed)
			}
			if len(sim.Steps) != 60 {
				t.Errorf("%d steps, want 60", len(sim.Steps))
			}
			if c := s.balanced(t, 0); c.Attempts != 60 {
				t.Errorf("%d attempts, want 60", c.Attempts)
			}
		})
	}
}

// As many run at a time as asked for, every other one of a new event, signed.
func TestBurstAttempts(t *testing.T) {
	var running, most atomic.Int64
	var once sync.Once
	ids, all := sync.Map{}, make(chan struct{}) // closed when as many run as are to
	s := setTampering(t, stripe, time.Hour, func(r *http.Request, body string) int {
		now := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		if now == 8 {
			once.Do(func() { close(all) })
		}
		select {
		case <-all:
		case <-time.After(patience):
		}
		r.Body = io.NopCloser(strings.NewReader(body))
		n, _ := ids.LoadOrStore(eventID(r), new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		return right(stripe)(r, body)
	}, testSecret)
	sim := s.run(t, Spec{Kind: "burst", Count: 41, Concurrency: 8}, inspect.Pass, "none of 41 failed")
	if most.Load() != 8 {
		t.Errorf("%d ran at a time, want 8", most.Load())
	}
	shared, others := int64(0), 0
	ids.Range(func(_, n any) bool {
		if n := n.(*atomic.Int64).Load(); n > 1 {
			shared += n
		} else {
			others++
		}
		return true
	})
	if shared != 21 || others != 20 {
		t.Errorf("%d of one event and %d others, want 21 and 20", shared, others)
	}
	rows := map[string]string{}
	for _, row := range sim.Table.Rows {
		rows[row[0]] = row[1]
	}
	if rows["200 OK"] != "41" || rows["p99"] == "" || rows["throughput"] == "" {
		t.Errorf("the table says %q", sim.Table.Rows)
	}
}

// Without the secret a new event would not be accepted, so there is none.
func TestBurstUnsigned(t *testing.T) {
	s := setTampering(t, stripe, 0, right(stripe))
	s.run(t, Spec{Kind: "burst", Count: 6}, inspect.Pass, "note: every delivery had the same event id, because it could not be replaced: no secret configured for Stripe")
}

func TestBurstCanceled(t *testing.T) {
	s := setStage(t, "stripe", slowEvent, func(_ *stage, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // before that the server does not see who hangs up
		<-r.Context().Done()
	})
	s.canceled(t, Spec{Kind: "burst", Count: 30, Concurrency: 3}, 3)
}

func TestBurstTitle(t *testing.T) {
	for want, spec := range map[string]Spec{
		"#1 delivered 200 times, 20 at a time": {},
		"#1 delivered once, 1 at a time":       {Count: 1},
	} {
		spec.Deliveries = []int64{1}
		if got := titleBurst(&spec); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBurstCheck(t *testing.T) {
	for _, spec := range []Spec{{Kind: "burst", Count: maxBurst + 1}, {Kind: "burst", Concurrency: maxConcurrency + 1}, {Kind: "burst", Deliveries: []int64{2}}} {
		if spec.Deliveries = append(spec.Deliveries, 1); spec.Check() == nil {
			t.Errorf("%+v is taken", spec)
		}
	}
}

// TestBurstPanics has a panic be a finding, once, and not the end of hookloop.
func TestBurstPanics(t *testing.T) {
	s := setStage(t, "", apixoEvent, naive)
	s.sender.Transport = panicking{}
	sim := s.run(t, Spec{Kind: "burst", Count: 10, Concurrency: 3}, inspect.Inconclusive, "hookloop failed while it rehearsed")
	failed := 0
	for _, reason := range sim.Reasons {
		if strings.Contains(reason.Text, "hookloop failed") {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("it is said %d times", failed)
	}
	s.balanced(t, 0)
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("a fault") }

// Of what was not accepted there is nothing to happen.
func TestBurstUnseen(t *testing.T) {
	s := setStage(t, "stripe", eventBody, givesStatus(http.StatusInternalServerError))
	s.run(t, Spec{Kind: "burst", Count: 4}, inspect.Fail, "note: without --probe it is not known whether what was not accepted had an effect all the same")
}
