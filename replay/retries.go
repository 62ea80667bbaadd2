package replay

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// The bounds of a speed.
const (
	minSpeed = 0.01
	maxSpeed = 1e6
)

func init() {
	kinds["retries"] = kind{check: checkRetries, title: titleRetries, prepare: prepareRetries, run: runRetries}
}

func checkRetries(spec *Spec) error {
	switch {
	case spec.Speed != 0 && !(spec.Speed >= minSpeed && spec.Speed <= maxSpeed): // NaN, too
		return fmt.Errorf("the speed is %v: 60 is sixty times as fast; give from %v to %d", spec.Speed, minSpeed, int(maxSpeed))
	case !slices.Contains([]string{"", "accepted", "never"}, spec.StopWhen):
		return fmt.Errorf("there is no %q to stop at: it is accepted, as the provider stops, or never, for the whole schedule", spec.StopWhen)
	case spec.FailFirst < 0 || spec.FailFirst > maxTurns:
		return fmt.Errorf("the first %d cannot fail: give from 0 to %d", spec.FailFirst, maxTurns)
	case spec.FailStatus != 0 && (spec.FailStatus < 200 || spec.FailStatus > 599):
		return fmt.Errorf("%d is no status to fail with: give one such as 500", spec.FailStatus)
	}
	if times, ok := strings.CutPrefix(spec.Policy, customPolicy); ok {
		if _, err := customRetry(times); err != nil {
			return err
		}
	}
	return oneDelivery(spec)
}

func titleRetries(spec *Spec) string {
	text := fmt.Sprintf("#%d with its provider's retries", spec.Deliveries[0])
	switch {
	case strings.HasPrefix(spec.Policy, customPolicy):
		text = fmt.Sprintf("#%d with retries after %s", spec.Deliveries[0], strings.ReplaceAll(strings.TrimPrefix(spec.Policy, customPolicy), ",", ", "))
	case spec.Policy != "":
		text = fmt.Sprintf("#%d with the retries of %s", spec.Deliveries[0], spec.Policy)
	}
	if spec.Variant != "" {
		text += " (" + spec.Variant + ")"
	}
	if spec.Speed > 0 && spec.Speed != 1 {
		text += fmt.Sprintf(", %g times as fast", spec.Speed)
	}
	switch {
	case spec.FailFirst == 1:
		text += ", the first failing"
	case spec.FailFirst > 1:
		text += fmt.Sprintf(", the first %d failing", spec.FailFirst)
	}
	return text
}

// A retrying plays one delivery's retries against the handler.
type retrying struct {
	*rehearsal
	began time.Time
	wg    sync.WaitGroup // of attempts, which may outlive the provider's patience
}

// prepareRetries says why there is no schedule, or nil.
func prepareRetries(r *rehearsal) error {
	if !r.known {
		return fmt.Errorf("it is not known who sent #%d, so not when it would be delivered again: name a --policy, such as stripe or custom:30s,2m,10m", r.deliveries[0].ID)
	}
	if r.provider.Delivery.Retry == nil {
		return fmt.Errorf("it is not published when %s delivers again: name another --policy, such as custom:30s,2m,10m", r.provider.Title)
	}
	if r.doneOnce > 0 && r.probe != nil { // which could not tell the work from that of before
		r.unknownEvent()
	}
	return nil
}

// runRetries delivers by the provider's clock until it would deliver no more.
func runRetries(r *rehearsal) error {
	c := &clock{provider: r.provider, speed: r.spec.Speed, goOn: r.spec.StopWhen == "never", rand: r.s.Rand}
	if r.spec.Step {
		c.step = r.s.Next
	}
	run := &retrying{rehearsal: r, began: time.Now()}
	played := c.play(r.ctx, run.send, run.planned)
	run.wg.Wait()
	if r.canceled() {
		return nil
	}
	if !played {
		return errors.New("nobody can press Enter any more, so the attempts that are left were not made: give --step a terminal, or a line of input for each attempt")
	}
	run.findEnd()
	run.findLate()
	return nil
}

// planned puts what is to come in the place of what was.
func (r *retrying) planned(last turn, next []turn) {
	total := last.number + len(next)
	if len(next) == maxPlanned {
		total = 0 // there may be more
	}
	if retry := r.provider.Delivery.Retry; retry != nil && retry.Attempts == 0 && slices.ContainsFunc(next, func(t turn) bool { return t.guess }) {
		total = 0 // how many there are is our guess, too
	}
	r.update(func(sim *inspect.Simulation) {
		sim.Steps = sim.Steps[:last.number]
		for _, t := range next {
			label := fmt.Sprintf("attempt %d of %d", t.number, total)
			if total == 0 {
				label = fmt.Sprintf("attempt %d", t.number)
			}
			sim.Steps = append(sim.Steps, inspect.Step{
				Label: label, State: inspect.StepPlanned, DeliveryID: sim.DeliveryID, Offset: t.offset, DueAt: t.due.UTC(), Guess: t.guess,
			})
			if t.due.IsZero() {
				sim.Steps[len(sim.Steps)-1].DueAt = time.Time{}
			}
		}
	})
}

