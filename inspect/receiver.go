package inspect

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"

	"hookloop/inspect/provider"
)

// DefaultMaxBody is the largest body that is kept whole unless told otherwise.
const DefaultMaxBody = 32 << 20

// DefaultConcurrency is how many deliveries are forwarded at a time unless told otherwise.
const DefaultConcurrency = 64

// A Receiver is the http.Handler that a tunnel's listener serves. It reads a
// request to its end, stores it, and only then hands it on; the handler's
// answer goes back to the provider.
//
// Fields must be set before the first request. Serve it with
// http.Server.DisableGeneralOptionsHandler, so that OPTIONS * arrives too.
type Receiver struct {
	Store *Store

	// Forward plans how to hand a delivery on: the first attempt, which is
	// stored with the delivery, and the function that makes it and writes its
	// answer to w. A nil w means that nobody waits for the answer. If Forward
	// is nil, or returns nil, the delivery is held: captured only.
	Forward func(d *Delivery) (first *Attempt, send func(w http.ResponseWriter, r *http.Request))

	// Refuse, if not nil, says with which status and why a request is refused; 0 accepts it.
	Refuse func(*http.Request) (status int, reason string)

	// Checker, if not nil, says of each delivery, also of a refused one, who sent
	// it and whether its signature holds. Where a key has to be fetched first,
	// the delivery is stored and forwarded before that is known, and so it is
	// before the reason is known why a signature does not hold. A secret that a
	// handshake hands over becomes known to Checker, unless it has one.
	Checker *provider.Checker

	// TriggerToken marks requests that hookloop itself sends, see TriggerHeader.
	// They are not refused by Refuse. "" = none are.
	TriggerToken string

	// AnswerHandshakes makes the Receiver answer providers' handshakes itself,
	// as far as Checker can. Those are held, or refused: no handler sees them.
	// The others go to the handler as any delivery does.
	AnswerHandshakes bool

	// Hold, if not nil, is asked of each delivery that Forward planned whether it
	// is to wait instead: it is stored as held and waiting, stored is called then,
	// and the provider gets Answer, or HeldStatus.
	Hold func(*Delivery) (stored func(), hold bool)

	Answer      int   // if not 0, providers get this status at once and never the handler's answer
	MaxBody     int64 // larger bodies are refused with 413; 0 = DefaultMaxBody
	Concurrency int   // how many deliveries are forwarded at a time; 0 = DefaultConcurrency
	Ordered     bool  // forward one at a time, in the order of arrival

	// OnError, if not nil, learns why a delivery could not be stored. Several
	// goroutines may call it at once.
	OnError func(error)

	// OnNotice learns, in a sentence, of what the user should know of a delivery
	// that was stored: a handshake that could not be answered, or that hands over
	// another secret than the one that is known, and a failure of hookloop itself.
	// Several goroutines may call it at once. nil = OnError.
	OnNotice func(error)

	losses  losses // see LoseAcks
	once    sync.Once
	slots   chan struct{} // taken by a forward
	turns   turnstile     // instead of slots when Ordered
	backlog chan struct{} // taken by a forward that nobody waits for
	wg      sync.WaitGroup

	checker checker       // Checker; nil without one
	looking chan struct{} // taken while a large body is looked at
	fetches recheckQueue  // of deliveries whose signature needs a key
	reasons recheckQueue  // of those whose signature does not hold
	waiting context.Context
	stop    context.CancelFunc // ends waiting, and with it the rechecks

	secrets sync.Mutex       // held while one that was handed over is added
	others  map[string]int64 // by provider: see otherHandover
}

// HeldReason says why a delivery waits.
const HeldReason = "the handler is down; this is delivered as soon as it answers again"

// maxBacklog is how many forwards that no provider waits for may wait for
// their turn. Beyond it, providers wait for their answer.
const maxBacklog = 1024

type endpointKey struct{}

// WithEndpoint returns a context for http.Server.BaseContext that tells the
// Receiver the base URL of the endpoint a request came through.
func WithEndpoint(ctx context.Context, url func() string) context.Context {
	return context.WithValue(ctx, endpointKey{}, url)
}

// Wait returns when the forwards that no provider waits for have ended; checks
// of signatures that wait for a key are given up. Call it when the http.Server
// has shut down.
func (rc *Receiver) Wait() {
	rc.once.Do(rc.init)
	rc.stop()
	rc.wg.Wait()
}

type leaveKey struct{}

// Leave gives up the place of a request that Forward's send got, so that the
// next delivery is forwarded although this one goes on, as a stream does.
func Leave(r *http.Request) {
	if leave, ok := r.Context().Value(leaveKey{}).(func()); ok {
		leave()
	}
}

