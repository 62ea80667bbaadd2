package replay

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hookloop/inspect"
)

// A lateHandler is one that listens at its address only once it is started.
type lateHandler struct {
	addr   string
	mu     sync.Mutex
	bodies []string
	status int // that it answers; 0 = 200
}

func newLateHandler(t *testing.T) *lateHandler {
	t.Helper()
	l := listen(t)
	h := &lateHandler{addr: l.Addr().String()}
	_ = l.Close()
	return h
}

func (h *lateHandler) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", h.addr)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
}

func (h *lateHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bodies = append(h.bodies, string(body))
	if h.status != 0 {
		w.WriteHeader(h.status)
	}
}

func (h *lateHandler) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

// startHolding starts r with a backlog that delivers until the test ends.
func startHolding(t *testing.T, r *rig, handler string, down func() bool) *Backlog {
	t.Helper()
	b := &Backlog{Sender: &r.sender, Down: down, OnError: func(err error) { t.Error(err) }}
	r.sender.Backlog, r.receiver.Hold = b, b.Hold
	r.start(t, handler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(ctx)
	}()
	t.Cleanup(func() { // before the rig's, which closes the store
		cancel()
		<-done
	})
	return b
}

// caughtUp waits until nothing waits.
func (r *rig) caughtUp(t *testing.T) {
	t.Helper()
	signal, cancel := r.store.Watch()
	defer cancel()
	for {
		ids, err := r.store.Waiting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) == 0 {
			return
		}
		wait(t, "the backlog", signal)
	}
}

