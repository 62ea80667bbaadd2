package inspect

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/gofrs/flock"
	"zombiezen.com/go/sqlite"

	"hookloop/inspect/provider"
)

// HeldStatus is what the provider of a delivery that waits is answered: 202, or
// 200 where it is known to take that alone as success. A nil catalog knows none.
func HeldStatus(catalog *provider.Catalog, f *provider.Facts) int {
	if catalog != nil && f.Certainty != provider.Guess {
		if p := catalog.Provider(f.Provider); p != nil && !p.Delivery.Accepts(http.StatusAccepted) && p.Delivery.Accepts(http.StatusOK) {
			return http.StatusOK
		}
	}
	return http.StatusAccepted
}

// SetWaiting sets whether a delivery waits to be handed to the handler, as one
// does that arrived while the handler was down. The error wraps [ErrNotFound]
// where the delivery does not exist.
func (s *Store) SetWaiting(ctx context.Context, id int64, waiting bool) error {
	return s.do(ctx, func(w *writer) error {
		if err := w.mustExist(id); err != nil {
			return err
		}
		query := "DELETE FROM backlog WHERE delivery_id=?"
		if waiting {
			query = "INSERT OR IGNORE INTO backlog VALUES(?)"
		}
		if err := w.exec(query, id); err != nil {
			return err
		}
		w.change(id)
		return nil
	})
}

// Waiting returns the deliveries that wait to be handed to the handler, in the
// order of arrival.
func (s *Store) Waiting(ctx context.Context) (ids []int64, err error) {
	err = s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := conn.Prep("SELECT delivery_id FROM backlog ORDER BY delivery_id")
		return eachRow(stmt, func() error {
			ids = append(ids, stmt.ColumnInt64(0))
			return nil
		})
	})
	return ids, err
}

// LockBacklog takes the right to deliver what waits, which one at a time has,
// of all processes. ok is false where another has it.
func (s *Store) LockBacklog() (unlock func(), ok bool) {
	lock := flock.New(filepath.Join(s.dir, "sessions", "backlog.lock"), flock.SetPermissions(0o600))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, false
	}
	return func() { _ = lock.Unlock() }, true
}
