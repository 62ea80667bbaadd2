package replay

import (
	"testing"
	"time"
)

func TestCronNext(t *testing.T) {
	const layout = "2006-01-02 15:04"
	for _, tc := range []struct{ cron, after, want string }{
		{"*/5 * * * *", "2026-03-01 12:00", "2026-03-01 12:05"},
		{"*/5 * * * *", "2026-03-01 12:57", "2026-03-01 13:00"},
		{"0 9-17/4 * * *", "2026-03-01 13:00", "2026-03-01 17:00"},
		{"30 8 * * mon-fri", "2026-03-06 08:30", "2026-03-09 08:30"}, // a Friday
		{"0 0 * * 7", "2026-03-02 00:00", "2026-03-08 00:00"},
		{"0 0 13 * fri", "2026-03-01 00:00", "2026-03-06 00:00"}, // one of both is enough
		{"0 0 */2 * mon", "2026-03-01 00:00", "2026-03-09 00:00"},
		{"0 0 29 2 *", "2026-03-01 00:00", "2028-02-29 00:00"},
		{"15,45 3/10 * JAN *", "2026-03-01 00:00", "2027-01-01 03:15"},
		{"59 23 31 dec *", "2026-12-31 23:59", "2027-12-31 23:59"},
		{"@hourly", "2026-03-01 12:00", "2026-03-01 13:00"},
	} {
		c, err := ParseCron(tc.cron)
		if err != nil {
			t.Error(err)
			continue
		}
		after, err := time.Parse(layout, tc.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Next(after.Add(30 * time.Second)).Format(layout); got != tc.want {
			t.Errorf("%s after %s: got %s, want %s", tc.cron, tc.after, got, tc.want)
		}
	}
	for _, text := range []string{"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a * * * *", "0 0 31 2 *", "1- * * * *"} {
		if c, err := ParseCron(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
}

// TestCronClocks has the schedule come where clocks are put forward and back.
func TestCronClocks(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/Sao_Paulo"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Skip(err)
		}
		c, err := ParseCron("30 * * * *")
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2018, 1, 1, 0, 0, 0, 0, loc)
		for range 366 * 24 {
			next := c.Next(at)
			if wait := next.Sub(at); wait <= 0 || wait > time.Hour || next.Minute() != 30 {
				t.Fatalf("%s: %s after %s", name, next, at)
			}
			at = next
		}
		daily, err := ParseCron("0 0 * * *")
		if err != nil {
			t.Fatal(err)
		}
		at = time.Date(2018, 1, 1, 0, 0, 0, 0, loc)
		for range 365 {
			next := daily.Next(at)
			if wait := next.Sub(at); wait <= 0 || wait > 49*time.Hour {
				t.Fatalf("%s: %s after %s", name, next, at)
			}
			at = next
		}
	}
}
