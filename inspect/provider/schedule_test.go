package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func at(d time.Duration) string {
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// clock puts the times of a plan's retries as the providers' own pages print them.
func clock(steps []Step) string {
	var times []string
	for _, step := range steps {
		text := at(step.At.Min)
		if step.At.Max != step.At.Min {
			text += ".." + at(step.At.Max)
		}
		times = append(times, text)
	}
	return strings.Join(times, " ")
}

// The retries' clocks, as the providers publish them.
var clocks = []struct {
	provider, retry, want string
	more                  string // the last of those that follow want
	count                 int    // 0 = as many as want has
	unlisted              bool   // no provider of the catalog
}{
	{provider: "apixo", retry: "{delays: [30s, 2m, 10m]}", want: "0:00:30 0:02:30 0:12:30"},
	{provider: "slack", retry: "{delays: [0s, 1m, 5m]}", want: "0:00:00 0:01:00 0:06:00"},
	{
		provider: "square", retry: "{delays: [1m, 2m, 4m, 8m, 16m, 32m], then: 60m, window: 72h}",
		want: "0:01:00 0:03:00 0:07:00 0:15:00 0:31:00 1:03:00 2:03:00", more: "71:03:00", count: 76,
	},
	{
		provider: "standardwebhooks", retry: "{delays: [5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h], jitter: true}",
		want: "0:00:05 0:05:05 0:35:05 2:35:05 7:35:05 17:35:05 31:35:05 51:35:05 75:35:05",
	},
	{
		provider: "svix", retry: "{delays: [5s, 5m, 30m, 2h, 5h, 10h, 10h]}",
		want: "0:00:05 0:05:05 0:35:05 2:35:05 7:35:05 17:35:05 27:35:05",
	},
	{
		provider: "clerk", retry: "{delays: [5s, 5m, 30m, 2h, 5h, 10h, 10h]}",
		want: "0:00:05 0:05:05 0:35:05 2:35:05 7:35:05 17:35:05 27:35:05",
	},
	{provider: "linear", retry: "{delays: [1m, 1h, 6h]}", want: "0:01:00 1:01:00 7:01:00"},
	{provider: "lemonsqueezy", retry: "{delays: [5s, 25s, 125s]}", want: "0:00:05 0:00:30 0:02:35"},
	{
		provider: "mailgun", retry: "{delays: [5m, 10m, 15m, 1h, 2h, 4h]}",
		want: "0:05:00 0:15:00 0:30:00 1:30:00 3:30:00 7:30:00",
	},
	{provider: "zoom", retry: "{delays: [5m, 20m, 60m]}", want: "0:05:00 0:25:00 1:25:00"},
	{
		provider: "adyen", retry: "{delays: [0s, 0s, 0s, 2m, 5m, 10m, 15m, 30m, 1h, 2h, 4h], then: 8h, window: 30d}",
		want: "0:00:00 0:00:00 0:00:00 0:02:00 0:07:00 0:17:00 0:32:00 1:02:00 2:02:00 4:02:00 8:02:00 16:02:00",
		more: "712:02:00", count: 99,
	},
	{provider: "intercom", retry: "{delays: [1m]}", want: "0:01:00"},
	{
		provider: "assemblyai", retry: "{every: 10s, attempts: 9}",
		want: "0:00:10 0:00:20 0:00:30 0:00:40 0:00:50 0:01:00 0:01:10 0:01:20 0:01:30",
	},
	{provider: "sns", retry: "{delays: [20s, 20s, 20s]}", want: "0:00:20 0:00:40 0:01:00"},
	{
		provider: "telegram", retry: "{curve: {first: 0s, base: 2s, factor: 2, cap: 60s..120s}, window: 24h}",
		want: "0:00:00 0:00:02 0:00:06 0:00:14 0:00:30 0:01:02 0:02:02..0:02:06 0:03:02..0:04:06", count: 100,
	},
	{
		provider: "jira", retry: "{delays: [5m..15m, 5m..15m, 5m..15m, 5m..15m, 5m..15m]}",
		want: "0:05:00..0:15:00 0:10:00..0:30:00 0:15:00..0:45:00 0:20:00..1:00:00 0:25:00..1:15:00",
	},
	{provider: "the end of the window included", unlisted: true, retry: "{every: 1h, window: 3h}", want: "1:00:00 2:00:00 3:00:00"},
	{provider: "attempts before the window", unlisted: true, retry: "{every: 1h, attempts: 2, window: 3h}", want: "1:00:00 2:00:00"},
	{provider: "never", unlisted: true, retry: "never"},
}

func TestRetriesClock(t *testing.T) {
	for _, tt := range clocks {
		t.Run(tt.provider, func(t *testing.T) {
			steps := delivery(t, "retry: "+tt.retry).Retries()
			checkClock(t, steps, tt.want, tt.more, tt.count)
			for _, step := range steps {
				if step.Guess {
					t.Fatalf("retry %d is a guess, though it is published", step.Number)
				}
			}
		})
	}
}

func checkClock(t *testing.T, steps []Step, want, more string, count int) {
	t.Helper()
	got := clock(steps)
	if count == 0 {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		return
	}
	if len(steps) != count || !strings.HasPrefix(got, want) || !strings.HasSuffix(got, more) {
		t.Errorf("got %d: %s\nwant %d: %s … %s", len(steps), got, count, want, more)
	}
	for i, step := range steps {
		if step.Number != i+1 {
			t.Errorf("step %d has number %d", i+1, step.Number)
		}
	}
}

// Where no intervals are published, ours double within the window and say that they are a guess.
func TestRetriesGuess(t *testing.T) {
	tests := []struct {
		name, retry string
		count       int
		first       string
		low, high   time.Duration // of the last
	}{
		{"stripe", "{unpublished: exponential, window: 72h}", 6, "1:08:34", 71*time.Hour + 50*time.Minute, 72 * time.Hour},
		{"paypal", "{unpublished: x, attempts: 25, window: 72h}", 25, "0:08:38", 71*time.Hour + 50*time.Minute, 72 * time.Hour},
		{"paddle", "{unpublished: x, attempts: 60, window: 72h}", 60, "0:08:38", 71*time.Hour + 50*time.Minute, 72 * time.Hour},
		{"sandbox", "{unpublished: x, attempts: 3, window: 15m}", 3, "0:02:08", 14*time.Minute + 50*time.Second, 15 * time.Minute},
		{"discord", "{unpublished: x, window: 10m}", 6, "0:00:09", 590 * time.Second, 600 * time.Second},
		{"deepgram", "{unpublished: x, attempts: 10}", 10, "0:01:00", 1023 * time.Minute, 1023 * time.Minute},
		{"sentry", "{unpublished: x}", 6, "0:01:00", 63 * time.Minute, 63 * time.Minute},
		{"shopify", "{unpublished: x, attempts: 8, window: 4h, suggest: [1m, 2m, 4m, 8m, 16m, 32m, 64m, 112m]}", 8, "0:01:00", 239 * time.Minute, 239 * time.Minute},
		{"many", "{unpublished: x, attempts: 1000, window: 1h}", 100, "0:00:07", 59 * time.Minute, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			steps := delivery(t, "retry: "+tt.retry).Retries()
			if len(steps) != tt.count {
				t.Fatalf("%d retries, want %d: %s", len(steps), tt.count, clock(steps))
			}
			if got := at(steps[0].At.Min); got != tt.first {
				t.Errorf("the first is at %s, want %s", got, tt.first)
			}
			if last := steps[len(steps)-1].At.Max; last < tt.low || last > tt.high {
				t.Errorf("the last is at %s, want %s to %s", last, tt.low, tt.high)
			}
			for i, step := range steps {
				if !step.Guess {
					t.Errorf("retry %d is no guess", step.Number)
				}
				if i > 0 && step.After.Min < steps[i-1].After.Min-time.Second {
					t.Errorf("retry %d comes after %s, sooner than the one before it (%s)", step.Number, step.After, steps[i-1].After)
				}
			}
		})
	}
}

