package tunnel_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"hookloop/tunnel"
	"hookloop/tunnel/ngroktest"
)

// wantSentence checks what every message must be: one line for a user, without
// the token, anywhere in the chain of causes.
func wantSentence(t *testing.T, err *tunnel.Error, parts ...string) {
	t.Helper()
	for e := error(err); e != nil; e = errors.Unwrap(e) {
		if strings.Contains(fmt.Sprintf("%v %+v", e, e), testToken) {
			t.Errorf("the token is in %q", e)
		}
	}
	if strings.ContainsAny(err.Msg, "\r\n") || strings.Contains(err.Msg, "%!") || len(err.Msg) > 400 {
		t.Errorf("not a sentence: %q", err.Msg)
	}
	for _, part := range parts {
		if !strings.Contains(err.Msg, part) {
			t.Errorf("message: got %q, want it to contain %q", err.Msg, part)
		}
	}
}

func TestGotchaWrongTokenFailsAtOnce(t *testing.T) {
	leaks(t)
	tests := []struct{ token, code, say string }{
		{testToken, "ERR_NGROK_107", "copy the current one"},
		{"not a token", "ERR_NGROK_105", "copy it again"},
		{"", "ERR_NGROK_4018", "sign up for free"},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			s := startService(t, ngroktest.Config{Authtokens: []string{"another_valid_token"}})
			cfg := configFor(t, s)
			cfg.Authtoken = tt.token
			start := time.Now()
			err := openError(t, cfg)
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v, want less than a second", took)
			}
			if err.Code != tt.code {
				t.Errorf("code: got %q, want %q", err.Code, tt.code)
			}
			wantSentence(t, err, tt.say, "https://dashboard.ngrok.com/")
			if strings.Contains(err.Msg, "not a token") {
				t.Errorf("the token is in %q", err.Msg)
			}
			if got := len(s.Auths()); got != 1 {
				t.Errorf("tries: got %d, want 1", got)
			}
		})
	}
}

func TestNgrokRefusals(t *testing.T) {
	leaks(t)
	auth := []int{105, 106, 107, 300, 4018, 108, 120, 121, 123, 9009, 9040}
	bind := []int{313, 314, 319, 320, 15002, 15013, 324, 350, 326, 9037, 334, 18016, 18017, 18019, 8013}
	withURL := []int{313, 314, 319, 320, 15002, 326, 9037, 334, 18016, 18017}
	shows := make(map[int]bool)
	for _, code := range withURL {
		shows[code] = true
	}
	for i, code := range append(auth, bind...) {
		refuse := ngroktest.Errorf(code, "Service text.\nYour authtoken: %s", testToken)
		hooks := ngroktest.Config{OnBind: func(ngroktest.Bind) error { return refuse }}
		if i < len(auth) {
			hooks = ngroktest.Config{OnAuth: func(ngroktest.Auth) error { return refuse }}
		}
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			cfg := configFor(t, startService(t, hooks))
			cfg.URL = "hooks.example.com"
			err := openError(t, cfg)
			want := []string{fmt.Sprintf("(ERR_NGROK_%d)", code)}
			if shows[code] {
				want = append(want, "https://hooks.example.com")
			}
			wantSentence(t, err, want...)
			if strings.Contains(err.Msg, "Service text") {
				t.Errorf("the service's words instead of ours: %q", err.Msg)
			}
		})
	}
}

func TestNgrokUnknownRefusal(t *testing.T) {
	leaks(t)
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{
			"with a code", ngroktest.Errorf(77777, "First line.\nYour authtoken: %s\nSecond line.", testToken),
			[]string{"First line; Second line", "https://ngrok.com/docs/errors/err_ngrok_77777"},
		},
		{"without a code", errors.New("no room today"), []string{"no room today"}},
	}
	for _, tt := range tests {
		t.Run("auth "+tt.name, func(t *testing.T) {
			cfg := configFor(t, startService(t, ngroktest.Config{OnAuth: func(ngroktest.Auth) error { return tt.err }}))
			wantSentence(t, openError(t, cfg), tt.want...)
		})
		t.Run("bind "+tt.name, func(t *testing.T) {
			cfg := configFor(t, startService(t, ngroktest.Config{OnBind: func(ngroktest.Bind) error { return tt.err }}))
			wantSentence(t, openError(t, cfg), tt.want...)
		})
	}
}

