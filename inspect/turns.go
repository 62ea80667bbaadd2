package inspect

import (
	"context"
	"net/http"
	"sync"
)

// This file gives deliveries their turn to be forwarded.

// A place is where a stored delivery is in the line of those to be forwarded.
type place struct {
	wait  func() // returns when it may be forwarded
	leave func() // must be called after that
}

// storeInTurn stores a delivery with its first attempt and gives it its place.
func (rc *Receiver) storeInTurn(r *http.Request, d *Delivery, first *Attempt) (p place, err error) {
	ctx := context.WithoutCancel(r.Context())
	if !rc.Ordered {
		return place{func() { rc.slots <- struct{}{} }, func() { <-rc.slots }}, rc.Store.Add(ctx, d, first)
	}
	var stored func() error
	turn := rc.turns.take(func() { stored, err = rc.Store.AddAsync(ctx, d, first) })
	if err == nil {
		err = stored()
	}
	if err != nil {
		turn.skip()
	}
	return place{turn.wait, turn.done}, err
}

// A turnstile lets one through at a time, in the order of take.
type turnstile struct {
	mu   sync.Mutex
	last chan struct{} // closed when the one before has gone through
}

type turn struct{ before, after chan struct{} }

// take runs enter and gives out the next turn, as one step.
func (t *turnstile) take(enter func()) turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	enter()
	mine := turn{before: t.last, after: make(chan struct{})}
	t.last = mine.after
	return mine
}

func (t turn) wait() {
	if t.before != nil {
		<-t.before
	}
}

func (t turn) done() { close(t.after) }

// skip gives the turn up without delaying the ones behind more than those before do.
func (t turn) skip() {
	go func() {
		t.wait()
		t.done()
	}()
}
