package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/tunnel"
)

func addDelivery(t testing.TB, s *inspect.Store, path string) *inspect.Delivery {
	t.Helper()
	d := &inspect.Delivery{ReceivedAt: time.Now().UTC(), Method: "POST", Target: path, Proto: "HTTP/1.1", Body: []byte("{}"), Size: 2, Disposition: inspect.Forwarded}
	if err := s.Add(context.Background(), d, nil); err != nil {
		t.Fatal(err)
	}
	return d
}

func beginAttempt(t testing.TB, s *inspect.Store, id int64) *inspect.Attempt {
	t.Helper()
	a := &inspect.Attempt{DeliveryID: id, Trigger: inspect.Replay, StartedAt: time.Now().UTC(), URL: "http://localhost:3000/"}
	if err := s.Begin(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

func finishAttempt(t testing.TB, s *inspect.Store, a *inspect.Attempt, status int) {
	t.Helper()
	a.State, a.Duration, a.Response = inspect.Answered, time.Since(a.StartedAt), &inspect.Response{Status: status}
	if err := s.Finish(a); err != nil {
		t.Fatal(err)
	}
}

// settle returns when everything queued in the store is committed.
func settle(t testing.TB, s *inspect.Store) {
	t.Helper()
	if err := s.RecordEndpoint(context.Background(), inspect.EndpointEvent{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

type event struct {
	Type       string
	Time       time.Time
	ID         int64
	DeliveryID int64 `json:"delivery_id"`
	Number     int
	Status     int
	Error      string
	State      string
}

func decodeEvents(t *testing.T, out []byte) (events []event) {
	t.Helper()
	for line := range bytes.Lines(out) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if e.Type == "" || e.Time.IsZero() {
			t.Errorf("no type or time in %s", line)
		}
		events = append(events, e)
	}
	return events
}

// TestJSONWritesEachOnce follows writers that run at the same time.
func TestJSONWritesEachOnce(t *testing.T) {
	store := openStore(t)
	old := addDelivery(t, store, "/old")
	finishAttempt(t, store, beginAttempt(t, store, old.ID), 200)
	pending := beginAttempt(t, store, old.ID)
	settle(t, store)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f, err := Follow(ctx, Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- f.JSON(ctx, &out, Ready{DataDir: "data"}) }()

	const writers, each, attempts = 8, 20, 3
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				d := addDelivery(t, store, fmt.Sprintf("/%d/%d", w, i))
				var begun []*inspect.Attempt
				for range attempts {
					begun = append(begun, beginAttempt(t, store, d.ID))
				}
				slices.Reverse(begun) // they end in another order than they began
				for _, a := range begun {
					finishAttempt(t, store, a, 200+a.Number)
				}
			}
		})
	}
	wg.Wait()
	finishAttempt(t, store, pending, 202)
	settle(t, store)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	events := decodeEvents(t, out.Bytes())
	if events[0].Type != "ready" {
		t.Errorf("the first line is of type %q, want ready", events[0].Type)
	}
	deliveries, got := []int64{}, map[string]int{}
	for _, e := range events[1:] {
		switch e.Type {
		case "delivery":
			deliveries = append(deliveries, e.ID)
		case "attempt":
			got[fmt.Sprintf("%d/%d:%d", e.DeliveryID, e.Number, e.Status)]++
			if e.DeliveryID != old.ID && !slices.Contains(deliveries, e.DeliveryID) {
				t.Errorf("an attempt of #%d comes before the delivery", e.DeliveryID)
			}
		}
	}
	if !slices.IsSorted(deliveries) || len(deliveries) != writers*each || slices.Contains(deliveries, old.ID) {
		t.Errorf("got %d deliveries, in order %v; want %d, without the one that was there before", len(deliveries), slices.IsSorted(deliveries), writers*each)
	}
	if got["1/2:202"] != 1 || got["1/1:200"] != 0 {
		t.Errorf("of the old delivery got attempt 1 %d times, want 0, and attempt 2 %d times, want 1", got["1/1:200"], got["1/2:202"])
	}
	if len(got) != writers*each*attempts+1 {
		t.Errorf("got %d attempts, want %d", len(got), writers*each*attempts+1)
	}
	for a, n := range got {
		if n != 1 {
			t.Errorf("attempt %s was written %d times", a, n)
		}
	}
}

