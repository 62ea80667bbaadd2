package replay

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// The size of a burst.
const (
	defaultBurst       = 200
	defaultConcurrency = 20
	maxBurst           = 10_000
	maxConcurrency     = 256
)

func init() {
	kinds["burst"] = kind{check: checkBurst, title: titleBurst, run: runBurst}
}

func checkBurst(spec *Spec) error {
	if spec.Count > maxBurst {
		return fmt.Errorf("a burst of %d: give up to %d", spec.Count, maxBurst)
	}
	if spec.Concurrency > maxConcurrency {
		return fmt.Errorf("%d at a time: give up to %d", spec.Concurrency, maxConcurrency)
	}
	return oneDelivery(spec)
}

func titleBurst(spec *Spec) string {
	n := cmp.Or(spec.Count, defaultBurst)
	return fmt.Sprintf("#%d delivered %s, %d at a time", spec.Deliveries[0], times(n), min(n, cmp.Or(spec.Concurrency, defaultConcurrency)))
}

// A burst is many deliveries at once. Of its attempts only numbers are kept.
type burst struct {
	r      *rehearsal
	new    *renewal
	shared string // the event id that every other delivery has

	mu       sync.Mutex
	took     histogram       // of those that were answered
	ends     map[string]int  // by status, "200 OK", or kind of error
	taken    map[string]bool // the event ids that were accepted
	crashed  int             // 5xx and errors
	refused  int             // other answers that the provider takes for failures
	busy     int             // of these, the 429 that ask it to come again
	denied   int             // of these, the other 4xx
	late     int
	lost     int // could not be reached
	unmade   int
	firstBad string // in words
}

// runBurst delivers new events at once, every other time the same.
func runBurst(r *rehearsal) error {
	b := &burst{r: r, new: r.renewal(r.deliveries[0]), ends: map[string]int{}, taken: map[string]bool{}}
	b.shared = b.new.fresh()
	n, atOnce := cmp.Or(r.spec.Count, defaultBurst), cmp.Or(r.spec.Concurrency, defaultConcurrency)
	r.changes = 0
	for i := range n {
		r.planned(inspect.Step{Label: fmt.Sprintf("delivery %d of %d, %s", i+1, n, b.which(i))})
	}
	begun := time.Now()
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(atOnce, n) {
		wg.Go(func() {
			for i := range next {
				r.guard(func() { b.deliver(i) })
			}
		})
	}
	for i := range n {
		if r.canceled() {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	b.conclude(n, time.Since(begun))
	return nil
}

func (b *burst) which(i int) string {
	if i%2 == 0 || b.new.place == nil {
		return "the same event"
	}
	return "a new event"
}

// deliver makes attempt i.
func (b *burst) deliver(i int) {
	id := b.shared
	if i%2 == 1 {
		id = b.new.fresh()
	}
	b.r.begin(i)
	a, err := b.r.attempt(b.new.options(id))
	if a == nil {
		no := false
		b.r.end(i, nil, err, &no, "")
		b.mu.Lock()
		defer b.mu.Unlock()
		b.unmade++
		b.firstBad = cmp.Or(b.firstBad, err.Error())
		return
	}
	outlook := b.r.provider.Outlook(outcome(a, 1))
	ok, note := outlook.Verdict == provider.Accepted, ""
	if !ok {
		note = outlook.Text
	}
	b.r.end(i, a, nil, &ok, note)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(id, a, ok)
}

// count keeps what counts of an attempt.
func (b *burst) count(id string, a *inspect.Attempt, ok bool) {
	limit, _ := b.r.deadline()
	if a.Duration > limit && a.ErrorKind != inspect.ErrCanceled {
		b.late++
	}
	if a.Error != "" || a.Response == nil {
		b.ends[string(a.ErrorKind)]++
		switch a.ErrorKind {
		case inspect.ErrCanceled: // by the user
		case inspect.ErrRefused, inspect.ErrDNS, inspect.ErrTLS, inspect.ErrTarget:
			b.lost++
			fallthrough
		default:
			b.crashed++
			b.firstBad = cmp.Or(b.firstBad, a.Error)
		}
		return
	}
	status := a.Response.Status
	b.ends[statusText(status)]++
	b.took.add(a.Duration)
	switch accepted := b.r.provider.Delivery.Accepts(status); {
	case status/100 == 5:
		b.crashed++
		b.firstBad = cmp.Or(b.firstBad, "the handler answered "+statusText(status))
	case !accepted:
		b.refused++
		if status == http.StatusTooManyRequests {
			b.busy++
		} else if status/100 == 4 {
			b.denied++
		}
	}
	if ok || b.r.provider.Delivery.Accepts(status) {
		b.taken[id] = true
	}
}

// conclude shows the numbers and says what they come to.
func (b *burst) conclude(n int, took time.Duration) {
	r := b.r
	b.table(took)
	r.changes = len(b.taken)
	if b.new.place != nil {
		r.allNew()
	} else {
		r.note("every delivery had the same event id, because it could not be replaced: %s", b.new.why)
		if r.doneOnce+r.maybeDone > 0 {
			r.find(inspect.CheckOverlap, inspect.Inconclusive, "the handler already knew this event, so a race could not show: %s", rehearseNew)
		}
	}
	limit, published := r.deadline()
	ended := len(b.took.took)
	switch {
	case r.canceled() && ended == 0:
		return
	case b.unmade > 0:
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "%s could not be sent: %s", counted(b.unmade, "attempt"), b.firstBad)
	case b.lost == n:
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "the handler could not be reached: %s", b.firstBad)
	case b.crashed > 0:
		r.find(inspect.CheckAccepted, inspect.Fail, "%d of %d failed under load: %s", b.crashed, n, b.firstBad)
	case b.refused == 0:
		r.find(inspect.CheckAccepted, inspect.Pass, "none of %d failed: %s, %s", ended, rate(ended, took), b.took.String())
	}
	b.findRefused(n)
	switch {
	case b.late > 0 && published:
		r.find(inspect.CheckInTime, inspect.Fail, "%d of %d took longer than the %s that the provider waits", b.late, n, provider.InWords(limit))
	case b.late > 0:
		r.find(inspect.CheckInTime, inspect.Inconclusive, "%d of %d took longer than %s; how long the provider waits is not published", b.late, n, provider.InWords(limit))
	case ended > 0 && published:
		r.find(inspect.CheckInTime, inspect.Pass, "each was answered within the %s that the provider waits", provider.InWords(limit))
	case ended > 0:
		r.note("each was answered within %s; how long the provider waits is not published", provider.InWords(limit))
	}
}

