package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A rehearsal is a simulation that is running. Its methods may be called from
// several goroutines, which must have ended when the kind's run returns.
type rehearsal struct {
	ctx        context.Context // ends when the simulation is canceled
	s          *Simulator
	spec       Spec
	kind       kind
	deliveries []*inspect.Delivery // those of spec, in its order
	probe      *prober             // nil = none

	provider *provider.Provider // as its Variant and Spec.Deadline have it; never nil
	known    bool               // it is the delivery's, or the one that the user named

	saver    saver
	panicked sync.Once // see guard

	changes  int // how often the side effect is to happen; a kind's run may set it. Default 1
	doneOnce int // of how many of deliveries it had happened before, as far as is known

	maybeDone int       // of how many it may have, though the handler did not accept them
	optional  int       // how many of changes need not come
	lastWork  time.Time // when an attempt of any delivery ended last, before
	since     int64     // the revision of the store at the beginning

	tried bool // the handler has had one of deliveries before, whatever it did
	asked bool // an attempt of this rehearsal went to the handler

	tampering *tampering // of a tamper, else nil

	unseen string // what only a probe could tell, to be said after "whether"; "" = how often the side effect happened

	judgesProbe bool // the kind's run reads and judges the probe itself, after the first reading

	signing Signing // of attempts of the same event
	stale   bool    // they could not be signed again, though the provider would have
	renewed bool    // they have a new event id, the same each: that of fresh
	fresh   Options // what makes them those of the new event
	patient bool    // an answer after the deadline is no failure: it is what is rehearsed

	own time.Duration // of what attempts take is the rehearsal's own doing, and not judged

	mu     sync.Mutex
	sim    inspect.Simulation
	judged []judgement
}

// run rehearses and returns the record, which has ended and is stored.
func (r *rehearsal) run() *inspect.Simulation {
	r.saver.start(r)
	r.findSigning(r.ctx)
	r.read(probeBefore)
	err := r.guarded()
	if !r.judgesProbe {
		r.read(probeLast)
	}
	r.conclude(err)
	return r.saver.finish(r)
}

// guarded runs the kind, and returns why it could not go on.
func (r *rehearsal) guarded() (err error) {
	r.guard(func() { err = r.kind.run(r) })
	return err
}

// guard runs f. A panic in it is an error of hookloop's, and no more: a
// finding, of which the first is told. Goroutines of a kind run in it.
func (r *rehearsal) guard(f func()) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		r.panicked.Do(func() {
			r.find(inspect.CheckCompleted, inspect.Inconclusive, "hookloop failed while it rehearsed, which is a fault of its own; please report it: %v\n%s", v, debug.Stack())
		})
	}()
	f()
}

// update changes the record, and shows it.
func (r *rehearsal) update(change func(*inspect.Simulation)) {
	r.mu.Lock()
	change(&r.sim)
	r.mu.Unlock()
	r.saver.changed.ring()
}

// snapshot is copied of the present state.
func (r *rehearsal) snapshot() *inspect.Simulation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copied(r.sim)
}

// planned adds a step that is to come and returns its index.
func (r *rehearsal) planned(step inspect.Step) (i int) {
	step.State = inspect.StepPlanned
	if step.DeliveryID == 0 {
		step.DeliveryID = r.deliveries[0].ID
	}
	r.update(func(sim *inspect.Simulation) {
		i = len(sim.Steps)
		sim.Steps = append(sim.Steps, step)
	})
	return i
}

// step changes step i.
func (r *rehearsal) step(i int, change func(*inspect.Step)) {
	r.update(func(sim *inspect.Simulation) { change(&sim.Steps[i]) })
}

// begin shows that step i runs.
func (r *rehearsal) begin(i int) {
	r.step(i, func(s *inspect.Step) { s.State = inspect.StepRunning })
}

// end shows how step i went: with attempt a, or with err, which says why there
// is none. ok is whether it went as it should; nil = that is not judged.
func (r *rehearsal) end(i int, a *inspect.Attempt, err error, ok *bool, note string) {
	r.step(i, func(s *inspect.Step) {
		s.State, s.OK, s.Note = inspect.StepDone, ok, note
		if err != nil {
			s.Error = err.Error()
		}
		if a == nil {
			return
		}
		s.DeliveryID, s.Attempt, s.Duration, s.Error = a.DeliveryID, a.Number, a.Duration, a.Error
		if a.Response != nil {
			s.Status = a.Response.Status
		}
	})
}

// skip shows that step i does not come, and why.
func (r *rehearsal) skip(i int, why string) {
	r.step(i, func(s *inspect.Step) { s.State, s.Note = inspect.StepSkipped, why })
}

// find adds a finding on c to the reasons: a sentence without a dot at its end.
// inspect.Pass is for what went as it should; see note.
func (r *rehearsal) find(c inspect.Check, v inspect.Verdict, format string, args ...any) {
	reason := inspect.Reason{Verdict: v, Check: c, Text: fmt.Sprintf(format, args...)}
	r.update(func(sim *inspect.Simulation) { sim.Reasons = append(sim.Reasons, reason) })
}

// note adds a sentence to the reasons on which no verdict rests.
func (r *rehearsal) note(format string, args ...any) { r.find("", "", format, args...) }

// attempt makes an attempt of the first delivery and returns it when it has
// ended, however it ended. The error says why it could not be made at all.
func (r *rehearsal) attempt(o Options) (*inspect.Attempt, error) {
	return r.attemptOf(r.ctx, r.deliveries[0].ID, o)
}

// attemptOf is attempt for another delivery, cut when ctx ends. What spec says
// of every request holds, but where o says otherwise.
func (r *rehearsal) attemptOf(ctx context.Context, id int64, o Options) (*inspect.Attempt, error) {
	o.Trigger = cmp.Or(o.Trigger, inspect.Simulated)
	o.To = cmp.Or(o.To, r.spec.To)
	header := r.spec.Header.Clone()
	if header == nil {
		header = o.Header
	} else {
		maps.Copy(header, o.Header)
	}
	o.Header, o.Simulation = header, r.sim.ID
	a, err := r.s.Sender.Replay(ctx, id, o)
	if a != nil && o.Answer == nil && !unreachable(judgement{attempt: a}) {
		r.mu.Lock()
		r.asked = true
		r.mu.Unlock()
	}
	return a, err
}

// canceled reports whether the simulation was.
func (r *rehearsal) canceled() bool { return r.ctx.Err() != nil }

// saveInterval bounds how often a simulation is stored and shown.
const saveInterval = 50 * time.Millisecond

// A saver stores and shows a simulation while it changes, a few times a second.
type saver struct {
	changed bell
	stop    chan struct{}
	done    chan struct{}
}

func (s *saver) start(r *rehearsal) {
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.done)
		for {
			select {
			case <-s.stop:
				return
			case <-s.changed.rung():
			}
			r.save()
			select {
			case <-s.stop:
				return
			case <-time.After(saveInterval):
			}
		}
	}()
}

// finish stores the end of r and returns it.
func (s *saver) finish(r *rehearsal) *inspect.Simulation {
	close(s.stop)
	<-s.done
	return r.save()
}

// save stores and shows the present state, and returns it.
func (r *rehearsal) save() *inspect.Simulation {
	sim := r.snapshot()
	// It fails where the delivery was removed, or the store closed, which ends
	// the simulation as interrupted.
	_ = r.s.Sender.Store.SaveSimulation(context.WithoutCancel(r.ctx), sim)
	if r.s.OnChange != nil {
		r.s.OnChange(sim)
	}
	return sim
}
