package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tunnel"
)

type listAnswer struct {
	Deliveries []inspect.Summary `json:"deliveries"`
	More       bool              `json:"more"`
	Rev        int64             `json:"rev"`
}

type detailAnswer struct {
	Delivery deliveryView  `json:"delivery"`
	Attempts []attemptView `json:"attempts"`
}

// withHandler gives a server a Sender to a handler that echoes the body it
// got, with the status in ?status=.
func withHandler(t testing.TB) (edit func(*Server), got chan *http.Request) {
	t.Helper()
	got = make(chan *http.Request, 16)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
		select {
		case got <- r:
		default:
		}
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Query().Get("status") == "500" {
			w.WriteHeader(500)
		}
		w.Write(b)
	}))
	t.Cleanup(h.Close)
	u, _ := url.Parse(h.URL)
	return func(s *Server) {
		guard := &replay.Guard{}
		tr := replay.NewTransport(replay.TransportOptions{Guard: guard})
		t.Cleanup(tr.CloseIdleConnections)
		s.HandlerURL = h.URL
		s.Sender = &replay.Sender{Store: s.Store, Transport: tr, Guard: guard, Handler: &replay.Handler{URL: u}}
		t.Cleanup(func() { s.Sender.Stop() })
	}, got
}

func TestList(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	if got := get[listAnswer](rg, "/api/v1/deliveries"); got.Deliveries == nil || len(got.Deliveries) != 0 || got.More {
		t.Errorf("an empty store: got %+v, want an empty list", got)
	}
	for i := range 5 {
		rg.add(inspect.Delivery{Target: "/n/" + itoa(int64(i+1))}, answered(200+i*100, ""))
	}
	ids := func(path string) (ids []int64, more bool) {
		a := get[listAnswer](rg, path)
		for _, d := range a.Deliveries {
			ids = append(ids, d.ID)
		}
		return ids, a.More
	}
	for _, tc := range []struct {
		path string
		want []int64
		more bool
	}{
		{"", []int64{5, 4, 3, 2, 1}, false},
		{"?limit=2", []int64{5, 4}, true},
		{"?limit=5", []int64{5, 4, 3, 2, 1}, false},
		{"?limit=2&before=3", []int64{2, 1}, false},
		{"?limit=0", []int64{5}, true},
		{"?limit=99999", []int64{5, 4, 3, 2, 1}, false},
		{"?q=" + url.QueryEscape("path:/n/3"), []int64{3}, false},
	} {
		if got, more := ids("/api/v1/deliveries" + tc.path); !slices.Equal(got, tc.want) || more != tc.more {
			t.Errorf("%s: got %v %v, want %v %v", tc.path, got, more, tc.want, tc.more)
		}
	}
	for query, part := range map[string]string{"?limit=x": "limit", "?before=-1": "before", "?q=statsu:500": "status"} {
		resp, body := rg.do("GET", "/api/v1/deliveries"+query, "")
		wantProblem(t, resp, body, http.StatusBadRequest, part)
	}
}

