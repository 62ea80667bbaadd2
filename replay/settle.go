package replay

import (
	"context"
	"time"

	"hookloop/inspect"
)

// How long a probe is watched, in times of its settle time. A handler may do
// its work after it has answered, so nothing is ever certain: a finding says
// how long was waited for it.
const (
	defaultSettle = 2 * time.Second
	maxSettle     = 10 * time.Minute
	settlePatient = 5  // as long, where something is still to happen
	settleMost    = 15 // after so long a value that still changes is left
	settleReads   = 10 // readings in a settle time
)

// quiet is how long the value has to stay before it is believed. Where the
// first change was slow, others may be.
func (p *prober) quiet() time.Duration { return max(p.Settle, 2*p.lag) }

// patience is how long something that is to happen may take.
func (p *prober) patience() time.Duration { return max(p.quiet(), settlePatient*p.Settle) }

// settled reads the value until it has stayed the same for as long as stay says
// of it; 0 = it is believed at once. moving is whether it still changed when it
// was left.
func (p *prober) settled(ctx context.Context, stay func(value string) time.Duration) (value string, moving bool, err error) {
	began := time.Now()
	since := began
	if p.watched.IsZero() {
		p.watched = began
	}
	for first := true; ; first = false {
		next, err := p.read(ctx)
		switch {
		case err != nil:
			return "", false, err
		case first || next != value:
			value, since = next, time.Now()
			p.noteLag(value, began)
		}
		switch {
		case time.Since(since) >= stay(value):
			return value, false, nil
		case time.Since(began) >= settleMost*p.Settle:
			return value, true, nil
		case sleep(ctx, p.Settle/settleReads) != nil:
			return value, false, nil
		}
	}
}

// noteLag notes how long after the first attempt the first change came, or
// after the latest, from which began is, where the first is long ago.
func (p *prober) noteLag(value string, began time.Time) {
	if p.moved || value == p.before {
		return
	}
	p.moved, p.lag = true, time.Since(p.watched)
	if p.lag > settlePatient*p.Settle {
		p.lag = time.Since(began)
	}
}

// still returns how long the value has to stay before the first attempt: until
// the work of an earlier one, which ended at lastWork, should be done, and
// longer where nothing shows of work that is known of; and for two readings at
// least, to tell a value that changes by itself.
func (p *prober) still(lastWork time.Time, known bool) func(value string) time.Duration {
	began, first, seen := time.Now(), "", false
	return func(value string) time.Duration {
		if !seen {
			first, seen = value, true
		}
		after := p.quiet()
		if known && isNothing(value) {
			after = p.patience()
		}
		if value != first {
			return after
		}
		return max(after-began.Sub(lastWork), p.Settle/settleReads)
	}
}

// take reads the probe as settled does.
func (p *prober) take(ctx context.Context, when string, stay func(value string) time.Duration) inspect.Reading {
	reading := inspect.Reading{When: when}
	var err error
	reading.Value, reading.Moving, err = p.settled(ctx, stay)
	if when == probeBefore {
		p.before, p.watched, p.moved, p.lag = reading.Value, time.Time{}, false, 0
	}
	reading.At = time.Now().UTC()
	if err != nil {
		reading.Value, reading.Error = "", err.Error()
	}
	return reading
}
