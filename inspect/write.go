package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A writer is the connection of the writing goroutine and what a transaction
// gathers until its commit.
type writer struct {
	conn    *sqlite.Conn
	totals  totals  // as of this transaction
	changes []int64 // deliveries that it touches
	rev     int64   // the revision that it makes, or finds where it makes none; 0 = not known

	closing context.Context // ends when locks of others are no longer waited for
	restart bool            // after the commit: copy what is left of the log and begin it anew
}

// do runs apply in a transaction and returns when it is committed. Once it is
// queued, ctx no longer stops it: a change is never half known.
func (s *Store) do(ctx context.Context, apply func(*writer) error) error {
	wait, err := s.submit(ctx, apply)
	if err != nil {
		return err
	}
	return wait()
}

// submit is do in two steps.
func (s *Store) submit(ctx context.Context, apply func(*writer) error) (wait func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	if err := s.queue.add(op{apply: apply, done: func(err error) { done <- err }}); err != nil {
		return nil, err
	}
	return func() error { return <-done }, nil
}

// write is the writing goroutine. It ends when the queue is closed and empty.
func (s *Store) write(conn *sqlite.Conn) {
	defer close(s.writerEnd)
	defer func() { _ = conn.Close() }()
	conn.SetBusyTimeout(busyStep)
	w := &writer{conn: conn, closing: s.closing}
	group := make([]op, 0, maxGroup)
	for range s.queue.wake {
		for {
			var last bool
			if group, last = s.queue.take(group[:0]); len(group) > 0 {
				s.commit(w, group)
				clear(group)
			} else if !last {
				break
			}
			if last {
				return
			}
		}
	}
}

// commit runs the group in one transaction; when one of them fails, each in
// its own, so that it alone learns of it. Where nobody waits to learn of it,
// and the reason may pass, it is tried again.
func (s *Store) commit(w *writer, group []op) {
	err := w.transact(group)
	if err != nil && len(group) > 1 && !errors.Is(err, errTransaction) {
		for i := range group {
			s.commit(w, group[i:i+1])
		}
		return
	}
	if w.restart {
		w.restart = false
		_ = w.exec("PRAGMA wal_checkpoint(RESTART)") // tried again while the log is long
	}
	if err == nil && len(w.changes) > 0 {
		s.advance(w.rev)
		s.watchers.signal()
	}
	err = advise(err)
	for _, o := range group {
		if err == nil || !o.lazy || !mayPass(err) || !s.queue.again(o) {
			o.done(err)
		}
	}
}

// errTransaction marks a failure of the transaction, not of an operation in it.
var errTransaction = errors.New("the store cannot be written to")

func (w *writer) transact(group []op) (err error) {
	w.changes = w.changes[:0]
	if err := w.begin(); err != nil {
		return fmt.Errorf("%w: %w", errTransaction, err)
	}
	defer func() {
		if err != nil {
			w.rev = 0 // the totals are not those of the file
		}
		if err != nil && !w.conn.AutocommitEnabled() {
			_ = w.exec("ROLLBACK")
		}
	}()
	if w.rev, err = w.totals.read(w.conn, w.rev); err != nil {
		return err
	}
	for _, o := range group {
		if err := o.apply(w); err != nil {
			return err
		}
	}
	if err := w.saveChanges(); err != nil {
		return err
	}
	if err := w.exec("COMMIT"); err != nil {
		return fmt.Errorf("%w: %w", errTransaction, err)
	}
	return nil
}

const (
	busyStep     = 200 * time.Millisecond
	closeTimeout = 500 * time.Millisecond
)

// begin begins a transaction. Another process's is waited for up to
// busyTimeout, and hardly at all once the store is to close.
func (w *writer) begin() error {
	for start := time.Now(); ; {
		err := w.exec("BEGIN IMMEDIATE")
		limit := busyTimeout
		if w.closing.Err() != nil {
			limit = closeTimeout
		}
		if err == nil || sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Since(start) > limit {
			return err
		}
	}
}

// exec runs a statement with arguments of type int64, string, []byte (stored
// as text where it is text, see bindBytes), bool or nil.
func (w *writer) exec(query string, args ...any) error {
	stmt, err := w.conn.Prepare(query)
	if err != nil {
		return err
	}
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			stmt.BindInt64(i+1, v)
		case string:
			stmt.BindText(i+1, v)
		case []byte:
			bindBytes(stmt, i+1, v)
		case bool:
			stmt.BindBool(i+1, v)
		case nil:
			stmt.BindNull(i + 1)
		default:
			return fmt.Errorf("inspect: cannot bind a %T", arg)
		}
	}
	_, err = stmt.Step()
	return errors.Join(err, stmt.Reset())
}

// change notes that the transaction touches a delivery.
func (w *writer) change(delivery int64) { w.changes = append(w.changes, delivery) }

// saveChanges writes what the transaction touched, with the totals.
func (w *writer) saveChanges() error {
	for i, id := range w.changes {
		var totals any
		if i == len(w.changes)-1 {
			text, err := json.Marshal(w.totals)
			if err != nil {
				return err
			}
			totals = text
		}
		if err := w.exec("INSERT INTO changes(delivery_id, totals) VALUES(?, ?)", id, totals); err != nil {
			return err
		}
		w.rev = w.conn.LastInsertRowID()
	}
	return nil
}

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
