package replay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A lostCase plays what arrives, one delivery after the other.
type lostCase struct {
	name    string
	n       int // answers to lose
	arrives []lostDelivery
	want    inspect.Verdict
	reason  string // part of one
}

type lostDelivery struct {
	event  string
	lost   bool
	status int
}

func TestLostAckWatch(t *testing.T) {
	for _, tc := range []lostCase{
		{"both come again", 2, []lostDelivery{{"a", true, 200}, {"b", true, 200}, {"other", false, 500}, {"b", false, 200}, {"a", false, 200}}, inspect.Pass, "#1 came again as #5 and was answered 200"},
		{"one is lost twice", 2, []lostDelivery{{"a", true, 200}, {"a", true, 200}, {"a", false, 200}}, inspect.Pass, "#1 came again as #3"},
		{"the second is refused", 2, []lostDelivery{{"a", true, 200}, {"b", true, 200}, {"a", false, 500}, {"b", false, 200}}, inspect.Fail, "#1 came again as #3 and was answered 500, after 200"},
		{"not as the provider needs it", 2, []lostDelivery{{"a", true, 200}, {"b", true, 200}, {"a", false, 201}, {"b", false, 200}}, inspect.Fail, "answered 201"},
		{"one does not come again", 2, []lostDelivery{{"a", true, 200}, {"b", true, 200}, {"a", false, 200}}, inspect.Inconclusive, "#2 did not come again within"},
		{"the handler fails by itself", 2, []lostDelivery{{"a", true, 500}, {"b", true, 200}, {"a", false, 200}, {"b", false, 200}}, inspect.Inconclusive, "the handler itself did not accept #1 (500)"},
		{"only one arrives", 2, []lostDelivery{{"a", true, 200}, {"a", false, 200}}, inspect.Inconclusive, "only 1 of 2 answers were lost"},
		{"one is lost twice of three", 3, []lostDelivery{{"a", true, 200}, {"a", true, 200}, {"a", false, 200}}, inspect.Inconclusive, "only 2 of 3 answers were lost"},
		{"nothing arrives", 2, nil, inspect.Inconclusive, "nothing arrived"},
	} {
		t.Run(tc.name, tc.run)
	}
}

func (tc lostCase) run(t *testing.T) {
	t.Parallel()
	r := new(rig).start(t, "")
	w := &LostAckWatch{Store: r.store, Catalog: provider.BuiltIn(), N: tc.n, How: inspect.LostStatus, Wait: 2 * time.Second}
	if tc.want == inspect.Pass || tc.want == inspect.Fail {
		w.Wait = patience // it ends by itself
	}
	var shown *inspect.Simulation
	w.OnChange = func(s *inspect.Simulation) { shown = s }
	type result struct {
		sim *inspect.Simulation
		err error
	}
	done := make(chan result, 1)
	go func() {
		sim, err := w.Run(t.Context())
		done <- result{sim, err}
	}()
	for _, d := range tc.arrives {
		arrive(t, r.store, d)
	}
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	sim := got.sim
	if sim.Verdict != tc.want || !slices.ContainsFunc(sim.Reasons, func(r inspect.Reason) bool { return strings.Contains(r.Text, tc.reason) }) {
		t.Errorf("got %s %+v, want %s because %q", sim.Verdict, sim.Reasons, tc.want, tc.reason)
	}
	if shown == nil || shown.Verdict != tc.want {
		t.Errorf("the last that was shown: %+v", shown)
	}
	if len(tc.arrives) == 0 {
		return
	}
	kept, err := r.store.Simulation(t.Context(), sim.ID)
	if err != nil || kept.Verdict != tc.want || kept.DeliveryID != 1 || kept.State != inspect.SimulationEnded {
		t.Errorf("kept: %+v, %v", kept, err)
	}
}

// arrive stores a delivery of APIXO's, who wants exactly 200, that was answered.
func arrive(t *testing.T, store *inspect.Store, d lostDelivery) {
	t.Helper()
	del := &inspect.Delivery{
		Method: "POST", Target: "/x", ReceivedAt: time.Now(), Disposition: inspect.Forwarded,
		Body:  fmt.Appendf(nil, `{"id":%q}`, d.event),
		Facts: provider.Facts{Provider: "apixo", Certainty: provider.Certain, EventID: d.event},
	}
	if d.lost {
		del.Reason = inspect.LostStatus.Reason()
	}
	at := &inspect.Attempt{Trigger: inspect.Initial, StartedAt: time.Now()}
	if err := store.Add(t.Context(), del, at); err != nil {
		t.Fatal(err)
	}
	at.State, at.Response = inspect.Answered, &inspect.Response{Status: d.status}
	if err := store.Finish(at); err != nil {
		t.Fatal(err)
	}
}

