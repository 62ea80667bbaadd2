package provider

import (
	"testing"
	"time"
)

// What is said of how often a provider delivers again is published, or
// follows from what is: a bound of our own is no number of its.
func TestRetryCount(t *testing.T) {
	c := BuiltIn()
	for name, want := range map[string]struct {
		n     int
		known bool
		brief string
	}{
		"apixo":      {3, true, "3 in 12 min 30 s"},
		"github":     {0, true, "never"},
		"adyen":      {99, true, "for 30 days"},
		"square":     {76, true, "for 3 days"},
		"telegram":   {0, false, "for 24 h"},
		"stripe":     {0, false, "for 3 days, intervals not published"},
		"bitbucket":  {2, true, "2, intervals not published"},
		"deepgram":   {10, true, "10, intervals not published"},
		"twilio":     {1, true, "1, intervals not published"},
		"paddle":     {60, true, "60 in 3 days, intervals not published"},
		"paypal":     {25, true, "25 in 3 days, intervals not published"},
		"daglo":      {0, false, "not published"},
		"assemblyai": {9, true, "9 in 1 min 30 s"},
	} {
		d := &c.Provider(name).Delivery
		if n, known := d.RetryCount(); n != want.n || known != want.known {
			t.Errorf("%s: got %d, %v, want %d, %v", name, n, known, want.n, want.known)
		}
		if got := d.Brief(); got != want.brief {
			t.Errorf("%s: got %q, want %q", name, got, want.brief)
		}
	}
	for _, row := range c.Table()[1:] {
		if want := c.Provider(row[0]).Delivery.Brief(); row[6] != want {
			t.Errorf("%s: the table says %q, not %q", row[0], row[6], want)
		}
	}
}

// The retries of a day, or of a month, end with it and not before.
func TestNextToTheEnd(t *testing.T) {
	c := BuiltIn()
	for name, want := range map[string]struct {
		most, least int
		window      time.Duration
	}{
		"telegram": {1444, 1444, 24 * time.Hour}, // at its shortest interval
		"adyen":    {99, 99, 30 * 24 * time.Hour},
		"square":   {76, 76, 72 * time.Hour},
	} {
		d := &c.Provider(name).Delivery
		n, elapsed := 0, time.Duration(0)
		began := time.Now()
		for {
			step, ok := d.Next(Outcome{Status: 500, Attempt: n + 1, Elapsed: elapsed})
			if !ok {
				break
			}
			n, elapsed = n+1, elapsed+step.After.Min
		}
		if n < want.least || n > want.most || elapsed > want.window || elapsed < want.window-9*time.Hour {
			t.Errorf("%s: %d retries in %s", name, n, elapsed)
		}
		t.Logf("%s: %d retries in %s took %s", name, n, elapsed, time.Since(began))
	}
}

// A step that is found without those before it is the same.
func TestStepIsOfTheSteps(t *testing.T) {
	plans := []*Retry{
		delivery(t, "retry: {delays: [1s, 2s], then: 5s..9s, window: 1h}").Retry,
		delivery(t, "retry: {every: 7s, attempts: 50}").Retry,
		delivery(t, "retry: {every: 0s, attempts: 50}").Retry,
		delivery(t, "retry: {curve: {base: 2s, factor: 3, cap: 1s}, attempts: 50}").Retry,
		delivery(t, "retry: {curve: {first: 60s, base: 2s, factor: 2, cap: 60s}, attempts: 50}").Retry,
		delivery(t, "retry: {delays: [3s], curve: {base: 2s, factor: 1, cap: 0s}, window: 1h}").Retry,
	}
	for _, p := range BuiltIn().All() {
		plans = append(plans, p.Delivery.Retry)
	}
	for i, r := range plans {
		last := 0
		for want := range r.steps() {
			last = want.Number
			if got, ok := r.step(last); !ok || got != want {
				t.Errorf("plan %d, step %d: got %+v %v, want %+v", i, last, got, ok, want)
			}
			if last == 3000 {
				t.Fatalf("plan %d has no end", i)
			}
		}
		for _, n := range []int{0, last + 1, last + 2, 1 << 40} {
			if got, ok := r.step(n); ok {
				t.Errorf("plan %d, step %d beyond %d: got %+v", i, n, last, got)
			}
		}
	}
}