// findRefused says what the answers come to that are neither accepted nor 5xx.
func (b *burst) findRefused(n int) {
	r := b.r
	other := b.refused - b.busy
	if b.busy > 0 {
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "%d of %d were neither accepted nor failed (%s): the provider would deliver them again", b.busy, n, b.statuses())
	}
	switch {
	case other == 0:
	case len(b.taken) == 0 && other == b.denied && b.new.place != nil:
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "none was accepted (%s): they came with new event ids, which the handler may not know", b.statuses())
	case len(b.taken) == 0 && other == b.denied && r.stale:
		r.find(inspect.CheckAccepted, inspect.Inconclusive, "none was accepted (%s): they came with the signature that arrived", b.statuses())
	default:
		r.find(inspect.CheckAccepted, inspect.Fail, "%d of %d were not accepted (%s): %s wants %s", other, n, b.statuses(), r.provider.Title, cmp.Or(r.provider.Delivery.Success.String(), "any 2xx"))
	}
}

// statuses says how often each answer came: "190 × 200 OK, 10 × 429 Too Many Requests".
func (b *burst) statuses() (text string) {
	for i, end := range slices.Sorted(maps.Keys(b.ends)) {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d × %s", b.ends[end], end)
	}
	return text
}

// table shows the latencies, the throughput and the answers.
func (b *burst) table(took time.Duration) {
	table := &inspect.Table{Columns: []string{"answered", "attempts", "share"}, Rows: b.took.rows()}
	if ended := len(b.took.took); ended > 0 {
		table.Rows = append(table.Rows, []string{"throughput", rate(ended, took), ""})
	}
	for _, end := range slices.Sorted(maps.Keys(b.ends)) {
		table.Rows = append(table.Rows, []string{end, strconv.Itoa(b.ends[end]), ""})
	}
	b.r.update(func(sim *inspect.Simulation) { sim.Table = table })
}

// rate says how many there were in a second.
func rate(n int, took time.Duration) string {
	return strconv.FormatFloat(float64(n)/max(took.Seconds(), 1e-3), 'f', 0, 64) + " a second"
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
