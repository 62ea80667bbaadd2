package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
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
