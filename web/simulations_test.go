package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

type simulationsAnswer struct {
	Simulations []simulationView `json:"simulations"`
}

// withSlowHandler gives a server a Sender to a handler that answers when it is let go.
func withSlowHandler(t testing.TB) (edit func(*Server), called *atomic.Int32, letGo func()) {
	t.Helper()
	called, gone := new(atomic.Int32), make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called.Add(1)
		select {
		case <-gone:
		case <-r.Context().Done():
		}
	}))
	u, _ := url.Parse(h.URL)
	letGo = func() {
		select {
		case <-gone:
		default:
			close(gone)
		}
	}
	t.Cleanup(h.Close)
	t.Cleanup(letGo)
	return func(s *Server) {
		guard := &replay.Guard{}
		tr := replay.NewTransport(replay.TransportOptions{Guard: guard})
		t.Cleanup(tr.CloseIdleConnections)
		s.HandlerURL = h.URL
		s.Sender = &replay.Sender{Store: s.Store, Transport: tr, Guard: guard, Handler: &replay.Handler{URL: u}}
		s.Running = &replay.Running{Sender: s.Sender}
		t.Cleanup(func() {
			s.Running.Close()
			s.Sender.Stop()
		})
	}, called, letGo
}

// begin begins a simulation and returns it as it began.
func (rg *rig) begin(spec string) (v simulationView) {
	rg.t.Helper()
	resp, body := rg.do("POST", "/api/v1/simulations", spec)
	if err := json.Unmarshal([]byte(body), &v); err != nil || resp.StatusCode != http.StatusAccepted || v.ID == 0 {
		rg.t.Fatalf("%s: got %d %s, want 202 and a simulation", spec, resp.StatusCode, body)
	}
	return v
}

// until asks for a simulation until it is in a state.
func (rg *rig) until(id int64, state inspect.SimulationState) (v simulationView) {
	rg.t.Helper()
	for range 1000 {
		if v = get[simulationView](rg, "/api/v1/simulations/"+itoa(id)); v.State == state {
			return v
		}
		time.Sleep(10 * time.Millisecond)
	}
	rg.t.Fatalf("simulation %d is %s, want %s", id, v.State, state)
	return v
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	edit, got := withHandler(t)
	rg := newRig(t, edit)
	id := rg.add(inspect.Delivery{Body: []byte(`{"a":1}`)}, answered(200, "ok"))
	spec := `{"kind":"duplicates","deliveries":[` + itoa(id) + `],"count":3}`

	resp, body := rg.do("POST", "/api/v1/simulations?wait=true", spec)
	var ended simulationView
	if err := json.Unmarshal([]byte(body), &ended); err != nil || resp.StatusCode != 200 || ended.State != inspect.SimulationEnded || ended.Here {
		t.Fatalf("wait: got %d %s, want 200 and a simulation that has ended", resp.StatusCode, body)
	}
	if ended.Verdict == "" || ended.Verdict == inspect.Fail || len(ended.Reasons) == 0 || len(ended.Steps) != 3 || len(got) != 3 {
		t.Errorf("got %s after %d requests, want 3, a verdict and why", body, len(got))
	}

	begun := rg.begin(spec)
	if begun.DeliveryID != id || !begun.Here || begun.State != inspect.SimulationRunning {
		t.Errorf("got %+v, want a running simulation of #%d", begun, id)
	}
	rg.until(begun.ID, inspect.SimulationEnded)
	var ids []int64
	for _, sim := range get[simulationsAnswer](rg, "/api/v1/simulations?delivery="+itoa(id)).Simulations {
		ids = append(ids, sim.ID)
	}
	if want := []int64{begun.ID, ended.ID}; !slices.Equal(ids, want) {
		t.Errorf("got simulations %v, want %v", ids, want)
	}
	if n := len(get[simulationsAnswer](rg, "/api/v1/simulations?limit=1").Simulations); n != 1 {
		t.Errorf("limit=1: got %d", n)
	}
	other := rg.add(inspect.Delivery{}, nil)
	if list := get[simulationsAnswer](rg, "/api/v1/simulations?delivery="+itoa(other)).Simulations; list == nil || len(list) != 0 {
		t.Errorf("of another delivery: got %v, want an empty list", list)
	}
	attempts := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(id)).Attempts
	if n := len(attempts); n != 7 || attempts[n-1].Simulation != begun.ID {
		t.Errorf("got %d attempts, the last of simulation %d; want 7, and %d", n, attempts[n-1].Simulation, begun.ID)
	}
}

func TestSimulationIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	edit, got := withHandler(t)
	rg := newRig(t, edit)
	rg.add(inspect.Delivery{Body: []byte("x")}, nil)
	const program, remote = `{"kind":"tamper","deliveries":[1],"probe":{"command":["/bin/true"]}}`, `{"kind":"tamper","deliveries":[1],"probe":{"url":"http://192.0.2.1/"}}`
	for _, tc := range []struct {
		path, in string
		status   int
		part     string
	}{
		{"", `{"kind":"dupes","deliveries":[1]}`, 400, "duplicates"},
		{"", `{"kind":"duplicates","deliveries":[]}`, 400, "deliver"},
		{"", `{"line":"duplicates","deliveries":[1]}`, 409, "Nothing here reads"},
		{"", `{"kind":"lost-ack"}`, 400, "no receiver"},
		{"", `{"kind":"duplicates","deliveries":[1],"mode":"sideways"}`, 400, "sideways"},
		{"", `{"kind":"duplicates","deliveries":[1],"tpyo":1}`, 400, "tpyo"},
		{"", `{"kind":"duplicates","deliveries":[99]}`, 404, "no such delivery"},
		{"", `{"kind":"duplicates","deliveries":[1],"to":"http://192.0.2.1/"}`, 409, "--allow-target"},
		{"", `{"kind":"duplicates","deliveries":[1],"headers":{"X-A":["a\r\nX-Evil: 1"]}}`, 400, "line break"},
		{"", program, 400, "--probe"},
		{"", remote, 400, "on this machine"},
		{"", `{"kind":"tamper","deliveries":[1],"probe":{"url":"file:///etc/passwd"}}`, 400, "its scheme is file"},
		{"", `{"kind":"tamper","deliveries":[1],"probe":{"url":"http://localhost.evil.example/"}}`, 400, "on this machine"},
		{"", ``, 400, "empty"},
		{"?wait=perhaps", `{"kind":"tamper","deliveries":[1]}`, 400, "perhaps"},
		{"/9/cancel", `{}`, 404, "no simulation 9"},
		{"/9/step", `{}`, 404, "no simulation 9"},
		{"/x/cancel", `{}`, 404, "not the id"},
	} {
		resp, body := rg.do("POST", "/api/v1/simulations"+tc.path, tc.in)
		wantProblem(t, resp, body, tc.status, tc.part)
	}
	for _, path := range []string{"?delivery=x", "?limit=-1"} {
		resp, body := rg.do("GET", "/api/v1/simulations"+path, "")
		wantProblem(t, resp, body, 400, "whole number")
	}
	resp, body := rg.do("GET", "/api/v1/simulations/9", "")
	wantProblem(t, resp, body, 404, "no simulation 9")
	if len(got) != 0 {
		t.Error("something was sent")
	}
	rg.add(inspect.Delivery{}, nil)
	sim := &inspect.Simulation{Kind: "burst", DeliveryID: 1, StartedAt: time.Now()} // of another process
	if err := rg.Store.BeginSimulation(context.Background(), sim); err != nil {
		t.Fatal(err)
	}
	resp, body = rg.do("POST", "/api/v1/simulations/1/cancel", `{}`)
	wantProblem(t, resp, body, 409, "not begun here")
	sim.State, sim.Verdict = inspect.SimulationEnded, inspect.Pass
	if err := rg.Store.SaveSimulation(context.Background(), sim); err != nil {
		t.Fatal(err)
	}
	resp, body = rg.do("POST", "/api/v1/simulations/1/step", `{}`)
	wantProblem(t, resp, body, 409, "has ended already")

	plain := newRig(t, nil)
	plain.add(inspect.Delivery{}, nil)
	resp, body = plain.do("POST", "/api/v1/simulations", `{"kind":"tamper","deliveries":[1]}`)
	wantProblem(t, resp, body, 409, "without a handler")
}