func TestDetailAndBodies(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	raw := []byte("\xff\x00\r\n\x1b")
	id := rg.add(inspect.Delivery{
		Target: "/h?x=1;y=2&z=%zz", Body: raw,
		Header: http.Header{"X-Twice": {"b", "a"}, "Content-Type": {"text/html"}},
	}, answered(500, "<script>alert(1)</script>"))
	got := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(id))
	sum := sha256.Sum256(raw)
	d := got.Delivery
	if d.Target != "/h?x=1;y=2&z=%zz" || d.URL != "https://hooks.example/h?x=1;y=2&z=%zz" || d.SHA256 != hex.EncodeToString(sum[:]) || d.Text || d.Stored != len(raw) {
		t.Errorf("got %+v", d)
	}
	if !slices.Equal(d.Header["X-Twice"], []string{"b", "a"}) {
		t.Errorf("X-Twice: got %q, want b, a", d.Header["X-Twice"])
	}
	if len(got.Attempts) != 1 || got.Attempts[0].Response == nil || got.Attempts[0].Response.Status != 500 || got.Attempts[0].Sent != nil {
		t.Errorf("attempts: got %+v, want one with 500, sent as delivered", got.Attempts)
	}
	for path, want := range map[string]string{"/body": string(raw), "/attempts/1/body": "<script>alert(1)</script>", "/attempts/1/sent": string(raw)} {
		if _, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+path, ""); body != want {
			t.Errorf("%s: got %q, want %q", path, body, want)
		}
	}
	for _, path := range []string{"/99", "/99/body", "/x", "/0", "/-1", "/" + itoa(id) + "/attempts/2/body", "/" + itoa(id) + "/attempts/x/body", "/99/curl"} {
		resp, body := rg.do("GET", "/api/v1/deliveries"+path, "")
		wantProblem(t, resp, body, http.StatusNotFound, "")
	}
	resp, body := rg.do("GET", "/api/v2/nothing", "")
	wantProblem(t, resp, body, http.StatusNotFound, "openapi.json")
}

// TestBodiesNeverRun opens captured bodies of every type that a browser would
// run or draw: none keeps its type.
func TestBodiesNeverRun(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, tc := range []struct{ ct, body, want, ext string }{
		{"text/html", "<script>alert(1)</script>", "text/plain; charset=utf-8", ".txt"},
		{"image/svg+xml", "<svg onload=alert(1)>", "text/plain; charset=utf-8", ".txt"},
		{"application/javascript", "alert(1)", "text/plain; charset=utf-8", ".txt"},
		{"text/css", "*{}", "text/plain; charset=utf-8", ".txt"},
		{"application/json", "{}", "text/plain; charset=utf-8", ".json"},
		{"application/pdf", "%PDF-\x00", "application/octet-stream", ".pdf"},
		{"image/png", "\x89PNG\x00", "application/octet-stream", ".png"},
		{"text/html; x=\"\r\n", "\xff<script>", "application/octet-stream", ".bin"},
		{"application/x-msdownload", "MZ\x00", "application/octet-stream", ".bin"},
	} {
		id := rg.add(inspect.Delivery{Header: http.Header{"Content-Type": {tc.ct}}, Body: []byte(tc.body)}, answered(200, tc.body))
		for _, path := range []string{"/body", "/attempts/1/body", "/attempts/1/sent", "/body?decoded=1", "/body?download=1"} {
			resp, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+path, "")
			h := resp.Header
			if got := h.Get("Content-Type"); got != tc.want || body != tc.body {
				t.Errorf("%s %s: got %s %q, want %s %q", tc.ct, path, got, body, tc.want, tc.body)
			}
			if got := h.Get("Content-Security-Policy"); got != bodyPolicy || !strings.Contains(got, "sandbox") || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: got policy %q, want %q and nosniff", tc.ct, path, got, bodyPolicy)
			}
			attached := strings.HasPrefix(h.Get("Content-Disposition"), "attachment")
			if want := tc.want == "application/octet-stream" || strings.HasSuffix(path, "download=1"); attached != want {
				t.Errorf("%s %s: attachment: got %v, want %v", tc.ct, path, attached, want)
			}
			if strings.HasSuffix(path, "download=1") && !strings.Contains(h.Get("Content-Disposition"), "delivery-"+itoa(id)+tc.ext) {
				t.Errorf("%s: got name %q, want one ending in %s", tc.ct, h.Get("Content-Disposition"), tc.ext)
			}
		}
	}
}

