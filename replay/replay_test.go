package replay

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

// captured stores a delivery as it is held: never sent.
func (r *rig) captured(t testing.TB, d *inspect.Delivery) int64 {
	t.Helper()
	d.Method, d.Target = orDefault(d.Method, "POST"), orDefault(d.Target, "/hook?x=1;y")
	d.Host, d.Proto, d.ReceivedAt, d.Disposition = orDefault(d.Host, "example.test"), "HTTP/1.1", time.Now(), inspect.Held
	d.Size = max(d.Size, int64(len(d.Body)))
	if err := r.store.Add(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func TestReplayChanges(t *testing.T) {
	const body = `{"id": 1}`
	h := recordTCP(t, ok200)
	for _, tt := range []struct {
		name   string
		always http.Header // the Sender's
		o      Options
		start  string
		host   string
		lines  []string // end to end, without the host
		body   string
		sent   *inspect.Sent
	}{
		{name: "nothing", lines: []string{"x-a: 1", "x-a: 2", "x-b: b"}},
		{
			name: "nothing that differs", o: Options{Method: "POST", Header: http.Header{"X-B": {"b"}, "Host": {"example.test"}}, Edited: true, Body: []byte(body)},
			lines: []string{"x-a: 1", "x-a: 2", "x-b: b"},
		},
		{
			name: "a header set", o: Options{Header: http.Header{"X-A": {"3", "4"}, "X-C": {""}}},
			lines: []string{"x-a: 3", "x-a: 4", "x-b: b", "x-c: "},
			sent:  &inspect.Sent{Header: http.Header{"Content-Length": {"9"}, "X-A": {"3", "4"}, "X-B": {"b"}, "X-C": {""}}},
		},
		{
			name: "a header removed", o: Options{Header: http.Header{"X-A": nil}}, lines: []string{"x-b: b"},
			sent: &inspect.Sent{Header: http.Header{"Content-Length": {"9"}, "X-B": {"b"}}},
		},
		{
			name: "names in any case", o: Options{Header: http.Header{"x-a": {"3"}, "host": {"other.test"}, "X-b": nil}}, lines: []string{"x-a: 3"}, host: "other.test",
			sent: &inspect.Sent{Host: "other.test", Header: http.Header{"Content-Length": {"9"}, "X-A": {"3"}}},
		},
		{
			name: "the Host", o: Options{Header: http.Header{"Host": {"other.test:99"}}}, host: "other.test:99",
			lines: []string{"x-a: 1", "x-a: 2", "x-b: b"}, sent: &inspect.Sent{Host: "other.test:99"},
		},
		{
			name: "always and now", always: http.Header{"X-A": {"always"}, "X-D": {"d"}}, o: Options{Header: http.Header{"X-A": {"now"}}},
			lines: []string{"x-a: now", "x-b: b", "x-d: d"},
			sent:  &inspect.Sent{Header: http.Header{"Content-Length": {"9"}, "X-A": {"now"}, "X-B": {"b"}, "X-D": {"d"}}},
		},
		{
			name: "what frames the message", o: Options{Header: http.Header{"Content-Length": {"1"}, "Transfer-Encoding": {"chunked"}, "Connection": {"close"}, "Te": nil, "Trailer": {"X"}}},
			lines: []string{"x-a: 1", "x-a: 2", "x-b: b"},
		},
		{
			name: "an edited body", o: Options{Edited: true, Body: []byte("new\x00\xff")}, body: "new\x00\xff", lines: []string{"x-a: 1", "x-a: 2", "x-b: b"},
			sent: &inspect.Sent{Edited: true, Body: []byte("new\x00\xff"), Header: http.Header{"Content-Length": {"5"}, "X-A": {"1", "2"}, "X-B": {"b"}}},
		},
		{
			name: "an empty body", o: Options{Edited: true}, body: "-", lines: []string{"x-a: 1", "x-a: 2", "x-b: b"},
			sent: &inspect.Sent{Edited: true, Body: []byte{}, Header: http.Header{"Content-Length": {"0"}, "X-A": {"1", "2"}, "X-B": {"b"}}},
		},
		{
			name: "another method", o: Options{Method: "PUT"}, start: "PUT /hook?x=1;y HTTP/1.1", lines: []string{"x-a: 1", "x-a: 2", "x-b: b"},
			sent: &inspect.Sent{Method: "PUT"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := new(rig).start(t, h.addr)
			r.sender.Header = tt.always
			header := http.Header{"X-A": {"1", "2"}, "X-B": {"b"}, "Content-Length": {"9"}, "Connection": {"close"}}
			id := r.captured(t, &inspect.Delivery{Header: header, Body: []byte(body)})
			returned := r.replay(t, id, tt.o)
			m := h.next(t)
			if want := orDefault(tt.start, "POST /hook?x=1;y HTTP/1.1"); m.start != want {
				t.Errorf("got %s, want %s", m.start, want)
			}
			if got, want := m.header("Host"), []string{orDefault(tt.host, "example.test")}; !slices.Equal(got, want) {
				t.Errorf("Host: got %q, want %q", got, want)
			}
			if got := m.endToEnd("host"); !slices.Equal(got, tt.lines) {
				t.Errorf("headers:\n got %q\nwant %q", got, tt.lines)
			}
			if want := strings.TrimPrefix(orDefault(tt.body, body), "-"); string(m.body) != want || !slices.Equal(m.header("Content-Length"), []string{fmt.Sprint(len(want))}) {
				t.Errorf("body: got %q, want %q", m.body, want)
			}
			stored := r.attempt(t, id, 1)
			if !reflect.DeepEqual(stored.Sent, tt.sent) {
				t.Errorf("recorded:\n got %+v\nwant %+v", stored.Sent, tt.sent)
			}
			if returned.Number != 1 || returned.State != inspect.Answered || returned.Trigger != inspect.Replay || returned.URL != "http://"+h.addr+"/hook?x=1;y" {
				t.Errorf("got %+v", returned)
			}
			if d := must(r.store.Delivery(t.Context(), id)); !reflect.DeepEqual(d.Header, header) || string(d.Body) != body {
				t.Errorf("the delivery has changed: %+v", d)
			}
		})
	}
}

func TestReplayRefused(t *testing.T) {
	h := recordTCP(t, ok200)
	websocket := http.Header{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}}
	for _, tt := range []struct {
		name string
		d    inspect.Delivery
		o    Options
		want string
	}{
		{"truncated", inspect.Delivery{Truncated: true, Size: 100, Body: []byte("abc"), Reason: "the body is over the limit"}, Options{}, "only the first 3 of its 100 bytes were kept (the body is over the limit)"},
		{"WebSocket", inspect.Delivery{Method: "GET", Header: websocket}, Options{}, "opened a websocket connection"},
		{"CONNECT", inspect.Delivery{Method: "CONNECT", Target: "a:1"}, Options{}, "asks for a proxy"},
		{"as CONNECT", inspect.Delivery{}, Options{Method: "CONNECT"}, "asks for a proxy"},
		{"odd method", inspect.Delivery{}, Options{Method: "PO ST"}, `"PO ST" can't be a method`},
		{"method with a line break", inspect.Delivery{}, Options{Method: "POST\r\nX: 1"}, "can't be a method"},
		{"CR", inspect.Delivery{}, Options{Header: http.Header{"X-A": {"ok", "a\rb"}}}, "X-A has a line break"},
		{"LF", inspect.Delivery{}, Options{Header: http.Header{"X-A": {"a\nX-B: 1"}}}, "X-A has a line break"},
		{"NUL", inspect.Delivery{}, Options{Header: http.Header{"X-A": {"a\x00b"}}}, "control character"},
		{"name with a space", inspect.Delivery{}, Options{Header: http.Header{"X A": {"1"}}}, `"X A" can't be the name of a header`},
		{"name with a line break", inspect.Delivery{}, Options{Header: http.Header{"X\r\nA": nil}}, "can't be the name"},
		{"no name", inspect.Delivery{}, Options{Header: http.Header{"": {"1"}}}, "can't be the name"},
		{"Host with a slash", inspect.Delivery{}, Options{Header: http.Header{"Host": {"a/b"}}}, `"a/b" can't be a Host`},
		{"empty Host", inspect.Delivery{}, Options{Header: http.Header{"Host": {""}}}, "can't be a Host"},
		{"to nonsense", inspect.Delivery{}, Options{To: "ftp://x"}, "is not the address of a handler"},
		{"to a metadata service", inspect.Delivery{}, Options{To: "http://169.254.169.254/latest"}, "to which hookloop never sends"},
		{"to one in IPv6 clothes", inspect.Delivery{}, Options{To: "http://[::ffff:169.254.169.254]/"}, "to which hookloop never sends"},
		{"to another machine", inspect.Delivery{}, Options{To: "http://192.0.2.1/"}, "--allow-target 192.0.2.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := new(rig).start(t, h.addr)
			d := tt.d
			id := r.captured(t, &d)
			a, err := r.sender.Replay(t.Context(), id, tt.o)
			if a != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %+v, %v, want one line with %q", a, err, tt.want)
			}
			if c := r.balanced(t, 0); c.Attempts != 0 {
				t.Errorf("got %d attempts, want none begun", c.Attempts)
			}
		})
	}
	h.none(t)
	r := new(rig).start(t, h.addr)
	if _, err := r.sender.Replay(t.Context(), 99, Options{}); err == nil || !strings.Contains(err.Error(), "no delivery #99") {
		t.Errorf("got %v, want that there is no such delivery", err)
	}
	id := r.captured(t, &inspect.Delivery{Truncated: true, Size: 100, Body: []byte("abc")})
	if a := r.replay(t, id, Options{Edited: true, Body: []byte("abc")}); string(h.next(t).body) != "abc" || a.Sent == nil || !a.Sent.Edited {
		t.Errorf("truncated, edited: got %+v, want it sent", a)
	}
}

