package replay

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A LostAckWatch watches what becomes of deliveries whose answers were lost,
// see [inspect.Receiver.LoseAcks]: whether their provider delivers them again,
// and how the handler answers then.
type LostAckWatch struct {
	Store   *inspect.Store
	Catalog *provider.Catalog // says which answers providers take; nil = any 2xx

	N     int             // how many answers are lost
	How   inspect.LostAck // by what
	Since int64           // the revision of the store from which on they are
	Wait  time.Duration   // for the first delivery, and after each for it to come again; 0 = 5 min

	Probe *Probe // shows the handler's side effect; nil = only its answers are judged
	Guard *Guard // says where Probe may ask

	// Begin, if not nil, has the answers lost; Run calls it when the probe was read.
	Begin func(context.Context) error

	OnChange func(*inspect.Simulation) // if not nil, called after each change with a copy
}

// DefaultLostAckWait is how long a LostAckWatch waits unless told otherwise.
const DefaultLostAckWait = 5 * time.Minute

// A lostEvent is an event whose answer was lost, once or more.
type lostEvent struct {
	first *inspect.Summary // the delivery whose answer was lost
	step  int
	last  time.Time        // when its latest answer was lost
	again *inspect.Summary // the delivery that came after, whose answer was not lost; nil = none yet
}

// A lostWatch is a LostAckWatch that runs.
type lostWatch struct {
	*LostAckWatch
	record
	probe  *prober // nil = none
	lost   int     // answers so far
	events map[string]*lostEvent
	order  []string
	seen   map[int64]string // by delivery: its event
}

