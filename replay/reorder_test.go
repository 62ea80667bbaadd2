package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func TestOrders(t *testing.T) {
	for _, tt := range []struct {
		n       int
		all     bool
		want    int
		sampled bool
	}{{2, false, 2, false}, {4, false, 2, false}, {2, true, 2, false}, {3, true, 6, false}, {5, true, 120, false}, {6, true, 120, true}, {20, true, 120, true}} {
		got, sampled := orders(tt.n, tt.all)
		if len(got) != tt.want || sampled != tt.sampled {
			t.Errorf("of %d: got %d, sampled %t", tt.n, len(got), sampled)
		}
		seen := map[string]bool{}
		for _, order := range got {
			sorted := slices.Sorted(slices.Values(order))
			if seen[fmt.Sprint(order)] || len(sorted) != tt.n || sorted[0] != 0 || sorted[tt.n-1] != tt.n-1 || len(slices.Compact(sorted)) != tt.n {
				t.Errorf("of %d: %v is no new order", tt.n, order)
			}
			seen[fmt.Sprint(order)] = true
		}
		if !slices.IsSorted(got[1]) || got[0][0] != tt.n-1 || got[0][tt.n-1] != 0 {
			t.Errorf("of %d: it begins with %v", tt.n, got[:2])
		}
		if again, _ := orders(tt.n, tt.all); !reflect.DeepEqual(got, again) {
			t.Errorf("of %d: it differs each time", tt.n)
		}
	}
}

// A shop is a handler of orders that are created, paid and shipped.
type shop struct {
	mu     sync.Mutex
	seen   map[string]bool // event ids
	ids    []string
	status map[string]string // by order
	at     map[string]int64  // when its status is of
	count  int

	dedupes bool
	newest  bool // goes by the event's own time
	strict  bool // refuses what comes before it is created
	refuses string
	crashes string
	idle    bool          // does nothing
	late    time.Duration // after the answer it does its work
}

type shopEvent struct {
	ID, Type string
	Created  int64
	Data     struct{ Object struct{ ID string } }
}

func (h *shop) serve(_ *stage, w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.URL.Path == "/state" {
		_, _ = fmt.Fprint(w, h.status["o1"])
		return
	}
	if r.URL.Path == "/events" {
		_, _ = fmt.Fprint(w, h.count)
		return
	}
	if r.URL.Path == "/text" {
		_, _ = fmt.Fprintf(w, "%d events", h.count)
		return
	}
	if r.URL.Path == "/sum" {
		_, _ = fmt.Fprintf(w, "events: %d", h.count)
		return
	}
	if r.URL.Path == "/ids" {
		_, _ = fmt.Fprint(w, h.ids)
		return
	}
	var e shopEvent
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &e)
	id := e.Data.Object.ID
	h.ids = append(h.ids, e.ID)
	_, created := h.status[id]
	switch {
	case h.idle || h.dedupes && h.seen[e.ID]:
		return
	case h.refuses != "" && strings.HasSuffix(e.Type, h.refuses):
		w.WriteHeader(http.StatusNotFound)
		return
	case h.crashes != "" && strings.HasSuffix(e.Type, h.crashes):
		w.WriteHeader(http.StatusInternalServerError)
		return
	case h.strict && !created && !strings.HasSuffix(e.Type, "created"):
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.seen[e.ID] = true
	if h.late > 0 {
		time.AfterFunc(h.late, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.work(e)
		})
		return
	}
	h.work(e)
}

func (h *shop) work(e shopEvent) {
	id := e.Data.Object.ID
	h.count++
	if !h.newest || e.Created >= h.at[id] {
		h.status[id], h.at[id] = e.Type[strings.LastIndexByte(e.Type, '.')+1:], e.Created
	}
}

