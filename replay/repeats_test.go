package replay

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func TestRepeats(t *testing.T) {
	var rs repeats
	start := time.Now()
	add := func(after time.Duration, target string, f provider.Facts) (int, time.Duration) {
		return rs.add(&inspect.Delivery{Target: target, ReceivedAt: start.Add(after), Facts: f})
	}
	apixo := provider.Facts{Provider: "apixo", EventID: "t1"}
	for _, tt := range []struct {
		name   string
		after  time.Duration
		target string
		facts  provider.Facts
		number int
		since  time.Duration
	}{
		{"first", 0, "/a?x=1", apixo, 1, 0},
		{"again", 30 * time.Second, "/a?x=2", apixo, 2, 30 * time.Second},
		{"elsewhere", 30 * time.Second, "/b", apixo, 1, 0},
		{"another event", 0, "/a", provider.Facts{Provider: "apixo", EventID: "t2"}, 1, 0},
		{"another provider", 0, "/a", provider.Facts{Provider: "stripe", EventID: "t1"}, 1, 0},
		{"third", time.Hour, "/a", apixo, 3, time.Hour},
		{"without an ID", 0, "/a", provider.Facts{Provider: "apixo"}, 0, 0},
		{"counted by its provider", 0, "/a", provider.Facts{Provider: "apixo", EventID: "t1", ProviderAttempt: 2}, 0, 0},
		{"a handshake", 0, "/a", provider.Facts{Provider: "apixo", EventID: "t1", Handshake: "ping"}, 0, 0},
	} {
		if number, since := add(tt.after, tt.target, tt.facts); number != tt.number || since != tt.since {
			t.Errorf("%s: got %d, %s, want %d, %s", tt.name, number, since, tt.number, tt.since)
		}
	}
	for i := range 2 * maxEvents {
		add(0, "/", provider.Facts{Provider: "x", EventID: strconv.Itoa(i)})
	}
	if len(rs.events) != maxEvents || len(rs.order) != maxEvents {
		t.Errorf("kept %d of %d, want %d", len(rs.events), len(rs.order), maxEvents)
	}
	if number, _ := add(0, "/", provider.Facts{Provider: "x", EventID: strconv.Itoa(maxEvents)}); number != 2 {
		t.Errorf("one that is kept: got %d, want 2", number)
	}
	if number, _ := add(0, "/a", apixo); number != 1 {
		t.Errorf("the oldest: got %d, want 1: it has gone", number)
	}
}

// A provider that counts nothing is told by the event's ID how often it delivers.
func TestOutlookCountsRedeliveries(t *testing.T) {
	addr := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	r := new(rig).start(t, addr)
	r.sender.Checker = &provider.Checker{Catalog: provider.BuiltIn()}
	for i, want := range []string{"in 30 s (attempt 2 of 4)", "in 2 min (attempt 3 of 4)", "in 10 min (attempt 4 of 4)", "gives up (attempt 4 of 4)"} {
		d := &inspect.Delivery{
			Method: "POST", Target: "/", Proto: "HTTP/1.1", ReceivedAt: time.Now(), Disposition: inspect.Forwarded,
			Facts: provider.Facts{Provider: "apixo", Certainty: provider.Certain, EventID: "t1"},
		}
		first, send := r.sender.Forward(d)
		if err := r.store.Add(t.Context(), d, first); err != nil {
			t.Fatal(err)
		}
		send(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "POST", "/", nil))
		if got := first.Outlook; got == nil || !strings.Contains(got.Text, want) {
			t.Errorf("delivery %d: got %+v, want %s", i+1, got, want)
		}
	}
}
