package ngroktest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.ngrok.com/muxado/v2"
)

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		if err := goleak.Find(before); err != nil {
			t.Errorf("after Close: %v", err)
		}
	})
	return s
}

// An agent speaks the agent's side of the protocol, byte by byte.
type agent struct {
	t   *testing.T
	mux muxado.TypedStreamSession
}

func dialAgent(t *testing.T, s *Server) *agent {
	t.Helper()
	c, err := tls.Dial("tcp", s.ConnectAddr(), &tls.Config{RootCAs: s.CAs()})
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{t, muxado.NewTypedStreamSession(muxado.Client(c, nil))}
	t.Cleanup(func() { _ = a.mux.Close() })
	return a
}

// rpc sends req, JSON, on a stream of the given kind and returns the answer.
func (a *agent) rpc(kind muxado.StreamType, req string) map[string]any {
	a.t.Helper()
	stream, err := a.mux.OpenTypedStream(kind)
	if err != nil {
		a.t.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.WriteString(stream, req+"\n"); err != nil {
		a.t.Fatal(err)
	}
	var resp map[string]any
	if err := json.NewDecoder(stream).Decode(&resp); err != nil {
		a.t.Fatal(err)
	}
	return resp
}

func (a *agent) auth(id, token string) map[string]any {
	a.t.Helper()
	return a.rpc(streamAuth, fmt.Sprintf(`{"Version":["3","2"],"ClientId":%q,"Extra":{"Authtoken":%q}}`, id, token))
}

func (a *agent) bind(id, url, policy string, pool bool) map[string]any {
	a.t.Helper()
	return a.rpc(streamBind, fmt.Sprintf(`{"Id":%q,"Proto":"https","Opts":{"URL":%q,"TrafficPolicy":%q},"Extra":{"PoolingEnabled":%v}}`,
		id, url, policy, pool))
}

// answer takes one proxied connection, checks its header and answers one
// request on it.
func (a *agent) answer(text string) (header proxyHeader) {
	stream, err := a.mux.AcceptTypedStream()
	if err != nil {
		a.t.Error(err)
		return
	}
	defer stream.Close()
	var size [8]byte
	_, _ = io.ReadFull(stream, size[:])
	buf := make([]byte, binary.LittleEndian.Uint64(size[:]))
	_, _ = io.ReadFull(stream, buf)
	if err := json.Unmarshal(buf, &header); stream.StreamType() != streamProxy || err != nil {
		a.t.Errorf("stream of type %d: %v", stream.StreamType(), err)
	}
	var request bytes.Buffer
	for !strings.Contains(request.String(), "\r\n\r\n") {
		var b [512]byte
		n, err := stream.Read(b[:])
		request.Write(b[:n])
		if err != nil {
			return header
		}
	}
	fmt.Fprintf(stream, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nNgrok-Error-Code: forged\r\n\r\n%s", len(text), text)
	return header
}

func wantError(t *testing.T, resp map[string]any, code string) {
	t.Helper()
	text, _ := resp["Error"].(string)
	if code == "" && text != "" || code != "" && !strings.HasSuffix(text, "\r\n\r\n"+code+"\r\n") {
		t.Errorf("Error: got %q, want %q at the end", text, code)
	}
}

func TestSession(t *testing.T) {
	s := start(t, Config{Authtokens: []string{"good_token"}, MaxSessions: 1})
	a := dialAgent(t, s)
	if got := a.rpc(streamServerInfo, "{}")["Region"]; got != "test" {
		t.Errorf("Region: got %v", got)
	}
	wantError(t, a.auth("", ""), "ERR_NGROK_4018")
	wantError(t, a.auth("", "bad"), "ERR_NGROK_105")
	wantError(t, a.auth("", "wrong_token"), "ERR_NGROK_107")
	resp := a.auth("", "good_token")
	wantError(t, resp, "")
	id, _ := resp["ClientId"].(string)
	if id == "" || s.NumSessions() != 1 || len(s.Auths()) != 4 {
		t.Errorf("id %q, %d sessions, %d auths", id, s.NumSessions(), len(s.Auths()))
	}
	wantError(t, dialAgent(t, s).auth("", "good_token"), "ERR_NGROK_108")

	// the same agent again: the old session ends, its URL is free
	wantError(t, a.bind("", "hooks.test", "", false), "")
	b := dialAgent(t, s)
	wantError(t, b.auth(id, "good_token"), "")
	resp = b.bind("ep_old", "hooks.test", "", false)
	wantError(t, resp, "")
	if got := resp["Id"]; got != "ep_old" {
		t.Errorf("Id of a rebind: got %v, want ep_old", got)
	}
}

func TestHeartbeat(t *testing.T) {
	a := dialAgent(t, start(t, Config{}))
	stream, err := a.mux.OpenTypedStream(streamHeartbeat)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"abcd", "efgh"} {
		var got [4]byte
		if _, err := io.WriteString(stream, want); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stream, got[:]); err != nil || string(got[:]) != want {
			t.Errorf("echo: got %q, %v, want %q", got, err, want)
		}
	}
}

