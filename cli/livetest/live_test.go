// Package livetest runs handlers that are written on the providers' own
// libraries behind the real hookloop.
package livetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hookloop/inspect/provider"
)

var hookloop string // the binary

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "livetest")
	if err != nil {
		panic(err)
	}
	hookloop = filepath.Join(dir, "hookloop")
	build := exec.Command("go", "build", "-o", hookloop, ".")
	build.Dir = filepath.Join("..", "..")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func TestLibraries(t *testing.T) {
	catalog := provider.BuiltIn()
	for _, l := range cases(t) {
		t.Run(l.provider, func(t *testing.T) {
			t.Parallel()
			p := catalog.Provider(l.provider)
			if p == nil || len(p.Samples) == 0 {
				t.Fatal("the catalog has no sample")
			}
			s := listen(t, l)
			for i := range p.Samples {
				sample := &p.Samples[i]
				t.Run(sample.Event, func(t *testing.T) { s.rehearse(t, catalog, l, p, sample) })
			}
		})
	}
}

// rehearse delivers one sample well signed, tampered and aged, and replays it.
func (s *session) rehearse(t *testing.T, catalog *provider.Catalog, l live, p *provider.Provider, sample *provider.Sample) {
	checker := &provider.Checker{Catalog: catalog, Default: p.Name, Secrets: map[string][]provider.Secret{p.Name: {{Label: "test", Value: l.secret}}}}
	sign := func(at time.Time) *provider.Request {
		r := p.Render(sample, s.receiver+"/hooks", at)
		signed, err := checker.Sign(r, at, true)
		if err != nil {
			t.Fatalf("Sign: %v", err)
		}
		return &signed.Request
	}

	good := sign(time.Now())
	if status, body := s.deliver(t, good); status != http.StatusOK {
		t.Errorf("the library refuses what hookloop signed: %d %s", status, body)
	}
	s.wantSignature(t, "valid")

	bad := sign(time.Now())
	bad.Body = append(bytes.Clone(bad.Body), ' ')
	if status, _ := s.deliver(t, bad); status != http.StatusBadRequest {
		t.Errorf("the library accepts a tampered delivery: %d", status)
	}
	s.wantSignature(t, "invalid")
	if out, err := s.run("replay", "last"); err == nil {
		t.Errorf("a tampered delivery was signed again without being told to:\n%s", out)
	}
	if out, err := s.run("replay", "last", "--resign"); err != nil {
		t.Errorf("replay --resign: %v\n%s", err, out)
	}

	if !l.aged {
		return
	}
	if status, _ := s.deliver(t, sign(time.Now().Add(-time.Hour))); status != http.StatusBadRequest {
		t.Errorf("the library accepts a timestamp of an hour ago: %d", status)
	}
	s.wantSignature(t, "invalid")
	if out, err := s.run("replay", "last", "--resign"); err != nil || !strings.Contains(out, "signed") {
		t.Errorf("replay --resign of an aged delivery: %v\n%s", err, out)
	}
	if out, err := s.run("replay", "last", "--no-resign"); err == nil {
		t.Errorf("replay --no-resign of an aged delivery was accepted:\n%s", out)
	}
}

// A session is a running hookloop listen with a handler behind it.
type session struct {
	dir, receiver string
	env           []string
}

func listen(t *testing.T, l live) *session {
	t.Helper()
	handler := httptest.NewServer(l.handler())
	t.Cleanup(handler.Close)
	s := &session{dir: t.TempDir()}
	s.env = append(os.Environ(), "HOOKLOOP_DATA_DIR="+s.dir, "HOOKLOOP_SECRET="+l.provider+"=env:LIVETEST_SECRET", "LIVETEST_SECRET="+l.secret)
	cmd := exec.Command(hookloop, "listen", handler.URL, "--tunnel", "none", "--port", "0", "--inspector", "off",
		"--output", "json", "--provider", l.provider)
	cmd.Env = s.env
	cmd.Dir = s.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("hookloop did not start: %s", stderr.String())
	}
	var ready struct {
		ReceiverURL string `json:"receiver_url"`
	}
	if err := json.Unmarshal(lines.Bytes(), &ready); err != nil || ready.ReceiverURL == "" {
		t.Fatalf("the first line is %q: %v", lines.Text(), err)
	}
	s.receiver = ready.ReceiverURL
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s
}

func (s *session) deliver(t *testing.T, r *provider.Request) (status int, body string) {
	t.Helper()
	req, err := http.NewRequest(r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// wantSignature checks what hookloop says of the last delivery.
func (s *session) wantSignature(t *testing.T, want string) {
	t.Helper()
	out, err := s.run("verify", "last", "--json")
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var got struct{ Result, Reason string }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("verify printed %q: %v", out, err)
	}
	if got.Result != want {
		t.Errorf("hookloop verify last: %s (%s), want %s", got.Result, got.Reason, want)
	}
}

// run runs a command of hookloop's beside the session.
func (s *session) run(args ...string) (string, error) {
	cmd := exec.Command(hookloop, args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	out, err := cmd.Output()
	return string(out), err
}
