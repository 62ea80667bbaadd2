package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A session is a process that makes attempts. It holds a lock on a file of its
// own for as long as it lives, which the system takes back however it ends, so
// a dead one is told from a busy one without clocks or process ids.

func sessionPath(dir string, id int64) string {
	return filepath.Join(dir, "sessions", strconv.FormatInt(id, 10)+".lock")
}

// Session returns this process's session in the store and begins it if need be.
func (s *Store) Session(ctx context.Context) (int64, error) {
	s.session.Lock()
	defer s.session.Unlock()
	if s.sessionID != 0 {
		return s.sessionID, nil
	}
	var id int64
	var lock *flock.Flock
	release := func() {
		if lock != nil {
			_ = lock.Unlock()
			_ = os.Remove(lock.Path())
			lock = nil
		}
	}
	err := s.do(ctx, func(w *writer) error {
		release() // of a commit that failed
		err := w.exec("INSERT INTO sessions(pid, started_at) VALUES(?, ?)", int64(os.Getpid()), time.Now().UnixMicro())
		if err != nil {
			return err
		}
		id = w.conn.LastInsertRowID()
		// Locked before the commit: others must not see a session that seems dead.
		l := flock.New(sessionPath(s.dir, id), flock.SetPermissions(0o600))
		if ok, err := l.TryLock(); err != nil || !ok {
			return fmt.Errorf("cannot lock %s (%w): make the folder writable, or choose another with --data-dir",
				l.Path(), cmp.Or(err, errors.New("another process has it")))
		}
		lock = l
		return nil
	})
	if err != nil {
		release()
		return 0, err
	}
	s.sessionID, s.sessionLock = id, lock
	return id, nil
}

// endSession takes the session's row away, and ends what it left pending. The
// lock goes last: until then the session lives.
func (s *Store) endSession() {
	s.session.Lock()
	defer s.session.Unlock()
	if s.sessionLock == nil {
		return
	}
	_ = s.do(context.Background(), func(w *writer) error { return w.interrupt(s.sessionID) }) // else the next Open does it
	path := s.sessionLock.Path()
	_ = s.sessionLock.Unlock()
	_ = os.Remove(path)
}

// SessionAlive reports whether the process that began a session in dir lives.
func SessionAlive(dir string, id int64) bool {
	path := sessionPath(dir, id)
	if _, err := os.Stat(path); err != nil {
		return false
	}
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil || !ok {
		return true
	}
	_ = lock.Unlock()
	return false
}

func liveSessions(dir string) ([]int64, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "sessions"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var alive []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".lock")
		id, err := strconv.ParseInt(name, 10, 64)
		if ok && err == nil && SessionAlive(dir, id) {
			alive = append(alive, id)
		}
	}
	return alive, nil
}

// interruptDead ends the attempts that dead processes left pending. It looks at
// all attempts, but only where a process did not end in good order.
func (s *Store) interruptDead(ctx context.Context) error {
	var sessions []int64
	err := s.read(ctx, func(conn *sqlite.Conn) error {
		return sqlitex.Execute(conn, "SELECT id FROM sessions", &sqlitex.ExecOptions{
			ResultFunc: func(stmt *sqlite.Stmt) error {
				sessions = append(sessions, stmt.ColumnInt64(0))
				return nil
			},
		})
	})
	if err != nil {
		return err
	}
	for _, id := range sessions {
		if s.ownSession(id) || SessionAlive(s.dir, id) {
			continue
		}
		if err := s.do(ctx, func(w *writer) error { return w.interrupt(id) }); err != nil {
			return err
		}
		_ = os.Remove(sessionPath(s.dir, id))
	}
	return nil
}

func (s *Store) ownSession(id int64) bool {
	s.session.Lock()
	defer s.session.Unlock()
	return s.sessionID == id
}