func TestFollowFromTheCall(t *testing.T) {
	store := openStore(t)
	f, err := Follow(context.Background(), Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	fillStore(t, store, 3000) // more than one read brings
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out bytes.Buffer
	if err := f.JSON(ctx, &out, Ready{}); err != nil {
		t.Fatal(err)
	}
	c, err := store.Counters(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := len(decodeEvents(t, out.Bytes())) - 1; int64(got) != c.Received {
		t.Errorf("got %d deliveries of %d committed between Follow and JSON", got, c.Received)
	}
}

func TestCompactLines(t *testing.T) {
	store := openStore(t)
	status := tunnel.Status{State: tunnel.Online, URL: "https://blue-fox.example", Since: noon}
	f, err := Follow(context.Background(), Config{Store: store, Tunnel: func() tunnel.Status { return status }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	add := func(d inspect.Delivery, a *inspect.Attempt) {
		t.Helper()
		d.ReceivedAt, d.Method, d.Proto = noon, "POST", "HTTP/1.1"
		if err := store.Add(ctx, &d, a); err != nil {
			t.Fatal(err)
		}
	}
	soon := time.Now().UTC().Truncate(24 * time.Hour).Add(36 * time.Hour) // not before the follower began; 12:00:00
	initial := func() *inspect.Attempt {
		return &inspect.Attempt{Trigger: inspect.Initial, StartedAt: soon, URL: "http://localhost:3000/"}
	}
	first := initial()
	add(inspect.Delivery{Target: "/hooks?x=1", Size: 1234, Disposition: inspect.Forwarded}, first)
	first.State, first.Duration, first.Response = inspect.Answered, 12*time.Millisecond, &inspect.Response{Status: 200}
	if err := store.Finish(first); err != nil {
		t.Fatal(err)
	}
	second := initial()
	second.DeliveryID, second.Trigger = first.DeliveryID, inspect.Replay
	if err := store.Begin(ctx, second); err != nil {
		t.Fatal(err)
	}
	second.State, second.Error = inspect.Errored, "nothing listens at localhost:3000"
	if err := store.Finish(second); err != nil {
		t.Fatal(err)
	}
	add(inspect.Delivery{Target: "/held", Size: 5, Disposition: inspect.Held}, nil)
	add(inspect.Delivery{Target: "/big", Size: 40 << 20, Disposition: inspect.Refused, Reason: "the body is over the limit"}, nil)
	settle(t, store)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	var out strings.Builder
	if err := f.Compact(ended, &out); err != nil {
		t.Fatal(err)
	}
	want := `12:00:00 #1 POST /hooks → 200 12 ms 1.2 KiB
12:00:00 #1 POST /hooks → nothing listens at localhost:3000 0 µs 1.2 KiB (replay, attempt 2)
12:00:00 #2 POST /held held 5 B
12:00:00 #3 POST /big refused: the body is over the limit 40 MiB
`
	if got := out.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestEndpointChangesAreWritten(t *testing.T) {
	store := openStore(t)
	var mu sync.Mutex
	status := tunnel.Status{State: tunnel.Connecting, Since: noon}
	f, err := Follow(context.Background(), Config{Store: store, Tunnel: func() tunnel.Status {
		mu.Lock()
		defer mu.Unlock()
		return status
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	out := &lineWriter{lines: make(chan string, 10)}
	ended := make(chan error, 1)
	go func() { ended <- f.JSON(ctx, out, Ready{}) }()
	for i, want := range []string{`"type":"ready"`, `"state":"connecting"`, `"state":"online","url":"https://a.example"`, `"reason":"the network is gone"`} {
		switch i {
		case 2:
			mu.Lock()
			status.State, status.URL = tunnel.Online, "https://a.example"
			mu.Unlock()
			store.Notify()
		case 3:
			mu.Lock()
			status.State, status.Reason, status.Retries = tunnel.Reconnecting, "the network is gone", 1
			mu.Unlock()
			store.Notify()
		}
		if got := <-out.lines; !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
	mu.Lock()
	status.Retries = 2 // a try alone is no event
	mu.Unlock()
	store.Notify()
	cancel()
	if err := <-ended; err != nil || len(out.lines) > 0 {
		t.Errorf("got %v and %d more lines, want none", err, len(out.lines))
	}
}

type lineWriter struct{ lines chan string }

func (w *lineWriter) Write(b []byte) (int, error) {
	w.lines <- string(b)
	return len(b), nil
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestFollowerEndsWithItsWriter(t *testing.T) {
	store := openStore(t)
	f, err := Follow(context.Background(), Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	addDelivery(t, store, "/")
	if err := f.JSON(context.Background(), brokenWriter{}, Ready{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

func TestReadyObject(t *testing.T) {
	public := "https://blue-fox.example"
	for _, test := range []struct {
		ready Ready
		want  string
	}{
		{
			Ready{Time: noon, ReceiverURL: "http://127.0.0.1:4041", DataDir: "/data"},
			`{"type":"ready","time":"2026-03-14T12:00:00.000000Z","public_url":null,"receiver_url":"http://127.0.0.1:4041","inspector_url":"","handler":"","data_dir":"/data"}`,
		},
		{
			Ready{Time: noon, PublicURL: &public, InspectorURL: "http://127.0.0.1:4040/?token=x&y=<", Handler: "http://localhost:3000"},
			`{"type":"ready","time":"2026-03-14T12:00:00.000000Z","public_url":"https://blue-fox.example","receiver_url":"","inspector_url":"http://127.0.0.1:4040/?token=x&y=<","handler":"http://localhost:3000","data_dir":""}`,
		},
	} {
		got, err := test.ready.MarshalJSON()
		if err != nil || string(got) != test.want {
			t.Errorf("got  %s (%v)\nwant %s", got, err, test.want)
		}
	}
}

func TestEscapeJSONKeepsItsMeaning(t *testing.T) {
	text := strings.ToValidUTF8(hostile, "\ufffd")
	b, err := marshal(map[string]string{"k": text})
	if err != nil {
		t.Fatal(err)
	}
	checkHarmless(t, "JSON", string(b))
	var got map[string]string
	if err := json.Unmarshal(b, &got); err != nil || got["k"] != text {
		t.Errorf("got %q (%v), want %q", got["k"], err, text)
	}
}