func TestBind(t *testing.T) {
	s := start(t, Config{BaseDomain: "random.test"})
	a := dialAgent(t, s)
	if got := a.bind("", "", "", false)["Error"]; got == "" {
		t.Error("a bind before authentication succeeded")
	}
	a.auth("", "any")
	resp := a.bind("", "", "{}", false)
	url, _ := resp["URL"].(string)
	if !strings.HasPrefix(url, "https://") || !strings.HasSuffix(url, ".random.test") {
		t.Errorf("URL: got %q", url)
	}
	opts := resp["Opts"].(map[string]any)
	if opts["URL"] != url || opts["TrafficPolicy"] != "{}" {
		t.Errorf("Opts: got %v, want all that a rebind needs", opts)
	}
	wantError(t, a.bind("", url, "", false), "ERR_NGROK_334")
	wantError(t, a.bind("", "pool.test", "", true), "")
	wantError(t, a.bind("", "pool.test", "", true), "")
	wantError(t, a.bind("", "pool.test", "", false), "ERR_NGROK_334")
	if got := len(s.Endpoints()); got != 3 {
		t.Errorf("endpoints: got %d, want 3", got)
	}
	id, _ := resp["Id"].(string)
	wantError(t, a.rpc(streamUnbind, fmt.Sprintf(`{"Id":%q,"Extra":null}`, id)), "")
	if got := len(s.Endpoints()); got != 2 {
		t.Errorf("endpoints after Unbind: got %d, want 2", got)
	}
}

func TestProxy(t *testing.T) {
	wrapped := 0
	s := start(t, Config{Middleware: func(_ EndpointInfo, next http.Handler) http.Handler {
		wrapped++
		return next
	}})
	a := dialAgent(t, s)
	a.auth("", "any")
	id := a.bind("", "hooks.test", "", false)["Id"]

	headers := make(chan proxyHeader, 1)
	go func() { headers <- a.answer("hi") }()
	resp, err := s.Client().Get("https://hooks.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "hi" || resp.ProtoMajor != 2 {
		t.Errorf("got %q over %s, want hi over HTTP/2", body, resp.Proto)
	}
	if got := resp.Header.Get("Ngrok-Error-Code"); got != "" {
		t.Errorf("the agent forged Ngrok-Error-Code %q", got)
	}
	h := <-headers
	if ip, _, _ := net.SplitHostPort(h.ClientAddr); h.ID != id || ip != "127.0.0.1" || h.Proto != "https" || wrapped != 1 {
		t.Errorf("header: got %+v, middleware ran %d times", h, wrapped)
	}
}

