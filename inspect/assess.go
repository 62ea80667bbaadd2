package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"hookloop/inspect/provider"
)

// This file asks a Receiver's Checker. Nothing that goes wrong in it keeps a
// delivery from being stored and forwarded.

const (
	maxFetches     = 4       // deliveries whose signatures wait for a key at a time
	maxReasons     = 1       // of which the reason why theirs do not hold is looked for
	maxRechecks    = 4096    // deliveries in a queue; of more, what is stored stays
	large          = 1 << 20 // bodies from this size on are looked at by maxLarge at a time
	maxLarge       = 2
	recheckTimeout = 10 * time.Second
)

// A checker is what a Receiver uses of a [provider.Checker].
type checker interface {
	Assess(*provider.Request) (provider.Facts, bool)
	Verify(context.Context, *provider.Request) provider.Diagnosis
	Recognize(*provider.Request) provider.Recognition
	Answer(*provider.Request, provider.Recognition) (*provider.Answer, error)
	HasSecret(*provider.Request, string) bool
	AddSecret(string, provider.Secret)
}

// guard runs f, which looks at what anybody may have sent. A panic in it is an
// error of hookloop's, and no more.
func (rc *Receiver) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			rc.notice(fmt.Errorf("a delivery's sender and signature could not be looked at, which is a fault of hookloop: %v\n%s", v, debug.Stack()))
		}
	}()
	f()
}

// notice tells of a delivery that was stored, or will be.
func (rc *Receiver) notice(err error) {
	switch {
	case rc.OnNotice != nil:
		rc.OnNotice(err)
	case rc.OnError != nil:
		rc.OnError(err)
	}
}

// assess sets d's facts, and reports whether more can be told of its
// signature: after a key is fetched, or after the reason is looked for.
func (rc *Receiver) assess(d *Delivery) (pending bool) {
	if rc.checker == nil {
		return false
	}
	defer rc.turnOf(d)()
	rc.guard(func() { d.Facts, pending = rc.checker.Assess(d.Request()) })
	return pending
}

// turnOf waits until d may be looked at, and returns what ends that.
func (rc *Receiver) turnOf(d *Delivery) (end func()) {
	if len(d.Body) < large {
		return func() {}
	}
	rc.looking <- struct{}{}
	return func() { <-rc.looking }
}

// recheck has the signature of d, which is stored, checked beside the traffic,
// and stores what is found. Those that wait for a key do not hold up the others.
func (rc *Receiver) recheck(d *Delivery) {
	if d.Facts.SignatureCode == provider.CodeNoKey {
		rc.fetches.add(rc, d.ID, maxFetches)
	} else {
		rc.reasons.add(rc, d.ID, maxReasons)
	}
}

// A recheckQueue has the IDs of deliveries that are to be checked again, in
// their order.
type recheckQueue struct {
	mu      sync.Mutex
	ids     []int64
	workers int
}

// add puts a delivery at the end, unless the queue is full, and starts another
// worker where there are fewer than most.
func (q *recheckQueue) add(rc *Receiver, id int64, most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ids) == maxRechecks {
		return
	}
	q.ids = append(q.ids, id)
	if q.workers < most {
		q.workers++
		rc.wg.Go(func() {
			for id, ok := q.next(rc.waiting); ok; id, ok = q.next(rc.waiting) {
				rc.checkAgain(id)
			}
		})
	}
}

// next takes the first; ok is false, and the worker has to end, where there is none.
func (q *recheckQueue) next(ctx context.Context) (id int64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ids) == 0 || ctx.Err() != nil {
		q.workers--
		return 0, false
	}
	id, q.ids = q.ids[0], q.ids[1:]
	return id, true
}

// checkAgain checks the signature of a stored delivery and stores what it finds.
func (rc *Receiver) checkAgain(id int64) {
	rc.guard(func() {
		err := rc.verifyStored(id)
		if err != nil && rc.waiting.Err() == nil && !errors.Is(err, ErrNotFound) { // as when it was removed meanwhile
			rc.notice(fmt.Errorf("what is known of delivery #%d's signature could not be stored: %w", id, err))
		}
	})
}

func (rc *Receiver) verifyStored(id int64) error {
	d, err := rc.Store.Delivery(rc.waiting, id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(rc.waiting, recheckTimeout)
	defer cancel()
	found := rc.checker.Verify(ctx, d.Request())
	if found.Code == provider.CodeWrongSecret {
		found.Reason += rc.otherSecret(ctx, found.Provider)
	}
	return rc.Store.SetFacts(rc.waiting, id, d.Facts.With(found)) // which does nothing after Wait: found was cut short, and says nothing
}

// handshake returns the answer to d where it is a handshake that the Receiver
// is to answer, and can; else nil. It keeps a secret that d hands over.
func (rc *Receiver) handshake(d *Delivery) (answer *provider.Answer) {
	if rc.checker == nil || d.Facts.Handshake == "" {
		return nil
	}
	rc.guard(func() {
		r := d.Request()
		a, err := rc.checker.Answer(r, rc.checker.Recognize(r))
		if err != nil && rc.AnswerHandshakes {
			rc.notice(fmt.Errorf("%s's handshake %s was not answered by hookloop: %w", d.Facts.Provider, d.Facts.Handshake, err))
		}
		if err != nil || a == nil {
			return
		}
		if a.Secret != nil {
			rc.keepSecret(r, d.Facts.Provider, *a.Secret)
		}
		if rc.AnswerHandshakes {
			answer = a
		}
	})
	return answer
}

// writeAnswer answers a handshake, byte for byte.
func writeAnswer(w http.ResponseWriter, a *provider.Answer) {
	h := w.Header()
	maps.Copy(h, a.Header)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // or one would be guessed
	}
	w.WriteHeader(cmp.Or(a.Status, http.StatusOK))
	_, _ = w.Write(a.Body)
}