func TestDecodedBody(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	zw.Write([]byte(`{"id":1}`))
	zw.Close()
	zipped := buf.Bytes()
	id := rg.add(inspect.Delivery{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: zipped}, nil)
	if _, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+"/body", ""); body != string(zipped) {
		t.Error("the body is not the stored one")
	}
	resp, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+"/body?decoded=1", "")
	note, err := url.PathUnescape(resp.Header.Get("Hookloop-Note"))
	if err != nil || !strings.Contains(note, "gzip") || body != `{"id":1}` {
		t.Errorf("decoded: got %q, note %q, %v; want JSON and a note about gzip", body, note, err)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	edit, got := withHandler(t)
	rg := newRig(t, edit)
	id := rg.add(inspect.Delivery{Body: []byte("one\r\n\xff"), Header: http.Header{"X-A": {"1", "2"}, "X-B": {"b"}}}, answered(500, "no"))
	path := "/api/v1/deliveries/" + itoa(id) + "/replay"
	for _, tc := range []struct {
		in      string
		trigger inspect.Trigger
		body    string
		header  http.Header
	}{
		{`{}`, inspect.Replay, "one\r\n\xff", http.Header{"X-A": {"1", "2"}, "X-B": {"b"}}},
		{`{"trigger":"duplicate"}`, inspect.Duplicate, "one\r\n\xff", nil},
		{`{"body":"two"}`, inspect.Replay, "two", nil},
		{`{"body":""}`, inspect.Replay, "", nil},
		{`{"body_base64":"AP8="}`, inspect.Replay, "\x00\xff", nil},
		{`{"headers":{"x-a":["3"],"X-B":null,"x-c":"c"}}`, inspect.Replay, "one\r\n\xff", http.Header{"X-A": {"3"}, "X-B": nil, "X-C": {"c"}}},
	} {
		resp, body := rg.do("POST", path, tc.in)
		var a attemptView
		if err := json.Unmarshal([]byte(body), &a); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: got %d %s, want an attempt", tc.in, resp.StatusCode, body)
		}
		if a.Trigger != tc.trigger || a.State != inspect.Answered || a.Response.Status != 200 {
			t.Errorf("%s: got %s, want %s, answered with 200", tc.in, body, tc.trigger)
		}
		r := <-got
		if b, _ := io.ReadAll(r.Body); string(b) != tc.body {
			t.Errorf("%s: sent %q, want %q", tc.in, b, tc.body)
		}
		for name, want := range tc.header {
			if !slices.Equal(r.Header[name], want) {
				t.Errorf("%s: sent %s: %q, want %q", tc.in, name, r.Header[name], want)
			}
		}
	}
	if n := len(get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(id)).Attempts); n != 7 {
		t.Errorf("got %d attempts, want 7", n)
	}
}

func TestReplayIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	edit, _ := withHandler(t)
	rg := newRig(t, edit)
	id := rg.add(inspect.Delivery{Body: []byte("x")}, nil)
	for _, tc := range []struct {
		id, in string
		status int
		part   string
	}{
		{itoa(id), `{"headers":{"X-A":["a\r\nX-Evil: 1"]}}`, 400, "line break"},
		{itoa(id), `{"headers":{"X-A":["a\u0000"]}}`, 400, "NUL"},
		{itoa(id), `{"headers":{"X A":["a"]}}`, 400, "not a header name"},
		{itoa(id), `{"headers":{"x-a":["a"],"X-A":["b"]}}`, 400, "twice"},
		{itoa(id), `{"headers":{"X-A":1}}`, 400, "header"},
		{itoa(id), `{"body":"a","body_base64":"YQ=="}`, 400, "one of them"},
		{itoa(id), `{"body_base64":"%"}`, 400, "JSON"},
		{itoa(id), `{"trigger":"initial"}`, 400, "trigger"},
		{itoa(id), `{"tpyo":1}`, 400, "tpyo"},
		{itoa(id), `{} {}`, 400, "after the JSON"},
		{itoa(id), ``, 400, "empty"},
		{itoa(id), `[]`, 400, "JSON"},
		{itoa(id), `{"to":"ftp://x"}`, 409, "address of a handler"},
		{itoa(id), `{"to":"http://192.0.2.1/"}`, 409, "--allow-target"},
		{"99", `{}`, 404, "no such delivery"},
	} {
		resp, body := rg.do("POST", "/api/v1/deliveries/"+tc.id+"/replay", tc.in)
		wantProblem(t, resp, body, tc.status, tc.part)
	}
	plain := newRig(t, nil)
	id = plain.add(inspect.Delivery{}, nil)
	resp, body := plain.do("POST", "/api/v1/deliveries/"+itoa(id)+"/replay", `{}`)
	wantProblem(t, resp, body, http.StatusConflict, "without a handler")
}

