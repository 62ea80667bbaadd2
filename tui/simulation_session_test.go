package tui

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

func TestSessionSimulates(t *testing.T) {
	a := startApp(t, nil)
	a.post(t, "/hooks/orders", `{"order":7}`)
	a.sees(t, "/hooks/orders")
	a.press("s")
	a.sees(t, "simulate #1")
	a.press("d")
	a.sees(t, "#1 delivered twice")
	a.sees(t, "✓ delivery 2 of 2")
	a.press("[")
	a.sees(t, "simulation 1, delivery 2 of 2")
	a.press("esc")
	a.sees(t, "/hooks/orders")
	a.end(t)
	for range 3 {
		if got, want := <-a.bodies, `{"order":7}`; got != want {
			t.Errorf("the handler got %q, want %q", got, want)
		}
	}
	sim, err := a.store.Simulation(context.Background(), 1)
	if err != nil || sim.State != inspect.SimulationEnded || sim.Verdict == inspect.Fail {
		t.Errorf("got %+v, %v; want one that ended, and not in FAIL", sim, err)
	}
}

// slowHandler answers nobody before the test ends.
func slowHandler(t *testing.T) *url.URL {
	t.Helper()
	ended := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-ended:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(h.Close)
	t.Cleanup(func() { close(ended) })
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSessionStopsASimulation(t *testing.T) {
	u := slowHandler(t)
	a := startApp(t, func(c *Config) {
		c.Sender = &replay.Sender{Store: c.Store, Transport: replay.NewTransport(replay.TransportOptions{}), Handler: &replay.Handler{URL: u}}
	})
	a.post(t, "/hooks/orders", `{"order":7}`)
	a.sees(t, "/hooks/orders")
	a.press("s", "c")
	a.sees(t, "RUNNING")
	a.sees(t, "▸ delivery 1 of 2")
	a.press("S")
	a.sees(t, "stopped by its user")
	a.end(t)
	if sim, err := a.store.Simulation(context.Background(), 1); err != nil || sim.State != inspect.SimulationCanceled {
		t.Errorf("got %+v, %v; want it canceled", sim, err)
	}
}

// TestCloseStopsSimulations closes an interface while one of its simulations runs.
func TestCloseStopsSimulations(t *testing.T) {
	store := openStore(t)
	m := newModelOn(t, store, 100, 30)
	m.cfg.Sender = &replay.Sender{Store: store, Transport: replay.NewTransport(replay.TransportOptions{}), Handler: &replay.Handler{URL: slowHandler(t)}}
	fillStore(t, store, 1)
	cmd := m.simulate(1, replay.Spec{Kind: "duplicates", Deliveries: []int64{1}})
	ended := make(chan simulatedMsg, 1)
	go func() { ended <- cmd().(simulatedMsg) }()
	for r := m.rehearsals.list[0]; r.id.Load() == 0; {
		select {
		case msg := <-ended:
			t.Fatalf("it was not begun: %v", msg.err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	m.close()
	if sim, err := store.Simulation(context.Background(), 1); err != nil || sim.State != inspect.SimulationCanceled {
		t.Errorf("got %+v, %v; want it canceled", sim, err)
	}
	if msg := <-ended; msg.err != nil || msg.sim.ID != 1 {
		t.Errorf("got %+v", msg)
	}
}

func TestSessionTellsWhyNoSimulation(t *testing.T) {
	a := startApp(t, func(c *Config) { c.Probe = &replay.Probe{Command: []string{"hookloop-no-such-program"}} })
	if _, err := exec.LookPath("hookloop-no-such-program"); err == nil {
		t.Skip("there is such a program")
	}
	a.post(t, "/hooks/orders", `{"order":7}`)
	a.sees(t, "/hooks/orders")
	a.press("s", "d")
	a.sees(t, "hookloop-no-such-program")
	a.end(t)
}