func TestBacklogDeliversInOrder(t *testing.T) {
	h := newLateHandler(t)
	r := new(rig)
	b := startHolding(t, r, h.addr, nil)
	for i, body := range []string{"one", "two", "three"} {
		got := exchange(t, r.addr, post("/hooks", body))
		if got.status() != http.StatusAccepted || !strings.Contains(string(got.body), inspect.HeldReason) {
			t.Errorf("%d: the provider got %d %s", i, got.status(), got.body)
		}
	}
	list, err := r.store.List(t.Context(), inspect.ListOptions{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range list {
		want := inspect.Held
		if i == 0 { // that the handler is down is found out with this one
			want = inspect.Forwarded
		}
		if !s.Waiting || s.Disposition != want || (s.Last != nil) != (i == 0) {
			if s.Last == nil || s.Last.Error == "" { // Run may have tried again meanwhile
				t.Errorf("#%d: waiting %v, %s, %+v", s.ID, s.Waiting, s.Disposition, s.Last)
			}
		}
	}
	first := r.attempt(t, 1, 1)
	if first.ErrorKind != inspect.ErrRefused || first.Trigger != inspect.Initial || first.Outlook != nil {
		t.Errorf("the first attempt: %+v", first)
	}
	h.start(t)
	b.Wake()
	r.caughtUp(t)
	if got, want := h.got(), []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("the handler got %v, want %v", got, want)
	}
	// It is over: the handler's own answers go to the provider again.
	for b.waits() {
		b.Wake() // it looks once more
	}
	h.mu.Lock()
	h.status = http.StatusTeapot
	h.mu.Unlock()
	if got := exchange(t, r.addr, post("/hooks", "four")); got.status() != http.StatusTeapot {
		t.Errorf("the provider got %d afterwards", got.status())
	}
	r.balanced(t, 0)
}

// TestBacklogSurvives has what waits delivered by the next process, after what
// was cut short.
func TestBacklogSurvives(t *testing.T) {
	h := newLateHandler(t)
	r := new(rig)
	r.start(t, h.addr)
	for _, body := range []string{"one", "two"} {
		d := &inspect.Delivery{Method: "POST", Target: "/", Body: []byte(body), Size: 3, Disposition: inspect.Held, Waiting: true}
		if err := r.store.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
	}
	b := &Backlog{Sender: &r.sender}
	if n, err := b.Open(t.Context()); n != 2 || err != nil {
		t.Fatalf("%d wait, %v", n, err)
	}
	if _, hold := b.Hold(&inspect.Delivery{}); !hold {
		t.Error("what arrives next does not wait")
	}
	b.added()
	for _, header := range []http.Header{{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}} {
		if _, hold := b.Hold(&inspect.Delivery{Header: header}); hold {
			t.Error("a WebSocket waits")
		}
	}
	var tried []string
	each := func(at *inspect.Attempt) { tried = append(tried, fmt.Sprintf("#%d %s", at.DeliveryID, at.State)) }
	if n, err := b.Deliver(t.Context(), each); n != 2 || err != nil {
		t.Errorf("the handler is down: %d wait, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, _ := b.Deliver(ctx, each); n > 2 {
		t.Errorf("cut short: %d wait", n)
	}
	unlock, ok := r.store.LockBacklog()
	if !ok {
		t.Fatal("the lock is not free")
	}
	if _, err := b.Deliver(t.Context(), each); err != ErrDelivering {
		t.Errorf("beside another process: %v", err)
	}
	unlock()
	h.start(t)
	h.status = http.StatusInternalServerError // which is an answer
	if n, err := b.Deliver(t.Context(), each); n != 0 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
	if got, want := h.got(), []string{"one", "two"}; !slices.Equal(got, want) {
		t.Errorf("the handler got %v, want %v", got, want)
	}
	if want := []string{"#1 error", "#1 answered", "#2 answered"}; !slices.Equal(tried, want) {
		t.Errorf("tried %v, want %v", tried, want)
	}
	if b.waits() {
		t.Error("it still waits")
	}
}

// TestBacklogLosesNothing has deliveries arrive while the handler goes down and
// comes up: each gets to it once.
func TestBacklogLosesNothing(t *testing.T) {
	h := newLateHandler(t)
	h.start(t)
	r := new(rig)
	var down atomic.Bool
	b := startHolding(t, r, h.addr, down.Load)
	const all = 60
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			if i%3 == 0 {
				down.Store(i%2 == 0)
				b.Wake()
			}
			if got, err := tryExchange(r.addr, post("/hooks", fmt.Sprint(i))); err != nil || got.status()/100 != 2 {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	down.Store(false)
	b.Wake()
	r.caughtUp(t)
	got := h.got()
	slices.Sort(got)
	if n := len(slices.Compact(slices.Clone(got))); len(got) != all || n != all {
		t.Errorf("the handler got %d, %d of them different; want %d", len(got), n, all)
	}
}

func TestBacklogKeepsDeliver(t *testing.T) {
	h := newLateHandler(t)
	r := new(rig)
	b := &Backlog{Sender: &r.sender, Down: func() bool { return true }}
	r.sender.Backlog = b
	r.start(t, h.addr)
	d := &inspect.Delivery{Method: "POST", Target: "/poll", Source: inspect.FromPoll}
	at, err := r.sender.Deliver(t.Context(), d)
	if at != nil || err != nil || !d.Waiting || d.Disposition != inspect.Held {
		t.Errorf("got %+v, %v; %+v", at, err, d)
	}
}

// TestBacklogBelievesAnAnswer has a delivery not wait once the handler answered
// us, although its health was looked at before that.
func TestBacklogBelievesAnAnswer(t *testing.T) {
	down := true
	b := &Backlog{Down: func() bool { return down }}
	holds := func() bool {
		stored, hold := b.Hold(&inspect.Delivery{})
		if hold {
			stored()
			b.caughtUp(b.seen())
		}
		return hold
	}
	for i, step := range []struct {
		change func()
		want   bool
	}{
		{func() {}, true},
		{func() { b.reached(true) }, false},
		{func() { b.reached(false) }, true},
		{func() { b.reached(true) }, false},
		{func() { down = false }, false},
		{func() { down = true }, true}, // which is news
	} {
		step.change()
		if got := holds(); got != step.want {
			t.Errorf("step %d: held %t, want %t", i, got, step.want)
		}
	}
}

// TestBacklogHearsTheAnswer has Deliver find out that the handler is up while
// its health is still said to be down.
func TestBacklogHearsTheAnswer(t *testing.T) {
	h := newLateHandler(t)
	r := new(rig)
	b := startHolding(t, r, h.addr, func() bool { return true })
	if got := exchange(t, r.addr, post("/hooks", "one")); got.status() != http.StatusAccepted {
		t.Fatalf("the provider got %d", got.status())
	}
	h.start(t)
	if waiting, err := b.Deliver(t.Context(), nil); waiting != 0 || err != nil {
		t.Fatalf("Deliver: %d wait, %v", waiting, err)
	}
	if got := exchange(t, r.addr, post("/hooks", "two")); got.status() != http.StatusOK {
		t.Errorf("the provider got %d after the handler had answered", got.status())
	}
	if got, want := h.got(), []string{"one", "two"}; !slices.Equal(got, want) {
		t.Errorf("the handler got %v, want %v", got, want)
	}
}

// TestBacklogOfWebSockets has a connection that finds nothing listening not
// wait: what would be said on it can't be delivered later, and all else would
// wait behind it for ever.
func TestBacklogOfWebSockets(t *testing.T) {
	h := newLateHandler(t)
	r := new(rig)
	b := startHolding(t, r, h.addr, nil)
	got := exchange(t, r.addr, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if got.status() != http.StatusBadGateway {
		t.Errorf("the provider got %d, want 502", got.status())
	}
	if ids, err := r.store.Waiting(t.Context()); len(ids) > 0 || err != nil || b.waits() {
		t.Errorf("%v wait, %v", ids, err)
	}
}

// TestBacklogWithoutARoute has what waits for a handler that is not there any
// more keep nothing else waiting, whether it was tried before or not.
func TestBacklogWithoutARoute(t *testing.T) {
	for _, tried := range []bool{false, true} {
		t.Run(fmt.Sprintf("tried %t", tried), func(t *testing.T) {
			h := newLateHandler(t)
			h.start(t)
			r := new(rig)
			r.start(t, "")
			gone := listen(t)
			_ = gone.Close()
			for _, target := range []string{"/gone/x?secret=1", "/kept"} {
				d := &inspect.Delivery{Method: "POST", Target: target, Body: []byte(target), Size: int64(len(target)), Disposition: inspect.Held, Waiting: true}
				var first *inspect.Attempt
				if tried && target != "/kept" {
					d.Disposition = inspect.Forwarded
					first = &inspect.Attempt{Trigger: inspect.Initial, URL: "http://" + gone.Addr().String() + target}
				}
				if err := r.store.Add(t.Context(), d, first); err != nil {
					t.Fatal(err)
				}
				if first != nil {
					first.State, first.ErrorKind, first.Error = inspect.Errored, inspect.ErrRefused, "nothing listens"
					if err := r.store.Finish(first); err != nil {
						t.Fatal(err)
					}
				}
			}
			r.sender.Handler = &Handler{Routes: []Route{{Prefix: "/kept", URL: mustURL(t, h.addr)}}}
			b := &Backlog{Sender: &r.sender}
			if n, err := b.Open(t.Context()); n != 2 || err != nil {
				t.Fatalf("%d wait, %v", n, err)
			}
			var seen []string
			each := func(at *inspect.Attempt) { seen = append(seen, fmt.Sprintf("#%d %s", at.DeliveryID, at.State)) }
			if n, err := b.Deliver(t.Context(), each); n != 0 || err != nil {
				t.Errorf("%d wait, %v", n, err)
			}
			if got, want := h.got(), []string{"/kept"}; !slices.Equal(got, want) {
				t.Errorf("the handler got %v, want %v", got, want)
			}
			if want := []string{"#1 error", "#2 answered"}; !slices.Equal(seen, want) {
				t.Errorf("seen %v, want %v", seen, want)
			}
			last, err := r.store.LastAttempt(t.Context(), 1)
			if err != nil || last.State != inspect.Errored || !strings.HasPrefix(last.Error, "no route takes /gone/x any more") || last.Trigger != inspect.Replay {
				t.Errorf("what went nowhere: %+v, %v", last, err)
			}
			if _, err := r.store.Delivery(t.Context(), 1); err != nil || b.waits() {
				t.Errorf("it is lost: %v, or waits: %t", err, b.waits())
			}
			if at := r.replay(t, 1, Options{To: h.addr}); at.State != inspect.Answered {
				t.Errorf("sent by hand: %+v", at)
			}
			r.balanced(t, 0)
		})
	}
}
