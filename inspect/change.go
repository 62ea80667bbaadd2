package inspect

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// This file has what changes a store.

// Add stores d and gives it its ID. If first is not nil, it becomes the
// delivery's first attempt, pending, in the same commit. Both are durable when
// Add returns nil. Nothing is stored when it returns an error. Texts of d.Facts
// that are too long for a list are cut.
func (s *Store) Add(ctx context.Context, d *Delivery, first *Attempt) error {
	wait, err := s.AddAsync(ctx, d, first)
	if err != nil {
		return err
	}
	return wait()
}

// AddAsync is Add in two steps: deliveries get their IDs in the order in which
// AddAsync returns, and each is stored when its wait has returned nil.
func (s *Store) AddAsync(ctx context.Context, d *Delivery, first *Attempt) (wait func() error, err error) {
	var session int64
	if first != nil {
		if session, err = s.Session(ctx); err != nil {
			return nil, err
		}
	}
	d.Facts = boundFacts(d.Facts)
	facts, err := encodeFacts(d.Facts)
	if err != nil {
		return nil, err
	}
	return s.submit(ctx, func(w *writer) error {
		if err := w.insertDelivery(d, facts); err != nil {
			return err
		}
		if first != nil {
			first.DeliveryID, first.Number = d.ID, 1
			if err := w.insertAttempt(first, session); err != nil {
				return err
			}
		}
		w.change(d.ID)
		return nil
	})
}

// Begin stores a new attempt of a.DeliveryID, pending, and gives it its number.
// The error wraps [ErrNotFound] where the delivery does not exist.
func (s *Store) Begin(ctx context.Context, a *Attempt) error {
	session, err := s.Session(ctx)
	if err != nil {
		return err
	}
	return s.do(ctx, func(w *writer) error {
		n, err := w.nextNumber(a.DeliveryID)
		if err != nil {
			return err
		}
		a.Number = n
		if err := w.insertAttempt(a, session); err != nil {
			return err
		}
		w.change(a.DeliveryID)
		return nil
	})
}

// Finish queues the present state of a, which Begin or Add numbered: its end,
// or, while its State is still Pending, what is known so far. It returns when
// a is queued, not when it is committed, which is at most a few milliseconds
// later; Close commits all that is queued. An attempt that has ended is never
// changed again. What a points to must not be changed after the call.
func (s *Store) Finish(a *Attempt) error {
	c := *a
	size := min(int64(attemptBytes(&c))+queuedOverhead, maxQueued)
	if err := s.bytes.Acquire(context.Background(), size); err != nil {
		return err
	}
	err := s.queue.add(op{
		apply: func(w *writer) error { return w.updateAttempt(&c) },
		done:  func(error) { s.bytes.Release(size) },
		lazy:  true,
	})
	if err != nil {
		s.bytes.Release(size)
	}
	return err
}

// Flush returns when everything queued before it is committed (or, where that
// was not possible, is to be tried again), or when ctx ends.
func (s *Store) Flush(ctx context.Context) error {
	done := make(chan error, 1)
	err := s.queue.add(op{apply: func(*writer) error { return nil }, done: func(err error) { done <- err }})
	if err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pin sets whether retention keeps a delivery.
func (s *Store) Pin(ctx context.Context, id int64, pinned bool) error {
	return s.do(ctx, func(w *writer) error {
		if err := w.mustExist(id); err != nil {
			return err
		}
		query := "DELETE FROM pins WHERE delivery_id=?"
		if pinned {
			query = "INSERT OR IGNORE INTO pins VALUES(?)"
		}
		if err := w.exec(query, id); err != nil {
			return err
		}
		w.change(id)
		return nil
	})
}

// Remove deletes deliveries with their attempts and simulations, and returns how many there were.
func (s *Store) Remove(ctx context.Context, ids ...int64) (n int, err error) {
	err = s.do(ctx, func(w *writer) error {
		n = 0
		for _, id := range ids {
			ok, err := w.remove(id)
			if err != nil {
				return err
			}
			if ok {
				n++
			}
		}
		return nil
	})
	return n, err
}

// An EndpointEvent says that an endpoint changed its state.
type EndpointEvent struct {
	At       time.Time
	Provider string
	State    string
	URL      string
	Reason   string
}

// RecordEndpoint keeps e, so that a gap in the deliveries can be explained, and wakes the watchers.
func (s *Store) RecordEndpoint(ctx context.Context, e EndpointEvent) error {
	session, err := s.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Notify()
	return s.do(ctx, func(w *writer) error {
		return w.exec("INSERT INTO endpoint_events(session, at, provider, state, url, reason) VALUES(?, ?, ?, ?, ?, ?)",
			session, e.At.UnixMicro(), e.Provider, e.State, e.URL, e.Reason)
	})
}

func maxRev(conn *sqlite.Conn) (int64, error) {
	return sqlitex.ResultInt64(conn.Prep("SELECT coalesce(max(rev), 0) FROM changes"))
}
