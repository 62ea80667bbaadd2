package provider

import (
	"fmt"
	"strconv"
	"time"
)

// InWords returns a time as people say it, in at most two units: "830 ms",
// "3.4 s", "2 min", "1 h 30 min", "3 days". What is smaller than the last of
// them is left out, never rounded up. A time below a millisecond is "0 s".
func InWords(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Truncate(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return twoUnits(d, time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return twoUnits(d, time.Hour, "h", time.Minute, "min")
	}
	return twoUnits(d, 24*time.Hour, "days", time.Hour, "h")
}

func twoUnits(d, unit time.Duration, name string, small time.Duration, smallName string) string {
	text := fmt.Sprintf("%d %s", d/unit, name)
	if rest := d % unit / small; rest > 0 {
		text += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return text
}

// TookOf says by how much an answer was too late: "took 12 s of 10 s". Where
// both times are the same in words, the first one has its milliseconds.
func TookOf(took, limit time.Duration) string {
	text := InWords(took)
	if text == InWords(limit) {
		text = strconv.FormatFloat(took.Round(time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	}
	return fmt.Sprintf("took %s of %s", text, InWords(limit))
}
