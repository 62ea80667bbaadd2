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
func (s *stage) probe() *Probe { return &Probe{URL: "http://" + s.sender.Handler.URL.Host + "/count"} }

// run rehearses and checks the verdict, and that some reason for it has each of texts.
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
	}
	if sim.Verdict != want || sim.State != inspect.SimulationEnded || sim.EndedAt.IsZero() {
		t.Errorf("the verdict is %s (%s), want %s:\n%s", sim.Verdict, sim.State, want, strings.Join(all, "\n"))
	}
	for _, text := range texts {
		if !slices.ContainsFunc(sim.Reasons, func(r inspect.Reason) bool { return r.Verdict == want && strings.Contains(r.Text, text) }) {
			t.Errorf("no %s reason says %q:\n%s", want, text, strings.Join(all, "\n"))
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

// racy looks, then works, then remembers.
func racy() func(*stage, http.ResponseWriter, *http.Request) {
	var seen sync.Map
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		id := eventID(r)
		if _, ok := seen.Load(id); !ok {
			time.Sleep(100 * time.Millisecond) // its work
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

const event = `{"id":"evt_1"}`

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
		{"correct, overlap", idempotent(), Spec{Count: 2, Mode: "overlap", Deadline: 20 * time.Millisecond}, inspect.Pass, []string{"no deliveries overlapped"}},
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
			s := setStage(t, "stripe", event, tt.handler)
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
