package replay

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"hookloop/inspect"
)

// A gate is a handler that answers each request, by its path, when it is let.
type gate struct {
	entered chan string
	mu      sync.Mutex
	open    map[string]chan struct{}
	now     atomic.Int32 // requests inside
	most    atomic.Int32
}

func newGate() *gate {
	return &gate{entered: make(chan string, 1000), open: map[string]chan struct{}{}}
}

func (g *gate) door(path string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[path] == nil {
		g.open[path] = make(chan struct{})
	}
	return g.open[path]
}

func (g *gate) let(path string) { close(g.door(path)) }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	n := g.now.Add(1)
	for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
	}
	g.entered <- r.URL.Path
	select {
	case <-g.door(r.URL.Path):
	case <-r.Context().Done():
	}
	g.now.Add(-1)
	_, _ = io.WriteString(w, "done")
}

func (g *gate) next(t testing.TB) string {
	t.Helper()
	select {
	case path := <-g.entered:
		return path
	case <-time.After(patience):
		t.Fatal("the handler got nothing")
		return ""
	}
}

// post sends a POST and returns a channel with its answer's status, 0 where there was none.
func (r *rig) post(path string) <-chan int {
	status := make(chan int, 1)
	go func() {
		m, err := tryExchange(r.addr, post(path, "x"))
		if err != nil {
			status <- 0
			return
		}
		status <- m.status()
	}()
	return status
}

func TestForwardOutlivesTheProvider(t *testing.T) {
	g := newGate()
	r := new(rig).start(t, serveHTTP(t, g.ServeHTTP))
	conn, _ := dial(t, r.addr)
	write(t, conn, post("/a", "x"))
	g.next(t)
	_ = conn.Close()
	if a, err := r.store.Attempt(t.Context(), 1, 1); err != nil || a.State != inspect.Pending {
		t.Fatalf("got %+v %v, want it pending", a, err)
	}
	g.let("/a")
	if a := r.attempt(t, 1, 1); a.State != inspect.Answered || string(a.Response.Body) != "done" {
		t.Errorf("record: got %+v, want the handler's answer", a)
	}
	r.balanced(t, 0)
}

// A hanging call blocks no other, up to the limit, and the limit holds.
func TestConcurrency(t *testing.T) {
	g := newGate()
	r := &rig{}
	r.receiver.Concurrency = 3
	r.start(t, serveHTTP(t, g.ServeHTTP))
	hanging := r.post("/hang")
	g.next(t)
	for range 5 {
		path := "/quick"
		done := r.post(path)
		g.next(t)
		if len(done) != 0 {
			t.Error("answered before the handler was")
		}
		g.let(path)
		if status := <-done; status != 200 {
			t.Errorf("got %d, want 200", status)
		}
		g.mu.Lock()
		delete(g.open, path)
		g.mu.Unlock()
	}
	var all []<-chan int
	for i := range 20 {
		all = append(all, r.post(fmt.Sprint("/", i)))
		g.let(fmt.Sprint("/", i))
	}
	g.let("/hang")
	for _, done := range append(all, hanging) {
		if status := <-done; status != 200 {
			t.Errorf("got %d, want 200", status)
		}
	}
	if most := g.most.Load(); most > 3 {
		t.Errorf("%d at a time, want at most 3", most)
	}
	if c := r.balanced(t, 0); c.Received != 26 || c.Status2xx != 26 {
		t.Errorf("got %+v, want 26 delivered", c)
	}
}

// One at a time, in the order of the deliveries' numbers.
func TestOrdered(t *testing.T) {
	for _, answer := range []int{0, 202} {
		t.Run(fmt.Sprintf("answer=%d", answer), func(t *testing.T) {
			const n = 40
			var inside atomic.Int32
			var order []string
			addr := serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {
				if inside.Add(1) != 1 {
					t.Error("two at a time")
				}
				order = append(order, req.URL.Path)
				_, _ = io.Copy(io.Discard, req.Body)
				inside.Add(-1)
			})
			r := &rig{}
			r.receiver.Ordered, r.receiver.Answer = true, answer
			r.start(t, addr)
			var all []<-chan int
			for i := range n {
				all = append(all, r.post(fmt.Sprint("/", i)))
			}
			for _, done := range all {
				if status := <-done; status/100 != 2 {
					t.Errorf("got %d", status)
				}
			}
			r.receiver.Wait()
			var want []string
			for _, d := range r.deliveries(t) {
				want = append(want, d.Target)
			}
			if len(want) != n || !slices.Equal(order, want) {
				t.Errorf("got %q, want %q", order, want)
			}
			r.balanced(t, 0)
		})
	}
}

