package replay

import (
	"fmt"
	"regexp"
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

// An expectation is how often a side effect is to happen.
type expectation struct {
	want     int // times in all
	done     int // of them, so many happened before, as far as is known
	maybe    int // and so many may have
	optional int // and so many need not happen
}

// open returns how long the last value has to stay, after the readings before
// it: as long as what it comes to is open.
func (p *prober) open(before []inspect.Reading, e expectation) (stay func(value string) time.Duration) {
	values := valuesOf(before)
	return func(value string) time.Duration {
		switch j := judgeProbe(append(slices.Clone(values), value), e); {
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

// judge says in a finding whether the side effect happened as often as it is to.
func (p *prober) judge(readings []inspect.Reading, e expectation) inspect.Reason {
	open := func(format string, args ...any) inspect.Reason {
		return inspect.Reason{Verdict: inspect.Inconclusive, Check: inspect.CheckSideEffect, Text: fmt.Sprintf(format, args...)}
	}
	if i := slices.IndexFunc(readings, failedReading); i >= 0 {
		return open("%s, %s", readings[i].When, readings[i].Error)
	}
	if len(readings) < 2 || readings[len(readings)-1].When != probeLast {
		return open("the probe was not read after the last attempt, so it is not known how often the side effect happened")
	}
	j := judgeProbe(valuesOf(readings), e)
	switch {
	case readings[0].Moving:
		return open("what the probe says changed before the first attempt already, and did not settle within %s: it says nothing of the side effect",
			provider.InWords(settleMost*p.Settle))
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

// unit is what may stand behind a count: "3 orders".
var unit = regexp.MustCompile(`^([0-9]+)\s+\pL+$`)

// counts returns the values as numbers; ok is false where one is none.
func counts(values []string) (all []int64, ok bool) {
	for _, v := range values {
		if m := unit.FindStringSubmatch(v); m != nil {
			v = m[1]
		}
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
// that was not read) and after the last.
func judgeProbe(values []string, e expectation) probed {
	want := e.want
	all, ok := counts(values)
	if !ok {
		return judgeText(values, e)
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
	least := int64(max(want-e.done-e.maybe-e.optional, 0))
	known := e.done+e.maybe > 0
	switch {
	case moved > int64(want) && want == 0:
		return over(path + ": the side effect happened, and was not to")
	case moved > int64(want):
		return over(path + ": the side effect happened " + times(int(moved)) + ", and was to happen " + times(want))
	case moved == 0 && want == 0:
		return found(inspect.Pass, fmt.Sprintf("the count stayed at %d: there was no side effect", first))
	case moved == 0 && least == 0 && first == 0 && e.done > 0:
		return awaited(inspect.Fail, "the count stayed at 0: the handler accepted this before, too, and the side effect never happened")
	case moved == 0 && least == 0 && e.done < want:
		return found(inspect.Inconclusive, fmt.Sprintf("the count stayed at %d", first)+maybeBefore)
	case moved == 0 && least == 0:
		return found(inspect.Pass, fmt.Sprintf("the count stayed at %d: the handler had accepted this before, and did not do it again", first))
	case moved == 0:
		return awaited(inspect.Fail, fmt.Sprintf("the count stayed at %d: the side effect never happened", first))
	case moved < least:
		return awaited(inspect.Fail, path+": the side effect happened only "+times(int(moved))+", and was to happen "+times(want))
	case known && moved > int64(max(want-e.done-e.maybe, 0)) && first != 0:
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
	seenBefore = ": but the handler has had this before, and if it did the work then, it has done it again; " + rehearseNew
	// maybeBefore is of one that may have been before.
	maybeBefore = ": the handler has had this before, and may have done the work then, although it did not accept it; " + rehearseNew

	rehearseNew = "rehearse a delivery that it has not seen, captured by a `hookloop listen` without a handler"
)

// judgeText is judgeProbe for a probe that does not count.
func judgeText(values []string, e expectation) probed {
	want, done := e.want, e.done+e.maybe
	first, last := values[0], values[len(values)-1]
	same := !slices.ContainsFunc(values, func(v string) bool { return v != first })
	path := fmt.Sprintf("what the probe says went from %s to %s", quoted(first), quoted(last))
	switch {
	case same && want == 0:
		return found(inspect.Pass, "what the probe says did not change: there was no side effect")
	case same && done >= want && isNothing(first):
		return awaited(inspect.Fail, "the probe says "+quoted(first)+" all the time: the handler accepted this before, too, and the side effect never happened")
	case same && done >= want && e.done < want:
		return found(inspect.Inconclusive, "what the probe says did not change"+maybeBefore)
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