func TestSimulationProbes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		url  string
		want bool
	}{
		{"http://localhost:3000/count", true},
		{"https://127.0.0.5/", true},
		{"http://[::1]:1/", true},
		{"http://[::ffff:127.0.0.1]/", true},
		{"http://192.0.2.1/", false},
		{"http://localhost.evil.example/", false},
		{"http://evil.example/?localhost", false},
		{"http://127.0.0.1@evil.example/", false},
		{"file:///etc/passwd", false},
		{"localhost:3000", false},
		{"http://%zz/", false},
	} {
		if got := loopbackURL(tc.url); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.url, got, tc.want)
		}
	}
	ours := &replay.Probe{Command: []string{"/bin/count"}}
	s := &Server{Probe: ours, Running: &replay.Running{Sender: &replay.Sender{}}}
	spec := replay.Spec{Kind: "duplicates", Deliveries: []int64{1}}
	if err := s.checkSpec(&spec); err != nil || spec.Probe != ours {
		t.Errorf("got %v, probe %+v; want hookloop's own", err, spec.Probe)
	}
	theirs := &replay.Probe{Command: []string{"/bin/true"}}
	spec.Probe = theirs
	if err := s.checkSpec(&spec); err == nil {
		t.Error("a program was let through")
	}
	s.AllowProbes = true
	if err := s.checkSpec(&spec); err != nil || spec.Probe != theirs {
		t.Errorf("allowed: got %v, %+v", err, spec.Probe)
	}
}

func TestSimulationIsCanceled(t *testing.T) {
	t.Parallel()
	edit, called, letGo := withSlowHandler(t)
	rg := newRig(t, edit)
	rg.add(inspect.Delivery{Body: []byte("x")}, answered(200, "ok"))
	sim := rg.begin(`{"kind":"duplicates","deliveries":[1],"deadline_ns":60000000000}`)
	path := "/api/v1/simulations/" + itoa(sim.ID)
	resp, body := rg.do("POST", path+"/step", "{}")
	wantProblem(t, resp, body, 409, "keeps time by itself")
	if v := get[simulationView](rg, path); !v.Here {
		t.Errorf("got %+v, want it to be here", v)
	}
	resp, body = rg.do("POST", path+"/cancel", "{}")
	var v simulationView
	if err := json.Unmarshal([]byte(body), &v); err != nil || resp.StatusCode != 200 || v.State != inspect.SimulationCanceled || v.Verdict == inspect.Pass || v.Here {
		t.Errorf("got %d %s, want it canceled", resp.StatusCode, body)
	}
	resp, body = rg.do("POST", path+"/cancel", "{}")
	wantProblem(t, resp, body, 409, "has ended already")
	if called.Load() > 1 {
		t.Errorf("the handler was called %d times, want once at most", called.Load())
	}
	letGo()
}

