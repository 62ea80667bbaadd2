package web

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hookloop/inspect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withChromium{m}) }

const testToken = "0123456789abcdef0123456789abcdef0123456789abcdef"

// A rig is a Server on a real listener, with a real Store.
type rig struct {
	*Server
	t    testing.TB
	url  string // http://127.0.0.1:port
	http *httptest.Server
}

// newRig serves an inspector of an empty store; edit may change its fields.
func newRig(t testing.TB, edit func(*Server)) *rig {
	t.Helper()
	store, err := inspect.Open(t.TempDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return serve(t, store, "127.0.0.1:0", edit)
}

// serve serves an inspector of store at addr until the test ends or stop is called.
func serve(t testing.TB, store *inspect.Store, addr string, edit func(*Server)) *rig {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Store: store, Token: testToken, Version: "1.2.3", Log: slog.New(slog.DiscardHandler),
		InspectorURL: "http://" + ln.Addr().String(),
	}
	if edit != nil {
		edit(s)
	}
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: s.Handler()}}
	srv.Start()
	rg := &rig{Server: s, t: t, url: srv.URL, http: srv}
	t.Cleanup(rg.stop)
	return rg
}

func (rg *rig) stop() {
	rg.Close()
	rg.http.CloseClientConnections()
	rg.http.Close()
}

// add stores a delivery and, if a is not nil, its first attempt, ended.
func (rg *rig) add(d inspect.Delivery, a *inspect.Attempt) int64 {
	rg.t.Helper()
	return addTo(rg.t, rg.Store, d, a)
}

func addTo(t testing.TB, store *inspect.Store, d inspect.Delivery, a *inspect.Attempt) int64 {
	t.Helper()
	if d.ReceivedAt.IsZero() {
		d.ReceivedAt = time.Now().UTC()
	}
	if d.Method == "" {
		d.Method = "POST"
	}
	if d.Target == "" {
		d.Target = "/hook"
	}
	if d.Header == nil {
		d.Header = http.Header{"Content-Type": {"application/json"}}
	}
	if d.Disposition == "" {
		d.Disposition = inspect.Held
		if a != nil {
			d.Disposition = inspect.Forwarded
		}
	}
	d.Host, d.Proto, d.Endpoint, d.Size = "hooks.example", "HTTP/1.1", "https://hooks.example", int64(len(d.Body))
	if a == nil {
		if err := store.Add(context.Background(), &d, nil); err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	first := *a
	if first.StartedAt.IsZero() {
		first.StartedAt = d.ReceivedAt
	}
	first.State = inspect.Pending
	if err := store.Add(context.Background(), &d, &first); err != nil {
		t.Fatal(err)
	}
	first.State = a.State
	if err := store.Finish(&first); err != nil {
		t.Fatal(err)
	}
	for range 500 { // Finish only queues it
		if got, err := store.Attempt(context.Background(), d.ID, 1); err != nil || got.State != inspect.Pending {
			return d.ID
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the attempt never ends")
	return 0
}

// answered is an attempt that ended with a response.
func answered(status int, body string) *inspect.Attempt {
	return &inspect.Attempt{
		Trigger: inspect.Initial, State: inspect.Answered, Duration: 12 * time.Millisecond, URL: "http://127.0.0.1:3000/hook",
		Response: &inspect.Response{
			Status: status, Proto: "HTTP/1.1", Header: http.Header{"Content-Type": {"text/html"}},
			Body: []byte(body), Size: int64(len(body)),
		},
	}
}

// do sends one request with the token; headers are pairs, and one with the
// value "" is left out.
func (rg *rig) do(method, path, body string, headers ...string) (*http.Response, string) {
	rg.t.Helper()
	req, err := http.NewRequest(method, rg.url+path, strings.NewReader(body))
	if err != nil {
		rg.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		switch {
		case headers[i] == "Host":
			req.Host = headers[i+1]
		case headers[i+1] == "":
			req.Header.Del(headers[i])
		default:
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req) // follows nothing
	if err != nil {
		rg.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		rg.t.Fatal(err)
	}
	return resp, string(b)
}

// get returns the JSON at path.
func get[T any](rg *rig, path string) (v T) {
	rg.t.Helper()
	resp, body := rg.do("GET", path, "")
	if resp.StatusCode != http.StatusOK {
		rg.t.Fatalf("GET %s: got %d %s, want 200", path, resp.StatusCode, body)
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		rg.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
	return v
}

// wantProblem checks that an answer is a problem with a sentence in it.
func wantProblem(t testing.TB, resp *http.Response, body string, status int, part string) {
	t.Helper()
	var p problem
	err := json.Unmarshal([]byte(body), &p)
	ct := resp.Header.Get("Content-Type")
	if resp.StatusCode != status || err != nil || ct != "application/problem+json" || p.Status != status || !strings.Contains(p.Detail, part) {
		t.Errorf("got %d %s %s, want a problem with status %d that says %q", resp.StatusCode, ct, body, status, part)
	}
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// pageFiles are our own files of the page, without what is vendored.
func pageFiles(t testing.TB) (names []string) {
	t.Helper()
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(name, "static/vendor/") {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("got %d files of the page, %v", len(names), err)
	}
	return names
}
