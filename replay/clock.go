package replay

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"hookloop/inspect/provider"
)

// A clock plays a provider's retries. It knows of no store and no handler.
type clock struct {
	provider *provider.Provider
	speed    float64         // how much faster the waits between deliveries pass; 0 = 1
	goOn     bool            // the whole schedule, whatever the answers
	step     <-chan struct{} // if not nil, each retry waits for a receive instead of for its time
	rand     func() float64  // in [0, 1); nil = math/rand

	drawn []float64 // for each retry, so that a plan stays as it was told
}

// A turn is one delivery of a schedule.
type turn struct {
	number int              // from 1
	offset time.Duration    // since the first, by the provider's clock
	due    time.Time        // by ours; zero where it waits for a step
	guess  bool             // the interval before it is not published
	before provider.Outcome // how the one before ended
}

// play makes deliveries until the provider would make no more: then it returns
// true. It returns false when ctx ended first, or the steps did.
// send makes one and returns how it ended as the provider sees it, which waits
// no longer than its limit. planned, if not nil, is told after each what is to
// come, if that fails like the last; first of all, with the zero turn, of all.
func (c *clock) play(ctx context.Context, send func(turn) provider.Outcome, planned func(last turn, next []turn)) bool {
	tell := func(last turn, next []turn) {
		if planned != nil {
			planned(last, next)
		}
	}
	now := turn{number: 1, due: time.Now()}
	tell(turn{}, append([]turn{now}, c.after(now, provider.Outcome{Status: 500, Attempt: 1}, now.due)...))
	for {
		began := time.Now()
		o := send(now)
		o.Attempt, o.Elapsed = now.number, now.offset+o.Duration
		next := c.after(now, o, began.Add(o.Duration))
		tell(now, next)
		if len(next) == 0 {
			return true
		}
		if !c.wait(ctx, next[0].due) {
			return false
		}
		now = next[0]
		now.before = o
	}
}

const (
	maxTurns   = 1500 // of a schedule: the longest that is published has some 1440 retries
	maxPlanned = 100  // turns ahead that are told
)

// after returns the deliveries after one that ended as o at a time.
func (c *clock) after(now turn, o provider.Outcome, at time.Time) (next []turn) {
	offset := now.offset + o.Duration
	for number := now.number + 1; number <= min(now.number+maxPlanned, maxTurns+1); number++ {
		after, guess, ok := c.interval(o)
		if !ok {
			break
		}
		offset += after
		at = at.Add(c.scaled(after))
		t := turn{number: number, offset: offset, due: at, guess: guess}
		if c.step != nil {
			t.due = time.Time{}
		}
		next = append(next, t)
		o.Attempt, o.Elapsed, o.Header = number, offset, nil
	}
	return next
}

// interval returns the time until the delivery after one that ended as o.
func (c *clock) interval(o provider.Outcome) (after time.Duration, guess, ok bool) {
	rules := &c.provider.Delivery
	step, ok := rules.Next(o)
	if !ok && c.goOn {
		o = provider.Outcome{Status: 500, Attempt: o.Attempt, Elapsed: o.Elapsed}
		step, ok = rules.Next(o)
	}
	if !ok {
		return 0, false, false
	}
	header := o.Header
	o.Header = nil
	plain, _ := rules.Next(o)
	low, high := step.After.Min, step.After.Max
	asked := header != nil && plain.After != step.After // by Retry-After
	if low == high && rules.Retry != nil && rules.Retry.Jitter && !asked {
		low, high = low-low/10, high+high/10
	}
	if low == high {
		return low, step.Guess, true
	}
	return low + time.Duration(c.draw(o.Attempt)*float64(high-low)), step.Guess, true
}

// draw returns the random number of retry n, the same each time.
func (c *clock) draw(n int) float64 {
	random := c.rand
	if random == nil {
		random = rand.Float64
	}
	for len(c.drawn) <= n {
		c.drawn = append(c.drawn, random())
	}
	return c.drawn[n]
}

// scaled is how long a wait of the provider's is here.
func (c *clock) scaled(d time.Duration) time.Duration {
	if c.speed <= 0 {
		return d
	}
	scaled := float64(d) / c.speed
	if scaled >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(scaled)
}

// wait returns when the next delivery is due; false = ctx or the steps ended first.
func (c *clock) wait(ctx context.Context, due time.Time) bool {
	if c.step != nil {
		select {
		case _, ok := <-c.step:
			return ok
		case <-ctx.Done():
			return false
		}
	}
	return sleep(ctx, time.Until(due)) == nil
}
