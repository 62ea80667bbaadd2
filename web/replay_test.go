package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
)

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
		s.Running = &replay.Running{Sender: s.Sender}
		t.Cleanup(func() {
			s.Running.Close()
			s.Sender.Stop()
		})
	}, got
}

// received returns the first request that withHandler's handler got and nobody has
// looked at. The test fails if none comes.
func received(t testing.TB, got <-chan *http.Request) *http.Request {
	t.Helper()
	select {
	case r := <-got:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was sent to the handler")
		return nil
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
		r := received(t, got)
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

func TestForecast(t *testing.T) {
	t.Parallel()
	const signature = "sha256=0278abc13a8e7b0516ce2b759bd31b80825a7ab010254a6bc4a346312482b623" // of the body, with demo-secret
	edit, got := withHandler(t)
	rg := newRig(t, func(s *Server) {
		edit(s)
		s.Sender.Checker = &provider.Checker{
			Catalog: provider.BuiltIn(), Secrets: map[string][]provider.Secret{"github": {{Label: "GH", Value: "demo-secret"}}},
		}
	})
	one := "/api/v1/deliveries/" + itoa(rg.add(inspect.Delivery{
		Body: []byte("{\"a\": 1}\n"), Header: http.Header{"X-Github-Event": {"push"}, "X-Hub-Signature-256": {signature}},
	}, nil))
	for _, tc := range []struct {
		in   string
		want forecastAnswer
		sign string // what the handler gets
	}{
		{`{}`, forecastAnswer{CanSign: true, Secret: "GH"}, signature},
		{
			`{"body":"{\"a\": 2}\n"}`,
			forecastAnswer{Refused: "the body was edited, so GitHub's signature no longer holds", Sign: true, CanSign: true, Secret: "GH"},
			"sha256=59caf9a37bfc9d169cd3b1576e83ba2bc040075f64cf49ad0ef8bc8cbf0d594f",
		},
		{`{"body":"{}","signing":"as received"}`, forecastAnswer{Refused: "the body was edited, so GitHub's signature no longer holds", CanSign: true, Secret: "GH"}, signature},
		{`{"signing":"again"}`, forecastAnswer{Sign: true, CanSign: true, Secret: "GH"}, signature},
	} {
		resp, body := rg.do("POST", one+"/forecast", tc.in)
		var f forecastAnswer
		if err := json.Unmarshal([]byte(body), &f); err != nil || resp.StatusCode != 200 || f != tc.want {
			t.Errorf("%s: got %d %s, want %+v", tc.in, resp.StatusCode, body, tc.want)
		}
		if len(got) > 0 {
			t.Fatal("a forecast was sent")
		}
		_, body = rg.do("POST", one+"/replay", tc.in)
		var a attemptView
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			t.Fatalf("%s: %s", tc.in, body)
		}
		if signed := a.Sent != nil && a.Sent.Signed == "github sha256 with GH"; signed != tc.want.Sign {
			t.Errorf("%s: got %s, want signed %t", tc.in, body, tc.want.Sign)
		}
		if r := received(t, got); r.Header.Get("X-Hub-Signature-256") != tc.sign {
			t.Errorf("%s: sent %s, want %s", tc.in, r.Header, tc.sign)
		}
	}
	resp, body := rg.do("POST", "/api/v1/deliveries/99/forecast", "{}")
	wantProblem(t, resp, body, 404, "no such delivery")
	resp, body = rg.do("POST", one+"/forecast", `{"to":"ftp://x"}`)
	wantProblem(t, resp, body, 409, "address of a handler")
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
		{itoa(id), `{"signing":"never"}`, 400, "as received"},
		{itoa(id), `{"signing":"again"}`, 409, "can't be signed again"},
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
