package replay

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/inspect"
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
		{"loses the work of a known event", lossy, true, Spec{Kind: "duplicates"}, inspect.Inconclusive, "stayed at 0: the handler had accepted this before, but nothing shows of it"},
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
	sim := s.run(t, Spec{Kind: "duplicates", Probe: probe}, inspect.Inconclusive, "still changed 750 ms after an attempt")
	if first := sim.Probes[1]; !first.Moving {
		t.Errorf("the second reading is %+v, want it moving", first)
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
	s.run(t, Spec{Kind: "duplicates", To: host + "/this", Probe: s.probe()}, inspect.Inconclusive, "had accepted this before")
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
