package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hookloop/inspect"
)

// MaxRuns is how many simulations run at a time in one Running.
const MaxRuns = 16

// Kinds of simulations that are of no one delivery: a Running has them besides
// those of a Simulator.
const (
	lostAck = "lost-ack"
	catchUp = "catch-up"
)

// maxLostAckWait is longer than the time between any provider's deliveries.
const maxLostAckWait = 7 * 24 * time.Hour

// Why a simulation is not begun that is in order itself.
var (
	ErrManyRuns = fmt.Errorf("%d simulations are running already: wait for one, or stop one", MaxRuns)
	ErrStopping = errors.New("hookloop is stopping: begin the simulation when it is back")
)

// Running runs the simulations of one process and keeps account of those that
// have not ended, so that whoever shows one can let its next attempt go, and
// stop it. Its methods may be called from several goroutines; its fields must
// be set before the first of them.
type Running struct {
	Sender *Sender

	// Receiver is whose answers to providers are lost; nil = a lost-ack is refused.
	Receiver *inspect.Receiver

	mu     sync.Mutex
	runs   []*Run
	closed bool
	wg     sync.WaitGroup
}

// A Run is a simulation that a Running has begun.
type Run struct {
	spec   Spec
	cancel context.CancelFunc
	next   chan struct{}
	begun  chan struct{} // closed when sim is set for the first time
	ended  chan struct{} // closed at the end, when sim and err stay

	mu  sync.Mutex
	sim *inspect.Simulation
	err error
}

// Begin begins what spec says, also a lost-ack or a catch-up, and returns when
// it is in the store, which a lost-ack is once an answer was lost; or when it
// has ended. It goes on until its end, Stop or Close. The error says in a
// sentence why it was not begun.
func (rs *Running) Begin(spec Spec) (*Run, error) {
	run := &Run{spec: spec, next: make(chan struct{}, 1), begun: make(chan struct{}), ended: make(chan struct{})}
	if err := rs.Check(&run.spec); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	run.cancel = cancel
	if err := rs.add(run); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer rs.wg.Done()
		defer cancel()
		sim, err := rs.run(ctx, run)
		rs.remove(run)
		run.mu.Lock()
		run.err = err
		if sim != nil {
			run.sim = sim
		}
		run.mu.Unlock()
		close(run.ended)
	}()
	select {
	case <-run.begun:
		return run, nil
	case <-run.ended:
		if run.err != nil {
			return nil, run.err
		}
		return run, nil
	}
}

// Check says what is wrong with spec, in a sentence, or nil, and sets the
// defaults of a lost-ack.
func (rs *Running) Check(spec *Spec) error {
	switch spec.Kind {
	case lostAck:
		spec.Count, spec.How, spec.Wait = cmp.Or(spec.Count, 1), cmp.Or(spec.How, inspect.LostStatus), cmp.Or(spec.Wait, DefaultLostAckWait)
		switch {
		case rs.Receiver == nil:
			return errors.New("there is no receiver here, so no answers can be lost: start hookloop listen")
		case spec.Wait < 0 || spec.Wait > maxLostAckWait:
			return fmt.Errorf("the wait is %s: give a time up to %s, such as 5m", spec.Wait, maxLostAckWait)
		}
		if err := spec.How.Check(spec.Count); err != nil {
			return err
		}
		return spec.Probe.check()
	case catchUp:
		if rs.Sender.Handler == nil {
			return errors.New("there is no handler to deliver to: start hookloop listen with a port or URL")
		}
		return nil
	}
	return spec.Check()
}

func (rs *Running) add(run *Run) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	switch {
	case rs.closed:
		return ErrStopping
	case len(rs.runs) >= MaxRuns:
		return ErrManyRuns
	case run.spec.Kind == lostAck && slices.ContainsFunc(rs.runs, func(r *Run) bool { return r.spec.Kind == lostAck }):
		return errors.New("answers are being lost already: wait for that simulation to end, or stop it")
	}
	rs.runs = append(rs.runs, run)
	rs.wg.Add(1)
	return nil
}

