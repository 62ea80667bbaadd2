package inspect

import (
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A session that begins is never taken for dead by another process: its row
// would go, and what it leaves pending would stay so for ever.
func TestSessionIsAliveFromItsFirstCommit(t *testing.T) {
	dir := t.TempDir()
	other := openStore(t, dir)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := other.interruptDead(t.Context()); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 30 {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		id, err := s.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var rows int64
		err = s.read(t.Context(), func(conn *sqlite.Conn) (err error) {
			rows, err = sqlitex.ResultInt64(bind(conn.Prep("SELECT count(*) FROM sessions WHERE id=?"), id))
			return err
		})
		if err != nil || rows != 1 || !SessionAlive(dir, id) {
			t.Fatalf("session %d: got %d rows, %v, alive %t, want 1 and true", id, rows, err, SessionAlive(dir, id))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
}
