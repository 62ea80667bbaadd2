package web

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// paths are all routes with ids filled in.
func (rg *rig) paths() []string {
	list := []string{"/", "/app.js", "/nothing"}
	for _, rt := range rg.routes() {
		list = append(list, strings.NewReplacer("{id}", "1", "{n}", "1", "{name}", "stripe").Replace(rt.path))
	}
	return list
}

func TestWrongHostIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, path := range rg.paths() {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			resp, body := rg.do(method, path, "{}", "Host", "evil.example")
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s with Host evil.example: got %d %s, want 403", method, path, resp.StatusCode, body)
			}
		}
	}
	resp, body := rg.do("GET", "/api/v1/status", "", "Host", "evil.example")
	wantProblem(t, resp, body, http.StatusForbidden, "host name")
}

func TestHosts(t *testing.T) {
	t.Parallel()
	rg := newRig(t, func(s *Server) {
		s.AllowedHosts = []string{"box.lan"}
		s.InspectorURL = "http://inspector.test:4040"
	})
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:1": 200, "localhost:4040": 200, "LocalHost.": 200, "[::1]:4040": 200, "127.9.9.9": 200,
		"box.lan": 200, "BOX.lan:99": 200, "inspector.test:1": 200,
		"localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "127.0.0.1@evil.example": 403, "10.0.0.1": 403,
		"evil.example:4040": 403, "notbox.lan": 403, "0.0.0.0": 403, "[::ffff:10.0.0.1]": 403, "2130706433": 403,
	} {
		if resp, body := rg.do("GET", "/readyz", "", "Host", host); resp.StatusCode != want {
			t.Errorf("Host %s: got %d %s, want %d", host, resp.StatusCode, body, want)
		}
	}
}

// TestTheAddressConnectedToIsAHost lets a page open that was reached under the
// machine's own address, which no name can be rebound to.
func TestTheAddressConnectedToIsAHost(t *testing.T) {
	t.Parallel()
	local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4040}
	for host, want := range map[string]bool{"192.0.2.7:4040": true, "192.0.2.8:4040": false, "evil.example": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
		if got := new(Server).hostAllowed(r); got != want {
			t.Errorf("Host %s at %s: got %v, want %v", host, local, got, want)
		}
	}
}

func TestWithoutTheTokenNobodyGetsIn(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, token := range []string{"", "Bearer ", "Bearer x", "Bearer " + testToken + "0", "Bearer " + testToken[1:], "Basic " + testToken, testToken} {
		for _, path := range rg.paths() {
			if path == "/readyz" {
				continue
			}
			resp, body := rg.do("GET", path, "", "Authorization", token)
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("GET %s with Authorization %q: got %d, want 401", path, token, resp.StatusCode)
			}
			if strings.HasPrefix(path, "/api/") {
				wantProblem(t, resp, body, http.StatusUnauthorized, "token")
			} else if !strings.Contains(body, "Open the URL that hookloop printed") {
				t.Errorf("GET %s: got %q, want a page that says what to open", path, body)
			}
		}
	}
	if resp, _ := rg.do("GET", "/readyz", "", "Authorization", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("GET /readyz without a token: got %d, want 200", resp.StatusCode)
	}
	resp, body := rg.do("GET", "/api/v1/status?token="+testToken, "", "Authorization", "")
	wantProblem(t, resp, body, http.StatusUnauthorized, "token") // the URL is for the page alone
}

func TestAnEmptyTokenOpensNothing(t *testing.T) {
	t.Parallel()
	rg := newRig(t, func(s *Server) { s.Token = "" })
	for _, auth := range []string{"", "Bearer ", "Bearer"} {
		if resp, _ := rg.do("GET", "/api/v1/status", "", "Authorization", auth, "Cookie", "hookloop_80="); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("Authorization %q: got %d, want 401", auth, resp.StatusCode)
		}
	}
	if resp, _ := rg.do("GET", "/?token=", "", "Authorization", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("/?token=: got %d, want 401", resp.StatusCode)
	}
}

func TestTheTokenInTheURLBecomesACookie(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	resp, _ := rg.do("GET", "/?token="+testToken+"&q=is%3Afailed", "", "Authorization", "")
	if got, want := resp.Header.Get("Location"), "/?q=is%3Afailed"; resp.StatusCode != http.StatusSeeOther || got != want {
		t.Errorf("got %d to %q, want 303 to %q", resp.StatusCode, got, want)
	}
	if len(resp.Cookies()) != 1 {
		t.Fatalf("got %d cookies, want 1", len(resp.Cookies()))
	}
	c := resp.Cookies()[0]
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(rg.url, "http://"))
	if c.Name != "hookloop_"+port || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge <= 0 {
		t.Errorf("got cookie %s, want hookloop_%s, HttpOnly, SameSite=Strict, Path=/, lasting", c.Raw, port)
	}
	if resp, body := rg.do("GET", "/api/v1/status", "", "Authorization", "", "Cookie", c.Name+"="+c.Value); resp.StatusCode != http.StatusOK {
		t.Errorf("with the cookie: got %d %s, want 200", resp.StatusCode, body)
	}
	if resp, _ := rg.do("GET", "/api/v1/status", "", "Authorization", "", "Cookie", "hookloop_1="+c.Value); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("with the cookie of another port: got %d, want 401", resp.StatusCode)
	}
	if resp, _ := rg.do("GET", "/?token=wrong", "", "Authorization", ""); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) != 0 {
		t.Errorf("a wrong token: got %d and %d cookies, want 401 and none", resp.StatusCode, len(resp.Cookies()))
	}
}

