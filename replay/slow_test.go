package replay

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookloop/inspect"
)

const slowEvent = `{"id":"evt_1","object":"event","type":"invoice.paid"}`

// careful reads the whole body before it acts, once for each event.
func careful() func(*stage, http.ResponseWriter, *http.Request) {
	once := idempotent()
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(body) {
			http.Error(w, "half a body", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		once(s, w, r)
	}
}

// hasty acts when it has the first byte.
func hasty() func(*stage, http.ResponseWriter, *http.Request) {
	var once sync.Once
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 1))
		once.Do(func() { s.count.Add(1) })
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}
}

// blind answers what it has not read.
func blind() func(*stage, http.ResponseWriter, *http.Request) {
	var once sync.Once
	return func(s *stage, w http.ResponseWriter, _ *http.Request) {
		once.Do(func() { s.count.Add(1) })
		_ = http.NewResponseController(w).EnableFullDuplex() // or the server itself would read first
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
	}
}

// late answers when it has had the body for a while.
func late(by time.Duration) func(*stage, http.ResponseWriter, *http.Request) {
	next := careful()
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		next(s, w, r)
		time.Sleep(by)
	}
}

// impatient gives a body one second.
func impatient() func(*stage, http.ResponseWriter, *http.Request) {
	next := careful()
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
		next(s, w, r)
	}
}

// secondTime answers status to what it has accepted before, and counts it or not.
func secondTime(status int, counts bool) func(*stage, http.ResponseWriter, *http.Request) {
	var seen atomic.Bool
	return func(s *stage, w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		first := seen.CompareAndSwap(false, true)
		if first || counts {
			s.count.Add(1)
		}
		if !first {
			w.WriteHeader(status)
		}
	}
}

func TestSlow(t *testing.T) {
	for _, tt := range []struct {
		name    string
		slow    string
		handler func(*stage, http.ResponseWriter, *http.Request)
		blind   bool // there is no probe
		limit   time.Duration
		body    string
		want    inspect.Verdict
		says    []string
	}{
		{name: "careful, all", handler: careful(), want: inspect.Pass, says: []string{"did not act on half a body", "answered alike when it came again", "from 0 to 1", "all 3 attempts were accepted"}},
		{name: "careful, cut", slow: "cut", handler: careful(), want: inspect.Pass, says: []string{"did not act on half a body", "the attempt was accepted"}},
		{name: "careful, no probe", slow: "cut", handler: careful(), blind: true, want: inspect.Pass, says: []string{"note: without --probe it is not known whether the handler acted on half a body"}},
		{name: "careful, trickle", slow: "trickle", handler: careful(), want: inspect.Pass, says: []string{"from 0 to 1"}},
		{name: "careful, trickle, and a limit", slow: "trickle", limit: time.Second, handler: careful(), want: inspect.Pass, says: []string{"from 0 to 1"}},
		{name: "late, trickle", slow: "trickle", limit: time.Second, handler: late(1200 * time.Millisecond), want: inspect.Fail, says: []string{"a few bytes at a time: "}},
		{name: "careful, ignore", slow: "ignore", handler: careful(), want: inspect.Pass, says: []string{"answered alike"}},
		{name: "hasty, cut", slow: "cut", handler: hasty(), want: inspect.Fail, says: []string{`the handler acted on half a body: the probe went from "0" to "1"`}},
		{name: "blind, cut", slow: "cut", handler: blind(), blind: true, want: inspect.Fail, says: []string{"the handler answered 200 OK to half a body"}},
		{name: "impatient, trickle", slow: "trickle", handler: impatient(), want: inspect.Fail, says: []string{"400", "never happened"}},
		{name: "not idempotent, ignore", slow: "ignore", handler: secondTime(200, true), want: inspect.Fail, says: []string{"the side effect happened twice, and was to happen once"}},
		{name: "refuses the second, ignore", slow: "ignore", handler: secondTime(409, false), want: inspect.Fail, says: []string{"the answers differ: the one that got lost was 200 OK, the one to the same event again 409 Conflict"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := orDefault(tt.body, slowEvent)
			s := setStage(t, "", strings.TrimPrefix(body, "-"), tt.handler)
			spec := Spec{Kind: "slow", Slow: tt.slow, Probe: s.probe(), Deadline: tt.limit}
			if tt.blind {
				spec.Probe = nil
			}
			s.run(t, spec, tt.want, tt.says...)
		})
	}
}

