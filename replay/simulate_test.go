package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A stage is a handler and what rehearses it.
type stage struct {
	*rig
	simulator Simulator
	id        int64 // of a delivery that the handler has not seen
	count     atomic.Int64
}

// setStage serves handler, which counts its side effects with s.count, and
// stores a delivery of a provider ("" = none).
func setStage(t testing.TB, providerName, body string, handler func(s *stage, w http.ResponseWriter, r *http.Request)) *stage {
	t.Helper()
	s := &stage{rig: &rig{}}
	addr := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/count" {
			_, _ = fmt.Fprint(w, s.count.Load())
			return
		}
		handler(s, w, r)
	})
	s.sender.Checker = &provider.Checker{Catalog: provider.BuiltIn()}
	s.start(t, addr)
	s.simulator.Sender = &s.sender
	d := &inspect.Delivery{
		Method: "POST", Target: "/hook", Host: "example.test", Proto: "HTTP/1.1", ReceivedAt: time.Now().UTC(),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body), Size: int64(len(body)),
		Disposition: inspect.Held, Facts: provider.Facts{Provider: providerName},
	}
	if providerName != "" {
		d.Facts.Certainty = provider.Certain
	}
	if err := s.store.Add(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	s.id = d.ID
	return s
}

// probe counts the side effects.
func (s *stage) probe() *Probe {
	return &Probe{URL: "http://" + s.sender.Handler.URL.Host + "/count", Settle: 200 * time.Millisecond}
}

// run rehearses and checks the verdict, and that some reason for it has each of
// texts, or some note where one begins with "note: ".
func (s *stage) run(t testing.TB, spec Spec, want inspect.Verdict, texts ...string) *inspect.Simulation {
	t.Helper()
	spec.Deliveries = append(spec.Deliveries, s.id)
	sim, err := s.simulator.Run(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.store.Simulation(t.Context(), sim.ID)
	if err != nil || stored.Verdict != sim.Verdict || len(stored.Steps) != len(sim.Steps) {
		t.Errorf("stored is %+v %v, want what Run returned: %+v", stored, err, sim)
	}
	var all []string
	for _, reason := range sim.Reasons {
		all = append(all, string(reason.Verdict)+": "+reason.Text)
		if (reason.Check == "") != (reason.Verdict == "") {
			t.Errorf("a finding has a check, and a note has none: %+v", reason)
		}
	}
	if sim.Verdict != want || sim.State != inspect.SimulationEnded || sim.EndedAt.IsZero() {
		t.Errorf("the verdict is %s (%s), want %s:\n%s", sim.Verdict, sim.State, want, strings.Join(all, "\n"))
	}
	for _, text := range texts {
		of := want
		if after, ok := strings.CutPrefix(text, "note: "); ok {
			text, of = after, ""
		}
		if !slices.ContainsFunc(sim.Reasons, func(r inspect.Reason) bool { return r.Verdict == of && strings.Contains(r.Text, text) }) {
			t.Errorf("no %q reason says %q:\n%s", of, text, strings.Join(all, "\n"))
		}
	}
	for _, step := range sim.Steps {
		if step.State == inspect.StepRunning || step.State == inspect.StepPlanned {
			t.Errorf("step %q is %s at the end", step.Label, step.State)
		}
	}
	return sim
}

// eventID reads a request's event.
func eventID(r *http.Request) string {
	var event struct{ ID string }
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &event)
	return event.ID
}

// idempotent is a correct handler: it does its work once for each event.
func idempotent() func(*stage, http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if id := eventID(r); !seen[id] {
			seen[id] = true
			s.count.Add(1)
		}
		_, _ = io.WriteString(w, "ok")
	}
}

// naive does its work each time.
func naive(s *stage, w http.ResponseWriter, _ *http.Request) {
	s.count.Add(1)
	_, _ = io.WriteString(w, "ok")
}

// racy looks, then works, then remembers. Its work takes until another request
// has looked, too, or a second.
func racy() func(*stage, http.ResponseWriter, *http.Request) {
	var seen sync.Map
	var looked atomic.Int64
	both := make(chan struct{})
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		id := eventID(r)
		if _, ok := seen.Load(id); !ok {
			if looked.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(time.Second):
			}
			s.count.Add(1)
			seen.Store(id, true)
		}
		_, _ = io.WriteString(w, "ok")
	}
}