func TestReplayDestination(t *testing.T) {
	one, two, three := recordTCP(t, ok200), recordTCP(t, ok200), recordTCP(t, ok200)
	r := new(rig).start(t, "")
	id := r.captured(t, &inspect.Delivery{})
	if _, err := r.sender.Replay(t.Context(), id, Options{}); err == nil || !strings.Contains(err.Error(), "never sent to a handler: say where to with --to") {
		t.Errorf("never sent: got %v", err)
	}
	r.replay(t, id, Options{To: one.addr + "/fixed?k=v"})
	if m := one.next(t); m.start != "POST /fixed?k=v&x=1;y HTTP/1.1" {
		t.Errorf("got %s", m.start)
	}
	r.replay(t, id, Options{}) // where it went before
	if m := one.next(t); m.start != "POST /fixed?k=v&x=1;y HTTP/1.1" {
		t.Errorf("as before: got %s", m.start)
	}
	_, port, _ := strings.Cut(two.addr, ":")
	r.replay(t, id, Options{To: port})
	two.next(t)
	r.sender.Handler = &Handler{URL: mustURL(t, three.addr), Routes: []Route{{Prefix: "/other", URL: mustURL(t, one.addr)}}}
	if a := r.replay(t, id, Options{Trigger: inspect.Duplicate}); a.Trigger != inspect.Duplicate || a.Number != 4 {
		t.Errorf("got %+v", a)
	}
	three.next(t)
	r.sender.Handler = &Handler{Routes: []Route{{Prefix: "/other", URL: mustURL(t, one.addr)}}}
	r.replay(t, id, Options{}) // no route takes it: as before
	three.next(t)
	for _, h := range []*tcpHandler{one, two, three} {
		h.none(t)
	}
	r.balanced(t, 0)
}

