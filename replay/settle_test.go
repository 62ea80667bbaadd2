package replay

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// queued answers at once and does the work of one delivery after the other,
// each of which takes a time; the same event once, or each time.
func queued(each time.Duration, once bool) func(*stage, http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	busy, seen := time.Now(), false
	return func(s *stage, _ http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if once && seen {
			return
		}
		seen = true
		if now := time.Now(); busy.Before(now) {
			busy = now
		}
		busy = busy.Add(each)
		time.AfterFunc(time.Until(busy), func() { s.count.Add(1) })
	}
}

// lossy answers 200 and does nothing.
func lossy(*stage, http.ResponseWriter, *http.Request) {}

// Handlers that work after they have answered, by s.probe's settle time of 200 ms.
func TestWorkAfterTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler func(*stage, http.ResponseWriter, *http.Request)
		known   bool // the handler has had the event before
		spec    Spec
		want    inspect.Verdict
		text    string
	}{
		{"naive, later", queued(150*time.Millisecond, false), false, Spec{Kind: "duplicates", Count: 3}, inspect.Fail, "side effect happened"},
		{"naive, known, later", queued(100*time.Millisecond, false), true, Spec{Kind: "duplicates", Count: 3}, inspect.Fail, "side effect happened"},
		{"naive, one worker, at once", queued(150*time.Millisecond, false), false, Spec{Kind: "duplicates", Count: 3, Mode: "concurrent"}, inspect.Fail, "happened twice, and was to happen once"},
		{"naive, one slow worker", queued(350*time.Millisecond, false), false, Spec{Kind: "duplicates", Count: 3}, inspect.Fail, "happened twice, and was to happen once"},
		{"naive, retries", queued(150*time.Millisecond, false), false, Spec{Kind: "retries", StopWhen: "never", Speed: 36000, Policy: "custom:30s,30s"}, inspect.Fail, "happened"},
		{"naive, slow connections", queued(150*time.Millisecond, false), false, Spec{Kind: "slow", Slow: "ignore"}, inspect.Fail, "happened twice"},
		{"correct, slow", queued(600*time.Millisecond, true), false, Spec{Kind: "duplicates", Count: 3}, inspect.Pass, "from 0 to 1: the side effect happened once"},
		{"loses the work", lossy, false, Spec{Kind: "duplicates"}, inspect.Fail, "never happened (watched for 1 s after the last attempt"},
		{"loses the work of a known event", lossy, true, Spec{Kind: "duplicates"}, inspect.Fail, "stayed at 0: the handler accepted this before, too, and the side effect never happened"},
		{"correct, known, at work still", queued(300*time.Millisecond, true), true, Spec{Kind: "duplicates", Count: 3}, inspect.Pass, "stayed at 1: the handler had accepted this before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := setStage(t, "stripe", eventBody, tt.handler)
			if tt.known {
				if _, err := s.sender.Replay(t.Context(), s.id, Options{}); err != nil {
					t.Fatal(err)
				}
			}
			tt.spec.Probe = s.probe()
			s.run(t, tt.spec, tt.want, tt.text)
		})
	}
}

// A count that goes on is not judged by where it happens to be.
func TestProbeNeverSettles(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	text := "x"
	addr := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		text += "x"
		_, _ = w.Write([]byte(text))
	})
	s := setStage(t, "stripe", eventBody, lossy)
	probe := &Probe{URL: "http://" + addr, Settle: 50 * time.Millisecond}
	sim := s.run(t, Spec{Kind: "duplicates", Probe: probe}, inspect.Inconclusive, "changed before the first attempt already, and did not settle within 750 ms")
	if first := sim.Probes[0]; !first.Moving {
		t.Errorf("the first reading is %+v, want it moving", first)
	}
}

// What the handler accepted at another path says nothing of this one.
func TestAnotherPathIsAnotherHandler(t *testing.T) {
	t.Parallel()
	s := setStage(t, "stripe", eventBody, lossy)
	host := "http://" + s.sender.Handler.URL.Host
	if _, err := s.sender.Replay(t.Context(), s.id, Options{To: host + "/other"}); err != nil {
		t.Fatal(err)
	}
	s.run(t, Spec{Kind: "duplicates", To: host + "/this?a=1", Probe: s.probe()}, inspect.Fail, "never happened")
	s.run(t, Spec{Kind: "duplicates", To: host + "/this", Probe: s.probe()}, inspect.Fail, "accepted this before, too")
}

