package inspect

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// lockStore holds the write lock of a store as another program would, until unlock.
func lockStore(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	conn, err := sqlite.OpenConn((&Store{dir: dir}).path(), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(conn, "BEGIN EXCLUSIVE", nil); err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close() }
}

// begun stores a delivery with a pending attempt.
func begun(t *testing.T, s *Store) *Attempt {
	t.Helper()
	a := &Attempt{Trigger: Initial, StartedAt: time.Now(), URL: "http://localhost/"}
	d := &Delivery{ReceivedAt: time.Now(), Method: "POST", Target: "/", Disposition: Forwarded}
	if err := s.Add(t.Context(), d, a); err != nil {
		t.Fatal(err)
	}
	return a
}

func finished(a *Attempt, body []byte) *Attempt {
	a.State = Answered
	a.Response = &Response{Status: 200, Header: http.Header{}, Body: body, Size: int64(len(body))}
	return a
}

// The end of an attempt is stored when the disk has room again, not lost.
func TestFinishOnAFullDisk(t *testing.T) {
	s := openStore(t, t.TempDir())
	a := begun(t, s)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages := func(limit string) {
		t.Helper()
		if err := s.do(t.Context(), func(w *writer) error { return w.exec("PRAGMA max_page_count=" + limit) }); err != nil {
			t.Fatal(err)
		}
	}
	pages("1") // which SQLite takes for as many as there are
	if err := s.Finish(finished(a, make([]byte, 1<<20))); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	signal, cancel := s.Watch()
	defer cancel()
	if got, err := s.Attempt(t.Context(), 1, 1); err != nil || got.State != Pending {
		t.Fatalf("on the full disk: got %+v %v, want it pending", got, err)
	}
	pages("1000000")
	late := time.After(time.Minute)
	for {
		got, err := s.Attempt(t.Context(), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got.State == Answered && len(got.Response.Body) == 1<<20 {
			break
		}
		select {
		case <-signal:
		case <-late:
			t.Fatalf("with room again: got %s, want it answered", got.State)
		}
	}
	if c, err := s.Counters(t.Context()); err != nil || c.Pending != 0 || c.Status2xx != 1 {
		t.Errorf("counters: got %+v %v, want one 2xx and none pending", c, err)
	}
}

// A store that another program has locked can be read and closed in good time.
func TestLockedStore(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	a := begun(t, s)
	unlock := lockStore(t, dir)
	defer unlock()
	start := time.Now()
	reader, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("opening it to read: %v", err)
	}
	if list, err := reader.List(t.Context(), ListOptions{}); err != nil || len(list) != 1 {
		t.Errorf("reading it: got %v %v, want one delivery", list, err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Finish(finished(a, nil)); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > busyTimeout/2 {
		t.Errorf("that took %s, want much less than %s", took, busyTimeout)
	}
	unlock()
	again := openStore(t, dir)
	if got, err := again.Attempt(t.Context(), 1, 1); err != nil || got.State == Pending {
		t.Errorf("after that: got %+v %v, want it ended", got, err)
	}
}

// Two stores damaged in one second are both kept.
func TestSetAsideKeepsAll(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		if err := os.WriteFile((&Store{dir: dir}).path(), []byte(strings.Repeat("not a store", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := filepath.Glob(filepath.Join(dir, "*.damaged-*")); err != nil || len(kept) != 3 {
		t.Errorf("got %q %v, want 3 damaged files", kept, err)
	}
}
