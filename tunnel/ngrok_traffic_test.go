package tunnel_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"hookloop/tunnel"
	"hookloop/tunnel/ngroktest"
)

// eachScheme runs a test through an https and through an http endpoint.
func eachScheme(t *testing.T, h http.Handler, test func(*testing.T, *ngroktest.Server, string)) {
	for _, scheme := range []string{"https", "http"} {
		t.Run(scheme, func(t *testing.T) {
			leaks(t)
			s := startService(t, ngroktest.Config{})
			cfg := configFor(t, s)
			cfg.URL = scheme + "://hooks.test"
			ep := openNgrok(t, cfg)
			serve(t, ep, h)
			if got, want := ep.Status().URL, scheme+"://hooks.test"; got != want {
				t.Errorf("URL: got %q, want %q", got, want)
			}
			test(t, s, ep.Status().URL)
		})
	}
}

func TestNgrokDelivery(t *testing.T) {
	eachScheme(t, hello, func(t *testing.T, s *ngroktest.Server, url string) {
		wantGet(t, s.Client(), url+"/hook", 200, "hello")
	})
}

func TestNgrokLargeBodies(t *testing.T) {
	const size = 50 << 20
	down := randomBytes(size)
	want := fmt.Sprintf("%x", sha256.Sum256(down))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		_, _ = io.Copy(sum, r.Body)
		w.Header().Set("Got", fmt.Sprintf("%x", sum.Sum(nil)))
		_, _ = w.Write(down)
	})
	eachScheme(t, h, func(t *testing.T, s *ngroktest.Server, url string) {
		resp, err := s.Client().Post(url, "application/octet-stream", bytes.NewReader(down))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		sum := sha256.New()
		if _, err := io.Copy(sum, resp.Body); err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Got"); got != want {
			t.Errorf("upload: got %s, want %s", got, want)
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil)); got != want {
			t.Errorf("download: got %s, want %s", got, want)
		}
	})
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func TestNgrokWebSocket(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, msg, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, msg) != nil {
				return
			}
		}
	})
	eachScheme(t, h, func(t *testing.T, s *ngroktest.Server, url string) {
		d := websocket.Dialer{NetDialContext: s.DialContext, TLSClientConfig: &tls.Config{RootCAs: s.CAs()}}
		c, _, err := d.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, want := range []string{"a", strings.Repeat("long ", 100_000)} {
			if err := c.WriteMessage(websocket.TextMessage, []byte(want)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
				t.Errorf("echo: got %d bytes, %v, want %d", len(got), err, len(want))
			}
		}
	})
}

func TestNgrokServerSentEvents(t *testing.T) {
	next := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next: // the client has read this event
			case <-r.Context().Done():
				return
			}
		}
	})
	eachScheme(t, h, func(t *testing.T, s *ngroktest.Server, url string) {
		resp, err := s.Client().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for i := range 3 {
			if want := fmt.Sprintf("data: %d", i); !lines.Scan() || lines.Text() != want {
				t.Fatalf("event: got %q, want %q", lines.Text(), want)
			}
			next <- struct{}{}
		}
	})
}

func TestNgrokRequestArrivesAsSent(t *testing.T) {
	leaks(t)
	seen := make(chan *http.Request, 1)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	serve(t, ep, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))

	req, err := http.NewRequest("POST", ep.Status().URL+"/a%2Fb/../c?x=1;y=2&z=%zz", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"X-Twice": {"1", "2"}, "X-Forwarded-For": {"203.0.113.9"}, "Authorization": {"Bearer x"}, "User-Agent": {""},
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r := <-seen
	if got, want := r.RequestURI, "/a%2Fb/../c?x=1;y=2&z=%zz"; got != want {
		t.Errorf("target: got %q, want %q", got, want)
	}
	if got, want := r.Host, strings.TrimPrefix(ep.Status().URL, "https://"); got != want {
		t.Errorf("Host: got %q, want %q", got, want)
	}
	if got := r.RemoteAddr; !strings.HasPrefix(got, "127.0.0.1:") || got == s.ConnectAddr() {
		t.Errorf("RemoteAddr: got %q, want the client's", got)
	}
	for name, want := range map[string][]string{
		"X-Twice": {"1", "2"}, "Authorization": {"Bearer x"}, "User-Agent": nil, "Accept-Encoding": nil,
		"X-Forwarded-For": {"203.0.113.9, 127.0.0.1"}, "X-Forwarded-Proto": {"https"},
	} {
		if got := r.Header.Values(name); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestNgrokAccessPolicy(t *testing.T) {
	leaks(t)
	tests := []struct {
		name   string
		pairs  []string
		cidrs  []string
		login  string
		status int
	}{
		{"open", nil, nil, "", 200},
		{"no login", []string{"ann:password1"}, nil, "", 401},
		{"wrong login", []string{"ann:password1"}, nil, "ann:password2", 401},
		{"right login", []string{"ann:password1", "bob:pass:word2"}, nil, "bob:pass:word2", 200},
		{"wrong address", nil, []string{"10.0.0.0/8"}, "", 403},
		{"right address", nil, []string{"10.0.0.0/8", "127.0.0.1"}, "", 200},
		{"wrong address, right login", []string{"ann:password1"}, []string{"10.0.0.0/8"}, "ann:password1", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			access, err := tunnel.ParseAccess(tt.pairs, tt.cidrs)
			if err != nil {
				t.Fatal(err)
			}
			s := startService(t, ngroktest.Config{})
			cfg := configFor(t, s)
			if cfg.TrafficPolicy, err = access.Policy(); err != nil {
				t.Fatal(err)
			}
			ep := openNgrok(t, cfg)
			serve(t, ep, hello)
			req, _ := http.NewRequest("GET", ep.Status().URL, nil)
			if user, password, ok := strings.Cut(tt.login, ":"); ok {
				req.SetBasicAuth(user, password)
			}
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("status: got %d, want %d", resp.StatusCode, tt.status)
			}
			if got := resp.Header.Get("WWW-Authenticate"); (got != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate: got %q with status %d", got, tt.status)
			}
		})
	}
}

func TestNgrokIntroducesItself(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{DevDomain: "dev.test"})
	cfg := configFor(t, s)
	cfg.Name, cfg.Version, cfg.Metadata = "hookloop", "1.2.3", "meta"
	ep := openNgrok(t, cfg)
	if got, want := ep.Status().URL, "https://dev.test"; got != want {
		t.Errorf("URL: got %q, want %q", got, want)
	}
	auth := s.Auths()[0].Extra
	if auth.Authtoken != testToken || auth.ClientType != "hookloop" || auth.Version != "1.2.3" || auth.Metadata != "meta" {
		t.Errorf("Auth: got %+v", auth)
	}
	if got, want := ep.Addr().String(), "dev.test"; got != want {
		t.Errorf("Addr: got %q, want %q", got, want)
	}
}
