package inspect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"hookloop/inspect/provider"
)

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func testDelivery(body string) *Delivery {
	return &Delivery{
		ReceivedAt: time.Now().UTC().Truncate(time.Microsecond), Method: "POST", Target: "/hooks?x=1;y=2&z=%zz", Host: "example.test",
		Proto: "HTTP/1.1", RemoteAddr: "192.0.2.1:999", Endpoint: "https://example.test",
		Header: http.Header{"Content-Type": {"application/json"}, "X-A": {"1", "", "\xff"}}, Body: []byte(body), Size: int64(len(body)),
		Disposition: Forwarded,
	}
}

func newAttempt(trigger Trigger) *Attempt {
	return &Attempt{Trigger: trigger, StartedAt: time.Now().UTC().Truncate(time.Microsecond), URL: "http://127.0.0.1:1/hooks"}
}

func TestRoundTrip(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := openStore(t, dir)
	d, a := testDelivery("\x00\xff binary"), newAttempt(Initial)
	d.Trailer = http.Header{"X-T": {"t"}}
	a.Sent = &Sent{Header: http.Header{"X-B": {"2"}}, Edited: true, Body: []byte{}}
	if err := s.Add(ctx, d, a); err != nil {
		t.Fatal(err)
	}
	a.State, a.Duration = Answered, 5*time.Millisecond
	a.Response = &Response{Status: 201, Proto: "HTTP/1.1", Header: http.Header{"X-C": {"3", "4"}}, Body: []byte("ok"), Size: 2}
	if err := s.Finish(a); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // commits what is queued
		t.Fatal(err)
	}

	s = openStore(t, dir)
	got, err := s.Delivery(ctx, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, d) {
		t.Errorf("delivery:\n got %+v\nwant %+v", got, d)
	}
	attempts, err := s.Attempts(ctx, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(attempts) != 1 || !reflect.DeepEqual(&attempts[0], a) {
		t.Errorf("attempts:\n got %+v\nwant %+v", attempts, a)
	}
	if _, err := s.Delivery(ctx, 99); !errors.Is(err, ErrNotFound) {
		t.Errorf("a delivery that is not there: got %v, want ErrNotFound", err)
	}
	if err := s.Begin(ctx, &Attempt{DeliveryID: 99}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an attempt of a delivery that is not there: got %v, want ErrNotFound", err)
	}
}

func TestHeaderLines(t *testing.T) {
	for _, h := range []http.Header{nil, {}, {"A": {""}}, {"A": {"b: c", "  ", "\xff\xfe"}, "B": {"x"}}} {
		if got := decodeHeader(encodeHeader(h)); !reflect.DeepEqual(got, h) {
			t.Errorf("got %#v, want %#v", got, h)
		}
	}
}

