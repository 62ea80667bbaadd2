package inspect

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A LostAck is what a provider gets in the place of the handler's answer.
type LostAck string

// The kinds.
const (
	LostStatus  LostAck = "500"     // an error
	LostTimeout LostAck = "timeout" // nothing, until it hangs up
	LostReset   LostAck = "reset"   // a broken connection
)

const (
	maxLosses = 1000
	// lossLimit bounds how long a provider is kept waiting for nothing: longer
	// than any that is known waits.
	lossLimit = 5 * time.Minute
)

// losses are the answers that are still to be lost.
type losses struct {
	mu  sync.Mutex
	n   int
	how LostAck
}

// LoseAcks has the next n deliveries that are forwarded reach the handler as
// ever, but not its answers the provider, which gets how instead: so a provider
// really delivers again. It replaces what an earlier call left; 0 ends it. A
// delivery's Reason says what its provider got.
func (rc *Receiver) LoseAcks(n int, how LostAck) error {
	if err := how.Check(n); err != nil {
		return err
	}
	rc.losses.mu.Lock()
	defer rc.losses.mu.Unlock()
	rc.losses.n, rc.losses.how = n, how
	return nil
}

// LosingAcks returns how many answers are still to be lost.
func (rc *Receiver) LosingAcks() int {
	rc.losses.mu.Lock()
	defer rc.losses.mu.Unlock()
	return rc.losses.n
}

// Check says, in a sentence, why n answers cannot be lost by l, or nil.
func (l LostAck) Check(n int) error {
	switch {
	case n < 0 || n > maxLosses:
		return fmt.Errorf("%d answers cannot be lost: give a number from 0 to %d", n, maxLosses)
	case l != LostStatus && l != LostTimeout && l != LostReset:
		return fmt.Errorf("an answer cannot be lost by %q: give 500, timeout or reset", l)
	}
	return nil
}

// loss takes one of the answers to be lost for d, and says so in it; "" where
// none is to be.
func (rc *Receiver) loss(d *Delivery) LostAck {
	rc.losses.mu.Lock()
	defer rc.losses.mu.Unlock()
	if rc.losses.n == 0 {
		return ""
	}
	rc.losses.n--
	d.Reason = rc.losses.how.Reason()
	return rc.losses.how
}

// LostAckReason is how the Reason of a delivery begins whose answer was lost.
const LostAckReason = "lost-ack: "

// Reason is what a delivery's Reason says of a lost answer.
func (l LostAck) Reason() string {
	got := map[LostAck]string{LostStatus: "500", LostTimeout: "no answer at all", LostReset: "a broken connection"}[l]
	return LostAckReason + "the provider got " + got + " instead of the handler's answer"
}

// answer gives the provider what it gets.
func (l LostAck) answer(w http.ResponseWriter, r *http.Request) {
	switch l {
	case LostStatus:
		plain(w, http.StatusInternalServerError, l.Reason())
		return
	case LostTimeout:
		limit := time.NewTimer(lossLimit)
		defer limit.Stop()
		select {
		case <-r.Context().Done():
		case <-limit.C:
		}
	}
	panic(http.ErrAbortHandler)
}