func TestPinAndRemove(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	id := itoa(rg.add(inspect.Delivery{}, nil))
	for _, tc := range []struct {
		in   string
		want bool
	}{{`{}`, true}, {`{"pinned":false}`, false}, {`{"pinned":true}`, true}} {
		if resp, body := rg.do("POST", "/api/v1/deliveries/"+id+"/pin", tc.in); resp.StatusCode != 200 {
			t.Fatalf("%s: got %d %s", tc.in, resp.StatusCode, body)
		}
		if got := get[detailAnswer](rg, "/api/v1/deliveries/"+id).Delivery.Pinned; got != tc.want {
			t.Errorf("%s: pinned: got %v, want %v", tc.in, got, tc.want)
		}
	}
	if resp, body := rg.do("DELETE", "/api/v1/deliveries/"+id, ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: got %d %s, want 204", resp.StatusCode, body)
	}
	resp, body := rg.do("DELETE", "/api/v1/deliveries/"+id, "")
	wantProblem(t, resp, body, http.StatusNotFound, "no such delivery")
	resp, body = rg.do("POST", "/api/v1/deliveries/"+id+"/pin", "{}")
	wantProblem(t, resp, body, http.StatusNotFound, "no such delivery")
}

func TestStatus(t *testing.T) {
	t.Parallel()
	st := tunnel.Status{Provider: "ngrok", State: tunnel.Online, URL: "https://x.ngrok.app", Latency: 12500 * time.Microsecond, Since: time.Now()}
	rg := newRig(t, func(s *Server) {
		s.Tunnel = func() tunnel.Status { return st }
		s.Health = func() replay.Health { return replay.Health{State: replay.HealthDown, Reason: "nothing listens"} }
		s.HandlerURL, s.ReceiverURL = "http://localhost:3000", "http://127.0.0.1:4041"
	})
	rg.add(inspect.Delivery{}, answered(200, ""))
	type answer struct {
		statusView
		Counters inspect.Counters
		Rev      int64
	}
	got := get[answer](rg, "/api/v1/status")
	if got.Version != "1.2.3" || got.Endpoint.URL != st.URL || got.Endpoint.LatencyMS != 12.5 || got.Handler.State != "down" ||
		got.Handler.Reason != "nothing listens" || got.Replay.Possible || got.Counters.Received != 1 || got.Rev == 0 {
		t.Errorf("got %+v", got)
	}
	if _, body := rg.do("GET", "/api/v1/status", ""); strings.Contains(body, testToken) {
		t.Error("the status carries the token")
	}
	tunnels := get[map[string]any](rg, "/api/tunnels")
	first := tunnels["tunnels"].([]any)[0].(map[string]any)
	if first["public_url"] != st.URL || first["proto"] != "https" || first["config"].(map[string]any)["addr"] != "http://localhost:3000" || first["name"] != "command_line" {
		t.Errorf("/api/tunnels: got %v", tunnels)
	}
	plain := newRig(t, nil)
	if got := get[map[string]any](plain, "/api/tunnels"); len(got["tunnels"].([]any)) != 0 || got["uri"] != "/api/tunnels" {
		t.Errorf("without a tunnel: got %v, want none", got)
	}
	if got := get[statusView](plain, "/api/v1/status"); got.Handler.State != "none" || got.Endpoint.State != tunnel.Local {
		t.Errorf("without anything: got %+v", got)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	state := tunnel.Online
	rg := newRig(t, func(s *Server) { s.Tunnel = func() tunnel.Status { return tunnel.Status{State: state} } })
	for st, want := range map[tunnel.State]int{
		tunnel.Connecting: 503, tunnel.Online: 200, tunnel.Reconnecting: 503, tunnel.Failed: 503, tunnel.Stopped: 503, tunnel.Local: 200,
	} {
		state = st
		resp, body := rg.do("GET", "/readyz", "", "Authorization", "")
		if want == 503 {
			wantProblem(t, resp, body, want, string(st))
		} else if resp.StatusCode != want {
			t.Errorf("%s: got %d %s, want %d", st, resp.StatusCode, body, want)
		}
	}
	rg.Store.Close()
	resp, body := rg.do("GET", "/readyz", "")
	wantProblem(t, resp, body, 503, "store")
	resp, body = rg.do("GET", "/api/v1/deliveries", "")
	wantProblem(t, resp, body, 500, "log") // nothing of the cause gets out
}

// TestOpenAPIDescribesTheRoutes compares openapi.json with the routes, and
// its schemas with what the API answers.
func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	t.Parallel()
	edit, _ := withHandler(t)
	rg := newRig(t, edit)
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any
				Required   []string
			}
		}
	}
	_, text := rg.do("GET", "/api/v1/openapi.json", "")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, rt := range rg.routes() {
		for m := range rt.methods {
			want = append(want, strings.ToLower(m)+" "+rt.path)
		}
	}
	for path, methods := range doc.Paths {
		for m := range methods {
			got = append(got, m+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("paths: got %q, want %q", got, want)
	}
	for _, ref := range strings.Split(text, `"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(ref, `"`)
		if _, ok := doc.Components.Schemas[name]; !ok {
			t.Errorf("there is no schema %s", name)
		}
	}
	check := func(schema string, v any) {
		t.Helper()
		b, _ := json.Marshal(v)
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		s := doc.Components.Schemas[schema]
		for key := range m {
			if s.Properties[key] == nil {
				t.Errorf("%s: %q is answered but not described", schema, key)
			}
		}
		for _, key := range s.Required {
			if _, ok := m[key]; !ok {
				t.Errorf("%s: %q is required but not answered; there is %q", schema, key, slices.Sorted(maps.Keys(m)))
			}
		}
	}
	id := rg.add(inspect.Delivery{Body: []byte("{}"), Disposition: inspect.Forwarded, Reason: "x"}, answered(200, "ok"))
	_, body := rg.do("POST", "/api/v1/deliveries/"+itoa(id)+"/replay", `{"body":"x"}`)
	check("Attempt", json.RawMessage(body))
	list := get[listAnswer](rg, "/api/v1/deliveries")
	check("Summary", list.Deliveries[0])
	check("AttemptSummary", list.Deliveries[0].Last)
	detail := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(id))
	check("Delivery", detail.Delivery)
	check("Response", detail.Attempts[0].Response)
	check("Sent", detail.Attempts[1].Sent)
	check("Status", rg.view())
	check("Counters", inspect.Counters{})
	check("Frame", frame{})
	check("Problem", problemf(400, "x"))
	check("ReplayRequest", replayRequest{})
}

// TestThePageIsServed fetches every file of the page.
func TestThePageIsServed(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, name := range append(pageFiles(t), "static/vendor/preact-htm.js") {
		path := strings.TrimPrefix(name, "static")
		if path == "/index.html" {
			path = "/"
		}
		resp, body := rg.do("GET", path, "")
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ct := resp.Header.Get("Content-Type")
		if resp.StatusCode != 200 || body != string(want) || (strings.HasSuffix(path, ".js") && !strings.HasPrefix(ct, "text/javascript")) {
			t.Errorf("GET %s: got %d %s and %d bytes, want the file", path, resp.StatusCode, ct, len(body))
		}
	}
	for _, path := range []string{"/js/", "/vendor/", "/css", "/nothing", "/../server.go", "/js/..%2f..%2fserver.go"} {
		if resp, body := rg.do("GET", path, ""); resp.StatusCode == 200 {
			t.Errorf("GET %s: got 200 %.80q", path, body)
		}
	}
}
