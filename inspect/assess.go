package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"time"

	"hookloop/inspect/provider"
)

// This file asks a Receiver's Checker. Nothing that goes wrong in it keeps a
// delivery from being stored and forwarded.

const (
	// maxRechecks is how many deliveries' signatures wait for a key at a time.
	// Beyond it, what is stored stays: that the key could not be had.
	maxRechecks    = 4
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
			rc.report(fmt.Errorf("a delivery's sender and signature could not be looked at, which is a fault of hookloop: %v\n%s", v, debug.Stack()))
		}
	}()
	f()
}

func (rc *Receiver) report(err error) {
	if rc.OnError != nil {
		rc.OnError(err)
	}
}

// assess sets d's facts, and reports whether a key has to be fetched before
// its signature can be checked.
func (rc *Receiver) assess(d *Delivery) (pending bool) {
	if rc.checker == nil {
		return false
	}
	rc.guard(func() { d.Facts, pending = rc.checker.Assess(d.Request()) })
	return pending
}

// recheck checks the signature of d, which is stored, beside the traffic, and
// stores what it finds.
func (rc *Receiver) recheck(d *Delivery) {
	select {
	case rc.rechecks <- struct{}{}:
	default:
		return
	}
	f, id, r := d.Facts, d.ID, d.Request()
	rc.wg.Go(func() {
		defer func() { <-rc.rechecks }()
		rc.guard(func() {
			ctx, cancel := context.WithTimeout(rc.waiting, recheckTimeout)
			defer cancel()
			found := f.With(rc.checker.Verify(ctx, r))
			err := rc.Store.SetFacts(rc.waiting, id, found)                            // which does nothing after Wait: found was cut short, and says nothing
			if err != nil && rc.waiting.Err() == nil && !errors.Is(err, ErrNotFound) { // as when it was removed meanwhile
				rc.report(fmt.Errorf("what is known of delivery #%d's signature could not be stored: %w", id, err))
			}
		})
	})
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
			rc.report(fmt.Errorf("%s's handshake %s was not answered by hookloop: %w", d.Facts.Provider, d.Facts.Handshake, err))
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

// keepSecret makes a secret that a handshake handed over known, unless one is
// known already: anybody can send a handshake, and must not be able to have
// signatures of their own found valid.
func (rc *Receiver) keepSecret(r *provider.Request, name string, s provider.Secret) {
	rc.secrets.Lock()
	defer rc.secrets.Unlock()
	if !rc.checker.HasSecret(r, name) {
		rc.checker.AddSecret(name, s)
	}
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
