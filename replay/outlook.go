package replay

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// outlook says what the provider would do now that its attempt has ended with
// err. It is nil for attempts that no provider waits for, upgraded connections,
// and where it is not known for sure who the provider is.
//
// What counts is what the provider gets, and when, counted from the arrival of
// its request: our own 502 or 504 where the handler did not answer, the fixed
// status where it did not wait for the handler, and nothing where the provider
// hung up first. A failure of its own gives nil: the attempt has to end.
func (a *attempt) outlook(err error) (out *provider.Outlook) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	rec, facts := a.record, &a.d.Facts
	switch {
	case rec.Trigger != inspect.Initial || a.w == nil && a.answered() == 0 || a.s.Checker == nil || a.s.Checker.Catalog == nil:
		return nil
	case facts.Certainty == "" || facts.Certainty == provider.Guess:
		return nil
	case rec.Response != nil && rec.Response.Status == http.StatusSwitchingProtocols:
		return nil
	}
	p := a.s.Checker.Catalog.Provider(facts.Provider)
	if p == nil {
		return nil
	}
	o, body := a.outcome(err)
	o.Variant = p.VariantOf(a.d.Request())
	outlook := a.ofHandshake(p, o, body)
	if outlook == nil {
		general := p.Outlook(o)
		outlook = &general
	}
	if status := a.answered(); status != 0 { // then the handler's time does not count either
		outlook.Text += fmt.Sprintf(" (it got %d at once)", status)
		outlook.Limit = 0
	}
	return outlook
}

// outcome is how the attempt ended for the provider, and the body that it got,
// as far as that is known.
func (a *attempt) outcome(err error) (o provider.Outcome, body []byte) {
	rec := a.record
	o = provider.Outcome{Attempt: a.d.Facts.ProviderAttempt, Duration: rec.Duration + a.waited()}
	if o.Attempt == 0 {
		o.Attempt, o.Elapsed = a.number, a.since
	}
	if status := a.answered(); status != 0 {
		o.Status, o.Duration = status, 0
		return o, nil
	}
	switch {
	case rec.Protocol != inspect.SSE && (a.gone || a.status == 0 && a.hungUp()):
		o.Failure = "timeout"
	case err != nil && (a.status != 0 || errors.Is(err, errPanic)): // the connection breaks
		o.Failure = "other"
	case err != nil:
		o.Status = a.errorStatus()
	default:
		o.Status, o.Header, body = rec.Response.Status, rec.Response.Header, rec.Response.Body
	}
	return o, body
}

// answered is the status that the provider got at once, in the place of the
// handler's answer; 0 = it waits for that.
func (a *attempt) answered() int {
	if a.w != nil || a.r == nil {
		return 0
	}
	return inspect.AnsweredAtOnce(a.r)
}

// waited is how long the delivery waited for its turn and for the store.
func (a *attempt) waited() time.Duration {
	if a.d.ReceivedAt.IsZero() {
		return 0
	}
	return max(0, a.start.Sub(a.d.ReceivedAt))
}

// hungUp reports whether the provider that waits for the answer has gone.
func (a *attempt) hungUp() bool { return a.w != nil && a.r.Context().Err() != nil }
