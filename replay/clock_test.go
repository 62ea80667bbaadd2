package replay

import (
	"context"
	"math"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hookloop/inspect/provider"
)

// A played delivery is one that a clock made, and when by our clock.
type played struct {
	turn
	at time.Duration
}

// play has a clock deliver, with answers that take no time, and returns the
// deliveries and the plan before them.
func play(t *testing.T, c *clock, answer func(turn) provider.Outcome) (all []played, plan []turn) {
	t.Helper()
	began := time.Now()
	c.play(t.Context(), func(now turn) provider.Outcome {
		all = append(all, played{now, time.Since(began)})
		return answer(now)
	}, func(last turn, next []turn) {
		if last.number == 0 {
			plan = next
		}
	})
	return all, plan
}

func status(code int) func(turn) provider.Outcome {
	return func(turn) provider.Outcome { return provider.Outcome{Status: code} }
}

func builtin(t *testing.T, name string) *provider.Provider {
	t.Helper()
	p := provider.BuiltIn().Provider(name)
	if p == nil {
		t.Fatalf("there is no provider %s", name)
	}
	return p
}

func half() float64 { return 0.5 }

// Schedules are those that the providers publish, to the second, up to days.
func TestClockSchedules(t *testing.T) {
	h, m, s := time.Hour, time.Minute, time.Second
	for _, tt := range []struct {
		provider string
		status   int
		want     []time.Duration // nil: those of the plan
		last     time.Duration   // 0: that of want
	}{
		{"apixo", 201, []time.Duration{0, 30 * s, 150 * s, 750 * s}, 0},
		{"standardwebhooks", 500, []time.Duration{
			0, 5 * s, 5*m + 5*s, 35*m + 5*s, 2*h + 35*m + 5*s, 7*h + 35*m + 5*s,
			17*h + 35*m + 5*s, 31*h + 35*m + 5*s, 51*h + 35*m + 5*s, 75*h + 35*m + 5*s,
		}, 0},
		{"slack", 500, []time.Duration{0, 0, m, 6 * m}, 0},
		{"linear", 500, []time.Duration{0, m, h + m, 7*h + m}, 0},
		{"stripe", 500, nil, 72 * h},
		{"telegram", 500, nil, 24 * h},
		{"adyen", 500, nil, 30 * 24 * h},
		{"github", 500, []time.Duration{0}, 0},
		{"apixo", 200, []time.Duration{0}, 0},
		{"standardwebhooks", 410, []time.Duration{0}, 0},
		{"sns", 404, []time.Duration{0}, 0},
	} {
		t.Run(tt.provider, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := builtin(t, tt.provider)
				if tt.want == nil {
					tt.want = []time.Duration{0}
					for _, step := range p.Delivery.Retries() {
						tt.want = append(tt.want, (step.At.Min+step.At.Max)/2)
					}
				}
				all, _ := play(t, &clock{provider: p, rand: half}, status(tt.status))
				var at []time.Duration
				for i, d := range all {
					at = append(at, d.at)
					if d.number != i+1 || d.offset != d.at {
						t.Errorf("delivery %d is numbered %d, at %s by the provider's clock and %s by ours", i+1, d.number, d.offset, d.at)
					}
				}
				begin := at
				if len(tt.want) == maxPlanned+1 { // as many as are planned ahead
					begin = at[:min(len(at), len(tt.want))]
				}
				if !slices.Equal(begin, tt.want) {
					t.Errorf("deliveries at %v\nwant          %v", begin, tt.want)
				}
				if last := at[len(at)-1]; tt.last > 0 && (last > tt.last || last < tt.last*9/10) {
					t.Errorf("the last is at %s, want about %s", last, tt.last)
				}
			})
		})
	}
}

// The waits are compressed, the provider's clock is not; nor is the time that
// the handler takes.
func TestClockSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{provider: builtin(t, "apixo"), speed: 60}
		all, plan := play(t, c, func(turn) provider.Outcome {
			time.Sleep(3 * time.Second)
			return provider.Outcome{Status: 500, Duration: 3 * time.Second}
		})
		s := time.Second
		wantAt := []time.Duration{0, 3500 * time.Millisecond, 8500 * time.Millisecond, 21500 * time.Millisecond}
		wantOffset := []time.Duration{0, 33 * s, 156 * s, 759 * s}
		for i, d := range all {
			if d.at != wantAt[i] || d.offset != wantOffset[i] {
				t.Errorf("delivery %d: at %s, %s by the provider's clock, want %s and %s", i+1, d.at, d.offset, wantAt[i], wantOffset[i])
			}
		}
		if len(plan) != 4 || plan[3].offset != 750*s || plan[3].due.Sub(plan[0].due) != 12500*time.Millisecond {
			t.Errorf("the plan was %+v", plan)
		}
	})
}

func TestClockRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{provider: builtin(t, "standardwebhooks"), rand: func() float64 { return 0 }}
		all, _ := play(t, c, func(now turn) provider.Outcome {
			if now.number == 1 {
				return provider.Outcome{Status: 503, Header: http.Header{"Retry-After": {"17"}}}
			}
			return provider.Outcome{Status: 503 - 303*(now.number/3)} // the third is accepted
		})
		// The answer's time is exact; the provider's own has jitter, here the least.
		if len(all) != 3 || all[1].at != 17*time.Second || all[2].at != 17*time.Second+270*time.Second {
			t.Errorf("got %+v, want three deliveries, after 17 s and 4 min 30 s", all)
		}
		if all[1].before.Status != 503 || all[1].before.Attempt != 1 {
			t.Errorf("the one before the second was %+v", all[1].before)
		}
	})
}

// A random time is drawn once: what was told of the plan holds.
func TestClockJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := builtin(t, "jira")
		all, plan := play(t, &clock{provider: p}, status(503))
		if len(all) != 6 || len(plan) != 6 {
			t.Fatalf("%d deliveries and %d planned, want 6", len(all), len(plan))
		}
		for i := range all {
			if all[i].at != plan[i].offset {
				t.Errorf("delivery %d at %s, planned for %s", i+1, all[i].at, plan[i].offset)
			}
			if i == 0 {
				continue
			}
			if wait := all[i].at - all[i-1].at; wait < 5*time.Minute || wait > 15*time.Minute {
				t.Errorf("delivery %d comes %s after the one before, want 5 to 15 min", i+1, wait)
			}
		}
		if c := (&clock{provider: p, rand: func() float64 { return 0 }}); mustInterval(t, c) != 5*time.Minute {
			t.Error("the least is not 5 min")
		}
	})
}

func mustInterval(t *testing.T, c *clock) time.Duration {
	t.Helper()
	after, _, ok := c.interval(provider.Outcome{Status: 503, Attempt: 1})
	if !ok {
		t.Fatal("no retry")
	}
	return after
}

// A handler that is slower than the provider's limit gets the next delivery
// counted from the limit.
func TestClockDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, _ := play(t, &clock{provider: builtin(t, "apixo")}, func(turn) provider.Outcome {
			time.Sleep(30 * time.Second)
			return provider.Outcome{Failure: "timeout", Duration: 30 * time.Second}
		})
		if len(all) != 4 || all[1].at != time.Minute {
			t.Errorf("got %+v, want four deliveries, the second after a minute", all)
		}
	})
}

func TestClockGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []int{200, 410} {
			all, _ := play(t, &clock{provider: builtin(t, "standardwebhooks"), goOn: true, rand: half}, status(code))
			if len(all) != 10 || all[9].at != 75*time.Hour+35*time.Minute+5*time.Second {
				t.Errorf("after %d: %d deliveries, want the whole schedule", code, len(all))
			}
		}
	})
}

func TestClockSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		step := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var sent atomic.Int64
		ended := make(chan struct{})
		c := &clock{provider: builtin(t, "apixo"), step: step}
		go func() {
			defer close(ended)
			c.play(ctx, func(now turn) provider.Outcome {
				if now.number > 1 && !now.due.IsZero() {
					t.Errorf("delivery %d is due at %s, want no time", now.number, now.due)
				}
				sent.Add(1)
				return provider.Outcome{Status: 500}
			}, nil)
		}()
		time.Sleep(24 * time.Hour)
		if n := sent.Load(); n != 1 {
			t.Errorf("%d deliveries without a step, want 1", n)
		}
		step <- struct{}{}
		synctest.Wait()
		if n := sent.Load(); n != 2 {
			t.Errorf("%d deliveries after a step, want 2", n)
		}
		cancel()
		<-ended
	})
}

// TestClockIsBounded has a wait that is longer than a Duration be the longest one.
func TestClockIsBounded(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{time.Hour: 100 * time.Hour, 10 * 365 * 24 * time.Hour: math.MaxInt64} {
		c := &clock{speed: minSpeed}
		if got := c.scaled(d); got != want {
			t.Errorf("%s at a speed of %v takes %s, want %s", d, c.speed, got, want)
		}
	}
}
