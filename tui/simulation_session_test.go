package tui

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"testing"

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

func TestSessionStepsASimulation(t *testing.T) {
	a := startApp(t, func(c *Config) {
		c.ParseSimulation = func(_ string, id int64) (replay.Spec, error) {
			return replay.Spec{Kind: "retries", Policy: "custom:30s", Step: true, Deliveries: []int64{id}}, nil
		}
	})
	a.status.Store(500)
	a.post(t, "/hooks/orders", `{"order":7}`)
	a.sees(t, "/hooks/orders")
	a.press("s", ":")
	a.sees(t, "simulate retries --policy custom:30s,2m,10m")
	a.press("enter")
	a.sees(t, "✗ attempt 1 of 2")
	a.sees(t, ". next attempt")
	a.press(".")
	a.sees(t, "✗ attempt 2 of 2")
	a.sees(t, "FAIL")
	a.end(t)
}

func TestSessionHasNothingHeld(t *testing.T) {
	a := startApp(t, nil)
	a.post(t, "/hooks/orders", `{"order":7}`)
	a.sees(t, "/hooks/orders")
	a.press("s", "C")
	a.sees(t, "Nothing is held.")
	a.end(t)
}

func TestSessionLosesAnswers(t *testing.T) {
	a := startApp(t, nil)
	a.post(t, "/hooks/orders", `{"order":7}`)
	a.sees(t, "/hooks/orders")
	a.press("s", "l")
	a.sees(t, "The next answers to providers are lost")
	a.sees(t, "the next 2 answers to providers are lost")
	a.post(t, "/hooks/lost", `{"order":8}`)
	a.sees(t, "the next answer to a provider is lost")
	a.press("S")
	a.sees(t, "2 answers lost on the way to the provider")
	a.end(t)
	sim, err := a.store.Simulation(context.Background(), 1)
	if err != nil || sim.Kind != "lost-ack" || sim.State != inspect.SimulationCanceled || sim.DeliveryID != 2 {
		t.Errorf("got %+v, %v; want a lost-ack of #2 that was stopped", sim, err)
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