func TestNgrokURLTaken(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	cfg := configFor(t, s)
	cfg.URL = "hooks.test"
	openNgrok(t, cfg)
	err := openError(t, cfg)
	wantSentence(t, err, "https://hooks.test is already online elsewhere", "stop the other program")
}

func TestNgrokTooManyAgents(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{MaxSessions: 1})
	openNgrok(t, configFor(t, s))
	wantSentence(t, openError(t, configFor(t, s)), "as many agents as its plan allows", "stop one")
}

func TestNgrokBadPolicy(t *testing.T) {
	leaks(t)
	cfg := configFor(t, startService(t, ngroktest.Config{}))
	cfg.TrafficPolicy = "on_http_request: ["
	wantSentence(t, openError(t, cfg), "The traffic policy is not valid")
}

func TestGotchaUnreachableEndsAtStartTimeout(t *testing.T) {
	leaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close() // nobody is there now
	cfg := tunnel.NgrokConfig{Authtoken: testToken, ConnectAddr: ln.Addr().String(), StartTimeout: 300 * time.Millisecond}
	start := time.Now()
	ours := openError(t, cfg)
	if took := time.Since(start); took < cfg.StartTimeout || took > cfg.StartTimeout+time.Second {
		t.Errorf("took %v, want about %v", took, cfg.StartTimeout)
	}
	wantSentence(t, ours, "connection refused", "check the network", ln.Addr().String())
}

func TestGotchaSilentServiceEndsAtStartTimeout(t *testing.T) {
	leaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts, says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cfg := tunnel.NgrokConfig{Authtoken: testToken, ConnectAddr: ln.Addr().String(), StartTimeout: 300 * time.Millisecond}
	wantSentence(t, openError(t, cfg), "no answer", "gave up after 300ms")
}

func TestGotchaListenIgnoresItsContext(t *testing.T) {
	leaks(t)
	release := make(chan struct{})
	s := startService(t, ngroktest.Config{OnBind: func(ngroktest.Bind) error {
		<-release
		return nil
	}})
	t.Cleanup(func() { close(release) })
	cfg := configFor(t, s)
	cfg.StartTimeout = 300 * time.Millisecond
	start := time.Now()
	err := openError(t, cfg)
	if took := time.Since(start); took > cfg.StartTimeout+time.Second {
		t.Errorf("took %v, want about %v", took, cfg.StartTimeout)
	}
	wantSentence(t, err, "gave up after 300ms")
}

func TestGotchaWrongCertificateFailsAtOnce(t *testing.T) {
	leaks(t)
	cfg := configFor(t, startService(t, ngroktest.Config{}))
	cfg.CAFile = "" // so only ngrok's own authority is trusted
	start := time.Now()
	err := openError(t, cfg)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v, want less than 2 seconds", took)
	}
	wantSentence(t, err, "certificate", "CA file")
}

func TestNgrokStartInterrupted(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	s.Refuse(true)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	ep, err := tunnel.OpenNgrok(ctx, configFor(t, s))
	if ep != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want the context's error", ep, err)
	}
}

func TestGotchaIPv6ConnectAddress(t *testing.T) {
	leaks(t)
	s, err := ngroktest.Start(ngroktest.Config{Host: "::1"})
	if err != nil {
		t.Skip("no IPv6 here:", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	cfg := configFor(t, s)
	if !strings.HasPrefix(cfg.ConnectAddr, "[::1]:") {
		t.Fatalf("connect address: got %q", cfg.ConnectAddr)
	}
	serve(t, openNgrok(t, cfg), hello)
}

func TestNgrokConfigErrors(t *testing.T) {
	tests := []struct {
		cfg  tunnel.NgrokConfig
		want string
	}{
		{tunnel.NgrokConfig{CAFile: "does-not-exist.pem"}, "cannot be read"},
		{tunnel.NgrokConfig{CAFile: "ngrok.go"}, "no certificate in it"},
		{tunnel.NgrokConfig{URL: "tcp://1.tcp.ngrok.io:1234"}, "not an http or https URL"},
		{tunnel.NgrokConfig{URL: "https://hooks.test/path"}, "has a path"},
		{tunnel.NgrokConfig{URL: "https://user:secret@hooks.test"}, "has a user name"},
		{tunnel.NgrokConfig{URL: "https://"}, "is not a URL"},
	}
	for _, tt := range tests {
		err := openError(t, tt.cfg)
		wantSentence(t, err, tt.want)
		if strings.Contains(err.Msg, "secret") {
			t.Errorf("the password is in %q", err.Msg)
		}
	}
}
