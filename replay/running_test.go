package replay

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

func newRunning(t *testing.T, s *stage) *Running {
	t.Helper()
	rs := &Running{Sender: &s.sender, Receiver: &s.receiver}
	t.Cleanup(rs.Close)
	return rs
}

func refusing(_ *stage, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusInternalServerError)
}

func accepting(s *stage, _ http.ResponseWriter, _ *http.Request) { s.count.Add(1) }

func TestRunning(t *testing.T) {
	t.Parallel()
	s := setStage(t, "", "{}", refusing)
	rs := newRunning(t, s)
	spec := Spec{Kind: "retries", Policy: "custom:1s,1s", Step: true, Deliveries: []int64{s.id}}
	first, err := rs.Begin(spec)
	if err != nil {
		t.Fatal(err)
	}
	second, err := rs.Begin(spec)
	if err != nil {
		t.Fatal(err)
	}
	if got := rs.Find(first.Simulation().ID); got != first {
		t.Errorf("Find = %p, want the first, %p", got, first)
	}
	if got := rs.Of(s.id); got != second {
		t.Errorf("Of = %p, want the latest, %p", got, second)
	}
	for _, got := range []*Run{rs.Find(0), rs.Find(99), rs.Of(0), rs.Of(99), rs.LostAck()} {
		if got != nil {
			t.Errorf("found %+v, want nothing", got.Simulation())
		}
	}

	// The first ends by its own, step by step; the second is stopped.
	if !first.Stepped() {
		t.Error("it waits for no step")
	}
	for range 2 {
		for deadline := time.Now().Add(patience); !first.Step(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no step is taken")
			}
		}
	}
	sim, err := first.Result()
	if err != nil || sim.State != inspect.SimulationEnded || sim.Verdict != inspect.Fail || len(sim.Steps) != 3 {
		t.Errorf("got %+v, %v; want FAIL after 3 steps", sim, err)
	}
	if got := rs.Find(sim.ID); got != nil {
		t.Error("it runs on after its end")
	}
	second.Stop()
	<-second.Ended()
	if sim, err := second.Result(); err != nil || sim.State != inspect.SimulationCanceled {
		t.Errorf("got %+v, %v; want it canceled", sim, err)
	}
}

func TestRunningIsBounded(t *testing.T) {
	t.Parallel()
	s := setStage(t, "", "{}", refusing)
	rs := newRunning(t, s)
	spec := Spec{Kind: "retries", Policy: "custom:1h", Deliveries: []int64{s.id}}
	for range MaxRuns {
		if _, err := rs.Begin(spec); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := rs.Begin(spec); !errors.Is(err, ErrManyRuns) {
		t.Errorf("got %v, want ErrManyRuns", err)
	}
	rs.Close()
	if _, err := rs.Begin(spec); !errors.Is(err, ErrStopping) {
		t.Errorf("got %v, want ErrStopping", err)
	}
	sims, err := s.store.Simulations(t.Context(), s.id, 100)
	if err != nil || len(sims) != MaxRuns {
		t.Fatalf("got %d simulations, %v; want %d", len(sims), err, MaxRuns)
	}
	for _, sim := range sims {
		if sim.State != inspect.SimulationCanceled {
			t.Errorf("simulation %d is %s after Close, want canceled", sim.ID, sim.State)
		}
	}
}

func TestRunningRefuses(t *testing.T) {
	t.Parallel()
	s := setStage(t, "", "{}", accepting)
	rs := newRunning(t, s)
	deaf, homeless := &Running{Sender: &s.sender}, &Running{Sender: &Sender{Store: s.store}}
	for _, tc := range []struct {
		rs   *Running
		spec Spec
		want string
	}{
		{rs, Spec{Kind: "nonsense"}, "there is no simulation"},
		{rs, Spec{Kind: "burst"}, "needs a delivery"},
		{rs, Spec{Kind: "duplicates", Deliveries: []int64{99}}, "no delivery #99"},
		{rs, Spec{Kind: "lost-ack", Count: -1}, "-1 answers cannot be lost"},
		{rs, Spec{Kind: "lost-ack", How: "fire"}, `by "fire"`},
		{rs, Spec{Kind: "lost-ack", Wait: -1}, "give a time up to"},
		{rs, Spec{Kind: "lost-ack", Wait: 1 << 62}, "give a time up to"},
		{rs, Spec{Kind: "lost-ack", Probe: &Probe{}}, "probe"},
		{deaf, Spec{Kind: "lost-ack"}, "no receiver"},
		{homeless, Spec{Kind: "catch-up"}, "no handler"},
	} {
		run, err := tc.rs.Begin(tc.spec)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: got %v, want an error with %q", tc.spec, err, tc.want)
		}
		if run != nil {
			t.Errorf("%+v: it began", tc.spec)
		}
	}
}

// A lost-ack begins at once, and again only when it has ended; the answers
// that are left are not lost after its end.
func TestRunningLosesAcks(t *testing.T) {
	t.Parallel()
	s := setStage(t, "", "{}", accepting)
	rs := newRunning(t, s)
	run, err := rs.Begin(Spec{Kind: "lost-ack", Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.receiver.LosingAcks(); n != 2 || rs.LostAck() != run || run.Simulation().ID != 0 {
		t.Fatalf("%d answers are to be lost by %+v, want 2 by the first", n, rs.LostAck())
	}
	if _, err := rs.Begin(Spec{Kind: "lost-ack"}); err == nil || !strings.Contains(err.Error(), "being lost already") {
		t.Errorf("a second: got %v, want it refused", err)
	}
	if status := <-s.post("/x"); status != 500 {
		t.Errorf("the provider got %d, want 500", status)
	}
	for deadline := time.Now().Add(patience); run.Simulation().ID == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the delivery is not seen")
		}
	}
	run.Stop()
	sim, err := run.Result()
	if err != nil || sim.State != inspect.SimulationCanceled || sim.ID == 0 || sim.Kind != "lost-ack" || sim.DeliveryID == 0 {
		t.Errorf("got %+v, %v; want it canceled, in the store", sim, err)
	}
	if n := s.receiver.LosingAcks(); n != 0 {
		t.Errorf("%d answers would still be lost", n)
	}
	if status := <-s.post("/x"); status != 200 {
		t.Errorf("the provider got %d after the end, want 200", status)
	}
}

func TestRunningCatchesUp(t *testing.T) {
	t.Parallel()
	s := setStage(t, "", "{}", accepting)
	rs := newRunning(t, s)
	d := &inspect.Delivery{Method: "POST", Target: "/x", ReceivedAt: time.Now(), Disposition: inspect.Held, Waiting: true}
	if err := s.store.Add(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	run, err := rs.Begin(Spec{Kind: "catch-up"})
	if err != nil {
		t.Fatal(err)
	}
	sim, err := run.Result()
	if err != nil || sim.Verdict != inspect.Pass || sim.DeliveryID != d.ID || s.count.Load() != 1 {
		t.Errorf("got %+v, %v, %d requests; want PASS after 1", sim, err, s.count.Load())
	}
}
