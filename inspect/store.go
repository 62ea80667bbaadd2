package inspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/semaphore"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// ErrNotFound is returned (wrapped) where a delivery or an attempt does not exist.
var ErrNotFound = errors.New("not found")

// ErrClosed is returned by a Store that was closed.
var ErrClosed = errors.New("the store is closed")

// Options of a Store. The zero value is ready for use.
type Options struct {
	// FullDurability makes commits survive a power cut. Without it they survive
	// the end of the process (kill -9), not that of the machine.
	FullDurability bool
	// Retention, if not nil, is applied beside the traffic while the Store is open.
	Retention *Retention
}

const (
	dbName      = "hookloop.db"
	busyTimeout = 10 * time.Second
	pageSize    = 4096 // a commit writes whole pages, so a small one makes a lone delivery cheap
	readers     = 4
	// maxQueued bounds the bytes of finished attempts that wait for a commit,
	// of which each counts for queuedOverhead and its response's body.
	maxQueued      = 64 << 20
	queuedOverhead = 4 << 10
)

// A Store keeps deliveries and attempts in one SQLite file in a folder.
//
// All methods may be called from any goroutine, and several processes may have
// the same folder open: what one of them commits wakes the watchers of all.
// One goroutine writes, in groups: whatever has queued while the last commit
// ran shares the next, so one delivery waits for nothing.
type Store struct {
	dir    string
	notice string
	opts   Options

	pool  *sqlitex.Pool
	queue *queue
	bytes *semaphore.Weighted // of attempts that wait in queue

	watchers watchers
	lastRev  atomic.Int64 // newest revision the watchers know of

	session     sync.Mutex
	sessionID   int64
	sessionLock *flock.Flock

	closing   context.Context // ends with Close
	close     context.CancelFunc
	closeOnce sync.Once
	writerEnd chan struct{}
	wg        sync.WaitGroup
}

// Open opens the store in dir and makes both where they do not exist, the
// folder with mode 0700 and its files with 0600.
//
// A file written by a newer hookloop is refused. A damaged one is set aside
// under another name, never deleted, and a new one begun; [Store.Notice] says so.
// Attempts and simulations that a dead process left become interrupted.
func Open(dir string, opts Options) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "sessions"), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder %s: %w; choose another with --data-dir", dir, err)
	}
	s := &Store{
		dir: dir, opts: opts,
		queue: newQueue(), bytes: semaphore.NewWeighted(maxQueued),
		writerEnd: make(chan struct{}),
	}
	conn, err := openWriter(s.path(), opts)
	if isDamage(err) {
		if s.notice, err = setAside(dir, err); err == nil {
			conn, err = openWriter(s.path(), opts)
		}
	}
	if err != nil {
		return nil, advise(err)
	}
	s.pool, err = sqlitex.NewPool(s.path(), sqlitex.PoolOptions{
		Flags: sqlite.OpenReadWrite | sqlite.OpenWAL, PoolSize: readers,
		PrepareConn: func(c *sqlite.Conn) error {
			c.SetBusyTimeout(busyTimeout)
			return sqlitex.ExecuteTransient(c, "PRAGMA query_only=1", nil)
		},
	})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("cannot open the store %s: %w", s.path(), err)
	}
	s.closing, s.close = context.WithCancel(context.Background())
	go s.write(conn)
	if err := s.interruptDead(context.Background()); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("cannot read the store %s: %w", s.path(), err)
	}
	if rev, err := s.Rev(context.Background()); err == nil {
		s.lastRev.Store(rev)
	}
	s.wg.Go(s.checkpoint)
	if opts.Retention != nil {
		s.wg.Go(s.retain)
	}
	return s, nil
}

func (s *Store) path() string { return filepath.Join(s.dir, dbName) }

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// Notice returns a sentence that the user should read, such as that a damaged
// store was set aside, or "".
func (s *Store) Notice() string { return s.notice }

// Close commits what is queued and closes the file. Calls after it fail with
// [ErrClosed]; calling it again does nothing.
func (s *Store) Close() error {
	var err error
	s.closeOnce.Do(func() {
		s.close()
		s.wg.Wait()
		s.endSession()
		s.queue.close()
		<-s.writerEnd
		err = s.pool.Close()
	})
	return err
}

// openWriter opens the file for writing and brings its schema up to date.
func openWriter(path string, opts Options) (_ *sqlite.Conn, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives its other files this one's mode
	if err != nil {
		return nil, fmt.Errorf("cannot open the store: %w; choose another folder with --data-dir", err)
	}
	_ = f.Close()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	conn.SetBusyTimeout(busyTimeout)
	sync := "NORMAL"
	if opts.FullDurability {
		sync = "FULL"
	}
	for _, pragma := range []string{
		fmt.Sprintf("PRAGMA page_size=%d", pageSize),
		"PRAGMA journal_mode=WAL",
		"PRAGMA synchronous=" + sync,
		"PRAGMA journal_size_limit=67108864",
		"PRAGMA wal_autocheckpoint=0", // see checkpoint
	} {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return nil, fmt.Errorf("cannot open the store %s: %w", path, err)
		}
	}
	if err := migrate(conn, path); err != nil {
		return nil, err
	}
	if err := probe(conn); err != nil {
		return nil, err
	}
	return conn, holdMemory(conn)
}

