package tui

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"hookloop/inspect"
	"hookloop/tunnel"
)

// A Follower writes what happens in a Store as lines. It is at a position in
// the store, so that whatever is committed after [Follow] has returned is
// written, also when Compact or JSON begins later.
//
// It writes every delivery once, in the order of arrival, and every attempt
// once, when it has ended and after its delivery. It reads from the store
// only: a slow writer slows nobody and loses nothing. What other processes do
// with the same store is written as well.
type Follower struct {
	cfg    Config
	began  time.Time
	rev    int64
	signal <-chan struct{}
	cancel func()

	known    int64             // deliveries up to this ID have been written, or were there before
	written  map[int64]written // by delivery that is still in the store and has changed since
	endpoint tunnel.Status     // as last written
	sims     tracker
}

// written is which attempts of a delivery have been written.
type written struct {
	upTo int   // all up to this number
	also []int // and these beyond it
}

func (w *written) has(n int) bool { return n <= w.upTo || slices.Contains(w.also, n) }

func (w *written) add(n int) {
	w.also = append(w.also, n)
	for {
		i := slices.Index(w.also, w.upTo+1)
		if i < 0 {
			return
		}
		w.upTo++
		w.also = slices.Delete(w.also, i, i+1)
	}
}

// Follow takes the present position in c.Store. Of c it uses Store and Tunnel.
func Follow(ctx context.Context, c Config) (*Follower, error) {
	if c.Store == nil {
		return nil, errors.New("there is no store to follow")
	}
	f := &Follower{cfg: c, began: time.Now().UTC().Truncate(time.Microsecond), written: map[int64]written{}}
	f.signal, f.cancel = c.Store.Watch()
	var err error
	if f.rev, err = c.Store.Rev(ctx); err == nil {
		_, err = f.sims.look(ctx, c.Store, nil)
	}
	if err == nil {
		var newest []inspect.Summary
		if newest, err = c.Store.List(ctx, inspect.ListOptions{Limit: 1}); err == nil && len(newest) > 0 {
			f.known = newest[0].ID
		}
	}
	if err != nil {
		f.cancel()
		return nil, err
	}
	return f, nil
}

// A maker is what there is to say of how an attempt came about.
type maker struct {
	signed     string // how it was signed again; "" = it was not
	notSigned  string // why it should have been, and was not
	simulation int64  // the one that made it; 0 = none
}

// A form writes events in one of the plain formats.
type form interface {
	delivery(s *inspect.Summary) error
	attempt(s *inspect.Summary, a *inspect.AttemptSummary, by maker) error
	simulation(sim *inspect.Simulation) error
	endpoint(s tunnel.Status) error
}

// run writes until ctx ends, and then what was committed before that. The
// error is the writer's, or the store's when it cannot be read any more.
func (f *Follower) run(ctx context.Context, out form) error {
	defer f.cancel()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		ended := ctx.Err() != nil
		if err := f.catchUp(out); err != nil || ended {
			return err
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-f.signal:
			select { // what comes in a burst is read at once
			case <-ctx.Done():
			case <-time.After(coalesce):
			}
		}
	}
}

// coalesce is how long a line may be late, so that a burst costs one read.
const coalesce = 10 * time.Millisecond

// readTimeout bounds one read, since the last ones come after ctx has ended.
const readTimeout = 30 * time.Second

func (f *Follower) catchUp(out form) error {
	if err := f.tunnel(out); err != nil {
		return err
	}
	for more := true; more; {
		ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
		c, err := f.cfg.Store.Since(ctx, f.rev)
		if err == nil && c.Reset {
			c, err = f.again(ctx)
		}
		for i := range c.Deliveries {
			if err == nil {
				err = f.changed(ctx, out, &c.Deliveries[i])
			}
		}
		if err == nil && len(c.Deliveries) > 0 {
			err = f.simulations(ctx, out, touches(c))
		}
		cancel()
		if err != nil {
			return err
		}
		for _, id := range c.Removed {
			delete(f.written, id)
		}
		f.rev, more = c.Rev, c.More
	}
	return nil
}

// simulations writes which began or ended.
func (f *Follower) simulations(ctx context.Context, out form, changed func(int64) bool) error {
	found, err := f.sims.look(ctx, f.cfg.Store, changed)
	for i := range found {
		if err == nil {
			err = out.simulation(&found[i])
		}
	}
	return err
}

// again lists what the store no longer has changes for.
func (f *Follower) again(ctx context.Context) (c inspect.Changes, err error) {
	if c.Rev, err = f.cfg.Store.Rev(ctx); err != nil {
		return c, err
	}
	for before := int64(0); ; {
		rows, err := f.cfg.Store.List(ctx, inspect.ListOptions{Before: before, Limit: pageRows})
		if err != nil {
			return c, err
		}
		c.Deliveries = append(c.Deliveries, rows...)
		if len(rows) < pageRows || len(c.Deliveries) >= maxReset {
			slices.Reverse(c.Deliveries)
			return c, nil
		}
		before = rows[len(rows)-1].ID
	}
}

// maxReset bounds how many deliveries are looked at when the store no longer
// knows what changed: more than it keeps changes for.
const maxReset = 200_000

// changed writes what is new of one delivery.
func (f *Follower) changed(ctx context.Context, out form, s *inspect.Summary) error {
	w := f.written[s.ID]
	if s.ID > f.known {
		f.known = s.ID
		if err := out.delivery(s); err != nil {
			return err
		}
	}
	defer func() { f.written[s.ID] = w }()
	for n := w.upTo + 1; n <= s.Attempts; n++ {
		if w.has(n) {
			continue
		}
		a, by, err := f.attempt(ctx, s, n)
		if errors.Is(err, inspect.ErrNotFound) {
			w.add(n)
			continue
		}
		if err != nil {
			return err
		}
		if a.State == inspect.Pending {
			continue
		}
		if a.StartedAt.Add(a.Duration).Before(f.began) { // it had ended before we came
			w.add(n)
			continue
		}
		if err := out.attempt(s, a, by); err != nil {
			return err
		}
		w.add(n)
	}
	return nil
}

// attempt returns attempt n, and how it came about. It reads no bodies where
// the summary has it and a provider's delivery made it.
func (f *Follower) attempt(ctx context.Context, s *inspect.Summary, n int) (_ *inspect.AttemptSummary, by maker, err error) {
	if a := s.Last; a != nil && a.Number == n && (a.Trigger == inspect.Initial || a.State == inspect.Pending) {
		return a, by, nil
	}
	a, err := f.cfg.Store.Attempt(ctx, s.ID, n)
	if err != nil {
		return nil, by, err
	}
	if a.Sent != nil {
		by.signed = a.Sent.Signed
	}
	by.simulation, by.notSigned = a.Simulation, a.NotSigned
	return a.Summary(), by, nil
}

// tunnel writes a change of the endpoint.
func (f *Follower) tunnel(out form) error {
	if f.cfg.Tunnel == nil {
		return nil
	}
	s, old := f.cfg.Tunnel(), f.endpoint
	if s.State == old.State && s.URL == old.URL && s.Reason == old.Reason {
		return nil
	}
	f.endpoint = s
	return out.endpoint(s)
}

// write writes one line in one call, so that lines of several writers never mix.
func writeLine(w io.Writer, line []byte) error {
	_, err := w.Write(append(line, '\n'))
	return err
}