// Run watches until each event has come again, or none came in time, and
// returns the verdict, which is in the store where anything came at all.
func (w *LostAckWatch) Run(ctx context.Context) (*inspect.Simulation, error) {
	r := &lostWatch{
		LostAckWatch: w, events: map[string]*lostEvent{}, seen: map[int64]string{},
		record: record{store: w.Store, onChange: w.OnChange, sim: inspect.Simulation{
			Kind: "lost-ack", Title: fmt.Sprintf("%s lost on the way to the provider (%s)", counted(w.N, "answer"), w.How),
			State: inspect.SimulationRunning, StartedAt: time.Now().UTC(), Steps: []inspect.Step{}, Reasons: []inspect.Reason{},
		}},
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if w.Begin != nil {
		if err := w.Begin(ctx); err != nil {
			return nil, err
		}
	}
	signal, stop := w.Store.Watch()
	defer stop()
	wait := cmp.Or(w.Wait, DefaultLostAckWait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for rev := w.Since; ; {
		for more := true; more; {
			changes, err := w.Store.Since(ctx, rev)
			if err != nil && ctx.Err() == nil {
				return nil, err
			}
			for i := range changes.Deliveries {
				if err := r.look(ctx, &changes.Deliveries[i]); err != nil && ctx.Err() == nil {
					return nil, err
				}
			}
			rev, more = changes.Rev, changes.More
		}
		due, done := r.due(wait)
		if done || ctx.Err() != nil {
			return r.conclude(ctx, wait), nil
		}
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-signal:
		}
	}
}

// look takes up what is new about a delivery.
func (r *lostWatch) look(ctx context.Context, s *inspect.Summary) error {
	if s.Disposition != inspect.Forwarded {
		return nil
	}
	key, known := r.seen[s.ID]
	if !known {
		var err error
		switch key, err = r.eventOf(ctx, s); {
		case errors.Is(err, inspect.ErrNotFound):
			return nil // it was removed meanwhile
		case err != nil:
			return err
		}
		r.seen[s.ID] = key
	}
	e := r.events[key]
	lost := strings.HasPrefix(s.Reason, inspect.LostAckReason)
	switch {
	case lost && e == nil:
		return r.begin(ctx, key, s)
	case e == nil:
	case e.first.ID == s.ID:
		e.first = s
	case lost && !known:
		r.lost++
		e.last = s.ReceivedAt
		r.sim.Deliveries = append(r.sim.Deliveries, s.ID)
	case !lost && s.ID > e.first.ID && (e.again == nil || e.again.ID == s.ID):
		if e.again == nil {
			r.sim.Deliveries = append(r.sim.Deliveries, s.ID)
		}
		e.again = s
	default:
		return nil
	}
	r.show(e)
	return nil
}

// begin takes up an event whose answer was lost for the first time.
func (r *lostWatch) begin(ctx context.Context, key string, s *inspect.Summary) error {
	r.lost++
	if r.sim.ID == 0 {
		r.sim.DeliveryID = s.ID
		if err := r.Store.BeginSimulation(ctx, &r.sim); err != nil {
			return err
		}
	}
	r.sim.Deliveries = append(r.sim.Deliveries, s.ID)
	r.events[key] = &lostEvent{first: s, step: len(r.sim.Steps), last: s.ReceivedAt}
	r.order = append(r.order, key)
	r.sim.Steps = append(r.sim.Steps, inspect.Step{
		Label: fmt.Sprintf("#%d %s again", s.ID, cmp.Or(s.Event, s.Method+" "+s.Path)), State: inspect.StepRunning, DeliveryID: s.ID,
	})
	r.show(r.events[key])
	return nil
}

// show brings the step of an event up to date.
func (r *lostWatch) show(e *lostEvent) {
	if e == nil {
		return
	}
	step := &r.sim.Steps[e.step]
	if e.settled() {
		ok := r.accepts(e.again)
		step.State, step.OK, step.DeliveryID, step.Attempt = inspect.StepDone, &ok, e.again.ID, e.again.Last.Number
		step.Status, step.Duration, step.Error = e.again.Last.Status, e.again.Last.Duration, e.again.Last.Error
		step.Offset = e.again.ReceivedAt.Sub(e.first.ReceivedAt)
		step.Note = fmt.Sprintf("as #%d", e.again.ID)
	}
	r.save()
}

// settled reports whether it came again and was answered.
func (e *lostEvent) settled() bool {
	return ended(e.first) && e.again != nil && ended(e.again)
}

func ended(s *inspect.Summary) bool { return s.Last != nil && s.Last.State != inspect.Pending }

// eventOf returns what deliveries of the same event have in common: the event
// id, or else path and body.
func (r *lostWatch) eventOf(ctx context.Context, s *inspect.Summary) (string, error) {
	if s.EventID != "" {
		return s.Provider + "\x00" + s.Event + "\x00" + s.EventID, nil
	}
	d, err := r.Store.Delivery(ctx, s.ID)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %x", s.Method, s.Path, sha256.Sum256(d.Body)), nil
}

// accepts reports whether the provider takes the handler's answer as success.
func (r *lostWatch) accepts(s *inspect.Summary) bool {
	if s.Last.Error != "" {
		return false
	}
	if r.Catalog != nil {
		if p := r.Catalog.Provider(s.Provider); p != nil && s.Certainty != provider.Guess {
			return p.Delivery.Accepts(s.Last.Status)
		}
	}
	return s.Last.OK()
}

// due returns until when to wait, and whether there is nothing to wait for any more.
func (r *lostWatch) due(wait time.Duration) (at time.Time, done bool) {
	at = r.sim.StartedAt.Add(wait)
	missing := r.lost < r.N
	for _, e := range r.events {
		if t := e.last.Add(wait); !e.settled() {
			missing = true
			if t.After(at) {
				at = t
			}
		}
	}
	return at, !missing || !time.Now().Before(at)
}

// conclude says what became of each event.
func (r *lostWatch) conclude(ctx context.Context, wait time.Duration) *inspect.Simulation {
	for _, key := range r.order {
		e := r.events[key]
		step := &r.sim.Steps[e.step]
		if !e.settled() {
			step.State, step.Note = inspect.StepSkipped, "it did not come again"
		}
		name := fmt.Sprintf("#%d", e.first.ID)
		switch {
		case !ended(e.first):
			r.find(inspect.CheckRedelivered, inspect.Inconclusive, "the handler has not answered %s yet", name)
		case !r.accepts(e.first):
			r.find(inspect.CheckRedelivered, inspect.Inconclusive, "the handler itself did not accept %s (%s), so that nothing can be said of its answer being lost", name, answerOf(e.first))
		case e.again == nil && ctx.Err() != nil:
			r.find(inspect.CheckRedelivered, inspect.Inconclusive, "%s had not come again when this was stopped", name)
		case e.again == nil:
			r.find(inspect.CheckRedelivered, inspect.Inconclusive, "%s did not come again within %s: look up when its provider retries, and give more time with --wait", name, provider.InWords(wait))
		case !ended(e.again):
			r.find(inspect.CheckRedelivered, inspect.Inconclusive, "the handler has not answered #%d, which is %s again, yet", e.again.ID, name)
		case !r.accepts(e.again):
			r.find(inspect.CheckRedelivered, inspect.Fail, "%s came again as #%d and was answered %s, after %s the first time: the provider would go on delivering it; answer an event that was processed already as success",
				name, e.again.ID, answerOf(e.again), answerOf(e.first))
		default:
			r.find(inspect.CheckRedelivered, inspect.Pass, "%s came again as #%d and was answered %s, after %s the first time", name, e.again.ID, answerOf(e.again), answerOf(e.first))
		}
	}
	switch {
	case r.lost == 0:
		r.find(inspect.CheckRedelivered, inspect.Inconclusive, "nothing arrived whose answer could be lost within %s: have the provider send an event", provider.InWords(time.Since(r.sim.StartedAt)))
	case r.lost < r.N:
		r.find(inspect.CheckRedelivered, inspect.Inconclusive, "only %d of %d answers were lost: nothing more arrived", r.lost, r.N)
	}
	r.findOnce(ctx)
	return r.end(ctx)
}

func answerOf(s *inspect.Summary) string {
	if s.Last.Error != "" {
		return "with an error (" + s.Last.Error + ")"
	}
	return fmt.Sprint(s.Last.Status)
}