func (rs *Running) remove(run *Run) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.runs = slices.DeleteFunc(rs.runs, func(r *Run) bool { return r == run })
}

// run makes the simulation and returns it when it has ended.
func (rs *Running) run(ctx context.Context, run *Run) (*inspect.Simulation, error) {
	switch run.spec.Kind {
	case lostAck:
		return rs.loseAcks(ctx, run)
	case catchUp:
		return cmp.Or(rs.Sender.Backlog, &Backlog{Sender: rs.Sender}).CatchUp(ctx, run.took)
	}
	return (&Simulator{Sender: rs.Sender, Next: run.next, OnChange: run.took}).Run(ctx, run.spec)
}

// loseAcks has answers lost and watches what becomes of their deliveries.
func (rs *Running) loseAcks(ctx context.Context, run *Run) (*inspect.Simulation, error) {
	store, spec := rs.Sender.Store, &run.spec
	w := &LostAckWatch{Store: store, N: spec.Count, How: spec.How, Wait: spec.Wait, Probe: spec.Probe, Guard: rs.Sender.Guard, OnChange: run.took}
	if rs.Sender.Checker != nil {
		w.Catalog = rs.Sender.Checker.Catalog
	}
	var err error
	if w.Since, err = store.Rev(ctx); err != nil {
		return nil, err
	}
	w.Begin = func(context.Context) error {
		if err := rs.Receiver.LoseAcks(spec.Count, spec.How); err != nil {
			return err
		}
		run.took(&inspect.Simulation{Kind: spec.Kind, State: inspect.SimulationRunning, StartedAt: time.Now().UTC()})
		return nil
	}
	defer func() { _ = rs.Receiver.LoseAcks(0, spec.How) }() // what is left of them is not lost once nobody watches
	return w.Run(ctx)
}

// Find returns the run of a simulation, or nil where it does not run here.
func (rs *Running) Find(id int64) *Run {
	return rs.last(func(sim *inspect.Simulation) bool { return id != 0 && sim.ID == id })
}

// Of returns the latest run of a delivery's simulations, or nil.
func (rs *Running) Of(delivery int64) *Run {
	return rs.last(func(sim *inspect.Simulation) bool { return delivery != 0 && sim.DeliveryID == delivery })
}

// LostAck returns the run that loses answers, or waits for their deliveries to
// come again; nil = none does.
func (rs *Running) LostAck() *Run {
	return rs.last(func(sim *inspect.Simulation) bool { return sim.Kind == lostAck })
}

func (rs *Running) last(is func(*inspect.Simulation) bool) *Run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, run := range slices.Backward(rs.runs) {
		if sim := run.Simulation(); sim != nil && is(sim) {
			return run
		}
	}
	return nil
}

// Close stops what runs, takes nothing more, and returns when all has ended.
func (rs *Running) Close() {
	rs.mu.Lock()
	rs.closed = true
	for _, run := range rs.runs {
		run.cancel()
	}
	rs.mu.Unlock()
	rs.wg.Wait()
}

// took takes what the simulation is now.
func (r *Run) took(sim *inspect.Simulation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sim == nil {
		close(r.begun)
	}
	r.sim = sim
}

// Simulation returns it as it is now, not to be changed; nil before it began.
// A lost-ack's ID and DeliveryID are 0 until an answer was lost.
func (r *Run) Simulation() *inspect.Simulation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sim
}

// Result waits for the end and returns what came out, or why it ended without.
func (r *Run) Result() (*inspect.Simulation, error) {
	<-r.ended
	return r.sim, r.err
}

// Ended is closed at the end.
func (r *Run) Ended() <-chan struct{} { return r.ended }

// Stop has it end as canceled; it does not wait for that.
func (r *Run) Stop() { r.cancel() }

// Stepped reports whether its attempts wait for Step.
func (r *Run) Stepped() bool { return r.spec.Step }

// Step lets the next attempt go; false = the one before was not made yet.
func (r *Run) Step() bool {
	select {
	case r.next <- struct{}{}:
		return true
	default:
		return false
	}
}