// refusesDuplicates answers status to what it has seen.
func refusesDuplicates(status int) func(*stage, http.ResponseWriter, *http.Request) {
	var seen sync.Map
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		if _, loaded := seen.LoadOrStore(eventID(r), true); loaded {
			w.WriteHeader(status)
			return
		}
		s.count.Add(1)
	}
}

const eventBody = `{"id":"evt_1"}`

func TestDuplicates(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler func(*stage, http.ResponseWriter, *http.Request)
		spec    Spec
		want    inspect.Verdict
		texts   []string
	}{
		{"correct, serial", idempotent(), Spec{Count: 3}, inspect.Pass, []string{"all 3 attempts were accepted", "alike", "from 0 to 1: the side effect happened once"}},
		{"correct, concurrent", idempotent(), Spec{Count: 5, Mode: "concurrent"}, inspect.Pass, []string{"happened once"}},
		{"naive, serial", naive, Spec{}, inspect.Fail, []string{"from 0 to 1 with the first attempt, and then to 2: the side effect happened twice"}},
		{"naive, concurrent", naive, Spec{Count: 4, Mode: "concurrent"}, inspect.Fail, []string{"from 0 to 4: the side effect happened 4 times"}},
		{"racy, serial", racy(), Spec{Count: 3}, inspect.Pass, nil}, // which is why there is concurrent
		{"racy, concurrent", racy(), Spec{Count: 2, Mode: "concurrent"}, inspect.Fail, []string{"happened twice"}},
		{"racy, overlap", racy(), Spec{Count: 2, Mode: "overlap", Deadline: 20 * time.Millisecond}, inspect.Fail, []string{"happened twice"}},
		{"correct, overlap", idempotent(), Spec{Count: 2, Mode: "overlap", Deadline: 5 * time.Second}, inspect.Pass, []string{"answered within the deadline of 5 s each time"}},
		{"correct, overlapping", late(300 * time.Millisecond), Spec{Mode: "overlap", Deadline: 20 * time.Millisecond}, inspect.Pass, []string{"happened once", "note: the provider had given up"}},
		{"409", refusesDuplicates(409), Spec{}, inspect.Fail, []string{"delivery 2 of 2: the handler answered 409 Conflict", "delivery 1 of 2 got 200 OK, delivery 2 of 2 got 409"}},
		{"500", refusesDuplicates(500), Spec{}, inspect.Fail, []string{"500 Internal Server Error"}},
		{"slow", func(_ *stage, _ http.ResponseWriter, _ *http.Request) { time.Sleep(60 * time.Millisecond) }, Spec{Deadline: 20 * time.Millisecond}, inspect.Fail, []string{"took "}},
		{"nothing done", func(*stage, http.ResponseWriter, *http.Request) {}, Spec{}, inspect.Fail, []string{"the count stayed at 0: the side effect never happened"}},
		{"bodies differ", func() func(s *stage, w http.ResponseWriter, r *http.Request) {
			return func(s *stage, w http.ResponseWriter, _ *http.Request) {
				if !s.count.CompareAndSwap(0, 1) {
					_, _ = io.WriteString(w, "again")
				}
			}
		}(), Spec{}, inspect.Pass, []string{`their bodies differ: "", then "again"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := setStage(t, "stripe", eventBody, tt.handler)
			tt.spec.Kind, tt.spec.Probe = "duplicates", s.probe()
			sim := s.run(t, tt.spec, tt.want, tt.texts...)
			list, err := s.store.Attempts(context.WithoutCancel(t.Context()), s.id)
			if err != nil || len(list) != len(sim.Steps) {
				t.Fatalf("%d attempts (%v), want %d", len(list), err, len(sim.Steps))
			}
			for _, a := range list {
				if a.Trigger != inspect.Duplicate || a.Simulation != sim.ID {
					t.Errorf("attempt %d is a %s of simulation %d", a.Number, a.Trigger, a.Simulation)
				}
			}
		})
	}
}

// A delivery that the handler has accepted before is a duplicate already.
func TestAcceptedBefore(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler func(*stage, http.ResponseWriter, *http.Request)
		kind    string
		want    inspect.Verdict
		text    string
	}{
		{"correct", idempotent(), "duplicates", inspect.Pass, "stayed at 1: the handler had accepted this before, and did not do it again"},
		{"naive", naive, "duplicates", inspect.Fail, "happened twice"},
		{"naive, once", naive, "retries", inspect.Inconclusive, "if it did the work then, it has done it again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := setStage(t, "apixo", eventBody, tt.handler)
			if _, err := s.sender.Replay(t.Context(), s.id, Options{}); err != nil {
				t.Fatal(err)
			}
			s.run(t, Spec{Kind: tt.kind, Probe: s.probe()}, tt.want, tt.text)
		})
	}
}

// In an event that the handler knows a race does not show: it gets a new one,
// or nothing can be said.
func TestRaceOfKnownEvent(t *testing.T) {
	for _, tt := range []struct {
		name, provider, mode string
		handler              func(*stage, http.ResponseWriter, *http.Request)
		want                 inspect.Verdict
		text                 string
	}{
		{"racy, concurrent", "stripe", "concurrent", lookingUp(), inspect.Fail, "happened twice"},
		{"racy, overlap", "stripe", "overlap", lookingUp(), inspect.Fail, "happened twice"},
		{"correct, concurrent", "stripe", "concurrent", idempotent(), inspect.Pass, "happened once"},
		{"id that stays", "", "concurrent", lookingUp(), inspect.Inconclusive, "already knew this event, so a race could not show"},
		{"new id is refused", "stripe", "concurrent", secondTime(http.StatusNotFound, false), inspect.Inconclusive, "a new event id was refused each time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := setStage(t, tt.provider, slowEvent, tt.handler)
			if _, err := s.sender.Replay(t.Context(), s.id, Options{}); err != nil {
				t.Fatal(err)
			}
			spec := Spec{Kind: "duplicates", Mode: tt.mode, Deadline: 20 * time.Millisecond}
			if tt.name != "new id is refused" {
				spec.Probe = s.probe()
			}
			s.run(t, spec, tt.want, tt.text)
		})
	}
}

// An answer after the provider's deadline is not accepted, whatever it says.
func TestLateIsNotAccepted(t *testing.T) {
	s := setStage(t, "stripe", slowEvent, late(300*time.Millisecond))
	sim := s.run(t, Spec{Kind: "duplicates", Mode: "overlap", Deadline: 20 * time.Millisecond}, inspect.Inconclusive, "no attempt was answered in time")
	for _, reason := range sim.Reasons {
		if strings.Contains(reason.Text, "were accepted") {
			t.Errorf("it is not true that %q", reason.Text)
		}
	}
	for _, step := range sim.Steps {
		if step.OK != nil || !strings.Contains(step.Note, "had given up") {
			t.Errorf("%+v is judged, want not", step)
		}
	}
}

// A simulation that is canceled keeps what was seen.
func TestSimulationCancel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer int
		want   inspect.Verdict
		reason string
	}{
		{"nothing failed", 200, inspect.Inconclusive, "it was canceled"},
		{"something failed", 409, inspect.Fail, "409 Conflict"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var got atomic.Int64
			s := setStage(t, "stripe", eventBody, func(_ *stage, w http.ResponseWriter, r *http.Request) {
				_ = eventID(r) // a server sees that its client has gone when the body is read
				if got.Add(1) == 3 {
					cancel()
					<-r.Context().Done()
				}
				w.WriteHeader(tt.answer)
			})
			sim, err := s.simulator.Run(ctx, Spec{Kind: "duplicates", Deliveries: []int64{s.id}, Count: 5, Probe: s.probe()})
			if err != nil || sim.State != inspect.SimulationCanceled || sim.Verdict != tt.want {
				t.Fatalf("got %+v %v, want %s", sim, err, tt.want)
			}
			var states []inspect.StepState
			for _, step := range sim.Steps {
				states = append(states, step.State)
			}
			want := []inspect.StepState{inspect.StepDone, inspect.StepDone, inspect.StepDone, inspect.StepSkipped, inspect.StepSkipped}
			if !slices.Equal(states, want) || !strings.Contains(sim.Steps[2].Error, "given up") || sim.Steps[4].Note != "canceled" {
				t.Errorf("the steps are %+v", sim.Steps)
			}
			if !strings.Contains(sim.Reasons[0].Text, tt.reason) {
				t.Errorf("the first reason is %+v", sim.Reasons[0])
			}
			if stored, err := s.store.Simulation(t.Context(), sim.ID); err != nil || stored.State != inspect.SimulationCanceled || stored.Verdict != tt.want {
				t.Errorf("stored is %+v %v", stored, err)
			}
		})
	}
}

// A fault of hookloop's own ends the record, too.
func TestSimulationPanic(t *testing.T) {
	kinds["panics"] = kind{title: func(*Spec) string { return "x" }, run: func(r *rehearsal) error {
		r.planned(inspect.Step{Label: "one"})
		panic("oh")
	}}
	kinds["fails"] = kind{title: func(*Spec) string { return "x" }, run: func(*rehearsal) error { return fmt.Errorf("no way") }}
	t.Cleanup(func() { delete(kinds, "panics"); delete(kinds, "fails") })
	s := setStage(t, "", eventBody, naive)
	s.run(t, Spec{Kind: "panics"}, inspect.Inconclusive, "fault of its own")
	sim, err := s.simulator.Run(t.Context(), Spec{Kind: "fails", Deliveries: []int64{s.id}})
	if err != nil || sim.Verdict != inspect.Inconclusive || sim.Reasons[0].Text != "it could not go on: no way" {
		t.Errorf("got %+v %v", sim, err)
	}
}

// Many changes are few stores and few calls.
func TestChangesAreCoalesced(t *testing.T) {
	kinds["busy"] = kind{title: func(*Spec) string { return "x" }, run: func(r *rehearsal) error {
		for i := range 3000 {
			r.begin(r.planned(inspect.Step{Label: fmt.Sprint(i)}))
		}
		return nil
	}}
	t.Cleanup(func() { delete(kinds, "busy") })
	s := setStage(t, "", eventBody, naive)
	var calls int
	var last *inspect.Simulation
	s.simulator.OnChange = func(sim *inspect.Simulation) { calls++; last = sim }
	began := time.Now()
	sim := s.run(t, Spec{Kind: "busy"}, inspect.Inconclusive, "nothing was found")
	if most := int(time.Since(began)/saveInterval) + 3; calls > most || last != sim {
		t.Errorf("%d calls, want at most %d, the last with what Run returned", calls, most)
	}
	if len(sim.Steps) != inspect.MaxSteps || sim.MoreSteps != 3000-inspect.MaxSteps {
		t.Errorf("%d steps and %d more", len(sim.Steps), sim.MoreSteps)
	}
}

func TestSpecIsRefused(t *testing.T) {
	s := setStage(t, "stripe", eventBody, naive)
	id := []int64{s.id}
	for _, tt := range []struct {
		spec Spec
		want string
	}{
		{Spec{Kind: "duplicate", Deliveries: id}, `there is no simulation "duplicate": it is one of `},
		{Spec{Kind: "duplicates"}, "needs a delivery"},
		{Spec{Kind: "duplicates", Deliveries: []int64{0}}, "0 is not a delivery"},
		{Spec{Kind: "duplicates", Deliveries: []int64{99}}, "there is no delivery #99"},
		{Spec{Kind: "duplicates", Deliveries: []int64{1, 1}}, "takes one delivery"},
		{Spec{Kind: "duplicates", Deliveries: id, Count: 1}, "give from 2 to 100"},
		{Spec{Kind: "duplicates", Deliveries: id, Count: -1}, "the count is -1"},
		{Spec{Kind: "duplicates", Deliveries: id, Mode: "all"}, `no mode "all"`},
		{Spec{Kind: "duplicates", Deliveries: id, Deadline: -1}, "the deadline is"},
		{Spec{Kind: "duplicates", Deliveries: id, To: "http://192.0.2.1/"}, "another machine"},
		{Spec{Kind: "duplicates", Deliveries: id, To: "ftp://x"}, "ftp"},
		{Spec{Kind: "duplicates", Deliveries: id, Header: http.Header{"A": {"b\n"}}}, "line break"},
		{Spec{Kind: "duplicates", Deliveries: id, Probe: &Probe{}}, "the probe is empty"},
		{Spec{Kind: "retries", Deliveries: id, Policy: "stirpe"}, "did you mean stripe?"},
		{Spec{Kind: "retries", Deliveries: id, Policy: "custom:"}, "is no time"},
		{Spec{Kind: "retries", Deliveries: id, Policy: "custom:30s,x"}, `"x" is no time`},
		{Spec{Kind: "retries", Deliveries: id, Variant: "nope"}, `no variant "nope"`},
		{Spec{Kind: "retries", Deliveries: id, Speed: -1}, "the speed is -1"},
		{Spec{Kind: "retries", Deliveries: id, StopWhen: "x"}, `no "x" to stop at`},
		{Spec{Kind: "retries", Deliveries: id, FailStatus: 99}, "99 is no status"},
		{Spec{Kind: "retries", Deliveries: id, FailFirst: -1}, "the first -1"},
		{Spec{Kind: "retries", Deliveries: id, Step: true}, "leave --step out"},
	} {
		sim, err := s.simulator.Run(t.Context(), tt.spec)
		if sim != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want an error with %q", tt.spec, err, tt.want)
		}
	}
	if list, err := s.store.Simulations(t.Context(), 0, 0); err != nil || len(list) != 0 {
		t.Errorf("%d simulations were begun (%v), want none", len(list), err)
	}
}

// A handler that checks signatures and their age accepts each delivery of an
// old event, which is signed as of now.
// Where nothing can be rehearsed, that is said at once, and nothing is kept.
func TestNothingToRehearse(t *testing.T) {
	for _, tt := range []struct {
		provider, body string
		spec           Spec
		want           string
	}{
		{"", eventBody, Spec{Kind: "retries"}, "it is not known who sent #1, so not when it would be delivered again: name a --policy"},
		{"qstash", eventBody, Spec{Kind: "retries", Policy: "custom:30s", Variant: "none"}, "none"},
		{"", eventBody, Spec{Kind: "tamper"}, "name the provider with --provider"},
		{"apixo", `{"data":{"taskId":"t1","state":"success"}}`, Spec{Kind: "tamper"}, "keep a secret in the address"},
		{"stripe", "", Spec{Kind: "slow", Slow: "cut"}, "#1 has no body"},
	} {
		s := setStage(t, tt.provider, tt.body, naive)
		tt.spec.Deliveries = []int64{s.id}
		sim, err := s.simulator.Run(t.Context(), tt.spec)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %+v %v, want %q", tt.spec, sim, err, tt.want)
		}
		running := Running{Sender: &s.sender}
		if _, again := running.Begin(tt.spec); err == nil || again == nil || again.Error() != err.Error() {
			t.Errorf("%+v: Begin says %v, Run %v", tt.spec, again, err)
		}
		running.Close()
		kept, err := s.store.Simulations(t.Context(), 0, 0)
		if err != nil || len(kept) > 0 || s.count.Load() > 0 {
			t.Errorf("%+v: kept are %+v %v, want nothing done", tt.spec, kept, err)
		}
	}
}

// What does not wait for the deadline does not say that it did.
func TestOverlapOffsets(t *testing.T) {
	s := setStage(t, "stripe", eventBody, func(s *stage, _ http.ResponseWriter, _ *http.Request) {
		if s.count.Add(1) == 3 {
			time.Sleep(900 * time.Millisecond)
		}
	})
	sim := s.run(t, Spec{Kind: "duplicates", Mode: "overlap", Count: 4, Deadline: 600 * time.Millisecond}, inspect.Pass)
	for i, want := range []time.Duration{0, 0, 0, 600 * time.Millisecond} {
		if got := sim.Steps[i].Offset; got != want || sim.Steps[i].DueAt.After(sim.EndedAt) {
			t.Errorf("delivery %d at +%s, due at %s, want +%s", i+1, got, sim.Steps[i].DueAt, want)
		}
	}
}

func TestDuplicatesAreSigned(t *testing.T) {
	s := setStage(t, "", eventBody, func(s *stage, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if why := stripe.refuse(r, string(body), testSecret); why != "" {
			http.Error(w, why, http.StatusBadRequest)
			return
		}
		s.count.CompareAndSwap(0, 1)
	})
	old := time.Now().Add(-24 * time.Hour)
	header, body := stripe.sign(old, testSecret, stripe.body)
	add := func() {
		d := &inspect.Delivery{
			Method: "POST", Target: "/hook", Host: "example.test", Proto: "HTTP/1.1", ReceivedAt: old, Header: header.Clone(), Body: []byte(body),
			Size: int64(len(body)), Disposition: inspect.Held,
		}
		d.Facts, _ = s.sender.Checker.Assess(d.Request())
		if err := s.store.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		s.id = d.ID
	}
	add() // without a secret, it can't be; the handler is right to refuse it
	sim := s.run(t, Spec{Kind: "duplicates"}, inspect.Inconclusive, "400 Bad Request")
	if !slices.ContainsFunc(sim.Reasons, func(r inspect.Reason) bool {
		return strings.Contains(r.Text, "the signature is the one that arrived") && strings.Contains(r.Text, "--secret stripe=")
	}) {
		t.Errorf("no reason says that it could not be signed: %+v", sim.Reasons)
	}
	s.run(t, Spec{Kind: "retries", Speed: 1e5}, inspect.Inconclusive, "400 Bad Request")
	s.sender.Checker.Secrets = map[string][]provider.Secret{"stripe": {{Label: "STRIPE", Value: testSecret}}}
	add()
	s.run(t, Spec{Kind: "duplicates", Probe: s.probe()}, inspect.Pass, "both attempts were accepted")
	for _, a := range mustAttempts(t, s) {
		if a.Sent == nil || !strings.Contains(a.Sent.Signed, "stripe v1 with STRIPE") {
			t.Errorf("attempt %d was not signed again: %+v", a.Number, a.Sent)
		}
	}
}

func mustAttempts(t *testing.T, s *stage) []inspect.Attempt {
	t.Helper()
	list, err := s.store.Attempts(t.Context(), s.id)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d attempts (%v)", len(list), err)
	}
	return list
}

// An answer in the handler's place is recorded as one, and the handler sees nothing.
func TestAnswerInPlace(t *testing.T) {
	s := setStage(t, "stripe", eventBody, naive)
	a, err := s.sender.Replay(t.Context(), s.id, Options{Answer: &inspect.Response{Status: 503, Body: []byte("no")}, Trigger: inspect.Retry})
	if err != nil || a.State != inspect.Answered || a.Response.Status != 503 || a.Response.Size != 2 || a.Trigger != inspect.Retry {
		t.Fatalf("got %+v %v", a, err)
	}
	stored := mustAttempts(t, s)[0]
	if stored.Response.Header.Get("Hookloop-Answered") != "in the handler's place" || !strings.HasSuffix(stored.URL, "/hook") {
		t.Errorf("stored is %+v", stored)
	}
	if n := s.count.Load(); n != 0 {
		t.Errorf("the handler got %d requests", n)
	}
}

// TestLargeAnswers has answers compared whole, of which only the beginning is kept.
func TestLargeAnswers(t *testing.T) {
	for _, tt := range []struct {
		name string
		last func(n int64) byte
		want string
	}{
		{"the same", func(int64) byte { return 'x' }, "the answers were alike"},
		{"other at the end", func(n int64) byte { return 'a' + byte(n) }, "their bodies differ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := setStage(t, "", slowEvent, func(s *stage, w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(append(make([]byte, 10*keptAnswer), tt.last(s.count.Add(1))))
			})
			s.run(t, Spec{Kind: "duplicates"}, inspect.Pass, tt.want)
		})
	}
	r := &rehearsal{provider: &provider.Provider{}, sim: inspect.Simulation{Steps: make([]inspect.Step, 1)}}
	a := &inspect.Attempt{State: inspect.Answered, Response: &inspect.Response{Status: 200, Body: make([]byte, 10*keptAnswer)}}
	r.finish(0, a, nil, 1)
	if n := cap(r.judged[0].attempt.Response.Body); n > 2*keptAnswer || len(a.Response.Body) != 10*keptAnswer {
		t.Errorf("%d bytes of an answer are kept, and the attempt has %d", n, len(a.Response.Body))
	}
}