// An attempt that takes longer than anybody waits is told, also where the
// provider does not say how long it waits.
func TestLateWhereNoLimitIsPublished(t *testing.T) {
	t.Parallel()
	j := func(d time.Duration) judgement { return judgement{attempt: &inspect.Attempt{Duration: d}} }
	s := setStage(t, "stripe", eventBody, lossy)
	r, err := s.simulator.prepare(t.Context(), Spec{Kind: "duplicates", Deliveries: []int64{s.id}})
	if err != nil {
		t.Fatal(err)
	}
	r.saver.start(r)
	r.judged = []judgement{j(time.Second), j(defaultDeadline + 1)}
	r.findUnpublished()
	reasons := r.saver.finish(r).Reasons
	if len(reasons) != 1 || reasons[0].Verdict != inspect.Inconclusive || !strings.Contains(reasons[0].Text, "1 of 2 attempts took longer than 10 s") {
		t.Errorf("got %+v, want that one took longer", reasons)
	}
}

// What the handler had before the simulation, and may have worked on.
func TestWhatWasBefore(t *testing.T) {
	type handler = func(*stage, http.ResponseWriter, *http.Request)
	// first answers the first request with 500 after its work, and works on the others if it is naive.
	first := func(naive bool) handler {
		var mu sync.Mutex
		n := 0
		return func(s *stage, w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if n++; n == 1 || naive {
				s.count.Add(1)
			}
			if n == 1 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}
	}
	for _, tt := range []struct {
		name    string
		handler handler
		before  func(t *testing.T, s *stage) // it has the event before
		want    inspect.Verdict
		text    string
	}{
		{"worked and failed, dedupes", first(false), replayed, inspect.Inconclusive, "may have done the work then, although it did not accept it"},
		{"worked and failed, naive", first(true), replayed, inspect.Fail, "happened twice"},
		{"another delivery of the event was accepted", queued(0, true), func(t *testing.T, s *stage) {
			t.Helper()
			d, err := s.store.Delivery(t.Context(), s.id)
			if err != nil {
				t.Fatal(err)
			}
			replayed(t, s)
			again := *d
			again.ID = 0
			if err := s.store.Add(t.Context(), &again, nil); err != nil {
				t.Fatal(err)
			}
			s.id = again.ID
		}, inspect.Pass, "the handler had accepted this before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := setStage(t, "", eventBody, tt.handler)
			d := &inspect.Delivery{
				Method: "POST", Target: "/hook", Host: "example.test", Proto: "HTTP/1.1", ReceivedAt: time.Now().UTC(), Body: []byte(eventBody), Size: int64(len(eventBody)),
				Disposition: inspect.Held, Facts: provider.Facts{Provider: "stripe", Certainty: provider.Certain, EventID: `evt_"1\`},
			}
			if err := s.store.Add(t.Context(), d, nil); err != nil {
				t.Fatal(err)
			}
			s.id = d.ID
			tt.before(t, s)
			s.run(t, Spec{Kind: "duplicates", Probe: s.probe()}, tt.want, tt.text)
		})
	}
}

func replayed(t *testing.T, s *stage) {
	t.Helper()
	if _, err := s.sender.Replay(t.Context(), s.id, Options{}); err != nil {
		t.Fatal(err)
	}
}

// A handler that cannot be reached has not been asked, whatever the probe says.
func TestUnreachableIsNotLostWork(t *testing.T) {
	t.Parallel()
	s := setStage(t, "stripe", eventBody, lossy)
	for _, kind := range []string{"duplicates", "retries", "slow"} {
		began := time.Now()
		spec := Spec{Kind: kind, To: "http://127.0.0.1:1", Probe: s.probe()}
		if kind == "retries" {
			spec.Policy, spec.Speed = "custom:30s", 36000
		}
		sim := s.run(t, spec, inspect.Inconclusive, "could not be reached")
		for _, reason := range sim.Reasons {
			if reason.Verdict == inspect.Fail {
				t.Errorf("%s: %s", kind, reason.Text)
			}
		}
		if took := time.Since(began); kind == "duplicates" && took > time.Second {
			t.Errorf("%s took %s: it was watched for nothing", kind, took)
		}
	}
}

// What others deliver meanwhile is not held against the handler.
func TestOthersMeanwhile(t *testing.T) {
	t.Parallel()
	s := setStage(t, "stripe", eventBody, queued(0, false))
	other := &inspect.Delivery{Method: "POST", Target: "/hook", Host: "example.test", ReceivedAt: time.Now().UTC(), Disposition: inspect.Forwarded}
	s.simulator.OnChange = func(sim *inspect.Simulation) {
		if len(sim.Probes) == 1 && other.ID == 0 {
			at := &inspect.Attempt{Trigger: inspect.Initial, StartedAt: time.Now()}
			if err := s.store.Add(t.Context(), other, at); err != nil {
				t.Error(err)
			}
		}
	}
	s.run(t, Spec{Kind: "duplicates", Probe: s.probe()}, inspect.Inconclusive, "happened twice, and was to happen once: but 1 attempt of others came meanwhile")
}
