package inspect

import (
	"sync"
	"time"
)

// An op is one change that waits for a commit.
type op struct {
	apply func(*writer) error
	done  func(error) // called once, after the commit; must not block
	lazy  bool        // nobody waits: it may share a commit that comes a little later
}

const (
	// maxGroup bounds how many operations share a commit.
	maxGroup = 256
	// lazyWait is how long operations for which nobody waits are held for
	// another to take them along.
	lazyWait = 5 * time.Millisecond
	// retryWait is how soon an operation for which nobody waits is tried again.
	retryWait = time.Second
)

// A queue holds the operations for the next commit. It has no bound of its own:
// who waits for an operation holds its memory anyway, and the others are
// bounded by Store.bytes.
type queue struct {
	wake chan struct{} // capacity 1; receives when there is a group to take

	mu     sync.Mutex
	ops    []op
	due    bool // a group is to be taken, whether or not somebody waits
	timer  *time.Timer
	closed bool
}

func newQueue() *queue {
	q := &queue{wake: make(chan struct{}, 1)}
	q.timer = time.AfterFunc(time.Hour, q.flush)
	q.timer.Stop()
	return q
}

// add queues o, or returns ErrClosed. It never blocks.
func (q *queue) add(o op) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.ops = append(q.ops, o)
	switch {
	case !o.lazy || len(q.ops) >= maxGroup:
		q.due = true
		q.signal()
	case len(q.ops) == 1:
		q.timer.Reset(lazyWait)
	}
	return nil
}

// again queues o, which could not be committed, for a later group: the next
// one, or in retryWait. It reports false once the queue is closed. The order
// of such operations does not matter: an attempt that has ended is never changed.
func (q *queue) again(o op) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.ops = append(q.ops, o)
	q.timer.Reset(retryWait)
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// flush makes what is queued due.
func (q *queue) flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.due = true
	q.signal()
}

// close refuses further operations and makes those that are queued due.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.due = true, true
	q.timer.Stop()
	q.signal()
}

// take appends the group that is due to group, which may be none, and reports
// whether it was the last.
func (q *queue) take(group []op) (_ []op, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.due {
		return group, false
	}
	n := min(len(q.ops), maxGroup)
	group = append(group, q.ops[:n]...)
	rest := copy(q.ops, q.ops[n:])
	clear(q.ops[rest:])
	q.ops = q.ops[:rest]
	q.due = rest > 0 || q.closed
	return group, q.closed && rest == 0
}
