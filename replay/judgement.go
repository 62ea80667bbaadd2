package replay

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A judgement is what a provider makes of one attempt.
type judgement struct {
	step    int
	attempt *inspect.Attempt  // with the beginning of its answer
	body    [sha256.Size]byte // the digest of the whole answer
	outlook provider.Outlook
	late    bool // it ended after the deadline, which is what is rehearsed
}

// outcome is how an attempt ended, as the provider sees it. number is the
// provider's count of this event's deliveries, from 1.
func outcome(a *inspect.Attempt, number int) provider.Outcome {
	o := provider.Outcome{Attempt: number, Duration: a.Duration}
	switch a.ErrorKind {
	case "":
	case inspect.ErrRefused, inspect.ErrDNS, inspect.ErrTarget:
		o.Failure = "connect"
	case inspect.ErrTLS:
		o.Failure = "tls"
	case inspect.ErrTimeout:
		o.Failure = "timeout"
	default:
		o.Failure = "other"
	}
	if o.Failure == "" && a.Response != nil {
		o.Status, o.Header = a.Response.Status, a.Response.Header
	}
	return o
}

// finish ends step i with attempt a, judged as the provider judges it. err says
// why there is no attempt.
func (r *rehearsal) finish(i int, a *inspect.Attempt, err error, number int) {
	if a == nil {
		no := false
		r.end(i, nil, err, &no, "")
		return
	}
	if a.ErrorKind == inspect.ErrCanceled { // it was cut, and says nothing
		r.end(i, a, err, nil, "")
		return
	}
	o := outcome(a, number)
	o.Duration = max(o.Duration-r.own, 0)
	if r.patient {
		o.Duration = 0
	}
	outlook := r.provider.Outlook(o)
	limit, _ := r.deadline()
	j := judgement{step: i, attempt: a, outlook: outlook, late: r.patient && a.Duration > limit}
	j.keep()
	ok := outlook.Verdict == provider.Accepted
	judged, note := &ok, outlook.Text
	switch {
	case answered(j):
		judged, note = nil, fmt.Sprintf("%d, answered by hookloop in the handler's place", a.Response.Status)
	case ok && j.late:
		judged, note = nil, "the provider had given up after "+provider.InWords(limit)
	case ok:
		note = ""
	}
	r.end(i, a, err, judged, note)
	r.mu.Lock()
	r.judged = append(r.judged, j)
	r.mu.Unlock()
}

// keptAnswer is how much of an answer's body a judgement keeps: enough to tell of.
const keptAnswer = 4 << 10

// keep lets go of what is large in the attempt, of which there may be many.
func (j *judgement) keep() {
	if j.attempt.Response == nil {
		return
	}
	a, response := *j.attempt, *j.attempt.Response
	j.body = sha256.Sum256(response.Body)
	response.Body = bytes.Clone(response.Body[:min(len(response.Body), keptAnswer)])
	a.Response, a.Sent = &response, nil
	j.attempt = &a
}

// judgements returns those so far, by step.
func (r *rehearsal) judgements() []judgement {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(slices.Values(r.judged), func(a, b judgement) int { return cmp.Compare(a.step, b.step) })
}

func (r *rehearsal) label(step int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sim.Steps[step].Label
}

// unreachable reports whether an attempt did not get to the handler.
func unreachable(j judgement) bool {
	return slices.Contains([]inspect.ErrorKind{inspect.ErrRefused, inspect.ErrDNS, inspect.ErrTLS, inspect.ErrTarget}, j.attempt.ErrorKind)
}

// answered reports whether hookloop answered an attempt in the handler's place.
func answered(j judgement) bool {
	return j.attempt.Response != nil && j.attempt.Response.Header.Get(AnsweredHeader) != ""
}

// refused reports whether the handler answered with a 4xx.
func refused(j judgement) bool {
	return j.attempt.Error == "" && j.attempt.Response != nil && j.attempt.Response.Status/100 == 4
}

// failed is what an attempt that was not accepted comes to. A handler that
// refuses a signature which could not be made again is not at fault.
func (r *rehearsal) failed(j judgement) inspect.Verdict {
	if r.stale && j.attempt.Response != nil && slices.Contains([]int{400, 401, 403}, j.attempt.Response.Status) {
		return inspect.Inconclusive
	}
	return inspect.Fail
}

// toldFailures is how many failures are told one by one.
const toldFailures = 5

// findAccepted says in findings whether each of the attempts that finish judged
// was answered as the provider needs; at most a few failures one by one.
func (r *rehearsal) findAccepted() {
	judged := r.judgements()
	var failed []judgement
	none, late := 0, 0
	for _, j := range judged {
		if j.outlook.Verdict == provider.Accepted {
			if j.late {
				late++
			}
			continue
		}
		failed = append(failed, j)
		if unreachable(j) {
			none++
		}
	}
	inTime := len(judged) - len(failed) - late
	switch {
	case len(judged) == 0:
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "no attempt ended, so nothing can be said")
		return
	case none == len(judged):
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "the handler could not be reached: %s", judged[0].attempt.Error)
		return
	case len(failed) == 0 && late == 0:
		r.find(inspect.CheckAccepted, inspect.Pass, "%s", allOf(len(judged), "was accepted", "were accepted"))
		return
	case len(failed) == 0 && inTime > 0:
		r.find(inspect.CheckAccepted, inspect.Pass, "%d of %d attempts were accepted in time", inTime, len(judged))
		return
	case len(failed) == 0 && r.probe == nil:
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "no attempt was answered in time, so only --probe could tell whether they disturb one another")
		return
	}
	if r.renewed && inTime+late == 0 && !slices.ContainsFunc(failed, func(j judgement) bool { return !refused(j) }) {
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "a new event id was refused each time, so a race could not show: %s", failure(failed[0]))
		r.changes = 0
		return
	}
	for _, j := range failed[:min(len(failed), toldFailures)] {
		r.find(inspect.CheckAccepted, r.failed(j), "%s: %s", r.label(j.step), failure(j))
	}
	if more := len(failed) - toldFailures; more > 0 {
		worst := inspect.Inconclusive
		if slices.ContainsFunc(failed[toldFailures:], func(j judgement) bool { return r.failed(j) == inspect.Fail }) {
			worst = inspect.Fail
		}
		r.find(inspect.CheckAccepted, worst, "and so for %s", counted(more, "more attempt"))
	}
}

// findUnpublished says that attempts took long, where it is not known how long
// is too long.
func (r *rehearsal) findUnpublished() {
	limit, published := r.deadline()
	if published || r.patient {
		return
	}
	late, all := 0, r.judgements()
	for _, j := range all {
		if j.attempt.Duration-r.own > limit {
			late++
		}
	}
	if late > 0 {
		r.find(inspect.CheckInTime, inspect.Inconclusive, "%d of %s took longer than %s; how long the provider waits is not published: say so with --deadline",
			late, counted(len(all), "attempt"), provider.InWords(limit))
	}
}

// failure says in words why an attempt was not accepted.
func failure(j judgement) string {
	if j.attempt.Error != "" {
		return j.attempt.Error
	}
	status := 0
	if j.attempt.Response != nil {
		status = j.attempt.Response.Status
	}
	return fmt.Sprintf("the handler answered %s; %s", statusText(status), j.outlook.Text)
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// allOf says "both attempts were accepted", "all 3 attempts were accepted".
func allOf(n int, was, were string) string {
	switch n {
	case 1:
		return "the attempt " + was
	case 2:
		return "both attempts " + were
	}
	return fmt.Sprintf("all %d attempts %s", n, were)
}