func TestAnswerMode(t *testing.T) {
	g := newGate()
	r := &rig{}
	r.receiver.Answer, r.receiver.Concurrency = 202, 1
	r.start(t, serveHTTP(t, g.ServeHTTP))
	for i := range 3 { // two of which wait for their turn
		if status := <-r.post(fmt.Sprint("/", i)); status != 202 {
			t.Errorf("got %d, want 202 while the handler hangs", status)
		}
	}
	for range 3 {
		g.let(g.next(t))
	}
	r.receiver.Wait()
	for id := range int64(3) {
		if a := r.attempt(t, id+1, 1); a.State != inspect.Answered || a.Response.Status != 200 {
			t.Errorf("record: got %+v, want the handler's answer", a)
		}
	}
	r.balanced(t, 0)
}

func TestHeld(t *testing.T) {
	r := new(rig).start(t, "")
	if m := exchange(t, r.addr, post("/a?b", "x", "X-A: 1")); m.status() != 200 || len(m.body) != 0 {
		t.Errorf("got %s %q, want an empty 200", m.start, m.body)
	}
	r.receiver.Answer = 204
	if m := exchange(t, r.addr, post("/a?b", "x")); m.status() != 204 {
		t.Errorf("got %s, want 204", m.start)
	}
	r.sender.Handler = &Handler{Routes: []Route{{Prefix: "/stripe", URL: mustURL(t, closed(t))}}}
	if m := exchange(t, r.addr, post("/other", "x")); m.status() != 204 {
		t.Errorf("outside all routes: got %s, want 204", m.start)
	}
	if c := r.balanced(t, 0); c.Held != 3 || c.Attempts != 0 {
		t.Errorf("got %+v, want 3 held", c)
	}
}

func TestRoutes(t *testing.T) {
	one, two := recordTCP(t, ok200), recordTCP(t, ok200)
	r := new(rig).start(t, one.addr)
	r.sender.Handler.Routes = []Route{must(ParseRoute("/stripe=" + two.addr + "/in"))}
	exchange(t, r.addr, post("/stripe/a?x=1", ""))
	if m := two.next(t); m.start != "POST /in?x=1 HTTP/1.1" {
		t.Errorf("got %s", m.start)
	}
	exchange(t, r.addr, post("/stripes", ""))
	if m := one.next(t); m.start != "POST /stripes HTTP/1.1" {
		t.Errorf("got %s", m.start)
	}
}

type panicTransport struct{ http.RoundTripper }

func (panicTransport) RoundTrip(*http.Request) (*http.Response, error) { panic("a bug") }

// Every Begin ends in a Finish, also where hookloop itself fails.
func TestPanic(t *testing.T) {
	for _, answer := range []int{0, 202} {
		t.Run(fmt.Sprintf("answer=%d", answer), func(t *testing.T) {
			failed := make(chan error, 10)
			r := &rig{}
			r.sender.Transport = panicTransport{}
			r.receiver.Answer, r.receiver.Concurrency = answer, 1
			r.receiver.OnError = func(err error) { failed <- err }
			r.start(t, "3000")
			for range 3 { // a place that was kept would stop the second
				if status := <-r.post("/"); status != answer {
					t.Errorf("got %d, want %d", status, answer)
				}
			}
			r.receiver.Wait()
			for id := range int64(3) {
				a := r.attempt(t, id+1, 1)
				if a.State != inspect.Errored || a.ErrorKind != inspect.ErrOther || !strings.Contains(a.Error, "report it") {
					t.Errorf("record: got %+v, want an error", a)
				}
				if answer != 0 {
					if err := <-failed; !strings.Contains(err.Error(), "a bug") {
						t.Errorf("got %v, want the panic", err)
					}
				}
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Error("replay: the panic is gone")
					}
				}()
				_, _ = r.sender.Replay(t.Context(), 1, Options{})
			}()
			if a := r.attempt(t, 1, 2); a.State != inspect.Errored {
				t.Errorf("replay: got %+v, want an error", a)
			}
			r.balanced(t, 0)
		})
	}
}

func TestStop(t *testing.T) {
	g := newGate()
	r := &rig{}
	r.receiver.Concurrency = 2
	r.start(t, serveHTTP(t, g.ServeHTTP))
	var all []<-chan int
	for i := range 5 { // three of which wait for their turn
		all = append(all, r.post(fmt.Sprint("/", i)))
	}
	g.next(t)
	g.next(t)
	for i := range int64(5) {
		r.attemptWhen(t, i+1, 1, func(*inspect.Attempt) bool { return true })
	}
	r.sender.Stop()
	r.sender.Stop()
	for _, done := range all {
		if status := <-done; status != 502 {
			t.Errorf("got %d, want 502", status)
		}
	}
	for i := range int64(5) {
		a := r.attempt(t, i+1, 1)
		if a.ErrorKind != inspect.ErrCanceled || !strings.Contains(a.Error, "stopped") {
			t.Errorf("record: got %s %q, want stopped", a.ErrorKind, a.Error)
		}
	}
	if a := r.replay(t, 1, Options{}); a.ErrorKind != inspect.ErrCanceled {
		t.Errorf("replay: got %+v, want it canceled", a)
	}
	if got := len(g.entered); got != 0 {
		t.Errorf("%d were sent after Stop", got)
	}
	if c := r.balanced(t, 0); c.Errors != 6 {
		t.Errorf("got %+v, want 6 errors", c)
	}
}