// What a cut leaves is half of the body, and of a trickle all of it, in time.
func TestSlowOnTheWire(t *testing.T) {
	t.Parallel()
	type seen struct {
		n     int
		err   error
		took  time.Duration
		reads int
	}
	got := make(chan seen, 10)
	s := setStage(t, "", slowEvent, func(_ *stage, _ http.ResponseWriter, r *http.Request) {
		begun, one := time.Now(), seen{}
		buf := make([]byte, 1024)
		for one.err == nil {
			n, err := r.Body.Read(buf)
			if n > 0 {
				one.reads++
			}
			one.n, one.err = one.n+n, err
		}
		one.took = time.Since(begun)
		got <- one
	})
	s.run(t, Spec{Kind: "slow", Slow: "cut"}, inspect.Pass)
	if one := <-got; one.n != len(slowEvent)/2 || one.err != io.ErrUnexpectedEOF {
		t.Errorf("of the cut body the handler got %d bytes and %v, want %d and %v", one.n, one.err, len(slowEvent)/2, io.ErrUnexpectedEOF)
	}
	<-got // as usual
	sim := s.run(t, Spec{Kind: "slow", Slow: "trickle"}, inspect.Pass)
	if one := <-got; one.n != len(slowEvent) || one.err != io.EOF || one.reads < 10 || one.took < trickleTime/2 {
		t.Errorf("of the trickled body the handler got %d bytes in %d parts over %s and %v", one.n, one.reads, one.took, one.err)
	}
	if a := must(s.store.Attempt(t.Context(), s.id, sim.Steps[0].Attempt)); a.Sent != nil || a.State != inspect.Answered {
		t.Errorf("recorded: %+v", a)
	}
	cut := must(s.store.Attempt(t.Context(), s.id, 1))
	if cut.ErrorKind != inspect.ErrCanceled || !strings.Contains(cut.Error, "hookloop cut the connection half-way") {
		t.Errorf("recorded: %s %s", cut.ErrorKind, cut.Error)
	}
}

// The same over TLS, whose certificate the Sender's own transport trusts.
func TestSlowTLS(t *testing.T) {
	t.Parallel()
	handler := careful()
	s := &stage{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(s, w, r) }))
	defer server.Close()
	plain := setStage(t, "", slowEvent, naive)
	plain.sender.Handler = &Handler{URL: mustURL(t, server.URL)}
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	transport := NewTransport(TransportOptions{Guard: &plain.guard, CAs: pool})
	defer transport.CloseIdleConnections()
	plain.sender.Transport = transport
	plain.run(t, Spec{Kind: "slow"}, inspect.Pass, "all 3 attempts were accepted")
	if n := s.count.Load(); n != 1 {
		t.Errorf("the handler acted %d times, want 1", n)
	}
}

// A canceled rehearsal does not trickle on.
func TestSlowCanceled(t *testing.T) {
	t.Parallel()
	s := setStage(t, "", slowEvent, func(_ *stage, _ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	begun := time.Now()
	s.canceled(t, Spec{Kind: "slow", Slow: "trickle"}, 1)
	if took := time.Since(begun); took > trickleTime/2 {
		t.Errorf("it took %s to cancel", took)
	}
}

// canceled cancels a rehearsal when n of its steps run, and checks how it ends.
func (s *stage) canceled(t *testing.T, spec Spec, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.simulator.OnChange = func(sim *inspect.Simulation) {
		running := 0
		for _, step := range sim.Steps {
			if step.State == inspect.StepRunning {
				running++
			}
		}
		if running == n {
			cancel()
		}
	}
	spec.Deliveries = append(spec.Deliveries, s.id)
	sim, err := s.simulator.Run(ctx, spec)
	if err != nil || sim.State != inspect.SimulationCanceled || sim.Verdict != inspect.Inconclusive {
		t.Errorf("got %+v %v", sim, err)
	}
	s.balanced(t, 0)
}

func TestSlowCheck(t *testing.T) {
	for _, spec := range []Spec{{Kind: "slow", Slow: "quick", Deliveries: []int64{1}}, {Kind: "slow", Deliveries: []int64{1, 2}}} {
		if spec.Check() == nil {
			t.Errorf("%+v is taken", spec)
		}
	}
}

// TestSlowCanceledLate cancels while the handler works on a body that has come:
// that is no failure of the handler's.
func TestSlowCanceledLate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := setStage(t, "", slowEvent, func(_ *stage, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(trickleTime / 10) // so that it takes longer than trickleTime in all
		cancel()
		<-r.Context().Done()
	})
	sim, err := s.simulator.Run(ctx, Spec{Kind: "slow", Slow: "trickle", Deliveries: []int64{s.id}})
	if err != nil || sim.Verdict != inspect.Inconclusive || sim.Steps[0].OK != nil {
		t.Errorf("got %+v %v", sim, err)
	}
}

// TestSlowCanceledCut says nothing of half a body when the probe was not read after it.
func TestSlowCanceledCut(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := setStage(t, "", slowEvent, func(_ *stage, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1))
		cancel()
	})
	sim, err := s.simulator.Run(ctx, Spec{Kind: "slow", Slow: "cut", Deliveries: []int64{s.id}, Probe: s.probe()})
	if err != nil || sim.Verdict != inspect.Inconclusive {
		t.Errorf("got %+v %v", sim, err)
	}
	for _, reason := range sim.Reasons {
		if reason.Verdict == inspect.Pass {
			t.Errorf("found, though it was canceled: %s", reason.Text)
		}
	}
}
