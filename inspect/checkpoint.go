package inspect

import (
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// The write-ahead log is copied into the file beside the traffic, because the
// copy ends in an fsync that a commit must not wait for. Only a log that grew
// so long that it could not be caught up with is copied by the writer itself.
const (
	checkpointInterval = 200 * time.Millisecond
	checkpointAt       = 8 << 20  // bytes of log
	checkpointForced   = 64 << 20 // bytes of log
)

// checkpoint runs until the store closes, which copies what is left.
func (s *Store) checkpoint() {
	conn, err := sqlite.OpenConn(s.path(), sqlite.OpenReadWrite)
	if err != nil {
		return // closing copies the log all the same
	}
	defer func() { _ = conn.Close() }()
	tick := time.NewTicker(checkpointInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.closing.Done():
			return
		case <-tick.C:
		}
		info, err := os.Stat(s.path() + "-wal")
		if err != nil || info.Size() < checkpointAt {
			continue
		}
		// Passive: it copies what it can and blocks nobody. An error means that
		// another process is at it.
		var frames int64
		_ = sqlitex.ExecuteTransient(conn, "PRAGMA wal_checkpoint(PASSIVE)", &sqlitex.ExecOptions{
			ResultFunc: func(stmt *sqlite.Stmt) error {
				frames = stmt.ColumnInt64(1)
				return nil
			},
		})
		if frames*pageSize > checkpointForced {
			_ = s.do(s.closing, func(w *writer) error { w.restart = true; return nil })
		}
	}
}