func TestCatchUp(t *testing.T) {
	for _, tc := range []struct {
		name    string
		waiting int
		handler bool
		status  int
		want    inspect.Verdict
	}{
		{"nothing waits", 0, true, 200, inspect.Pass},
		{"all are delivered", 3, true, 200, inspect.Pass},
		{"the handler fails", 3, true, 500, inspect.Fail},
		{"the handler is down", 3, false, 0, inspect.Inconclusive},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newLateHandler(t)
			h.status = tc.status
			if tc.handler {
				h.start(t)
			}
			r := new(rig).start(t, h.addr)
			var want []string
			for i := range tc.waiting {
				want = append(want, fmt.Sprint(i))
				d := &inspect.Delivery{Method: "POST", Target: "/", Body: []byte(want[i]), Size: 1, Disposition: inspect.Held, Waiting: true}
				if err := r.store.Add(t.Context(), d, nil); err != nil {
					t.Fatal(err)
				}
			}
			sim, err := (&Backlog{Sender: &r.sender}).CatchUp(context.Background(), nil)
			if err != nil || sim.Verdict != tc.want || sim.State != inspect.SimulationEnded || len(sim.Steps) != tc.waiting {
				t.Errorf("got %+v, %v", sim, err)
			}
			if got := h.got(); tc.handler && !slices.Equal(got, want) {
				t.Errorf("the handler got %v", got)
			}
		})
	}
}

// TestLostAckProbe sees a handler that takes the second delivery as if it had
// dedupe, and does the work again.
func TestLostAckProbe(t *testing.T) {
	for _, tc := range []struct {
		name    string
		counts  []string // before, and from then on
		arrives []lostDelivery
		want    inspect.Verdict
		reason  string
	}{
		{"twice", []string{"0", "2"}, []lostDelivery{{"a", true, 200}, {"a", false, 200}}, inspect.Fail, "the side effect happened twice"},
		{"once", []string{"7", "8"}, []lostDelivery{{"a", true, 200}, {"a", false, 200}}, inspect.Pass, "the side effect happened once"},
		{"another event", []string{"0", "2"}, []lostDelivery{{"b", false, 200}, {"a", true, 200}, {"a", false, 200}}, inspect.Inconclusive, "other events (1) were not lost"},
		{"too often with another", []string{"0", "3"}, []lostDelivery{{"b", false, 200}, {"a", true, 200}, {"a", false, 200}}, inspect.Fail, "the side effect happened 3 times"},
		{"no probe", nil, []lostDelivery{{"a", true, 200}, {"a", false, 200}}, inspect.Pass, "without --probe it is not known"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := new(rig).start(t, "")
			w := &LostAckWatch{Store: r.store, Catalog: provider.BuiltIn(), N: 1, How: inspect.LostStatus, Wait: patience, Guard: new(Guard)}
			var arrived atomic.Int32
			if tc.counts != nil {
				api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, tc.counts[arrived.Load()])
				}))
				defer api.Close()
				w.Probe = &Probe{URL: api.URL, Settle: 100 * time.Millisecond}
			}
			w.Begin = func(context.Context) error {
				arrived.Store(1)
				for _, d := range tc.arrives {
					arrive(t, r.store, d)
				}
				return nil
			}
			sim, err := w.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if sim.Verdict != tc.want || !slices.ContainsFunc(sim.Reasons, func(r inspect.Reason) bool { return strings.Contains(r.Text, tc.reason) }) {
				t.Errorf("got %s %+v, want %s because %q", sim.Verdict, sim.Reasons, tc.want, tc.reason)
			}
		})
	}
}

// TestLostAckOfRemoved goes on when a delivery is removed before it was looked at.
func TestLostAckOfRemoved(t *testing.T) {
	r := new(rig).start(t, "")
	w := &lostWatch{LostAckWatch: &LostAckWatch{Store: r.store}, events: map[string]*lostEvent{}, seen: map[int64]string{}}
	if err := w.look(t.Context(), &inspect.Summary{ID: 99, Disposition: inspect.Forwarded}); err != nil {
		t.Error(err)
	}
}
