package replay

import (
	"context"
	"slices"
	"strings"
	"time"

	"hookloop/inspect"
)

// This file finds out what the handler had to do with a simulation's
// deliveries before it began, and with others while it runs.

const (
	sameEvents = 20 // other deliveries of an event that are looked at
	recent     = 20 // deliveries whose handler may still be at work
)

// lookBack counts a delivery of the simulation as one whose event the handler
// at a destination has accepted before, or may have worked on. Other deliveries
// of the same event count as this one does.
func (r *rehearsal) lookBack(ctx context.Context, d *inspect.Delivery, handler destination) error {
	store := r.s.Sender.Store
	ids := []int64{d.ID}
	if id := d.Facts.EventID; id != "" && d.Facts.Provider != "" {
		same, err := store.List(ctx, inspect.ListOptions{Query: `provider:` + d.Facts.Provider + ` event_id:"` + escapeQuery.Replace(id) + `"`, Limit: sameEvents})
		if err != nil {
			return err
		}
		for i := range same {
			if same[i].ID != d.ID && same[i].EventID == id {
				ids = append(ids, same[i].ID)
			}
		}
	}
	accepted, went := false, false
	for _, id := range ids {
		before, err := store.AttemptsWithoutBodies(ctx, id)
		if err != nil {
			return err
		}
		for i := range before {
			a := &before[i]
			went = went || wentTo(handler, a)
			accepted = accepted || acceptedBy(handler, a)
			r.noteWork(a.StartedAt.Add(a.Duration))
		}
	}
	r.tried = r.tried || went
	switch {
	case accepted:
		r.doneOnce++
	case went:
		r.maybeDone++
	}
	return nil
}

var escapeQuery = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// allNew is called where the attempts are of events that the handler has not had.
func (r *rehearsal) allNew() { r.doneOnce, r.maybeDone = 0, 0 }

// noteWork notes when an attempt ended, after which a handler may still work.
func (r *rehearsal) noteWork(ended time.Time) {
	if ended.After(r.lastWork) {
		r.lastWork = ended
	}
}

// lookAround notes the latest work of other deliveries, and from where on the
// store tells of those that come meanwhile.
func (r *rehearsal) lookAround(ctx context.Context) (err error) {
	store := r.s.Sender.Store
	if r.since, err = store.Rev(ctx); err != nil {
		return err
	}
	latest, err := lastWork(ctx, store)
	r.noteWork(latest)
	return err
}

// lastWork returns when the latest attempt of the newest deliveries ended; zero
// where there is none.
func lastWork(ctx context.Context, store *inspect.Store) (latest time.Time, err error) {
	list, err := store.List(ctx, inspect.ListOptions{Limit: recent})
	for i := range list {
		if last := list[i].Last; last != nil {
			if ended := last.StartedAt.Add(last.Duration); ended.After(latest) {
				latest = ended
			}
		}
	}
	return latest, err
}

// meanwhile returns how many other deliveries had an attempt since the
// simulation began, which may have come to the same handler.
func (r *rehearsal) meanwhile() (n int) {
	for rev, more := r.since, true; more; {
		changes, err := r.s.Sender.Store.Since(context.WithoutCancel(r.ctx), rev)
		if err != nil {
			return n
		}
		for i := range changes.Deliveries {
			s := &changes.Deliveries[i]
			mine := slices.ContainsFunc(r.deliveries, func(d *inspect.Delivery) bool { return d.ID == s.ID })
			if !mine && s.Last != nil && s.Last.StartedAt.After(r.sim.StartedAt) {
				n++
			}
		}
		rev, more = changes.Rev, changes.More
	}
	return n
}