// setShop stores the events of an order, as Stripe sends them, and serves h.
func setShop(t *testing.T, h *shop, types ...string) (*stage, []int64) {
	t.Helper()
	h.seen, h.status, h.at = map[string]bool{}, map[string]string{}, map[string]int64{}
	s := setStage(t, "", "{}", h.serve)
	s.sender.Checker = secrets("stripe", testSecret)
	var ids []int64
	for i, typ := range types {
		p := stripe
		p.body = fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"order.%s","created":%d,"data":{"object":{"id":"o1"}}}`, i, typ, 1000+i)
		ids = append(ids, s.aged(t, p, time.Hour, testSecret, func(d *inspect.Delivery) {
			d.Facts = provider.Facts{Provider: "stripe", Certainty: provider.Certain}
		}))
	}
	s.id = ids[len(ids)-1]
	return s, ids[:len(ids)-1] // run adds the last
}

func TestReorder(t *testing.T) {
	types := []string{"created", "paid", "shipped"} // #2, #3, #4
	for _, tt := range []struct {
		name   string
		shop   *shop
		all    bool
		probe  string // "state", "events", or "" for none
		want   inspect.Verdict
		says   []string
		orders int
	}{
		{
			name: "right", shop: &shop{dedupes: true, newest: true}, all: true, probe: "state", want: inspect.Pass, orders: 6,
			says: []string{"every event was accepted in each of 6 orders", `the end state was the same after each order: "shipped"`},
		},
		{name: "right, reversed only", shop: &shop{newest: true}, probe: "state", want: inspect.Pass, orders: 2, says: []string{"each of 2 orders"}},
		{name: "right, counted", shop: &shop{dedupes: true, newest: true}, probe: "events", want: inspect.Pass, orders: 2, says: []string{"each order counted alike: the probe moved by 3"}},
		{name: "right, counted in words", shop: &shop{dedupes: true, newest: true}, probe: "text", want: inspect.Pass, orders: 2, says: []string{"each order counted alike: the probe moved by 3"}},
		{name: "right, counted within", shop: &shop{dedupes: true, newest: true}, probe: "sum", want: inspect.Inconclusive, orders: 2, says: []string{`differs in numbers alone, which may only grow: "events: 3", and "events: 6"`}},
		{name: "right, its events listed", shop: &shop{dedupes: true, newest: true}, probe: "ids", want: inspect.Inconclusive, orders: 2, says: []string{"names event ids, and each order had new ones"}},
		{name: "right, later", shop: &shop{dedupes: true, newest: true, late: 150 * time.Millisecond}, probe: "state", want: inspect.Pass, orders: 2, says: []string{"the same after each order: \"shipped\""}},
		{name: "right, much later", shop: &shop{dedupes: true, newest: true, late: 600 * time.Millisecond}, probe: "state", want: inspect.Pass, orders: 2, says: []string{"the same after each order: \"shipped\""}},
		{name: "the last one wins, later", shop: &shop{dedupes: true, late: 150 * time.Millisecond}, probe: "state", want: inspect.Fail, orders: 2, says: []string{"the end state depends on the order"}},
		{name: "does nothing", shop: &shop{idle: true}, probe: "state", want: inspect.Inconclusive, orders: 2, says: []string{`the probe says "" before and after each order`}},
		{name: "no probe", shop: &shop{}, want: inspect.Pass, orders: 2, says: []string{"note: without --probe it is not known whether the end state"}},
		{
			name: "the last one wins", shop: &shop{dedupes: true}, probe: "state", want: inspect.Fail, orders: 2,
			says: []string{`the end state depends on the order: "created" after #4, #3, #2, and "shipped" after #2, #3, #4`},
		},
		{name: "paid before created", shop: &shop{strict: true}, want: inspect.Fail, orders: 2, says: []string{"#3 before #2: the handler answered 404 Not Found", "#4 before #2: the handler", "accepted in 1 of 2 orders"}},
		{name: "crashes on one", shop: &shop{newest: true, crashes: "paid"}, want: inspect.Fail, orders: 2, says: []string{"#3 failed in every order, so it is not the order: the handler answered 500"}},
		{name: "refuses one", shop: &shop{newest: true, refuses: "paid"}, want: inspect.Inconclusive, orders: 2, says: []string{"#3 was refused in every order, so it is not the order; it came with new event ids"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, ids := setShop(t, tt.shop, types...)
			spec := Spec{Kind: "reorder", Deliveries: ids, AllOrders: tt.all}
			if tt.probe != "" {
				spec.Probe = &Probe{URL: "http://" + s.sender.Handler.URL.Host + "/" + tt.probe, Settle: 200 * time.Millisecond}
			}
			sim := s.run(t, spec, tt.want, tt.says...)
			if len(sim.Steps) != 3*tt.orders || len(tt.shop.ids) != 3*tt.orders {
				t.Errorf("%d steps and %d events, want %d", len(sim.Steps), len(tt.shop.ids), 3*tt.orders)
			}
			slices.Sort(tt.shop.ids)
			if n := len(slices.Compact(tt.shop.ids)); n != 3*tt.orders {
				t.Errorf("%d different events, want %d", n, 3*tt.orders)
			}
			if tt.probe != "" && len(sim.Probes) != tt.orders+1 {
				t.Errorf("%d readings, want %d", len(sim.Probes), tt.orders+1)
			}
		})
	}
}

