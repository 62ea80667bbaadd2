package replay

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Cron is a schedule in five fields, as of cron: minute, hour, day of the
// month, month, day of the week. Where both days are given, one is enough.
type Cron struct {
	minute, hour, day, month, weekday uint64 // bit n: the value n
	anyDay, anyWeekday                bool
}

// cronWords are whole schedules.
var cronWords = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

var (
	monthNames = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dayNames   = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// ParseCron reads "*/5 9-17 * * mon-fri", or @hourly and the like.
func ParseCron(text string) (*Cron, error) {
	if whole, ok := cronWords[strings.TrimSpace(text)]; ok {
		text = whole
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return nil, fmt.Errorf("the schedule %q has %d fields: give minute, hour, day, month and weekday, such as '*/5 * * * *'", text, len(fields))
	}
	c := &Cron{anyDay: fields[2][0] == '*', anyWeekday: fields[4][0] == '*'}
	for i, f := range []struct {
		bits     *uint64
		what     string
		min, max int
		names    []string // of min and the next
	}{
		{&c.minute, "minute", 0, 59, nil},
		{&c.hour, "hour", 0, 23, nil},
		{&c.day, "day", 1, 31, nil},
		{&c.month, "month", 1, 12, monthNames},
		{&c.weekday, "weekday", 0, 7, dayNames},
	} {
		for part := range strings.SplitSeq(fields[i], ",") {
			bits, ok := cronBits(part, f.min, f.max, f.names)
			if !ok {
				return nil, fmt.Errorf("%q is no %s in the schedule %q: give a number from %d to %d, a range such as %d-%d, or a step such as */2", part, f.what, text, f.min, f.max, f.min, f.max)
			}
			*f.bits |= bits
		}
	}
	if c.weekday&(1<<7) != 0 { // Sunday, too
		c.weekday |= 1
	}
	if c.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("the schedule %q never comes: there is no such day", text)
	}
	return c, nil
}

// cronBits reads "*", "3", "1-5", and each with a step: "*/2", "1-9/2", "3/5".
func cronBits(text string, low, high int, names []string) (bits uint64, ok bool) {
	text, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, false
		}
	}
	from, to := low, high
	if text != "*" {
		first, last, ranged := strings.Cut(text, "-")
		if from, ok = cronNumber(first, low, high, names); !ok {
			return 0, false
		}
		if to = from; ranged {
			if to, ok = cronNumber(last, low, high, names); !ok || to < from {
				return 0, false
			}
		} else if stepped {
			to = high
		}
	}
	for n := from; n <= to; n += step {
		bits |= 1 << n
	}
	return bits, true
}

func cronNumber(text string, low, high int, names []string) (n int, ok bool) {
	for i, name := range names {
		if strings.EqualFold(text, name) {
			return low + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= low && n <= high
}

// Next returns the first time after another that is of the schedule, in that
// one's location; zero where there is none in the next eight years.
func (c *Cron) Next(after time.Time) time.Time {
	t := after.Truncate(time.Minute).Add(time.Minute)
	for last := t.Year() + 8; t.Year() <= last; {
		y, m, d := t.Date()
		next := t
		switch {
		case c.month&(1<<m) == 0:
			next = time.Date(y, m+1, 1, 0, 0, 0, 0, t.Location())
		case !c.onDay(t):
			next = time.Date(y, m, d+1, 0, 0, 0, 0, t.Location())
		case c.hour&(1<<t.Hour()) == 0:
			next = t.Add(time.Duration(60-t.Minute()) * time.Minute)
		case c.minute&(1<<t.Minute()) == 0:
			next = t.Add(time.Minute)
		default:
			return t
		}
		if !next.After(t) { // midnight, where the clocks are put forward then
			next = t.Add(time.Hour)
		}
		t = next
	}
	return time.Time{}
}

func (c *Cron) onDay(t time.Time) bool {
	day, weekday := c.day&(1<<t.Day()) != 0, c.weekday&(1<<t.Weekday()) != 0
	if c.anyDay || c.anyWeekday {
		return day && weekday
	}
	return day || weekday
}
