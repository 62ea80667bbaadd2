package mockapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roundTripFunc is a handler that no network is needed for.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answers is a transport that notes when it was asked and answers with the
// statuses in turn, the last one for ever. 0 = it waits until the request ends.
type answers struct {
	statuses []int

	mu    sync.Mutex
	calls []call
}

// A call is a callback as it arrived.
type call struct {
	at     time.Time
	header http.Header
	body   string
	url    string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	status := a.statuses[min(len(a.calls), len(a.statuses)-1)]
	a.calls = append(a.calls, call{time.Now(), r.Header.Clone(), string(body), r.URL.String()})
	a.mu.Unlock()
	if status == 0 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}}, nil
}

func (a *answers) seen() []call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls
}

// events collects what it is told.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) add(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

func (e *events) lines() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var lines []string
	for _, event := range e.all {
		lines = append(lines, strings.ReplaceAll(event.String(), event.TaskID, "T"))
	}
	return lines
}

// ask makes a request of h with the key "k".
func ask(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer k")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// parse returns body as JSON, with the path's member taken out of objects.
func parse(t testing.TB, body string, path ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

const (
	generate = "/api/v1/generateTask/nano-banana"
	status   = "/api/v1/statusTask/nano-banana?taskId="
	polled   = `{"request_type":"async","input":{"prompt":"a cat"}}`
	calling  = `{"request_type":"callback","callback_url":"http://handler.test/hook?s=secret","input":{"prompt":"a cat"}}`
)

// generated submits a task and returns its ID.
func generated(t testing.TB, h http.Handler, body string) string {
	t.Helper()
	w := ask(h, "POST", generate, body)
	id, _ := parse(t, w.Body.String(), "data", "taskId").(string)
	if w.Code != http.StatusOK || id == "" {
		t.Fatalf("submitting answered %d %s", w.Code, w.Body)
	}
	return id
}