// send makes a delivery and returns how it ended for the provider, which does
// not wait longer than its limit; the handler's work goes on.
func (r *retrying) send(t turn) provider.Outcome {
	step := t.number - 1
	r.begin(step)
	began := time.Now()
	ended := make(chan provider.Outcome, 1)
	r.wg.Go(func() {
		o := provider.Outcome{Failure: "other"}
		r.guard(func() {
			a, err := r.attempt(r.options(t))
			r.finish(step, a, err, t.number)
			if a != nil {
				o = outcome(a, t.number)
			}
		})
		o.Duration = max(o.Duration, time.Since(began)) // signing and storing are of the provider's time, too
		ended <- o
	})
	limit, published := r.deadline()
	if !published {
		limit = math.MaxInt64 // the Sender's ends it first
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case o := <-ended:
		if t.number == 1 {
			r.afterFirst()
		}
		o.Duration = min(o.Duration, limit)
		return o
	case <-timer.C:
		return provider.Outcome{Failure: "timeout", Duration: limit}
	case <-r.ctx.Done():
		return <-ended // the attempt is cut with it
	}
}

// options are those of a delivery.
func (r *retrying) options(t turn) Options {
	o := r.fresh
	o.Trigger, o.Header, o.Signing = inspect.Retry, merged(o.Header, r.retryHeader(t)), r.signing
	if t.number <= r.spec.FailFirst {
		o.Answer = &inspect.Response{
			Status: cmp.Or(r.spec.FailStatus, http.StatusInternalServerError), Proto: "HTTP/1.1",
			Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte("hookloop fails this attempt\n"),
		}
	}
	return o
}

// retryHeader returns the headers that the provider sets on retries. The first
// delivery has none, even where what was captured was itself a retry.
func (r *retrying) retryHeader(t turn) http.Header {
	rules := &r.provider.Delivery
	if t.number == 1 {
		h := http.Header{}
		if r.deliveries[0].Facts.ProviderAttempt > 1 {
			for name := range rules.RetryHeaders {
				h[http.CanonicalHeaderKey(name)] = nil
			}
		}
		return h
	}
	h, err := rules.RetryHeader(t.number-1, r.began, t.before)
	if err != nil {
		r.find(inspect.CheckCompleted, inspect.Inconclusive, "the headers of retry %d could not be made: %v", t.number-1, err)
	}
	return h
}

// findEnd says in findings whether the event was accepted in the end, and
// whether it stayed accepted.
func (r *retrying) findEnd() {
	all := r.judgements()
	if len(all) == 0 {
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "no attempt ended, so nothing can be said")
		return
	}
	first := slices.IndexFunc(all, func(j judgement) bool { return j.outlook.Verdict == provider.Accepted })
	switch {
	case first < 0:
		r.findLost(all)
		return
	case first == 0 && r.provider.Delivery.Retry.Never:
		r.find(inspect.CheckAccepted, inspect.Pass, "%s was accepted; %s never delivers again", r.label(all[0].step), r.provider.Title)
	case first == 0:
		r.find(inspect.CheckAccepted, inspect.Pass, "%s was accepted; --fail-first 1 shows what comes after a failure", r.label(all[0].step))
	default:
		r.find(inspect.CheckAccepted, inspect.Pass, "%s was accepted, %s after the first by the provider's clock", r.label(all[first].step), provider.InWords(r.offset(all[first].step)))
	}
	if failed := slices.DeleteFunc(slices.Clone(all[:max(first, 0)]), answered); len(failed) > 0 {
		r.note("the handler itself failed before that, %s: %s", counted(len(failed), "time"), failure(failed[0]))
	}
	for _, j := range all[first+1:] {
		if j.outlook.Verdict != provider.Accepted && j.outlook.Verdict != provider.TooLate {
			r.find(inspect.CheckAccepted, inspect.Fail, "%s, after the event had been accepted: %s", r.label(j.step), failure(j))
			return
		}
	}
	if len(all) > first+1 {
		r.findAlike()
	}
}

// findLost says why the event was never accepted.
func (r *retrying) findLost(all []judgement) {
	last := all[len(all)-1]
	if !slices.ContainsFunc(all, func(j judgement) bool { return !unreachable(j) && !answered(j) }) {
		switch {
		case slices.ContainsFunc(all, unreachable):
			r.find(inspect.CheckAccepted, inspect.Inconclusive, "the handler could not be reached: %s", last.attempt.Error)
		default:
			r.find(inspect.CheckAccepted, inspect.Inconclusive, "the handler was never asked: hookloop failed every attempt in its place; %s", last.outlook.Text)
		}
		return
	}
	if r.renewed && !slices.ContainsFunc(all, func(j judgement) bool { return !refused(j) && !answered(j) }) {
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "a new event id was refused each time, which the handler may not know: %s", failure(last))
		r.changes = 0
		return
	}
	verdict, text := r.failed(last), "the event is lost"
	switch last.outlook.Verdict {
	case provider.NotKnown, provider.WouldRetry: // the clock stops at some time
		text = "the event was not accepted"
	case provider.Disabled:
		text = "the event is lost, as are all that follow it,"
	}
	r.find(inspect.CheckAccepted, verdict, "%s after %s: %s", text, strings.TrimPrefix(r.label(last.step), "the "), failure(last))
}

// findLate names the attempts for whose answer the provider had not waited.
func (r *retrying) findLate() {
	limit, published := r.deadline()
	if !published {
		r.findUnpublished()
		return
	}
	late := 0
	for _, j := range r.judgements() {
		if j.attempt.Duration <= limit {
			continue
		}
		if late++; late <= toldFailures {
			r.find(inspect.CheckInTime, inspect.Fail, "%s %s: the provider had given up waiting, and goes on as if it had failed",
				r.label(j.step), provider.TookOf(j.attempt.Duration, limit))
		}
	}
	if late > toldFailures {
		r.find(inspect.CheckInTime, inspect.Fail, "%s took longer than %s", counted(late-toldFailures, "more attempt"), provider.InWords(limit))
	}
}

func (r *rehearsal) offset(step int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sim.Steps[step].Offset
}
