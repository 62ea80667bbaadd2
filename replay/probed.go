package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A probed is what the values of a probe come to.
type probed struct {
	inspect.Reason
	more bool // something is still to happen, as it seems
	over bool // more happened than may, whatever comes
}

// open returns how long the last value has to stay, after the readings before
// it: as long as what it comes to is open.
func (p *prober) open(before []inspect.Reading, want, done int) (stay func(value string) time.Duration) {
	values := valuesOf(before)
	return func(value string) time.Duration {
		switch j := judgeProbe(append(slices.Clone(values), value), want, done); {
		case j.over:
			return 0
		case j.more:
			return p.patience()
		}
		return p.quiet()
	}
}

func valuesOf(readings []inspect.Reading) (values []string) {
	for _, one := range readings {
		values = append(values, one.Value)
	}
	return values
}

// judge says in a finding whether the side effect happened as often as it is
// to: want times, or less by the done times that it may have happened before.
func (p *prober) judge(readings []inspect.Reading, want, done int) inspect.Reason {
	open := func(format string, args ...any) inspect.Reason {
		return inspect.Reason{Verdict: inspect.Inconclusive, Check: inspect.CheckSideEffect, Text: fmt.Sprintf(format, args...)}
	}
	if i := slices.IndexFunc(readings, failedReading); i >= 0 {
		return open("%s, %s", readings[i].When, readings[i].Error)
	}
	if len(readings) < 2 || readings[len(readings)-1].When != probeLast {
		return open("the probe was not read after the last attempt, so it is not known how often the side effect happened")
	}
	j := judgeProbe(valuesOf(readings), want, done)
	switch {
	case j.over:
	case slices.ContainsFunc(readings, movingReading):
		return open("what the probe says still changed %s after an attempt: it went from %s to %s, and may go on; give it longer with --probe-settle",
			provider.InWords(settleMost*p.Settle), quoted(readings[0].Value), quoted(readings[len(readings)-1].Value))
	case j.more:
		j.Text += fmt.Sprintf(" (watched for %s after the last attempt; give a slower handler longer with --probe-settle)", provider.InWords(p.patience()))
	default:
		j.Text += fmt.Sprintf(" (watched for %s after the last attempt)", provider.InWords(p.quiet()))
	}
	return j.Reason
}

// maxCount is the largest number that counts as a count.
const maxCount = 1e15

// counts returns the values as numbers; ok is false where one is none.
func counts(values []string) (all []int64, ok bool) {
	for _, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > maxCount || n < -maxCount {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}

func isCount(value string) bool {
	_, ok := counts([]string{value})
	return ok
}

// judgeProbe judges what a probe said before, after the first attempt (unless
// that was not read) and after the last. The side effect is to have happened
// want times, of which up to done may have been before.
func judgeProbe(values []string, want, done int) probed {
	all, ok := counts(values)
	if !ok {
		return judgeText(values, want, done)
	}
	first, last := all[0], all[len(all)-1]
	moved := int64(0)
	for i := range all[1:] {
		moved += max(all[i+1]-all[i], all[i]-all[i+1])
	}
	path := fmt.Sprintf("the count went from %d to %d", first, last)
	if len(all) == 3 && all[1] != first && all[1] != last {
		path = fmt.Sprintf("the count went from %d to %d with the first attempt, and then to %d", first, all[1], last)
	}
	least := int64(max(want-done, 0))
	switch {
	case moved > int64(want) && want == 0:
		return over(path + ": the side effect happened, and was not to")
	case moved > int64(want):
		return over(path + ": the side effect happened " + times(int(moved)) + ", and was to happen " + times(want))
	case moved == 0 && want == 0:
		return found(inspect.Pass, fmt.Sprintf("the count stayed at %d: there was no side effect", first))
	case moved == 0 && least == 0 && first == 0:
		return awaited(inspect.Inconclusive, "the count stayed at 0"+neverSeen)
	case moved == 0 && least == 0:
		return found(inspect.Pass, fmt.Sprintf("the count stayed at %d: the handler had accepted this before, and did not do it again", first))
	case moved == 0:
		return awaited(inspect.Fail, fmt.Sprintf("the count stayed at %d: the side effect never happened", first))
	case moved < least:
		return awaited(inspect.Fail, path+": the side effect happened only "+times(int(moved))+", and was to happen "+times(want))
	case moved > least && first != 0:
		return found(inspect.Inconclusive, path+seenBefore)
	}
	return found(inspect.Pass, path+": the side effect happened "+times(int(moved)))
}

func found(v inspect.Verdict, text string) probed {
	return probed{Reason: inspect.Reason{Verdict: v, Check: inspect.CheckSideEffect, Text: text}}
}

func awaited(v inspect.Verdict, text string) probed {
	j := found(v, text)
	j.more = true
	return j
}

func over(text string) probed {
	j := found(inspect.Fail, text)
	j.over = true
	return j
}

// What is said where an event is not new to the handler.
const (
	// seenBefore is of a side effect that may be the second one.
	seenBefore = ": but the handler had accepted this before, and if it did the work then, it has done it again; " +
		"rehearse a delivery that it has not seen, such as one of `hookloop trigger`"
	// neverSeen is of one that there should have been before.
	neverSeen = ": the handler had accepted this before, but nothing shows of it, so the work was lost, or the probe does not see it; " +
		"rehearse a delivery that it has not seen, such as one of `hookloop trigger`"
)

// judgeText is judgeProbe for a probe that does not count.
func judgeText(values []string, want, done int) probed {
	first, last := values[0], values[len(values)-1]
	same := !slices.ContainsFunc(values, func(v string) bool { return v != first })
	path := fmt.Sprintf("what the probe says went from %s to %s", quoted(first), quoted(last))
	switch {
	case same && want == 0:
		return found(inspect.Pass, "what the probe says did not change: there was no side effect")
	case same && done >= want && isNothing(first):
		return awaited(inspect.Inconclusive, "the probe says "+quoted(first)+" all the time"+neverSeen)
	case same && done >= want:
		return found(inspect.Pass, "what the probe says did not change: the handler had accepted this before, and did not do it again")
	case same:
		return awaited(inspect.Fail, "what the probe says did not change: the side effect never happened")
	case want == 0:
		return found(inspect.Fail, path+": there was a side effect, and was to be none")
	case want == 1 && done > 0 && len(values) == 3 && values[1] != first && values[1] == last:
		return found(inspect.Inconclusive, path+seenBefore)
	case want == 1 && len(values) == 3 && values[1] != first && values[1] == last:
		return found(inspect.Pass, path+" with the first attempt, and did not change after it: the side effect happened once")
	case want == 1 && len(values) == 3 && values[1] != first:
		return found(inspect.Fail, path+", and changed again after the first attempt: the side effect happened more than once")
	}
	return found(inspect.Inconclusive, path+": it is no count, so it does not say how often the side effect happened; have the probe say a number")
}

// isNothing reports whether a value is a way to say that there is nothing.
func isNothing(value string) bool {
	return slices.Contains([]string{"", "0", "none", "null", "nil", "false", "[]", "{}"}, strings.ToLower(value))
}

// times returns "once", "twice" or "3 times".
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}
