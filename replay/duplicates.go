package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// The modes of duplicates.
const (
	modeSerial     = "serial"
	modeConcurrent = "concurrent"
	modeOverlap    = "overlap"
)

const maxDuplicates = 100

func init() {
	kinds["duplicates"] = kind{check: checkDuplicates, title: titleDuplicates, prepare: prepareDuplicates, run: runDuplicates}
}

func checkDuplicates(spec *Spec) error {
	if !slices.Contains([]string{"", modeSerial, modeConcurrent, modeOverlap}, spec.Mode) {
		return fmt.Errorf("there is no mode %q: it is serial, concurrent or overlap", spec.Mode)
	}
	if spec.Count == 1 || spec.Count > maxDuplicates {
		return fmt.Errorf("%d duplicates: give from 2 to %d, the first included", spec.Count, maxDuplicates)
	}
	return oneDelivery(spec)
}

func titleDuplicates(spec *Spec) string {
	how := map[string]string{
		modeSerial: "one after the other", modeConcurrent: "at the same time", modeOverlap: "each while the one before may still run",
	}[cmp.Or(spec.Mode, modeSerial)]
	return fmt.Sprintf("#%d delivered %s, %s", spec.Deliveries[0], times(cmp.Or(spec.Count, 2)), how)
}

// prepareDuplicates makes a new event where a race has to show.
func prepareDuplicates(r *rehearsal) error {
	if r.tried && (r.spec.Mode == modeConcurrent || r.spec.Mode == modeOverlap) {
		if why := r.unknownEvent(); why != "" && r.doneOnce > 0 {
			r.find(inspect.CheckOverlap, inspect.Inconclusive, "the handler already knew this event, so a race could not show, and its event id could not be replaced: %s; %s", why, unseenAdvice)
		}
	}
	return nil
}

// runDuplicates delivers the same event several times, signed as providers sign
// each delivery: with the time at which it is sent.
func runDuplicates(r *rehearsal) error {
	n, deadline, began := cmp.Or(r.spec.Count, 2), time.Duration(0), time.Now()
	if r.spec.Mode == modeOverlap {
		deadline, _ = r.deadline()
	}
	for i := range n {
		step := inspect.Step{Label: fmt.Sprintf("delivery %d of %d", i+1, n), Offset: time.Duration(i) * deadline}
		if deadline > 0 {
			step.DueAt = began.Add(step.Offset).UTC()
		}
		r.planned(step)
	}
	r.patient = deadline > 0
	start := newStart(r.s.Sender.Transport, n)
	var wg sync.WaitGroup
	for i := range n {
		ended := make(chan struct{})
		wg.Go(func() {
			defer close(ended)
			r.guard(func() {
				if r.spec.Mode == modeConcurrent {
					r.duplicate(i, start)
				} else {
					r.duplicate(i, nil)
				}
			})
		})
		switch r.spec.Mode {
		case modeConcurrent:
		case modeOverlap:
			if r.overlap(ended, deadline) && i+1 < n {
				r.bringForward(i+1, time.Since(began), deadline)
			}
		default:
			<-ended
			if i == 0 {
				r.afterFirst()
			}
		}
		if r.canceled() {
			break
		}
	}
	wg.Wait()
	r.findAccepted()
	r.findUnpublished()
	r.findAlike()
	if r.patient {
		r.findOverlap(deadline)
	}
	return nil
}

// unseenAdvice is what to rehearse where the handler has had an event.
const unseenAdvice = "rehearse a delivery that it has not seen: one that came while `hookloop listen` ran without a handler, sent with --to"

// unknownEvent has the attempts be those of an event that the handler has not
// had; or it says why its event id could not be replaced.
func (r *rehearsal) unknownEvent() (why string) {
	n := r.renewal(r.deliveries[0])
	if n.place == nil {
		return n.why
	}
	id := n.fresh()
	r.fresh = n.options(id)
	if r.probe != nil {
		r.probe.eventID = id
	}
	r.renewed = true
	r.allNew()
	r.note("the handler has had this event before, so the deliveries had a new event id, the same each time")
	return ""
}

