package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// failing answers status to the first n requests, and then as next does.
func failing(n int64, status int, next func(*stage, http.ResponseWriter, *http.Request)) func(*stage, http.ResponseWriter, *http.Request) {
	var got atomic.Int64
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		if got.Add(1) <= n {
			w.WriteHeader(status)
			return
		}
		next(s, w, r)
	}
}

func givesStatus(status int) func(*stage, http.ResponseWriter, *http.Request) {
	return func(s *stage, w http.ResponseWriter, _ *http.Request) {
		s.count.CompareAndSwap(0, 1)
		w.WriteHeader(status)
	}
}

// marksFirst remembers an event before it has done the work, which fails the
// first time: the retry finds it done.
func marksFirst() func(*stage, http.ResponseWriter, *http.Request) {
	var seen sync.Map
	return func(_ *stage, w http.ResponseWriter, r *http.Request) {
		if _, loaded := seen.LoadOrStore(eventID(r), true); !loaded {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
}

// worksThenFails does its work and then answers 500.
func worksThenFails(s *stage, w http.ResponseWriter, _ *http.Request) {
	if s.count.Add(1) == 1 {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func TestRetries(t *testing.T) {
	slow := func(s *stage, _ http.ResponseWriter, _ *http.Request) {
		s.count.CompareAndSwap(0, 1)
		time.Sleep(150 * time.Millisecond)
	}
	for _, tt := range []struct {
		name, provider string
		handler        func(*stage, http.ResponseWriter, *http.Request)
		spec           Spec
		want           inspect.Verdict
		attempts       int
		texts          []string
	}{
		{"correct", "apixo", idempotent(), Spec{}, inspect.Pass, 1, []string{"attempt 1 of 4 was accepted", "happened once"}},
		{"correct, failed first", "apixo", idempotent(), Spec{FailFirst: 2}, inspect.Pass, 3, []string{"attempt 3 of 4 was accepted, 2 min 30 s after the first"}},
		{"correct, whole schedule", "apixo", idempotent(), Spec{StopWhen: "never"}, inspect.Pass, 4, []string{"alike", "happened once"}},
		{"recovers", "apixo", failing(1, 503, idempotent()), Spec{}, inspect.Pass, 2, []string{"attempt 2 of 4 was accepted"}},
		{"naive, whole schedule", "apixo", naive, Spec{StopWhen: "never"}, inspect.Fail, 4, []string{"happened 4 times"}},
		{"works, then fails", "apixo", worksThenFails, Spec{}, inspect.Fail, 2, []string{"happened twice"}},
		{"marks first", "apixo", marksFirst(), Spec{}, inspect.Fail, 2, []string{"never happened"}},
		{"201 for APIXO", "apixo", givesStatus(201), Spec{}, inspect.Fail, 4, []string{"the event is lost after attempt 4 of 4", "201 Created", "gives up", "it wants exactly 200"}},
		{"204 for APIXO", "apixo", givesStatus(204), Spec{}, inspect.Fail, 4, []string{"204 No Content"}},
		{"201 for Stripe", "stripe", givesStatus(201), Spec{}, inspect.Pass, 1, nil},
		{"410 for Standard Webhooks", "standardwebhooks", givesStatus(410), Spec{}, inspect.Fail, 1, []string{"lost, as are all that follow it", "endpoint disabled"}},
		{"409 for what it has", "apixo", refusesDuplicates(409), Spec{StopWhen: "never"}, inspect.Fail, 4, []string{"after the event had been accepted: the handler answered 409"}},
		{"slow", "apixo", slow, Spec{Deadline: 50 * time.Millisecond}, inspect.Fail, 4, []string{"attempt 1 of 4 took", "of 50 ms: the provider had given up waiting"}},
		{"custom", "", failing(2, 500, idempotent()), Spec{Policy: "custom:30s,2m,10m"}, inspect.Pass, 3, []string{"attempt 3 of 4 was accepted, 2 min 30 s after"}},
		{"custom, lost", "", givesStatus(500), Spec{Policy: "custom:30s"}, inspect.Fail, 2, []string{"the custom policy: 500, gives up (attempt 2 of 2)"}},
		{"another policy", "stripe", givesStatus(204), Spec{Policy: "apixo"}, inspect.Fail, 4, []string{"it wants exactly 200"}},
		{"never asked", "github", idempotent(), Spec{FailFirst: 1}, inspect.Inconclusive, 1, []string{"the handler was never asked"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := setStage(t, tt.provider, eventBody, tt.handler)
			tt.spec.Kind, tt.spec.Speed = "retries", 1e5
			if tt.want != inspect.Inconclusive {
				tt.spec.Probe = s.probe()
			}
			s.run(t, tt.spec, tt.want, tt.texts...)
			list, err := s.store.Attempts(t.Context(), s.id)
			if err != nil || len(list) != tt.attempts {
				t.Errorf("%d attempts (%v), want %d", len(list), err, tt.attempts)
			}
			for _, a := range list {
				if a.Trigger != inspect.Retry {
					t.Errorf("attempt %d is a %s", a.Number, a.Trigger)
				}
			}
		})
	}
}

// An attempt that hookloop failed is not the handler's failure.
func TestFailFirstIsTold(t *testing.T) {
	s := setStage(t, "apixo", eventBody, idempotent())
	sim := s.run(t, Spec{Kind: "retries", Speed: 1e5, FailFirst: 1, FailStatus: 503}, inspect.Pass)
	if step := sim.Steps[0]; step.OK != nil || step.Note != "503, answered by hookloop in the handler's place" {
		t.Errorf("the first step is %+v", step)
	}
	if step := sim.Steps[1]; step.OK == nil || !*step.OK || step.Note != "" {
		t.Errorf("the second step is %+v", step)
	}
}

func TestRetriesTitle(t *testing.T) {
	s := setStage(t, "", eventBody, idempotent())
	for want, spec := range map[string]Spec{
		"#1 with the retries of APIXO, 100000 times as fast, the first failing":    {Policy: "apixo", FailFirst: 1},
		"#1 with retries after 30s, 2m, 100000 times as fast, the first 2 failing": {Policy: "custom:30s,2m", FailFirst: 2},
	} {
		spec.Kind, spec.Speed = "retries", 1e5
		if sim := s.run(t, spec, inspect.Pass); sim.Title != want {
			t.Errorf("got %q, want %q", sim.Title, want)
		}
	}
}

// The handler's work goes on over the provider's limit, and the next delivery
// comes meanwhile.
func TestRetriesOverlap(t *testing.T) {
	var running, most atomic.Int64
	s := setStage(t, "apixo", eventBody, func(_ *stage, _ http.ResponseWriter, _ *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(400 * time.Millisecond)
	})
	sim := s.run(t, Spec{Kind: "retries", Speed: 1e6, Deadline: 50 * time.Millisecond}, inspect.Fail)
	if most.Load() < 2 {
		t.Error("no deliveries overlapped")
	}
	for _, step := range sim.Steps {
		if step.Status != 200 || step.Duration < 400*time.Millisecond {
			t.Errorf("%s ended with %d after %s, want the handler's own end", step.Label, step.Status, step.Duration)
		}
	}
}

// Each retry is signed as of its real time, and has the provider's headers.
func TestRetriesAreSigned(t *testing.T) {
	type got struct{ number, reason, timestamp, refused string }
	var mu sync.Mutex
	var all []got
	s := setStage(t, "", slack.body, func(_ *stage, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, got{
			r.Header.Get("X-Slack-Retry-Num"), r.Header.Get("X-Slack-Retry-Reason"), r.Header.Get("X-Slack-Request-Timestamp"),
			slack.refuse(r, string(body), testSecret),
		})
		w.WriteHeader(500)
	})
	s.sender.Checker.Secrets = map[string][]provider.Secret{"slack": {{Label: "SLACK", Value: testSecret}}}
	old := time.Now().Add(-time.Hour)
	header, body := slack.sign(old, testSecret, slack.body)
	header["X-Slack-Retry-Num"], header["X-Slack-Retry-Reason"] = []string{"2"}, []string{"http_error"} // it was a retry itself
	d := &inspect.Delivery{
		Method: "POST", Target: "/hook", Host: "example.test", Proto: "HTTP/1.1", ReceivedAt: old, Header: header, Body: []byte(body),
		Size: int64(len(body)), Disposition: inspect.Held,
	}
	d.Facts, _ = s.sender.Checker.Assess(d.Request())
	if err := s.store.Add(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	s.id = d.ID
	s.run(t, Spec{Kind: "retries", Speed: 1e5}, inspect.Fail, "the event is lost")
	if len(all) != 4 {
		t.Fatalf("%d attempts, want 4", len(all))
	}
	for i, a := range all {
		number, reason := strconv.Itoa(i), "http_error"
		if i == 0 {
			number, reason = "", ""
		}
		if a.number != number || a.reason != reason || a.refused != "" {
			t.Errorf("attempt %d has number %q, reason %q, timestamp %s: %s", i+1, a.number, a.reason, a.timestamp, a.refused)
		}
	}
}

// A handler that is down has no verdict of its own.
func TestRetriesUnreachable(t *testing.T) {
	s := setStage(t, "apixo", eventBody, naive)
	l := listen(t)
	addr := l.Addr().String()
	_ = l.Close()
	s.run(t, Spec{Kind: "retries", Speed: 1e5, To: addr}, inspect.Inconclusive, "could not be reached: nothing listens")
}

// The record of a schedule of minutes, as a viewer sees it while it runs.
func TestRetriesTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := inspect.Open(t.TempDir(), inspect.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		began := time.Now().UTC()
		var sent []time.Duration
		sender := &Sender{
			Store: store, Handler: &Handler{URL: mustURL(t, "3000")}, Checker: &provider.Checker{Catalog: provider.BuiltIn()},
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = append(sent, time.Since(began))
				return &http.Response{StatusCode: 500, Proto: "HTTP/1.1", Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			}),
		}
		d := &inspect.Delivery{
			Method: "POST", Target: "/", ReceivedAt: began, Disposition: inspect.Held,
			Facts: provider.Facts{Provider: "apixo", Certainty: provider.Certain},
		}
		if err := store.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var seen *inspect.Simulation
		simulator := &Simulator{Sender: sender, OnChange: func(sim *inspect.Simulation) {
			mu.Lock()
			defer mu.Unlock()
			seen = sim
		}}
		done := make(chan *inspect.Simulation)
		go func() {
			sim, err := simulator.Run(t.Context(), Spec{Kind: "retries", Deliveries: []int64{d.ID}})
			if err != nil {
				t.Error(err)
			}
			done <- sim
		}()
		time.Sleep(time.Minute)
		mu.Lock()
		got := seen
		mu.Unlock()
		var timeline []string
		for _, step := range got.Steps {
			timeline = append(timeline, fmt.Sprintf("%s %s %s %s %d", step.Label, step.State, step.Offset, step.DueAt.Sub(began), step.Status))
		}
		want := []string{
			"attempt 1 of 4 done 0s 0s 500", "attempt 2 of 4 done 30s 30s 500",
			"attempt 3 of 4 planned 2m30s 2m30s 0", "attempt 4 of 4 planned 12m30s 12m30s 0",
		}
		if !slices.Equal(timeline, want) || got.State != inspect.SimulationRunning {
			t.Errorf("after a minute:\n%s\nwant\n%s", strings.Join(timeline, "\n"), strings.Join(want, "\n"))
		}
		stored, err := store.Simulation(context.WithoutCancel(t.Context()), got.ID)
		if err != nil || stored.Steps[2].State != inspect.StepPlanned || stored.Verdict != "" {
			t.Errorf("stored is %+v %v", stored, err)
		}
		sim := <-done
		if sim.Verdict != inspect.Fail || sim.EndedAt.Sub(sim.StartedAt) != 12*time.Minute+30*time.Second {
			t.Errorf("it ended %s after %s: %+v", sim.Verdict, sim.EndedAt.Sub(sim.StartedAt), sim.Reasons)
		}
		if want := []time.Duration{0, 30 * time.Second, 150 * time.Second, 750 * time.Second}; !slices.Equal(sent, want) {
			t.Errorf("sent at %v, want %v", sent, want)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRetriesSpeed(t *testing.T) {
	for speed, want := range map[float64]bool{0: true, minSpeed: true, 0.5: true, 60: true, maxSpeed: true, -1: false, 1e-300: false, maxSpeed + 1: false, math.NaN(): false, math.Inf(1): false} {
		spec := Spec{Kind: "retries", Deliveries: []int64{1}, Speed: speed}
		if err := spec.Check(); (err == nil) != want {
			t.Errorf("speed %v: %v", speed, err)
		}
	}
}

// TestFailuresThatAreNotTold has a failure count that stands behind those which
// are told one by one and may not be the handler's fault.
func TestFailuresThatAreNotTold(t *testing.T) {
	r := &rehearsal{stale: true}
	for i := range toldFailures + 2 {
		status := http.StatusUnauthorized
		if i > toldFailures {
			status = http.StatusInternalServerError
		}
		r.sim.Steps = append(r.sim.Steps, inspect.Step{})
		r.judged = append(r.judged, judgement{step: i, attempt: &inspect.Attempt{Response: &inspect.Response{Status: status}}})
	}
	r.findAccepted()
	if !slices.ContainsFunc(r.sim.Reasons, func(one inspect.Reason) bool { return one.Verdict == inspect.Fail }) {
		t.Errorf("a 500 is no failure: %+v", r.sim.Reasons)
	}
}

// An event that the handler has had tells a probe nothing: the attempts are
// those of a new one, the same in each.
func TestRetriesOfKnownEvent(t *testing.T) {
	var mu sync.Mutex
	var ids []string
	recording := func(next func(*stage, http.ResponseWriter, *http.Request)) func(*stage, http.ResponseWriter, *http.Request) {
		return func(s *stage, w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			mu.Lock()
			ids = append(ids, eventID(r))
			mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(body))
			next(s, w, r)
		}
	}
	original := ""
	knowsOne := func(s *stage, w http.ResponseWriter, r *http.Request) {
		if id := eventID(r); id != original {
			http.Error(w, "no such event", http.StatusNotFound)
		}
	}
	for _, tt := range []struct {
		name    string
		handler func(*stage, http.ResponseWriter, *http.Request)
		want    inspect.Verdict
		text    string
	}{
		{"idempotent", idempotent(), inspect.Pass, "from 1 to 2: the side effect happened once"},
		{"naive", naive, inspect.Fail, "from 1 to 2 with the first attempt, and then to "},
		{"knows that one alone", knowsOne, inspect.Inconclusive, "a new event id was refused each time"},
	} {
		s := setStage(t, "stripe", eventBody, recording(tt.handler))
		ids, original = nil, must(s.store.Delivery(t.Context(), s.id)).Facts.EventID
		if original == "" {
			var event struct{ ID string }
			_ = json.Unmarshal([]byte(eventBody), &event)
			original = event.ID
		}
		spec := Spec{Kind: "retries", Policy: "custom:1s,1s", Speed: 1e5}
		s.run(t, spec, inspect.Pass)
		s.run(t, spec, inspect.Pass) // without a probe the event stays
		if len(ids) != 2 || ids[0] != original || ids[1] != original {
			t.Errorf("%s: the events were %q, want %q", tt.name, ids, original)
		}
		s.count.Store(min(s.count.Load(), 1))
		ids, spec.Probe, spec.StopWhen = nil, s.probe(), "never"
		s.run(t, spec, tt.want, tt.text, "note: so the deliveries had a new event id, the same each time")
		if len(ids) != 3 || ids[0] == original || ids[1] != ids[0] || ids[2] != ids[0] {
			t.Errorf("%s: the events were %q, want a new one, the same each time", tt.name, ids)
		}
	}
}