// A hundred replays store the body once.
func TestReplaysShareTheBody(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	const marker = "only-once-in-the-file"
	body := marker + strings.Repeat("x", 100_000)
	exchange(t, r.addr, post("/", body))
	for range 100 {
		r.replay(t, 1, Options{Edited: true, Body: []byte(body)})
	}
	dir := r.store.Dir()
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "hookloop.db"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(file), marker); n != 1 || len(file) > 1<<20 {
		t.Errorf("the body is stored %d times in %d KiB, want once", n, len(file)>>10)
	}
}

// What Replay returns is in the store, so that a process that is ended while
// it prints it, by a pipe that closes say, leaves no attempt behind as interrupted.
func TestReplayIsStoredWhenItReturns(t *testing.T) {
	r := new(rig).start(t, recordTCP(t, ok200).addr)
	id := r.captured(t, &inspect.Delivery{})
	for n := 1; n <= 50; n++ {
		if _, err := r.sender.Replay(t.Context(), id, Options{}); err != nil {
			t.Fatal(err)
		}
		a, err := r.store.Attempt(t.Context(), id, n)
		if err != nil || a.State != inspect.Answered {
			t.Fatalf("attempt %d: got %+v, %v, want it answered", n, a, err)
		}
	}
}

// When the user gives up, the attempt ends and says so.
func TestReplayGivenUp(t *testing.T) {
	asked := make(chan struct{}, 1)
	addr := serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {
		asked <- struct{}{}
		<-req.Context().Done()
	})
	r := new(rig).start(t, addr)
	id := r.captured(t, &inspect.Delivery{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	a, err := r.sender.Replay(ctx, id, Options{})
	if err != nil || a.State != inspect.Errored || a.ErrorKind != inspect.ErrCanceled || !strings.Contains(a.Error, "given up") {
		t.Errorf("got %+v %v, want it canceled", a, err)
	}
	if a := r.attempt(t, id, 1); a.ErrorKind != inspect.ErrCanceled {
		t.Errorf("record: got %+v", a)
	}
	r.balanced(t, 0)
}
