package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hookloop/inspect"
)

// A Backlog keeps what arrives while the handler is down, and delivers it in
// the order of arrival once the handler answers again. What arrives while
// something waits, waits behind it. It is kept in the store: the end of the
// process loses nothing, and what was cut short is delivered again.
//
// Its methods may be called from several goroutines. Fields must be set before
// the first of them.
type Backlog struct {
	Sender *Sender // whose Backlog it may be

	// Down, if not nil, says that the handler is known to be down. Otherwise, or
	// where it does not know yet, a delivery waits only once it was tried.
	Down func() bool

	OnError func(error) // if not nil, called by Run with what keeps it from delivering

	wake bell // of Run

	mu     sync.Mutex
	up     bool // the handler answered us after Down had begun to say that it is down
	behind bool // something waits, or is about to
	adding int  // deliveries that wait and may not be in the store yet
	adds   int  // how many there were of them
}

// ErrDelivering is returned by [Backlog.Deliver] while another process delivers.
var ErrDelivering = errors.New("another hookloop delivers what waits just now")

// retryBacklog is how long Run waits before it tries again by itself.
const retryBacklog = 2 * time.Second

// Open finds what an earlier process left waiting, and returns how much that is.
func (b *Backlog) Open(ctx context.Context) (waiting int, err error) {
	ids, err := b.Sender.Store.Waiting(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behind = b.behind || len(ids) > 0
	return len(ids), err
}

// Hold reports whether a delivery that arrived is to wait; it is what an
// [inspect.Receiver] needs. Where it does, stored must be called when it is in
// the store, or could not be stored.
func (b *Backlog) Hold(d *inspect.Delivery) (stored func(), hold bool) {
	if !canWait(d) {
		return nil, false
	}
	down := b.down()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !down && !b.behind {
		return nil, false
	}
	b.add()
	return b.added, true
}

// canWait reports whether d can be delivered later. What can't would have all
// that arrives after it wait for ever, as a WebSocket would.
func canWait(d *inspect.Delivery) bool { return replayable(d, Options{}) == nil }

// down reports whether the handler is known to be down. What it answered us
// counts for more than what Down has found out, and may not have heard of yet.
func (b *Backlog) down() bool {
	down := b.Down != nil && b.Down()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up = b.up && down
	return down && !b.up
}

// reached notes whether the handler answered us.
func (b *Backlog) reached(yes bool) {
	b.mu.Lock()
	b.up = yes
	b.mu.Unlock()
}

// add notes, with mu held, that a delivery is about to wait.
func (b *Backlog) add() {
	b.behind = true
	b.adding++
	b.adds++
}

func (b *Backlog) added() {
	b.mu.Lock()
	b.adding--
	b.mu.Unlock()
	b.Wake()
}

// refused has a delivery wait whose first attempt found nothing listening, and
// reports whether it does.
func (b *Backlog) refused(d *inspect.Delivery) bool {
	if !canWait(d) {
		return false
	}
	b.mu.Lock()
	b.up = false
	b.add()
	b.mu.Unlock()
	defer b.added()
	return b.Sender.Store.SetWaiting(context.Background(), d.ID, true) == nil
}

// Wake has Run look now whether the handler answers again. It never blocks.
func (b *Backlog) Wake() { b.wake.ring() }

// Run delivers what waits whenever the handler answers, until ctx ends.
func (b *Backlog) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake.rung():
		case <-timer.C:
		}
		if !b.waits() {
			continue
		}
		if !b.down() {
			_, err := b.Deliver(ctx, nil)
			if err != nil && ctx.Err() == nil && b.OnError != nil && !errors.Is(err, ErrDelivering) {
				b.OnError(err)
			}
		}
		if b.waits() {
			timer.Reset(retryBacklog)
		}
	}
}

func (b *Backlog) waits() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.behind
}

// Deliver delivers what waits, in the order of arrival, and calls each, if not
// nil, with every attempt. It ends when nothing waits any more, or the handler
// cannot be reached, and returns how many still wait. Any answer of the handler
// ends a delivery's wait, and so does that there is no handler for it any more,
// which an attempt says that sent nothing. The error says what went wrong
// besides the handler.
func (b *Backlog) Deliver(ctx context.Context, each func(*inspect.Attempt)) (waiting int, err error) {
	store := b.Sender.Store
	unlock, ok := store.LockBacklog()
	if !ok {
		return 0, ErrDelivering
	}
	defer unlock()
	for {
		adds := b.seen()
		ids, err := store.Waiting(ctx)
		if err != nil {
			return 0, err
		}
		for i, id := range ids {
			over, err := b.deliver(ctx, id, each)
			if err != nil || !over {
				return len(ids) - i, err
			}
		}
		if len(ids) == 0 {
			b.caughtUp(adds)
			return 0, nil
		}
	}
}

func (b *Backlog) seen() (adds int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.adds
}

// caughtUp notes that nothing waits, unless something came to since adds, or
// is on its way to the store: that wakes Run.
func (b *Backlog) caughtUp(adds int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.adding == 0 && b.adds == adds {
		b.behind = false
	}
}

// deliver makes an attempt of one that waits, and reports whether its wait is over.
func (b *Backlog) deliver(ctx context.Context, id int64, each func(*inspect.Attempt)) (over bool, err error) {
	at, sent, err := b.attempt(ctx, id)
	if errors.Is(err, inspect.ErrNotFound) {
		return true, nil // it was removed meanwhile
	}
	if err != nil {
		return false, err
	}
	if each != nil {
		each(at)
	}
	if !sent {
		return true, b.over(ctx, id)
	}
	if at.ErrorKind == inspect.ErrRefused || at.ErrorKind == inspect.ErrCanceled {
		b.reached(false)
		return false, nil
	}
	b.reached(true)
	return true, b.over(ctx, id)
}

// over ends a delivery's wait.
func (b *Backlog) over(ctx context.Context, id int64) error {
	err := b.Sender.Store.SetWaiting(ctx, id, false)
	if errors.Is(err, inspect.ErrNotFound) {
		return nil
	}
	return err
}

// attempt makes an attempt of one that waits. It is not sent, but an error in
// the store, where it could wait for ever.
func (b *Backlog) attempt(ctx context.Context, id int64) (at *inspect.Attempt, sent bool, err error) {
	d, err := b.Sender.Store.Delivery(ctx, id)
	if err != nil {
		return nil, false, err
	}
	why := b.stuck(d)
	if why == "" {
		at, err := b.Sender.Replay(ctx, id, Options{})
		return at, true, err
	}
	at = &inspect.Attempt{DeliveryID: id, Trigger: inspect.Replay, StartedAt: time.Now().UTC()}
	if err := b.Sender.Store.Begin(ctx, at); err != nil {
		return nil, false, err
	}
	at.State, at.ErrorKind, at.Error = inspect.Errored, inspect.ErrOther, why
	if err := b.Sender.Store.Finish(at); err != nil {
		return nil, false, err
	}
	return at, false, b.Sender.Store.Flush(ctx)
}

// stuck says, in a sentence, why d cannot be delivered to any handler that
// there is, as one whose route has gone since it came; "" = it can.
func (b *Backlog) stuck(d *inspect.Delivery) string {
	if err := replayable(d, Options{}); err != nil {
		return err.Error()
	}
	if h := b.Sender.Handler; h != nil && h.target(d.Target).host == "" {
		return fmt.Sprintf("no route takes %s any more, so it no longer waits: `hookloop replay %d --to ADDRESS` sends it", d.Path(), d.ID)
	}
	return ""
}