// holdMemory keeps a block of each of the sizes that rows have in use while
// conn is open. The allocator has a region for each size and gives it back to
// the system with its last block, so that without this every delivery may map
// a region and unmap it again, which costs a fifth of storing it.
func holdMemory(conn *sqlite.Conn) error {
	stmt, err := conn.Prepare("SELECT ?, ?, ?, ?") // never run
	if err != nil {
		return err
	}
	for i := range 4 {
		stmt.BindBytes(i+1, make([]byte, 1500<<i)) // larger ones have no region of their size
	}
	return nil
}

func migrate(conn *sqlite.Conn, path string) (err error) {
	if version, err := intResult(conn, "PRAGMA user_version"); err == nil && version == schemaVersion {
		return nil // which needs no lock
	}
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return fmt.Errorf("cannot write to the store %s: %w", path, err)
	}
	defer end(&err)
	version, err := intResult(conn, "PRAGMA user_version")
	if err != nil {
		return fmt.Errorf("cannot read the store %s: %w", path, err)
	}
	if version > schemaVersion {
		return fmt.Errorf("the store %s was written by a newer hookloop (its schema is %d, this one knows %d): "+
			"upgrade hookloop, or choose another folder with --data-dir", path, version, schemaVersion)
	}
	for v := version; v < schemaVersion; v++ {
		script := fmt.Sprintf("%s;\nPRAGMA user_version=%d;", migrations[v], v+1)
		if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
			return fmt.Errorf("cannot bring the store %s from schema %d to %d: %w", path, v, v+1, err)
		}
	}
	return nil
}

// probe reads what every use of the store reads, so that damage shows now.
func probe(conn *sqlite.Conn) error {
	for _, q := range []string{
		"SELECT count(*) FROM sqlite_schema",
		"SELECT id, length(header) FROM deliveries ORDER BY id DESC LIMIT 1",
		"SELECT key, status FROM attempts ORDER BY key DESC LIMIT 1",
		"SELECT rev, totals FROM changes ORDER BY rev DESC LIMIT 1",
	} {
		if err := sqlitex.ExecuteTransient(conn, q, nil); err != nil {
			return fmt.Errorf("the store is damaged: %w", err)
		}
	}
	return nil
}

func isDamage(err error) bool {
	if err == nil {
		return false
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return true
	}
	return false
}

// setAside renames the damaged store in dir and returns what to tell the user.
// It refuses while another process has the store open.
func setAside(dir string, cause error) (string, error) {
	if alive, err := liveSessions(dir); err != nil || len(alive) > 0 {
		return "", fmt.Errorf("the store in %s is damaged (%w) and another hookloop has it open: "+
			"stop that one, then try again", dir, cause)
	}
	first := dbName + ".damaged-" + time.Now().Format("20060102-150405")
	name := first
	for n := 2; exists(filepath.Join(dir, name)); n++ { // or the rename would overwrite it
		name = fmt.Sprintf("%s-%d", first, n)
	}
	if err := os.Rename(filepath.Join(dir, dbName), filepath.Join(dir, name)); err != nil {
		return "", fmt.Errorf("the store in %s is damaged and cannot be set aside: %w", dir, err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		err := os.Rename(filepath.Join(dir, dbName+suffix), filepath.Join(dir, name+suffix))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("the store in %s is damaged and cannot be set aside: %w", dir, err)
		}
	}
	return fmt.Sprintf("the store was damaged (%v): it is kept as %s, and a new one was begun",
		cause, filepath.Join(dir, name)), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// mayPass reports whether what failed with err may succeed later, unchanged.
func mayPass(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultNoMem,
		sqlite.ResultReadOnly, sqlite.ResultCantOpen:
		return true
	}
	return false
}

// advise adds to an error of SQLite what its reader can do.
func advise(err error) error {
	var advice string
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked:
		advice = "another program has locked it, so end that one"
	case sqlite.ResultFull:
		advice = "make room on the disk"
	case sqlite.ResultIOErr:
		advice = "is the disk full, or broken?"
	case sqlite.ResultReadOnly, sqlite.ResultCantOpen, sqlite.ResultPerm:
		advice = "make its folder writable, or choose another with --data-dir"
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		advice = "stop every hookloop that uses it and start again, which sets the damaged file aside"
	default:
		return err
	}
	return fmt.Errorf("%w: %s", err, advice)
}

func intResult(conn *sqlite.Conn, query string) (int64, error) {
	stmt, _, err := conn.PrepareTransient(query)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stmt.Finalize() }()
	return sqlitex.ResultInt64(stmt)
}