// duplicate makes delivery i; through start, if that is not nil.
func (r *rehearsal) duplicate(i int, start *start) {
	r.begin(i)
	o := r.fresh
	o.Trigger, o.Signing = inspect.Duplicate, r.signing
	if start != nil {
		pass := start.pass()
		defer pass.arrive() // where it never was sent
		o.Transport = pass
	}
	a, err := r.attempt(o)
	r.finish(i, a, err, 1)
}

// findOverlap says whether deliveries did overlap, and when.
func (r *rehearsal) findOverlap(deadline time.Duration) {
	var late []string
	overlapped := false
	last := cmp.Or(r.spec.Count, 2) - 1
	for _, j := range r.judgements() {
		if j.attempt.Duration > deadline {
			late = append(late, r.label(j.step)+" "+provider.TookOf(j.attempt.Duration, deadline))
			overlapped = overlapped || j.step < last
		}
	}
	if len(late) > toldFailures {
		late = append(late[:toldFailures], fmt.Sprintf("%d more took longer, too", len(late)-toldFailures))
	}
	if len(late) > 0 {
		r.note("%s: the provider had given up, and delivers again while the handler still works", strings.Join(late, ", "))
	}
	if !overlapped {
		r.find(inspect.CheckOverlap, inspect.Pass, "the handler answered within the deadline of %s each time that another delivery was to come, so none overlap; a shorter --deadline has them do so", provider.InWords(deadline))
	}
}

// overlap returns true when the attempt that closes ended has; false at the
// provider's deadline: the handler's work goes on.
func (r *rehearsal) overlap(ended <-chan struct{}, deadline time.Duration) bool {
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
	case <-r.ctx.Done():
	}
	return false
}

// bringForward has step next begin so long after the first, instead of at the
// deadline, and those after it as much earlier. Below half a second there is no
// offset worth telling.
func (r *rehearsal) bringForward(next int, after, deadline time.Duration) {
	now := time.Now().UTC()
	if after < time.Second/2 {
		after = 0
	}
	r.update(func(sim *inspect.Simulation) {
		for i := next; i < len(sim.Steps); i++ {
			later := time.Duration(i-next) * deadline
			sim.Steps[i].Offset, sim.Steps[i].DueAt = after+later, now.Add(later)
		}
	})
}

// findAlike says in a finding whether the answers to the same event were alike:
// in the class of their status, and, as a note, in their bodies.
func (r *rehearsal) findAlike() {
	var first *judgement
	other, body := 0, "" // another status, other bodies
	all := r.judgements()
	for i := range all {
		j := &all[i]
		switch response := j.attempt.Response; {
		case response == nil || j.attempt.Error != "" || response.Header.Get(AnsweredHeader) != "":
		case first == nil:
			first = j
		case response.Status/100 != first.attempt.Response.Status/100:
			r.find(inspect.CheckAlike, inspect.Fail, "the answers differ: %s got %s, %s got %s", r.label(first.step), statusText(first.attempt.Response.Status),
				r.label(j.step), statusText(response.Status))
			return
		case response.Status != first.attempt.Response.Status:
			other = cmp.Or(other, response.Status)
		case body == "" && j.body != first.body:
			body = fmt.Sprintf("; their bodies differ: %s, then %s", quoted(string(first.attempt.Response.Body)), quoted(string(response.Body)))
		}
	}
	switch {
	case first == nil || len(all) < 2:
	case other != 0:
		r.find(inspect.CheckAlike, inspect.Pass, "the answers were of one kind, with different statuses: %s, then %s%s", statusText(first.attempt.Response.Status), statusText(other), body)
	default:
		r.find(inspect.CheckAlike, inspect.Pass, "the answers were alike%s", body)
	}
}
