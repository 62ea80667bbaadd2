package provider

import (
	"math"
	"testing"
	"time"
)

func TestInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * time.Second: "30 s", 2 * time.Minute: "2 min", 90 * time.Second: "1 min 30 s", 3400 * time.Millisecond: "3.4 s",
		time.Hour: "1 h", 90 * time.Minute: "1 h 30 min", 36 * time.Hour: "36 h", 72 * time.Hour: "3 days",
		-time.Hour: "0 s", 0: "0 s", 999 * time.Microsecond: "0 s", 50 * time.Millisecond: "50 ms", 999_900 * time.Microsecond: "999 ms",
		1240 * time.Millisecond: "1.2 s", 6 * time.Second: "6 s", 9990 * time.Millisecond: "9.9 s", 59_900 * time.Millisecond: "59 s",
		301 * time.Second: "5 min 1 s", 150 * time.Second: "2 min 30 s", 3 * time.Hour: "3 h", 125 * time.Minute: "2 h 5 min",
		47*time.Hour + 59*time.Minute: "47 h 59 min", 48 * time.Hour: "2 days", 49*time.Hour + time.Minute: "2 days 1 h", math.MaxInt64: "106751 days 23 h",
	} {
		if got := InWords(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
		if got := Duration(d).String(); got != want {
			t.Errorf("as a Duration, %s is %q, want %q", d, got, want)
		}
	}
}

func TestTookOf(t *testing.T) {
	for took, want := range map[time.Duration]string{
		12 * time.Second: "took 12 s of 10 s", 10_004 * time.Millisecond: "took 10.004 s of 10 s", 90 * time.Second: "took 1 min 30 s of 10 s",
	} {
		if got := TookOf(took, 10*time.Second); got != want {
			t.Errorf("%s: got %q, want %q", took, got, want)
		}
	}
}
