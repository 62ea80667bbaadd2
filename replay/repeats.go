package replay

import (
	"crypto/sha256"
	"sync"
	"time"

	"hookloop/inspect"
)

// maxEvents is how many events a repeats keeps. The oldest go.
const maxEvents = 10_000

// A repeats counts the deliveries of an event, for providers that do not count
// them themselves. Its zero value is ready; it is safe for concurrent use. It
// forgets with the process.
type repeats struct {
	mu     sync.Mutex
	events map[event]*repeat
	order  []event // the keys of events: a ring, once it is full
	oldest int     // in order
}

// An event is the hash of what the deliveries of one share.
type event [sha256.Size]byte

type repeat struct {
	first time.Time
	count int
}

// add counts d. It returns the number of d among the deliveries of its event,
// from 1, and how long ago the first of them was. The number is 0 where d has
// no event's ID, counts by itself, or is a handshake.
func (rs *repeats) add(d *inspect.Delivery) (number int, since time.Duration) {
	f := &d.Facts
	if f.EventID == "" || f.ProviderAttempt > 0 || f.Handshake != "" {
		return 0, 0
	}
	key := event(sha256.Sum256([]byte(f.Provider + "\n" + d.Endpoint + d.Path() + "\n" + f.EventID)))
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.events[key]
	if r == nil {
		if rs.events == nil {
			rs.events = map[event]*repeat{}
		}
		if len(rs.order) < maxEvents {
			rs.order = append(rs.order, key)
		} else {
			delete(rs.events, rs.order[rs.oldest])
			rs.order[rs.oldest] = key
			rs.oldest = (rs.oldest + 1) % maxEvents
		}
		r = &repeat{first: d.ReceivedAt}
		rs.events[key] = r
	}
	r.count++
	return r.count, max(0, d.ReceivedAt.Sub(r.first))
}
