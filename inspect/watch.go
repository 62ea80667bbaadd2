package inspect

import (
	"context"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
)

// watchInterval is how soon a change by another process is seen.
const watchInterval = 100 * time.Millisecond

type watchers struct {
	mu   sync.Mutex
	set  map[chan struct{}]struct{}
	stop context.CancelFunc // of the poll for other processes' changes; nil without watchers
}

func (w *watchers) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.set {
		select {
		case ch <- struct{}{}:
		default: // it has not read the last one yet, and will read everything when it does
		}
	}
}

// Watch returns a channel of capacity 1 that receives after every committed
// change, by this process or another (those within 100 ms), and after Notify.
// It holds no change itself: wake, call [Store.Since], draw. A reader that is
// slow misses nothing and delays nobody. cancel ends it; the channel is never closed.
func (s *Store) Watch() (signal <-chan struct{}, cancel func()) {
	ch := make(chan struct{}, 1)
	w := &s.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set == nil {
		w.set = map[chan struct{}]struct{}{}
	}
	w.set[ch] = struct{}{}
	if w.stop == nil && s.closing.Err() == nil {
		var ctx context.Context
		ctx, w.stop = context.WithCancel(s.closing)
		s.wg.Go(func() { s.poll(ctx) })
	}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.set, ch)
		if len(w.set) == 0 && w.stop != nil {
			w.stop()
			w.stop = nil
		}
	}
}

// Notify wakes the watchers without a change in the store, for what they read
// elsewhere, such as the state of the tunnel.
func (s *Store) Notify() { s.watchers.signal() }

// poll signals the watchers when another process has committed.
func (s *Store) poll(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		rev, err := s.Rev(ctx)
		if err == nil && rev > s.lastRev.Load() {
			s.advance(rev)
			s.watchers.signal()
		}
	}
}

// advance moves lastRev forward, never back.
func (s *Store) advance(rev int64) {
	for {
		old := s.lastRev.Load()
		if rev <= old || s.lastRev.CompareAndSwap(old, rev) {
			return
		}
	}
}

// Rev returns the newest revision, 0 in an empty store. To follow a list: take
// Rev, List, then Since that revision.
func (s *Store) Rev(ctx context.Context) (rev int64, err error) {
	err = s.read(ctx, func(conn *sqlite.Conn) error {
		rev, err = maxRev(conn)
		return err
	})
	return rev, err
}