func TestAnotherOriginChangesNothing(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, h := range [][]string{
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"}, // another port of localhost
		{"Origin", "http://127.0.0.1:1"},
	} {
		for _, rq := range [][2]string{
			{"POST", "/api/v1/deliveries/1/replay"},
			{"POST", "/api/v1/deliveries/1/pin"},
			{"POST", "/api/v1/deliveries/1/confirm"},
			{"DELETE", "/api/v1/deliveries/1"},
		} {
			resp, body := rg.do(rq[0], rq[1], "{}", h...)
			wantProblem(t, resp, body, http.StatusForbidden, "another origin")
		}
	}
	resp, body := rg.do("DELETE", "/api/v1/deliveries/1", "", "Origin", rg.url, "Sec-Fetch-Site", "same-origin")
	wantProblem(t, resp, body, http.StatusNotFound, "no such delivery") // our own page gets through
}

func TestAGetChangesNothing(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, rt := range rg.routes() {
		path := strings.NewReplacer("{id}", "1", "{n}", "1", "{name}", "stripe").Replace(rt.path)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			key := method
			if key == "HEAD" {
				key = "GET"
			}
			if rt.methods[key] != nil {
				continue
			}
			resp, body := rg.do(method, path, "{}")
			if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
				t.Errorf("%s %s: got %d %s, want 405 with Allow", method, path, resp.StatusCode, body)
			}
		}
	}
	if resp, _ := rg.do("POST", "/", "{}"); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /: got %d, want 405", resp.StatusCode)
	}
}

func TestOnlyJSONIsRead(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, ct := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"} {
		for _, path := range []string{"/api/v1/deliveries/1/replay", "/api/v1/deliveries/1/pin", "/api/v1/deliveries/1/confirm"} {
			resp, body := rg.do("POST", path, "{}", "Content-Type", ct)
			wantProblem(t, resp, body, http.StatusUnsupportedMediaType, "application/json")
		}
	}
}

func TestRequestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	big := `{"pinned":true,"x":"` + strings.Repeat("x", maxSmallJSON) + `"}`
	resp, body := rg.do("POST", "/api/v1/deliveries/1/pin", big)
	wantProblem(t, resp, body, http.StatusRequestEntityTooLarge, "send less")
	big = `{"body":"` + strings.Repeat("x", maxReplayJSON) + `"}`
	resp, body = rg.do("POST", "/api/v1/deliveries/1/replay", big)
	wantProblem(t, resp, body, http.StatusRequestEntityTooLarge, "send less")
}

func TestEveryAnswerHasTheSafetyHeaders(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, path := range append(rg.paths(), "/?token=x") {
		for _, auth := range []string{"Bearer " + testToken, ""} {
			resp, _ := rg.do("GET", path, "", "Authorization", auth)
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			} {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("GET %s: %s: got %q, want %q", path, name, got, want)
				}
			}
			if got := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
				t.Errorf("GET %s: Content-Security-Policy: got %q, want default-src 'none' and nothing unsafe", path, got)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("GET %s: another origin may read it", path)
			}
		}
	}
}

func TestLiveSocketIsGuarded(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, tc := range []struct {
		name   string
		header http.Header
		want   int
	}{
		{"no token", http.Header{}, 401},
		{"another origin", http.Header{"Authorization": {"Bearer " + testToken}, "Origin": {"https://evil.example"}}, 403},
		{"another port", http.Header{"Authorization": {"Bearer " + testToken}, "Origin": {"http://127.0.0.1:1"}}, 403},
		{"no origin at all", http.Header{"Authorization": {"Bearer " + testToken}, "Origin": {"null"}}, 403},
		{"wrong host", http.Header{"Authorization": {"Bearer " + testToken}, "Host": {"evil.example"}, "Origin": {"http://evil.example"}}, 403},
		{"our page", http.Header{"Authorization": {"Bearer " + testToken}, "Origin": {rg.url}}, 101},
		{"a script", http.Header{"Authorization": {"Bearer " + testToken}}, 101},
	} {
		conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(rg.url, "http")+"/api/v1/live", tc.header)
		if conn != nil {
			conn.Close()
		}
		if resp == nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, resp.StatusCode, tc.want)
		}
	}
}
