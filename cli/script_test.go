package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hookloop/inspect"
	"hookloop/tunnel/ngroktest"
)

// TestSessions runs the sessions in testdata, each in a folder and on ports of
// its own, with hookloop as a process of its own.
//
// Besides testscript's commands they have:
//
//	handler NAME STATUS [BODY]  starts a handler; $NAME is its URL, $NAME_PORT its port; with the
//	                            status 0 it never answers;
//	                            again with the same NAME: it answers this from now on.
//	                            Its latest request's body is in NAME.body, all of it in NAME.request,
//	                            and NAME.count has a byte for each
//	freeport NAME               sets $NAME to a port that nothing listens at
//	handlerat NAME PORT STATUS [BODY]  is handler, at that port
//	untilpost PATTERN URL FILE  posts a file until the status line matches; "broken" is no answer at all
//	envsubst FILE TO            writes a file with the environment's values for ${NAME}, and $ for $$
//	capture NAME PATTERN        sets $NAME to what the pattern's first group matches in standard output
//	ready FILE                  waits for a ready file; sets $PUBLIC, $RECEIVER, $RECEIVER_PORT, $INSPECTOR,
//	                            $INSPECTOR_ADDR, $TOKEN, $DATA
//	post URL [FILE] [HEADER]…   posts a file (or nothing); its answer is standard output, the
//	                            status line first
//	settle                      waits until no attempt in $DATA is pending
//	until PATTERN CMD …         runs hookloop until its output matches
//	appear FILE                 waits for a file
//	ngrok                       starts a stand-in ngrok service and points hookloop at it
//	bytes FILE N                writes N bytes of every value
//	sign FORM SECRET [FILE] …   signs as stripe, slack, github, twilio, jwt or hmac do; sets $SIGNATURE
//	                            and $TIMESTAMP
func TestSessions(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"NGROK_AUTHTOKEN", "EDITOR", "VISUAL", "SSH_AUTH_SOCK", "HTTPS_PROXY", "https_proxy"} {
				env.Setenv(name, "")
			}
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("DATA", filepath.Join(env.WorkDir, "state", "hookloop"))
			env.Values[handlersKey{}] = map[string]*scriptHandler{}
			env.Values[ngrokKey{}] = new(*ngroktest.Server)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"handler": cmdHandler, "ready": cmdReady, "post": cmdPost, "settle": cmdSettle,
			"freeport": cmdFreePort, "capture": cmdCapture, "envsubst": cmdEnvsubst, "untilpost": cmdUntilPost, "handlerat": cmdHandlerAt,
			"until": cmdUntil, "appear": cmdAppear, "ngrok": cmdNgrok, "bytes": cmdBytes, "sign": cmdSign,
		},
	})
}

// patience bounds every wait of a session; nothing waits as long when all is well.
const patience = 20 * time.Second

type (
	handlersKey struct{}
	ngrokKey    struct{}
)

// A scriptHandler answers what the session says.
type scriptHandler struct {
	mu     sync.Mutex
	status int
	body   string
	dir    string
	name   string
}

func (h *scriptHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status == 0 {
		_ = os.WriteFile(filepath.Join(h.dir, h.name+".waiting"), nil, 0o600)
		<-r.Context().Done()
		return
	}
	var request bytes.Buffer
	fmt.Fprintf(&request, "%s %s %s\nHost: %s\n", r.Method, r.RequestURI, r.Proto, r.Host)
	_ = r.Header.Write(&request)
	request.WriteString("\n")
	request.Write(body)
	if f, err := os.OpenFile(filepath.Join(h.dir, h.name+".count"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		_, _ = f.WriteString("x")
		_ = f.Close()
	}
	for suffix, content := range map[string][]byte{".body": body, ".request": request.Bytes()} {
		_ = os.WriteFile(filepath.Join(h.dir, h.name+suffix), content, 0o600)
	}
	w.WriteHeader(h.status)
	_, _ = io.WriteString(w, h.body)
}

func cmdHandler(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: handler NAME STATUS [BODY]")
	}
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	startHandler(ts, args, status, "127.0.0.1:0")
}

func cmdHandlerAt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: handlerat NAME PORT STATUS [BODY]")
	}
	status, err := strconv.Atoi(args[2])
	ts.Check(err)
	startHandler(ts, append(args[:1:1], args[2:]...), status, "127.0.0.1:"+args[1])
}

func cmdFreePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(errors.Join(err, l.Close()))
	ts.Setenv(args[0], port)
}