type answeredKey struct{}

// AnsweredAtOnce returns the status that the provider of a request that Forward's
// send got has been given already, whatever the handler answers; 0 = none.
func AnsweredAtOnce(r *http.Request) (status int) {
	status, _ = r.Context().Value(answeredKey{}).(int)
	return status
}

func (rc *Receiver) init() {
	rc.slots = make(chan struct{}, cmp.Or(rc.Concurrency, DefaultConcurrency))
	rc.backlog = make(chan struct{}, maxBacklog)
	rc.looking = make(chan struct{}, maxLarge)
	rc.others = map[string]int64{}
	rc.waiting, rc.stop = context.WithCancel(context.Background())
	if rc.checker == nil && rc.Checker != nil {
		rc.checker = rc.Checker
	}
}

func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc.once.Do(rc.init)
	d := newDelivery(r)
	rc.markTrigger(d)
	status := rc.admit(d, r)
	pending := rc.assess(d)
	if d.Disposition == Refused {
		rc.refuse(w, r, d, pending, status)
		return
	}
	if answer := rc.handshake(d); answer != nil {
		d.Disposition, d.Reason = Held, "hookloop answered the handshake: "+answer.Why
		if answer.Status >= 400 { // its signature, or its token, is wrong
			d.Disposition = Refused
		}
		if rc.store(w, r, d, pending) {
			writeAnswer(w, answer)
		}
		return
	}
	var first *Attempt
	var send func(http.ResponseWriter, *http.Request)
	if rc.Forward != nil {
		first, send = rc.Forward(d)
	}
	if first == nil {
		d.Disposition = Held
		if rc.store(w, r, d, pending) {
			w.WriteHeader(cmp.Or(rc.Answer, http.StatusOK))
		}
		return
	}
	if rc.Hold != nil {
		if stored, hold := rc.Hold(d); hold {
			defer stored()
			d.Disposition, d.Waiting, d.Reason = Held, true, HeldReason
			if rc.store(w, r, d, pending) {
				plain(w, cmp.Or(rc.Answer, HeldStatus(rc.catalog(), &d.Facts)), HeldReason)
			}
			return
		}
	}
	lost := rc.loss(d)
	p, err := rc.storeInTurn(r, d, first)
	if err != nil {
		rc.failed(w, err)
		return
	}
	rc.stored(d, pending)
	if lost != "" {
		rc.background(p, r, send)
		lost.answer(w, r)
		return
	}
	if rc.Answer != 0 {
		r = r.WithContext(context.WithValue(r.Context(), answeredKey{}, rc.Answer))
		rc.backlog <- struct{}{}
		rc.wg.Go(func() {
			defer func() { <-rc.backlog }()
			rc.background(p, r, send)
		})
		w.WriteHeader(rc.Answer)
		return
	}
	p.wait()
	leave := sync.OnceFunc(p.leave)
	defer leave()
	send(w, r.WithContext(context.WithValue(r.Context(), leaveKey{}, leave)))
}

// catalog is Checker's; nil without one.
func (rc *Receiver) catalog() *provider.Catalog {
	if rc.Checker == nil {
		return nil
	}
	return rc.Checker.Catalog
}

// background makes a forward that no provider waits for. A panic in it is an
// error of that delivery, as the http.Server has it for the others.
func (rc *Receiver) background(p place, r *http.Request, send func(http.ResponseWriter, *http.Request)) {
	defer func() {
		if v := recover(); v != nil {
			rc.notice(fmt.Errorf("a forward failed: %v\n%s", v, debug.Stack()))
		}
	}()
	p.wait()
	defer p.leave()
	send(nil, r.WithContext(context.WithoutCancel(r.Context())))
}

func (rc *Receiver) refuse(w http.ResponseWriter, r *http.Request, d *Delivery, pending bool, status int) {
	if !rc.store(w, r, d, pending) {
		return
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="hookloop"`)
	}
	plain(w, status, d.Reason)
}

// store stores a delivery that is not forwarded, and has it rechecked where
// pending, or answers that it could not.
func (rc *Receiver) store(w http.ResponseWriter, r *http.Request, d *Delivery, pending bool) bool {
	err := rc.Store.Add(context.WithoutCancel(r.Context()), d, nil)
	if err != nil {
		rc.failed(w, err)
		return false
	}
	rc.stored(d, pending)
	return true
}

func (rc *Receiver) failed(w http.ResponseWriter, err error) {
	if rc.OnError != nil {
		rc.OnError(err)
	}
	plain(w, http.StatusServiceUnavailable, "the delivery could not be stored, so it was not handed on: "+err.Error())
}

// plain answers with one line of text.
func plain(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "hookloop: %s\n", line)
}