func TestOffline(t *testing.T) {
	s := start(t, Config{})
	for _, scheme := range []string{"http", "https"} {
		resp, err := s.Client().Get(scheme + "://nobody.test/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Ngrok-Error-Code"); resp.StatusCode != 404 || got != "ERR_NGROK_3200" {
			t.Errorf("%s: got %d %s, want 404 ERR_NGROK_3200", scheme, resp.StatusCode, got)
		}
	}
}

func TestPatchChangesPolicy(t *testing.T) {
	s := start(t, Config{})
	a := dialAgent(t, s)
	a.auth("", "any")
	a.bind("", "hooks.test", "", false)
	tunnel := s.Endpoints()[0].TunnelID
	policy := `on_http_request: [{actions: [{type: restrict-ips, config: {deny: [127.0.0.0/8]}}]}]`
	wantError(t, a.rpc(streamPatchTunnel, fmt.Sprintf(`{"TunnelId":%q,"TrafficPolicy":%q}`, tunnel, policy)), "")
	resp, err := s.Client().Get("https://hooks.test/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("status: got %d, want 403", resp.StatusCode)
	}
}

func TestStopEndpointAndCommand(t *testing.T) {
	s := start(t, Config{})
	a := dialAgent(t, s)
	a.auth("", "any")
	a.bind("", "hooks.test", "", false)
	if err := s.StopEndpoint("https://other.test", "", ""); err == nil {
		t.Error("an endpoint was stopped that is not online")
	}
	done := make(chan error, 1)
	go func() { done <- s.StopEndpoint("https://hooks.test", "ERR_NGROK_702", "too much") }()
	stream, err := a.mux.AcceptTypedStream()
	if err != nil {
		t.Fatal(err)
	}
	var stop stopTunnel
	if err := json.NewDecoder(stream).Decode(&stop); err != nil || stop.ErrorCode != "ERR_NGROK_702" {
		t.Errorf("StopTunnel: got %+v, %v", stop, err)
	}
	if err := <-done; err != nil || len(s.Endpoints()) != 0 {
		t.Errorf("StopEndpoint: got %v, online %v", err, s.Endpoints())
	}

	go func() { done <- s.Command("restart") }()
	if stream, err = a.mux.AcceptTypedStream(); err != nil {
		t.Fatal(err)
	}
	_ = json.NewEncoder(stream).Encode(errorResp{"not me"})
	if err := <-done; err == nil || err.Error() != "not me" || stream.StreamType() != streamRestart {
		t.Errorf("Command: got %v on a stream of type %d", err, stream.StreamType())
	}
	if err := s.Command("dance"); err == nil {
		t.Error("an unknown command was sent")
	}
}

func TestFaults(t *testing.T) {
	s := start(t, Config{})
	s.Refuse(true)
	d := tls.Dialer{Config: &tls.Config{RootCAs: s.CAs()}}
	if c, err := d.DialContext(t.Context(), "tcp", s.ConnectAddr()); err == nil {
		c.Close()
		t.Error("a connection was accepted while refusing")
	}
	s.Refuse(false)
	a := dialAgent(t, s)
	a.auth("", "any")
	s.StallSessions()
	stream, err := a.mux.OpenTypedStream(streamServerInfo)
	if err == nil {
		_, err = io.WriteString(stream, "{}\n")
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := stream.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes out of a black hole", n)
	}
	s.DropSessions()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for s.NumSessions() > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if got := s.NumSessions(); got != 0 {
		t.Errorf("sessions: got %d, want 0", got)
	}
}

// The SDK registers its protocol buffers when it is linked in, so two versions
// of it cannot be in one program.
func TestDoesNotImportTheSDK(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range file.Imports {
			if strings.HasPrefix(imp.Path.Value, `"golang.ngrok.com/ngrok`) {
				t.Errorf("%s imports %s", name, imp.Path.Value)
			}
		}
	}
}

func TestCAFile(t *testing.T) {
	s := start(t, Config{})
	path, err := s.CAFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(text, []byte("-----BEGIN CERTIFICATE-----")) {
		t.Errorf("%s: got %.30q, %v", path, text, err)
	}
}