// Stop in the middle of traffic leaves nothing pending.
func TestStopWhileBusy(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		r := &rig{}
		r.receiver.Concurrency, r.receiver.Ordered = 4, ordered
		r.start(t, serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {}))
		var all []<-chan int
		for i := range 60 {
			all = append(all, r.post("/"))
			if i == 30 {
				r.sender.Stop()
			}
		}
		for _, done := range all {
			if status := <-done; status != 200 && status != 502 {
				t.Errorf("got %d, want 200 or 502", status)
			}
		}
		if c := r.balanced(t, 0); c.Received != 60 || c.Errors < 29 {
			t.Errorf("ordered=%t: got %+v, want what came after Stop to have failed", ordered, c)
		}
	}
}

// Many at once, with all kinds of ends, and the accounts add up.
func TestAccounts(t *testing.T) {
	addr := serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Query().Get("do") {
		case "0":
		case "1":
			w.WriteHeader(404)
		case "2":
			w.WriteHeader(503)
		case "3":
			panic(http.ErrAbortHandler)
		case "4":
			http.Redirect(w, req, "/", http.StatusFound)
		}
	})
	r := &rig{}
	r.receiver.Refuse = func(req *http.Request) (int, string) {
		if strings.HasPrefix(req.URL.Path, "/refused") {
			return 403, "no"
		}
		return 0, ""
	}
	r.start(t, addr)
	var all []<-chan int
	for i := range 100 {
		path := fmt.Sprint("/?do=", i%5)
		if i%10 == 0 {
			path = "/refused"
		}
		all = append(all, r.post(path))
	}
	for _, done := range all {
		<-done
	}
	c := r.balanced(t, 0)
	want := inspect.Counters{Received: 100, Forwarded: 90, Refused: 10, Attempts: 90, Status2xx: 10, Status3xx: 20, Status4xx: 20, Status5xx: 20, Errors: 20}
	if c != want {
		t.Errorf("\n got %+v\nwant %+v", c, want)
	}
}

// A store that cannot be written to: 503, nothing is forwarded, and those
// behind get their turn.
func TestStoreFails(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		t.Run(fmt.Sprintf("ordered=%t", ordered), func(t *testing.T) {
			h := recordTCP(t, ok200)
			var mu sync.Mutex
			var failed []error
			r := &rig{}
			r.receiver.Ordered = ordered
			r.receiver.OnError = func(err error) {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
			r.start(t, h.addr)
			if err := r.store.Close(); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				m := exchange(t, r.addr, post("/", "x"))
				if m.status() != 503 || !strings.Contains(string(m.body), "was not handed on: the store is closed") {
					t.Errorf("got %s %q, want 503 with the reason", m.start, m.body)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(failed) != 3 || !errors.Is(failed[0], inspect.ErrClosed) {
				t.Errorf("OnError: got %v, want three", failed)
			}
			h.none(t)
		})
	}
}

// A delivery that cannot be stored holds up none of those behind it.
func TestStoreFailsOnce(t *testing.T) {
	h := recordTCP(t, ok200)
	r := &rig{}
	r.receiver.Ordered = true
	r.start(t, h.addr)
	conn, err := sqlite.OpenConn(filepath.Join(r.store.Dir(), "hookloop.db"), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const trigger = `CREATE TRIGGER refuse BEFORE INSERT ON deliveries WHEN NEW.target = '/no' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`
	if err := sqlitex.ExecuteTransient(conn, trigger, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if m := exchange(t, r.addr, post("/no", "x")); m.status() != 503 || !strings.Contains(string(m.body), "the disk is full") {
			t.Errorf("got %s %q, want 503 with the reason", m.start, m.body)
		}
		if m := exchange(t, r.addr, post("/yes", "x")); m.status() != 200 {
			t.Errorf("got %s, want 200", m.start)
		}
		if m := h.next(t); m.start != "POST /yes HTTP/1.1" {
			t.Errorf("the handler got %s", m.start)
		}
	}
	h.none(t)
	if c := r.balanced(t, 0); c.Received != 3 || c.Attempts != 3 {
		t.Errorf("got %+v, want what could be stored", c)
	}
}

// The default timeout is long, and ends what hangs.
func TestDefaultTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := inspect.Open(t.TempDir(), inspect.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		s := &Sender{Store: store, Transport: hanging{}, Handler: &Handler{URL: mustURL(t, "3000")}}
		d := &inspect.Delivery{Method: "POST", Target: "/", ReceivedAt: time.Now(), Disposition: inspect.Held}
		if err := store.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		a, err := s.Replay(t.Context(), d.ID, Options{})
		if err != nil || a.ErrorKind != inspect.ErrTimeout || a.Duration != DefaultTimeout {
			t.Errorf("got %+v %v, want a timeout after %s", a, err, DefaultTimeout)
		}
	})
}

// hanging is a transport whose answers never come.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