// TestSimulationIsStepped lets each retry go by hand.
func TestSimulationIsStepped(t *testing.T) {
	t.Parallel()
	edit, got := withHandler(t)
	rg := newRig(t, edit)
	rg.add(inspect.Delivery{Body: []byte("x")}, answered(200, "ok"))
	sim := rg.begin(`{"kind":"retries","deliveries":[1],"policy":"custom:30s,2m,10m","step":true,"fail_first":1}`)
	path := "/api/v1/simulations/" + itoa(sim.ID)
	done := func(n int) (v simulationView) {
		t.Helper()
		for range 1000 {
			v = get[simulationView](rg, path)
			if len(v.Steps) >= n && v.Steps[n-1].State == inspect.StepDone {
				return v
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("attempt %d never ends: %+v", n, v)
		return v
	}
	v := done(1)
	if next := v.Steps[1]; v.Steps[0].Status != 500 || next.State != inspect.StepPlanned || !next.DueAt.IsZero() || next.Offset < 30*time.Second || v.State != inspect.SimulationRunning {
		t.Errorf("got %+v, want attempt 2 to wait for a step", v)
	}
	if len(got) != 0 {
		t.Error("the handler saw what hookloop answered")
	}
	if resp, body := rg.do("POST", path+"/step", "{}"); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("got %d %s, want 202", resp.StatusCode, body)
	}
	if v = rg.until(sim.ID, inspect.SimulationEnded); len(v.Steps) < 2 || v.Steps[1].Status != 200 || len(got) != 1 {
		t.Errorf("got %+v, want attempt 2 accepted and the end", v)
	}
}

// TestSimulationEndsWithItsHookloop leaves one running.
func TestSimulationEndsWithItsHookloop(t *testing.T) {
	t.Parallel()
	edit, _, _ := withSlowHandler(t)
	rg := newRig(t, edit)
	rg.add(inspect.Delivery{Body: []byte("x")}, answered(200, "ok"))
	sim := rg.begin(`{"kind":"duplicates","deliveries":[1],"deadline_ns":60000000000}`)
	if !within(10*time.Second, func() { rg.Running.Close() }) {
		t.Fatal("Close does not return")
	}
	got, err := rg.Store.Simulation(context.Background(), sim.ID)
	if err != nil || got.State != inspect.SimulationCanceled {
		t.Errorf("got %+v, %v; want it canceled", got, err)
	}
	resp, body := rg.do("POST", "/api/v1/simulations", `{"kind":"duplicates","deliveries":[1]}`)
	wantProblem(t, resp, body, 503, "stopping")
}

func TestSimulationsAreLimited(t *testing.T) {
	t.Parallel()
	edit, _, _ := withSlowHandler(t)
	rg := newRig(t, edit)
	rg.add(inspect.Delivery{Body: []byte("x")}, answered(200, "ok"))
	for range replay.MaxRuns {
		rg.begin(`{"kind":"duplicates","deliveries":[1],"deadline_ns":60000000000}`)
	}
	resp, body := rg.do("POST", "/api/v1/simulations", `{"kind":"duplicates","deliveries":[1]}`)
	wantProblem(t, resp, body, 429, "running already")
}

// TestLiveTellsOfSimulations looks at what a frame would hold.
func TestLiveTellsOfSimulations(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	ctx := context.Background()
	rg.add(inspect.Delivery{}, nil)
	begin := func() *inspect.Simulation {
		t.Helper()
		sim := &inspect.Simulation{Kind: "burst", Title: "a burst", DeliveryID: 1, StartedAt: time.Now()}
		if err := rg.Store.BeginSimulation(ctx, sim); err != nil {
			t.Fatal(err)
		}
		return sim
	}
	newest, running := int64(0), map[int64]bool(nil)
	look := func(want ...string) {
		t.Helper()
		list, now, err := rehearsedSince(ctx, rg.Store, newest, running)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, sim := range list {
			newest = max(newest, sim.ID)
			got = append(got, itoa(sim.ID)+" "+string(sim.State)+" "+string(sim.Verdict))
		}
		running = now
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	end := func(sim *inspect.Simulation, v inspect.Verdict) {
		t.Helper()
		sim.State, sim.Verdict = inspect.SimulationEnded, v
		if err := rg.Store.SaveSimulation(ctx, sim); err != nil {
			t.Fatal(err)
		}
	}
	look()
	first := begin()
	look("1 running ")
	look()
	second := begin()
	end(first, inspect.Pass)
	look("1 ended PASS", "2 running ")
	end(second, inspect.Fail)
	end(begin(), inspect.Inconclusive)
	look("2 ended FAIL", "3 ended INCONCLUSIVE")
	newest, running = 0, nil
	look("1 ended PASS", "2 ended FAIL", "3 ended INCONCLUSIVE") // a page that is opened now
	other := rg.add(inspect.Delivery{}, nil)
	for range 2 {
		sim := &inspect.Simulation{Kind: "burst", DeliveryID: other, StartedAt: time.Now()}
		if err := rg.Store.BeginSimulation(ctx, sim); err != nil {
			t.Fatal(err)
		}
	}
	end(begin(), inspect.Pass)
	if _, err := rg.Store.Remove(ctx, other); err != nil {
		t.Fatal(err)
	}
	look("6 ended PASS") // and not again those before the ones that are gone
}
