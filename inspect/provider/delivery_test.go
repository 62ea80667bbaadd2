package provider

import (
	"fmt"
	"testing"
	"time"
)

func TestRetryHeader(t *testing.T) {
	const slack = `
timeout: 3s
redirects: 2
retry_headers: {X-Slack-Retry-Num: "{attempt}", X-Slack-Retry-Reason: "{reason}"}
reasons: {timeout: http_timeout, status: http_error, connect: connection_failed, tls: ssl_error, redirects: too_many_redirects, other: unknown_error}`
	first := time.Date(2026, 3, 1, 10, 0, 0, 0, time.FixedZone("", 3600))
	tests := []struct {
		delivery string
		n        int
		o        Outcome
		want     string
	}{
		{slack, 1, Outcome{Status: 500}, "map[X-Slack-Retry-Num:[1] X-Slack-Retry-Reason:[http_error]]"},
		{slack, 2, Outcome{Status: 200, Duration: 4 * time.Second}, "map[X-Slack-Retry-Num:[2] X-Slack-Retry-Reason:[http_timeout]]"},
		{slack, 3, Outcome{Failure: "timeout"}, "map[X-Slack-Retry-Num:[3] X-Slack-Retry-Reason:[http_timeout]]"},
		{slack, 1, Outcome{Failure: "connect"}, "map[X-Slack-Retry-Num:[1] X-Slack-Retry-Reason:[connection_failed]]"},
		{slack, 1, Outcome{Failure: "tls"}, "map[X-Slack-Retry-Num:[1] X-Slack-Retry-Reason:[ssl_error]]"},
		{slack, 1, Outcome{Status: 302}, "map[X-Slack-Retry-Num:[1] X-Slack-Retry-Reason:[too_many_redirects]]"},
		{slack, 1, Outcome{}, "map[X-Slack-Retry-Num:[1] X-Slack-Retry-Reason:[unknown_error]]"},
		{`retry_headers: {X-Attempt-Number: "{attempt+1}"}`, 1, Outcome{Status: 500}, "map[X-Attempt-Number:[2]]"},
		{`retry_headers: {square-initial-delivery-timestamp: "{first_rfc3339}"}`, 1, Outcome{Status: 500}, "map[Square-Initial-Delivery-Timestamp:[2026-03-01T09:00:00Z]]"},
		{"{}", 1, Outcome{Status: 500}, "map[]"},
	}
	for _, tt := range tests {
		got, err := delivery(t, tt.delivery).RetryHeader(tt.n, first, tt.o)
		if err != nil || fmt.Sprint(map[string][]string(got)) != tt.want {
			t.Errorf("retry %d after %+v: %v, %v, want %s", tt.n, tt.o, got, err, tt.want)
		}
	}
}

func TestVariantOf(t *testing.T) {
	p := &Provider{Delivery: *delivery(t, `
variants:
  events: {when: ["json:/event"], success: 204}
  interactions: {when: ["!json:/event", "json:/type"], success: 200, timeout: 3s}
  sandbox: {success: 2xx}
timeout: 10s
`)}
	for body, want := range map[string]time.Duration{`{"type":1,"event":{}}`: 10 * time.Second, `{"type":2}`: 3 * time.Second, "": 10 * time.Second} {
		if got := p.Limit(post(body)); got != want {
			t.Errorf("%s has %v, want %v", body, got, want)
		}
	}
	for body, want := range map[string]string{
		`{"type":1,"event":{}}`: "events", `{"type":2}`: "interactions", `{}`: "", "": "",
	} {
		if got := p.VariantOf(post(body)); got != want {
			t.Errorf("%s is of the variant %q, want %q", body, got, want)
		}
	}
}