// What was delivered is in the order that the steps say, signed anew.
func TestReorderSteps(t *testing.T) {
	h := &shop{newest: true}
	s, ids := setShop(t, h, "created", "paid", "shipped")
	sim := s.run(t, Spec{Kind: "reorder", Deliveries: ids}, inspect.Pass)
	var got []int64
	var started time.Time
	for _, step := range sim.Steps {
		got = append(got, step.DeliveryID)
		a := must(s.store.Attempt(t.Context(), step.DeliveryID, step.Attempt))
		if a.StartedAt.Before(started) || !strings.HasPrefix(a.Sent.Signed, "stripe v1") {
			t.Errorf("%s: %+v", step.Label, a)
		}
		started = a.StartedAt
	}
	if want := []int64{4, 3, 2, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if sim.Steps[3].Label != "order 2 (#2, #3, #4): #2" || sim.Title != "#2, #3, #4 reversed" {
		t.Errorf("%q of %q", sim.Steps[3].Label, sim.Title)
	}
}

// Events that share an id, which is of what they are about, keep it.
func TestReorderOfOneID(t *testing.T) {
	h := &shop{newest: true}
	s, ids := setShop(t, h, "created", "paid")
	p := stripe
	p.body = `{"id":"evt_0","object":"event","type":"order.shipped","data":{"object":{"id":"o1"}}}`
	s.id, ids = s.aged(t, p, 0, testSecret, nil), append(ids, s.id)
	s.run(t, Spec{Kind: "reorder", Deliveries: ids}, inspect.Pass, "note: each order had the same event ids, because #2 and #4 have the same")
	if want := []string{"evt_0", "evt_1", "evt_0", "evt_0", "evt_1", "evt_0"}; !slices.Equal(h.ids, want) {
		t.Errorf("got %v, want %v", h.ids, want)
	}
}

// With the same event ids the same end state proves nothing: a handler that
// knows them does nothing any more.
func TestReorderOfSameIDs(t *testing.T) {
	for _, tt := range []struct {
		probe string
		shop  *shop
		want  inspect.Verdict
		text  string
	}{
		{"state", &shop{dedupes: true}, inspect.Inconclusive, `("created"), which proves nothing: the event ids were, too, because that of #2 could not be replaced`},
		{"state", &shop{}, inspect.Fail, "depends on the order"},
		{"events", &shop{}, inspect.Pass, "counted alike"},
	} {
		s, ids := setShop(t, tt.shop, "created", "paid", "shipped")
		s.sender.Checker = secrets("stripe") // none
		s.run(t, Spec{Kind: "reorder", Deliveries: ids, Probe: &Probe{URL: "http://" + s.sender.Handler.URL.Host + "/" + tt.probe, Settle: 200 * time.Millisecond}}, tt.want, tt.text)
	}
}

// What is cut when a rehearsal is canceled is no failure of the handler's.
func TestReorderCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := &shop{newest: true}
	s, ids := setShop(t, h, "created", "paid")
	n := 0
	s.sender.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if n++; n == 3 { // the first of the second order
			cancel()
			return nil, r.Context().Err()
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	sim, err := s.simulator.Run(ctx, Spec{Kind: "reorder", Deliveries: append(ids, s.id)})
	if err != nil || sim.State != inspect.SimulationCanceled || sim.Verdict != inspect.Inconclusive {
		t.Errorf("got %+v %v, want it canceled and inconclusive", sim, err)
	}
}

// Of many readings few are kept: the first, one that differs, and the last.
func TestKeepFew(t *testing.T) {
	var sim inspect.Simulation
	for i := range 121 {
		sim.Probes = append(sim.Probes, inspect.Reading{When: fmt.Sprint(i), Value: map[bool]string{true: "b"}[i == 50]})
	}
	sim.Probes[0].When = probeBefore
	keepFew(&sim)
	if n := len(sim.Probes); n != maxReadings+2 || sim.Probes[n-2].When != "50" || sim.Probes[n-1].When != "120" {
		t.Errorf("%d are kept: %+v", n, sim.Probes)
	}
}

func TestReorderUnreachable(t *testing.T) {
	s, ids := setShop(t, &shop{}, "created", "paid")
	l := listen(t)
	_ = l.Close()
	s.sender.Handler = &Handler{URL: mustURL(t, l.Addr().String())}
	sim := s.run(t, Spec{Kind: "reorder", Deliveries: ids}, inspect.Inconclusive, "the handler could not be reached: nothing listens")
	if sim.Steps[1].State != inspect.StepSkipped {
		t.Errorf("it went on: %+v", sim.Steps)
	}
}

func TestReorderCheck(t *testing.T) {
	for _, ids := range [][]int64{{1}, {1, 2, 1}, slices.Repeat([]int64{1}, maxReordered+1)} {
		if spec := (Spec{Kind: "reorder", Deliveries: ids}); spec.Check() == nil {
			t.Errorf("%v is taken", ids)
		}
	}
}