// checkAccounts fails unless the counters add up, and agree with a count.
func checkAccounts(t *testing.T, s *Store) Counters {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := s.Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Received != c.Forwarded+c.Held+c.Refused {
		t.Errorf("received does not add up: %+v", c)
	}
	if c.Attempts != c.Status2xx+c.Status3xx+c.Status4xx+c.Status5xx+c.Errors+c.Pending {
		t.Errorf("attempts do not add up: %+v", c)
	}
	var rows, attempts int64
	err = s.read(t.Context(), func(conn *sqlite.Conn) (err error) {
		rows, err = sqlitex.ResultInt64(conn.Prep("SELECT count(*) FROM deliveries"))
		if err == nil {
			attempts, err = sqlitex.ResultInt64(conn.Prep("SELECT count(*) FROM attempts"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Received != rows || c.Attempts != attempts {
		t.Errorf("counted %d deliveries and %d attempts, the counters say %+v", rows, attempts, c)
	}
	return c
}

func TestCountersAddUp(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	for i, status := range []int{200, 302, 404, 500, 101, 0} {
		d, a := testDelivery("x"), newAttempt(Initial)
		if err := s.Add(ctx, d, a); err != nil {
			t.Fatal(err)
		}
		if a.State = Answered; status == 0 {
			a.State, a.Error = Errored, "refused"
		} else {
			a.Response = &Response{Status: status, Body: []byte("body")}
		}
		for range i % 2 { // a second Finish changes nothing
			if err := s.Finish(a); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Finish(a); err != nil {
			t.Fatal(err)
		}
	}
	held, refused := testDelivery("h"), testDelivery("r")
	held.Disposition, refused.Disposition = Held, Refused
	if err := errors.Join(s.Add(ctx, held, nil), s.Add(ctx, refused, nil)); err != nil {
		t.Fatal(err)
	}
	again := newAttempt(Replay)
	again.DeliveryID = 1
	if err := s.Begin(ctx, again); err != nil {
		t.Fatal(err)
	}
	want := Counters{
		Received: 8, Forwarded: 6, Held: 1, Refused: 1,
		Attempts: 7, Status2xx: 2, Status3xx: 1, Status4xx: 1, Status5xx: 1, Errors: 1, Pending: 1,
	}
	if got := checkAccounts(t, s); got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if n, err := s.Remove(ctx, 1, 2, 7, 99); n != 3 || err != nil {
		t.Errorf("removed %d, %v; want 3", n, err)
	}
	if got := checkAccounts(t, s); got.Received != 5 || got.Attempts != 4 {
		t.Errorf("after removing three: %+v", got)
	}
	if _, err := s.Remove(ctx, 3, 4, 5, 6, 8); err != nil {
		t.Fatal(err)
	}
	if got := checkAccounts(t, s); got != (Counters{}) {
		t.Errorf("after removing all: %+v", got)
	}
	if left, err := s.totals(ctx); err != nil || left.Bytes != 0 {
		t.Errorf("after removing all, %d bytes are left (%v)", left.Bytes, err)
	}
	last := testDelivery("x")
	if err := s.Add(ctx, last, nil); err != nil || last.ID != 9 {
		t.Errorf("after removing all, the next is #%d (%v), want #9: a number is never used again", last.ID, err)
	}
}

// TestConcurrentWriters has many goroutines and two stores (as two processes
// have) write at once, while a third only follows by Watch and Since.
func TestConcurrentWriters(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	one, two, viewer := openStore(t, dir), openStore(t, dir), openStore(t, dir)
	const each, workers = 25, 8
	var wg sync.WaitGroup
	for i := range 2 * workers {
		s := one
		if i%2 == 1 {
			s = two
		}
		wg.Go(func() {
			for range each {
				d, a := testDelivery("b"), newAttempt(Initial)
				if err := s.Add(ctx, d, a); err != nil {
					t.Error(err)
					return
				}
				a.State, a.Response = Answered, &Response{Status: 200}
				if err := s.Finish(a); err != nil {
					t.Error(err)
				}
			}
		})
	}
	signal, cancel := viewer.Watch()
	defer cancel()
	seen := map[int64]AttemptState{}
	deadline := time.After(20 * time.Second)
	var rev int64
	for done := 0; done < 2*workers*each; {
		select {
		case <-signal:
		case <-deadline:
			t.Fatalf("saw %d of %d deliveries end", done, 2*workers*each)
		}
		for more := true; more; {
			c, err := viewer.Since(ctx, rev)
			if err != nil || c.Reset || c.Rev < rev {
				t.Fatalf("Since(%d) = %+v, %v", rev, c, err)
			}
			rev, more = c.Rev, c.More
			for _, d := range c.Deliveries {
				if seen[d.ID] != Answered && d.Last.State == Answered {
					done++
				}
				seen[d.ID] = d.Last.State
			}
		}
	}
	wg.Wait()
	checkAccounts(t, one)
}

func TestSince(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	for range 3 {
		if err := s.Add(ctx, testDelivery("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	rev, err := s.Rev(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remove(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Pin(ctx, 3, true); err != nil {
		t.Fatal(err)
	}
	c, err := s.Since(ctx, rev)
	if err != nil || len(c.Deliveries) != 1 || c.Deliveries[0].ID != 3 || !c.Deliveries[0].Pinned || !reflect.DeepEqual(c.Removed, []int64{2}) {
		t.Errorf("got %+v, %v; want #3 pinned and #2 removed", c, err)
	}
	if c, err := s.Since(ctx, c.Rev+1); err != nil || !c.Reset {
		t.Errorf("a revision of the future: got %+v, %v; want Reset", c, err)
	}
}

func TestResolve(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	if _, err := s.Resolve(ctx, "last"); !errors.Is(err, ErrNotFound) {
		t.Errorf("last of none: got %v, want ErrNotFound", err)
	}
	for range 6 {
		if err := s.Add(ctx, testDelivery("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Remove(ctx, 4); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		expr string
		want []int64
		err  string
	}{
		{expr: "1", want: []int64{1}},
		{expr: "#2", want: []int64{2}},
		{expr: "last", want: []int64{6}},
		{expr: "last~2", want: []int64{3}},
		{expr: "2..5", want: []int64{2, 3, 5}},
		{expr: "last..5", want: []int64{5, 6}},
		{expr: "4", err: "no delivery #4"},
		{expr: "40..50", err: "no delivery from #40 to #50"},
		{expr: "last~9", err: "no delivery"},
		{expr: "last-1", err: "last~2"},
		{expr: "0", err: "not a delivery"},
		{expr: "abc", err: "give a number"},
		{expr: "1..", err: "give a number"},
	} {
		got, err := s.Resolve(ctx, tt.expr)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Resolve(%q): got error %v, want one with %q", tt.expr, err, tt.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Resolve(%q) = %v, %v; want %v", tt.expr, got, err, tt.want)
		}
	}
}

func TestNewerStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if err := s.do(t.Context(), func(w *writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	conn, err := sqlite.OpenConn(filepath.Join(dir, dbName), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA user_version=99", nil); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_, err = Open(dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "newer hookloop") || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("got %v, want a refusal that says what to do", err)
	}
}

func TestDamagedStoreIsSetAside(t *testing.T) {
	garbage := bytes.Repeat([]byte("not a database "), 4000)
	for name, damage := range map[string]func([]byte) []byte{
		"garbage":   func([]byte) []byte { return garbage },
		"header":    func(b []byte) []byte { return append([]byte("XXXXXXXXXXXXXXXXXXXX"), b[20:]...) },
		"tree page": func(b []byte) []byte { copy(b[pageSize:], garbage[:3*pageSize]); return b },
		"cut short": func(b []byte) []byte { return b[:pageSize+10] },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir)
			for range 50 {
				if err := s.Add(t.Context(), testDelivery(strings.Repeat("x", 2000)), newAttempt(Initial)); err != nil {
					t.Fatal(err)
				}
			}
			_ = s.Close()
			path := filepath.Join(dir, dbName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := damage(bytes.Clone(b))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, dir)
			if !strings.Contains(s.Notice(), ".damaged-") {
				t.Fatalf("the notice is %q, want it to name the file set aside", s.Notice())
			}
			kept, _ := filepath.Glob(path + ".damaged-*")
			kept = keepDB(kept)
			if len(kept) != 1 {
				t.Fatalf("kept %v, want one file", kept)
			}
			if got, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(got, damaged) {
				t.Errorf("the file set aside is not the damaged one (%v)", err)
			}
			if err := s.Add(t.Context(), testDelivery("x"), nil); err != nil {
				t.Errorf("the new store does not work: %v", err)
			}
		})
	}
}

func keepDB(paths []string) (kept []string) {
	for _, p := range paths {
		if !strings.HasSuffix(p, "-wal") && !strings.HasSuffix(p, "-shm") {
			kept = append(kept, p)
		}
	}
	return kept
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := openStore(t, dir)
	if err := s.Add(t.Context(), testDelivery("x"), newAttempt(Initial)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s has mode %v", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDeadSessionIsInterrupted(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := openStore(t, dir)
	if err := s.Add(ctx, testDelivery("x"), newAttempt(Initial)); err != nil {
		t.Fatal(err)
	}
	other := openStore(t, dir)
	list, err := other.List(ctx, ListOptions{})
	if err != nil || list[0].Last.State != Pending {
		t.Fatalf("while its process lives: %+v, %v; want pending", list, err)
	}
	_ = s.sessionLock.Unlock() // as the system does when a process dies
	third := openStore(t, dir)
	a, err := third.Attempt(ctx, 1, 1)
	if err != nil || a.State != Interrupted || a.Error == "" {
		t.Errorf("after its process died: %+v, %v; want interrupted, with a reason", a, err)
	}
	if c := checkAccounts(t, third); c.Errors != 1 || c.Pending != 0 {
		t.Errorf("counters: %+v", c)
	}
}

func TestRetention(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	for i := range 30 {
		d := testDelivery(strings.Repeat("x", 1000))
		if i < 5 {
			d.ReceivedAt = time.Now().Add(-48 * time.Hour)
		}
		if err := s.Add(ctx, d, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Pin(ctx, 1, true); err != nil {
		t.Fatal(err)
	}
	retain := func(r Retention) {
		t.Helper()
		for n := 1; n > 0; {
			var err error
			if n, err = s.Retain(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	ids := func() (ids []int64) {
		list, err := s.List(ctx, ListOptions{Oldest: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		return ids
	}
	retain(Retention{Age: 24 * time.Hour})
	if got := ids(); len(got) != 26 || got[0] != 1 || got[1] != 6 {
		t.Errorf("by age: kept %v, want #1 (pinned) and #6 to #30", got)
	}
	retain(Retention{Count: 20})
	if got := ids(); len(got) != 20 || got[1] != 12 {
		t.Errorf("by count: kept %v, want #1 and #12 to #30", got)
	}
	retain(Retention{Bytes: 11 * 1000})
	if got := ids(); len(got) > 10 || got[len(got)-1] != 30 {
		t.Errorf("by bytes: kept %v, want the newest ten or fewer", got)
	}
	checkAccounts(t, s)
}

func TestClosedStore(t *testing.T) {
	s := openStore(t, t.TempDir())
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(context.Background(), testDelivery("x"), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Add: got %v, want ErrClosed", err)
	}
	if _, err := s.List(context.Background(), ListOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("List: got %v, want ErrClosed", err)
	}
}

func TestSummariesStaySmall(t *testing.T) {
	s := openStore(t, t.TempDir())
	d := testDelivery("x")
	d.Target = "/" + strings.Repeat("p", 900_000) + "?" + strings.Repeat("q", 10_000)
	if err := s.Add(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	list, err := s.List(t.Context(), ListOptions{})
	if err != nil || len(list[0].Target) != 2048 || len(list[0].Path) != 2048 || !strings.HasPrefix(d.Target, list[0].Target) {
		t.Errorf("got a target of %d characters and a path of %d (%v), want the first 2,048", len(list[0].Target), len(list[0].Path), err)
	}
	got, err := s.Delivery(t.Context(), d.ID)
	if err != nil || got.Target != d.Target {
		t.Errorf("the delivery's own target has %d characters (%v), want all %d", len(got.Target), err, len(d.Target))
	}
}

func TestCountEvents(t *testing.T) {
	s := openStore(t, t.TempDir())
	for _, f := range []provider.Facts{
		{Provider: "stripe", Event: "invoice.paid"},
		{Provider: "stripe", Event: "invoice.paid"},
		{Provider: "stripe"},
		{Provider: "github", Event: "push"},
		{},
		{Event: "push"},
	} {
		d := testDelivery("{}")
		d.Facts = f
		if err := s.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.CountEvents(t.Context())
	if want := "map[github:map[push:1] stripe:map[:1 invoice.paid:2]]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
}

// A list says which payload a delivery has, where it is asked to, as exports do.
func TestListDigests(t *testing.T) {
	s := openStore(t, t.TempDir())
	bodies := []string{"", "{}", "\x00\xff", strings.Repeat("é", 1<<20)}
	for _, body := range append(bodies, "cut") {
		d := testDelivery(body)
		d.Truncated = body == "cut"
		if err := s.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List(t.Context(), ListOptions{Oldest: true, Digest: true, Query: "method:POST"})
	if err != nil || len(list) != len(bodies)+1 {
		t.Fatalf("got %d deliveries %v", len(list), err)
	}
	for i, body := range bodies {
		if want := fmt.Sprintf("%x", sha256.Sum256([]byte(body))); list[i].BodySHA256 != want {
			t.Errorf("a body of %d bytes: got %q, want %s", len(body), list[i].BodySHA256, want)
		}
	}
	if got := list[len(bodies)].BodySHA256; got != "" {
		t.Errorf("a body that was not kept whole has %q", got)
	}
	if list, err = s.List(t.Context(), ListOptions{}); err != nil || list[0].BodySHA256 != "" || list[1].BodySHA256 != "" {
		t.Errorf("got %+v %v, want no digests that nobody asked for", list, err)
	}
}

// The attempts without their bodies are the same besides.
func TestAttemptsWithoutBodies(t *testing.T) {
	s := openStore(t, t.TempDir())
	d, first := testDelivery("x"), newAttempt(Initial)
	if err := s.Add(t.Context(), d, first); err != nil {
		t.Fatal(err)
	}
	edited := &Attempt{DeliveryID: d.ID, Trigger: Replay, StartedAt: first.StartedAt, Sent: &Sent{Method: "PUT", Edited: true, Body: []byte("edited")}}
	if err := s.Begin(t.Context(), edited); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*Attempt{first, edited} {
		a.State, a.Response = Answered, &Response{Status: 201, Header: http.Header{"X-A": {"1"}}, Body: []byte("answer"), Size: 6}
		if err := s.Finish(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, err := s.Attempts(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if want[i].Response.Body = nil; want[i].Sent != nil {
			want[i].Sent.Body = []byte{}
		}
	}
	if got, err := s.AttemptsWithoutBodies(t.Context(), d.ID); err != nil || len(got) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v\nwant %+v", got, err, want)
	}
}
