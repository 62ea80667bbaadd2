package inspect

import (
	"cmp"
	"context"
	"time"

	"zombiezen.com/go/sqlite"
)

// Retention bounds what a store keeps. The oldest deliveries go first, with
// their attempts; pinned ones, those that wait for the handler, and those with a
// pending attempt or a running simulation, stay. A zero field is its default, a negative one no bound.
type Retention struct {
	Count int64         // deliveries; default 100,000
	Bytes int64         // of headers and bodies; default 2 GiB
	Age   time.Duration // default 30 days
}

const (
	retentionInterval = 10 * time.Second
	// retentionBatch is small, so that a removal never holds up a delivery.
	retentionBatch = 100
	keptChanges    = 100_000
)

// retain applies the bounds, and ends the attempts of processes that have
// died, until the store closes.
func (s *Store) retain() {
	tick := time.NewTicker(retentionInterval)
	defer tick.Stop()
	for {
		// An error here (a full disk, say) meets the deliveries as well, which
		// report it; the next tick tries again.
		for more := true; more && s.closing.Err() == nil; {
			n, err := s.Retain(s.closing, *s.opts.Retention)
			more = err == nil && n > 0
		}
		_ = s.interruptDead(s.closing)
		select {
		case <-s.closing.Done():
			return
		case <-tick.C:
		}
	}
}

// Retain removes up to 100 deliveries that are over r and returns how many it removed.
func (s *Store) Retain(ctx context.Context, r Retention) (int, error) {
	have, err := s.totals(ctx)
	if err != nil {
		return 0, err
	}
	count, bytes, age := cmp.Or(r.Count, 100_000), cmp.Or(r.Bytes, 2<<30), cmp.Or(r.Age, 30*24*time.Hour)
	excess := int64(0)
	if count > 0 {
		excess = have.Received - count
	}
	if bytes > 0 && have.Bytes > bytes {
		// How many that takes depends on their sizes: a tenth of a batch, then look again.
		excess = max(excess, retentionBatch/10)
	}
	cutoff := int64(0)
	if age > 0 {
		cutoff = time.Now().Add(-age).UnixMicro()
	}
	var ids []int64
	err = s.read(ctx, func(conn *sqlite.Conn) error {
		// Deliveries are in the order of arrival, so the first that may stay ends the walk.
		stmt := bind(conn.Prep(`SELECT id, received_at FROM deliveries d WHERE NOT EXISTS(SELECT 1 FROM pins WHERE delivery_id=d.id)
			AND NOT EXISTS(SELECT 1 FROM backlog WHERE delivery_id=d.id)
			AND NOT EXISTS(SELECT 1 FROM attempts WHERE state='pending' AND key BETWEEN d.id<<20 AND (d.id<<20)|1048575)
			AND NOT EXISTS(SELECT 1 FROM simulation_links l JOIN simulations s ON s.id=l.simulation WHERE l.delivery_id=d.id AND s.state='running')
			ORDER BY id LIMIT ?`), retentionBatch)
		return eachRow(stmt, func() error {
			if int64(len(ids)) < excess || stmt.ColumnInt64(1) < cutoff {
				ids = append(ids, stmt.ColumnInt64(0))
			}
			return nil
		})
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	n, err := s.Remove(ctx, ids...)
	if err != nil {
		return n, err
	}
	return n, s.do(ctx, func(w *writer) error {
		return w.exec("DELETE FROM changes WHERE rev <= (SELECT max(rev) FROM changes) - ?", int64(keptChanges))
	})
}
