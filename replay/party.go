package replay

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// This file is what a rehearsal knows of the provider that it stands in for.

// defaultDeadline is how long a provider waits that publishes no limit.
const defaultDeadline = 10 * time.Second

const customPolicy = "custom:"

// findProvider sets the provider whose ways are rehearsed: the one that
// Spec.Policy names, else the first delivery's; else one that wants a 2xx.
func (r *rehearsal) findProvider() error {
	catalog, d := r.catalog(), r.deliveries[0]
	p := &provider.Provider{Name: "unknown", Title: "a provider"}
	variant := r.spec.Variant
	switch policy := r.spec.Policy; {
	case strings.HasPrefix(policy, customPolicy):
		retry, err := customRetry(strings.TrimPrefix(policy, customPolicy))
		if err != nil {
			return err
		}
		// A custom schedule changes when it retries, not what the provider wants.
		if own := r.recognised(); own != nil {
			*p = *own
			variant = cmp.Or(variant, own.VariantOf(d.Request()))
		} else {
			p.Name, p.Title = "custom", "the custom policy"
		}
		merged, err := p.Delivery.Variant(variant)
		if err != nil {
			return err
		}
		p.Delivery, variant = *merged, ""
		p.Delivery.Retry, r.known = retry, true
	case policy != "":
		named := catalog.Provider(policy)
		if named == nil {
			return unknownProvider(catalog, policy)
		}
		*p, r.known = *named, true
	default:
		if own := r.recognised(); own != nil {
			*p, r.known = *own, true
		}
	}
	if variant == "" && len(p.Delivery.Variants) > 0 {
		variant = p.VariantOf(d.Request())
	}
	rules, err := p.Delivery.Variant(variant)
	if err != nil {
		return err
	}
	p.Delivery = *rules
	p.Delivery.Variants = nil
	if r.spec.Deadline > 0 {
		p.Delivery.Timeout = provider.Duration(r.spec.Deadline)
	}
	r.provider = p
	return nil
}

func (r *rehearsal) catalog() *provider.Catalog {
	if c := r.s.Sender.Checker; c != nil && c.Catalog != nil {
		return c.Catalog
	}
	return &provider.Catalog{}
}

// recognised is the provider of the first delivery, or nil.
func (r *rehearsal) recognised() *provider.Provider {
	facts := &r.deliveries[0].Facts
	if facts.Provider == "" || facts.Certainty == provider.Guess {
		return nil
	}
	return r.catalog().Provider(facts.Provider)
}

func unknownProvider(catalog *provider.Catalog, name string) error {
	if near := catalog.Nearest(strings.ToLower(name)); near != "" {
		return fmt.Errorf("there is no provider %q: did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no provider %q: `hookloop providers` lists them, and custom:30s,2m,10m is a schedule of your own", name)
}

// maxCustom bounds the times of a custom policy.
const maxCustom = 100

// customRetry reads "30s,2m,10m".
func customRetry(text string) (*provider.Retry, error) {
	retry := &provider.Retry{}
	for part := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err != nil || d < 0 || d > 30*24*time.Hour {
			return nil, fmt.Errorf("%q is no time of a custom policy: write custom:30s,2m,10m, each up to 720h", strings.TrimSpace(part))
		}
		retry.Delays = append(retry.Delays, provider.Interval{Min: d, Max: d})
	}
	if len(retry.Delays) > maxCustom {
		return nil, fmt.Errorf("the policy has %d times: give up to %d", len(retry.Delays), maxCustom)
	}
	return retry, nil
}

// deadline is how long the provider waits for an answer. published is false
// where that is neither published nor given.
func (r *rehearsal) deadline() (limit time.Duration, published bool) {
	if t := time.Duration(r.provider.Delivery.Timeout); t > 0 {
		return t, true
	}
	return defaultDeadline, false
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

// finish ends step i with attempt a, judged as the provider judges it, and
// returns what it would do. err says why there is no attempt.
func (r *rehearsal) finish(i int, a *inspect.Attempt, err error, number int) provider.Outlook {
	if a == nil {
		no := false
		r.end(i, nil, err, &no, "")
		return provider.Outlook{Verdict: provider.NotKnown}
	}
	if a.ErrorKind == inspect.ErrCanceled { // it was cut, and says nothing
		r.end(i, a, err, nil, "")
		return provider.Outlook{Verdict: provider.NotKnown}
	}
	o := outcome(a, number)
	o.Duration = max(o.Duration-r.own, 0)
	if r.patient {
		o.Duration = 0
	}
	outlook := r.provider.Outlook(o)
	limit, _ := r.deadline()
	j := judgement{step: i, attempt: a, outlook: outlook, late: r.patient && a.Duration > limit}
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
	return outlook
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

// failed is what an attempt that was not accepted comes to. A handler that
// refuses a signature which could not be made again is not at fault.
func (r *rehearsal) failed(j judgement) inspect.Verdict {
	if r.stale && j.attempt.Response != nil && slices.Contains([]int{400, 401, 403}, j.attempt.Response.Status) {
		return inspect.Inconclusive
	}
	return inspect.Fail
}

// refused reports whether the handler answered with a 4xx.
func refused(j judgement) bool {
	return j.attempt.Error == "" && j.attempt.Response != nil && j.attempt.Response.Status/100 == 4
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