// Meta publishes that the first retry is immediate, and nothing of the others.
func TestRetriesPartlyPublished(t *testing.T) {
	steps := delivery(t, "retry: {delays: [0s], unpublished: decreasing, window: 36h}").Retries()
	if len(steps) != 7 || steps[0].Guess || steps[0].At.Max != 0 || !steps[1].Guess || steps[6].At.Max > 36*time.Hour {
		t.Errorf("steps = %+v", steps)
	}
}

func TestRetriesOfNothing(t *testing.T) {
	if steps := (&Delivery{}).Retries(); steps != nil {
		t.Errorf("retries = %v, want none", steps)
	}
}

func TestNext(t *testing.T) {
	const (
		slack    = "{timeout: 3s, redirects: 2, stop_header: {X-Slack-No-Retry: '1'}, retry: {delays: [0s, 1m, 5m]}}"
		telegram = "{retry_after: 1h, retry: {curve: {first: 0s, base: 2s, factor: 2, cap: 60s..120s}, window: 24h}}"
		twilio   = "{timeout: 15s, retry: {delays: [1s], only: [connect]}}"
		jira     = "{retry: {delays: [5m..15m, 5m..15m], only: [408, 5xx, timeout, connect]}}"
		typeform = "{stop_on: [404, 410], retry: {unpublished: not said, for: [{statuses: [429, 503], retry: {every: 2m..3m, window: 10h}}]}}"
	)
	date := http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:50:37 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}
	tests := []struct {
		name, delivery string
		o              Outcome
		want           string // "" = it does not deliver again
	}{
		{"first", slack, Outcome{Status: 500}, "0 s"},
		{"first, counted", slack, Outcome{Status: 500, Attempt: 1}, "0 s"},
		{"second", slack, Outcome{Status: 500, Attempt: 2}, "1 min"},
		{"third", slack, Outcome{Status: 500, Attempt: 3}, "5 min"},
		{"last", slack, Outcome{Status: 500, Attempt: 4}, ""},
		{"beyond", slack, Outcome{Status: 500, Attempt: 400}, ""},
		{"success", slack, Outcome{Status: 200}, ""},
		{"success, late", slack, Outcome{Status: 200, Duration: 4 * time.Second, Attempt: 2}, "1 min"},
		{"redirect", slack, Outcome{Status: 302}, ""},
		{"not modified", slack, Outcome{Status: 304, Attempt: 2}, "1 min"},
		{"stop header", slack, Outcome{Status: 500, Header: http.Header{"X-Slack-No-Retry": {"1"}}}, ""},
		{"stop header, other value", slack, Outcome{Status: 500, Header: http.Header{"X-Slack-No-Retry": {"0"}}, Attempt: 2}, "1 min"},
		{"stop header, late", slack, Outcome{Status: 500, Duration: 4 * time.Second, Header: http.Header{"X-Slack-No-Retry": {"1"}}, Attempt: 2}, "1 min"},
		{"no answer", slack, Outcome{Failure: "other", Attempt: 2}, "1 min"},
		{"neither status nor failure", slack, Outcome{Attempt: 2}, "1 min"},
		{"Retry-After", telegram, Outcome{Status: 429, Attempt: 5, Header: http.Header{"Retry-After": {"20"}}}, "20 s"},
		{"Retry-After, bounded", telegram, Outcome{Status: 429, Header: http.Header{"Retry-After": {"86400"}}}, "1 h"},
		{"Retry-After, a date", telegram, Outcome{Status: 429, Header: date}, "1 min"},
		{"Retry-After, nonsense", telegram, Outcome{Status: 429, Attempt: 2, Header: http.Header{"Retry-After": {"soon"}}}, "2 s"},
		{"Retry-After, not honoured", slack, Outcome{Status: 429, Attempt: 2, Header: http.Header{"Retry-After": {"20"}}}, "1 min"},
		{"random", telegram, Outcome{Status: 500, Attempt: 9}, "1 min to 2 min"},
		{"past the window", telegram, Outcome{Status: 500, Attempt: 9, Elapsed: 24 * time.Hour}, ""},
		{"in the window", telegram, Outcome{Status: 500, Attempt: 9, Elapsed: 23 * time.Hour}, "1 min to 2 min"},
		{"only connections, 500", twilio, Outcome{Status: 500}, ""},
		{"only connections, timeout", twilio, Outcome{Failure: "timeout"}, ""},
		{"only connections, late", twilio, Outcome{Status: 500, Duration: 16 * time.Second}, ""},
		{"only connections, refused", twilio, Outcome{Failure: "connect"}, "1 s"},
		{"only connections, tls", twilio, Outcome{Failure: "tls"}, "1 s"},
		{"list, 404", jira, Outcome{Status: 404}, ""},
		{"list, 408", jira, Outcome{Status: 408}, "5 min to 15 min"},
		{"list, 502", jira, Outcome{Status: 502}, "5 min to 15 min"},
		{"list, timeout", jira, Outcome{Failure: "timeout"}, "5 min to 15 min"},
		{"list, other", jira, Outcome{Failure: "other"}, ""},
		{"by status", typeform, Outcome{Status: 503, Attempt: 30}, "2 min to 3 min"},
		{"by status, others", typeform, Outcome{Status: 500}, "1 min"},
		{"stop", typeform, Outcome{Status: 410}, ""},
		{"not published", "{}", Outcome{Status: 500}, ""},
		{"never", "{retry: never}", Outcome{Status: 500}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			step, ok := delivery(t, tt.delivery).Next(tt.o)
			got := ""
			if ok {
				got = step.After.String()
			}
			if got != tt.want {
				t.Errorf("after %+v: %q, want %q", tt.o, got, tt.want)
			}
			if ok && step.Number != max(tt.o.Attempt, 1) {
				t.Errorf("it is retry %d, want %d", step.Number, max(tt.o.Attempt, 1))
			}
		})
	}
}

// A sender that goes by Next runs three days of retries in no time, at the published clock.
func TestNextDrivesASender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := delivery(t, "{timeout: 15s, retry: {delays: [5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h]}}")
		start := time.Now()
		var times []string
		for o := (Outcome{Status: 503}); ; {
			o.Attempt++
			o.Elapsed = time.Since(start)
			step, ok := d.Next(o)
			if !ok {
				break
			}
			time.Sleep(step.After.Max)
			times = append(times, at(time.Since(start)))
		}
		const want = "0:00:05 0:05:05 0:35:05 2:35:05 7:35:05 17:35:05 31:35:05 51:35:05 75:35:05"
		if got := strings.Join(times, " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