func startHandler(ts *testscript.TestScript, args []string, status int, addr string) {
	handlers := ts.Value(handlersKey{}).(map[string]*scriptHandler)
	h := handlers[args[0]]
	if h == nil {
		h = &scriptHandler{dir: ts.Getenv("WORK"), name: args[0]}
		handlers[args[0]] = h
		l, err := net.Listen("tcp", addr)
		ts.Check(err)
		srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
		srv.Start()
		ts.Defer(srv.Close)
		u, err := url.Parse(srv.URL)
		ts.Check(err)
		ts.Setenv(args[0], srv.URL)
		ts.Setenv(args[0]+"_PORT", u.Port())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.body = status, strings.Join(args[2:], "")
}

func cmdReady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready FILE")
	}
	file := ts.MkAbs(args[0])
	var text []byte
	wait(ts, "the ready file", func() bool {
		var err error
		text, err = os.ReadFile(file)
		return err == nil
	})
	var ready map[string]any
	ts.Check(json.Unmarshal(text, &ready))
	str := func(key string) string { s, _ := ready[key].(string); return s }
	ts.Setenv("PUBLIC", str("public_url"))
	ts.Setenv("RECEIVER", str("receiver_url"))
	ts.Setenv("DATA", str("data_dir"))
	if u, err := url.Parse(str("receiver_url")); err == nil {
		ts.Setenv("RECEIVER_PORT", u.Port())
	}
	if u, err := url.Parse(str("inspector_url")); err == nil && u.Host != "" {
		ts.Setenv("INSPECTOR", "http://"+u.Host)
		ts.Setenv("INSPECTOR_ADDR", u.Host)
		ts.Setenv("TOKEN", u.Query().Get("token"))
	}
	ts.Check(os.Remove(file)) // the next listen writes a new one
}

// wait asks until it holds.
func wait(ts *testscript.TestScript, what string, holds func() bool) {
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			ts.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(10 * time.Millisecond) // between two looks, not for a result
	}
}

func cmdPost(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: post URL [FILE] [HEADER]…")
	}
	var body []byte
	if len(args) > 1 && args[1] != "-" {
		body = []byte(ts.ReadFile(args[1]))
	}
	req, err := http.NewRequest(http.MethodPost, args[0], bytes.NewReader(body))
	ts.Check(err)
	for _, h := range args[min(2, len(args)):] {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	srv := *ts.Value(ngrokKey{}).(**ngroktest.Server)
	if srv != nil && ts.Getenv("PUBLIC") != "" && strings.HasPrefix(args[0], ts.Getenv("PUBLIC")) {
		client = srv.Client()
		defer client.CloseIdleConnections()
	}
	resp, err := client.Do(req)
	if err != nil {
		if neg {
			return
		}
		ts.Fatalf("post %s: %v", args[0], err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if (resp.StatusCode/100 != 2) != neg {
		ts.Fatalf("post %s: %s\n%s", args[0], resp.Status, answer)
	}
	_, _ = fmt.Fprintf(ts.Stdout(), "%s\n%s", resp.Status, answer)
}

func cmdUntilPost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: untilpost PATTERN URL FILE")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	wait(ts, args[0], func() bool {
		resp, err := client.Post(args[1], "application/json", strings.NewReader(ts.ReadFile(args[2])))
		if err != nil {
			return pattern.MatchString("broken")
		}
		_ = resp.Body.Close()
		return pattern.MatchString(resp.Status)
	})
}

func cmdEnvsubst(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: envsubst FILE TO")
	}
	text := os.Expand(ts.ReadFile(args[0]), func(name string) string {
		if name == "$" {
			return name
		}
		return ts.Getenv(name)
	})
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func cmdCapture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATTERN")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	groups := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(groups) < 2 {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], groups[1])
}

func cmdSettle(ts *testscript.TestScript, _ bool, _ []string) {
	store, err := inspect.Open(ts.Getenv("DATA"), inspect.Options{})
	ts.Check(err)
	defer func() { _ = store.Close() }()
	wait(ts, "the end of all attempts", func() bool {
		c, err := store.Counters(context.Background())
		ts.Check(err)
		return c.Pending == 0
	})
}

func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN CMD [ARG]…")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	wait(ts, args[0], func() bool {
		err := ts.Exec(args[1], args[2:]...)
		return err == nil && pattern.MatchString(ts.ReadFile("stdout"))
	})
}

func cmdAppear(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	wait(ts, args[0], func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
}

func cmdNgrok(ts *testscript.TestScript, _ bool, _ []string) {
	srv, err := ngroktest.Start(ngroktest.Config{Authtokens: []string{"good-token"}})
	ts.Check(err)
	ts.Defer(func() { _ = srv.Close() })
	ca, err := srv.CAFile(ts.Getenv("WORK"))
	ts.Check(err)
	ts.Setenv("HOOKLOOP_NGROK_CONNECT_ADDR", srv.ConnectAddr())
	ts.Setenv("HOOKLOOP_NGROK_CA_FILE", ca)
	*ts.Value(ngrokKey{}).(**ngroktest.Server) = srv
}

func cmdBytes(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: bytes FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}
