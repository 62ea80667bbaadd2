package inspect

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rawRequest is a request as it came over the wire.
type rawRequest struct {
	method, target, host string
	header               http.Header // without Host, Content-Length and Connection
	length               string      // Content-Length
	body                 []byte
}

// rawServer records requests, unparsed by net/http, and answers each with 200.
func rawServer(t *testing.T) (addr string, requests <-chan rawRequest) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ch := make(chan rawRequest, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			req, err := readRaw(conn)
			if err != nil {
				t.Errorf("the server read: %v", err)
			}
			ch <- req
			conn.Close()
		}
	}()
	return l.Addr().String(), ch
}

func readRaw(conn net.Conn) (req rawRequest, err error) {
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return req, err
	}
	req.method, line, _ = strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
	req.target = strings.TrimSuffix(line, " HTTP/1.1")
	req.header = http.Header{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return req, err
		}
		if line = strings.TrimSuffix(line, "\r\n"); line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimPrefix(value, " "); textproto.CanonicalMIMEHeaderKey(name) {
		case "Host":
			req.host += value
		case "Content-Length":
			req.length += value
		case "Connection":
		default:
			req.header[name] = append(req.header[name], value)
		}
	}
	if len(req.header["Expect"]) > 0 {
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	if n, err := strconv.Atoi(req.length); err == nil {
		req.body = make([]byte, n)
		if _, err := io.ReadFull(r, req.body); err != nil {
			return req, err
		}
	}
	_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
	if err == nil && req.method != http.MethodHead {
		_, err = io.WriteString(conn, "hello")
	}
	return req, err
}

// runShell runs a script the way a user does, without this machine's settings.
func runShell(t *testing.T, shell, script string) {
	t.Helper()
	cmd := exec.Command(shell, "-c", script)
	if len(script) > 100<<10 { // an argument has a limit
		path := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd = exec.Command(shell, path)
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%.2000s", shell, err, out, script)
	}
}

func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("SKIPPED: curl is not installed, so no command of Curl was run")
	}
	random := make([]byte, 300<<10)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	var tests []struct {
		name string
		d    Delivery
	}
	add := func(name string, d Delivery) {
		if d.Method == "" {
			d.Method = "POST"
		}
		if d.Target == "" {
			d.Target = "/hooks"
		}
		tests = append(tests, struct {
			name string
			d    Delivery
		}{name, d})
	}
	for name, body := range map[string]string{
		"json":                  `{"a":"it's \"q\" \\ $HOME ${x} $(id) %s %% ! # ~ * ? [a] {b}"}`,
		"backticks":             "`id` ``",
		"quotes":                `'''"'"'''`,
		"at sign":               "@/etc/passwd",
		"dash":                  "-v",
		"lines":                 "one\ntwo\n\n",
		"only LF":               "\n",
		"CRLF and tabs":         "one\r\n\ttwo\r\n",
		"NUL":                   "a\x00b\x00",
		"octal before digits":   "\x001\x0012\x00777\xff7",
		"percent and backslash": "\x01%d%%\\n\\\\x41",
		"every byte":            string(every),
		"not UTF-8":             "caf\xe9",
		"bidi and zero width":   "\u202eabc\u200b",
		"letters of the world":  "naïve 한국어 🎉",
		"byte order mark":       "\ufeff{}",
		"history and dash":      "-n!!\x00!",
		"heredoc end":           "\nEOF\n\x00",
		"below curl's expect":   string(random[:1<<10]),
		"printf limit":          string(random[:maxPrintfBody]),
		"over printf limit":     string(random[:maxPrintfBody+1]),
		"inline limit":          strings.Repeat("x", maxInlineBody),
		"long text":             strings.Repeat("long \"text\" it's\n", 8<<10),
		"large":                 string(random),
	} {
		add("body/"+name, Delivery{Body: []byte(body)})
	}
	for name, header := range map[string]http.Header{
		"none":               {},
		"curl's own":         {"Accept": {"text/x"}, "User-Agent": {"Stripe/1.0 (+https://stripe.com)"}, "Content-Type": {"application/json"}},
		"repeated":           {"X-A": {"1", "2", "1"}, "Set-Cookie": {"a", "b"}},
		"repeated, own":      {"Accept": {"a/b", "c/d"}, "User-Agent": {"a", "b"}, "Content-Type": {"a/b", "c/d"}},
		"empty":              {"X-Empty": {""}, "Accept": {""}, "Content-Type": {""}, "User-Agent": {""}},
		"empty and not":      {"X-Empty": {"", "x", ""}},
		"quotes":             {"X-Q": {`it's "q" \ $HOME $(id) ${x}`, "`id`"}},
		"semicolons":         {"X-S": {";", "a;", ";b;c"}, "Cookie": {"a=1; b=2"}},
		"at sign":            {"X-At": {"@/etc/passwd"}},
		"not UTF-8":          {"X-B": {"caf\xe9 \xff'\\%d!"}},
		"UTF-8":              {"X-U": {"naïve 한국어"}},
		"tab inside":         {"X-T": {"a\tb"}},
		"invisible":          {"X-I": {"\u202ea\u200b"}},
		"strange name":       {"X!#$%&'*+.^_`|~": {"x"}},
		"accept encoding":    {"Accept-Encoding": {"gzip, br"}},
		"expect":             {"Expect": {"100-continue"}},
		"signature":          {"Stripe-Signature": {"t=1492774577,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"}},
		"basic auth":         {"Authorization": {"Basic YTpi"}},
		"colons and percent": {"X-C": {": a: %41 :"}},
		"dash":               {"X-D": {"-d"}},
	} {
		add("header/"+name, Delivery{Header: header, Body: []byte("x=1")})
		add("header without body/"+name, Delivery{Method: "GET", Header: header})
	}
	for _, target := range []string{
		"/", "/?", "/hooks?x=1;y=2&z=%zz", "/a/../b/./c", "/%2e%2e/a", "/a b", "/[1]{a,b}?q[]=1", "//double//", "/#fragment?x", "/it's$(id)`id`\"",
		"/caf\xc3\xa9", "/caf\xe9", "/a|b^c\\d<e>", "/a?b?c", "*", "http://other.example/abs?x", "/~!$&'()*+,;=:@%-_.",
	} {
		add("target/"+target, Delivery{Target: target})
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post", "M-SEARCH", "A'B!$`"} {
		add("method/"+method, Delivery{Method: method})
		add("method with body/"+method, Delivery{Method: method, Body: []byte("{}")})
		add("method with no bytes/"+method, Delivery{Method: method, Header: http.Header{"Content-Length": {"0"}}})
	}
	add("host", Delivery{Host: "hooks.example.com:8443"})
	add("hop-by-hop", Delivery{Header: http.Header{
		"Connection": {"close, x-hop"}, "X-Hop": {"1"}, "Keep-Alive": {"1"}, "Te": {"trailers"}, "Transfer-Encoding": {"chunked"}, "X-Kept": {"1"},
		"Content-Length": {"99"}, "Trailer": {"X-T"}, "Upgrade": {"h2c"},
	}, Body: []byte("x")})

	for _, shell := range []string{"/bin/sh", "bash"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not installed", shell)
			continue
		}
		for _, tt := range tests {
			t.Run(filepath.Base(shell)+"/"+tt.name, func(t *testing.T) {
				if shell == "bash" && len(tt.d.Body) > 100<<10 {
					t.Skip("run by sh")
				}
				checkCurl(t, shell, tt.d)
			})
		}
	}
}

// checkCurl runs what Curl says of d and compares what arrived.
func checkCurl(t *testing.T, shell string, d Delivery) {
	t.Helper()
	addr, requests := rawServer(t)
	want := rawRequest{method: d.Method, target: d.Target, host: addr, header: http.Header{}, body: d.Body}
	if d.Host != "" {
		want.host = d.Host
	}
	for name, values := range d.Header {
		if !strings.Contains("Connection X-Hop Keep-Alive Te Transfer-Encoding Content-Length Trailer Upgrade", name) {
			want.header[name] = values
		}
	}
	if _, sized := d.Header["Content-Length"]; len(d.Body) > 0 || sized {
		want.length = fmt.Sprint(len(d.Body))
	}
	url := "http://" + addr
	if strings.HasPrefix(d.Target, "/") {
		url += d.Target
	}
	script := Curl(url, &d)
	if got := EscapeLines(script); got != script {
		t.Errorf("the command is not safe to print: %.2000q", script)
	}
	runShell(t, shell, script)
	select {
	case got := <-requests:
		if d.Method == http.MethodHead && len(d.Body) == 0 {
			got.length, want.length = "", ""
		}
		if got.method != want.method || got.target != want.target || got.host != want.host || got.length != want.length {
			t.Errorf("%q %q, host %q, length %q; want %q %q, %q, %q", got.method, got.target, got.host, got.length, want.method, want.target, want.host, want.length)
		}
		if !reflect.DeepEqual(got.header, want.header) {
			t.Errorf("headers %q, want %q", got.header, want.header)
		}
		if !bytes.Equal(got.body, want.body) {
			t.Errorf("%d bytes of body, want %d: %.100q, want %.100q", len(got.body), len(want.body), got.body, want.body)
		}
	case <-time.After(20 * time.Second):
		t.Error("no request arrived")
	}
	if t.Failed() {
		t.Logf("%.2000s", script)
	}
}

func TestCurlText(t *testing.T) {
	d := &Delivery{
		Method: "POST", Target: "/hooks?a=1", Host: "abc.ngrok.app", Endpoint: "https://abc.ngrok.app",
		Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Stripe/1.0"}}, Body: []byte(`{"it's":1}`),
	}
	want := `curl -X POST \
  'http://localhost:3000/hooks?a=1' \
  -H 'Host: abc.ngrok.app' \
  -H 'Content-Type: application/json' \
  -H 'User-Agent: Stripe/1.0' \
  -H 'Accept:' \
  --data-raw '{"it'\''s":1}'`
	for _, url := range []string{"http://localhost:3000/hooks?a=1", "http://localhost:3000"} {
		if got := Curl(url, d); got != want {
			t.Errorf("Curl(%q):\n%s\nwant:\n%s", url, got, want)
		}
	}
	d.Body = []byte("\x1f\x8b\x00")
	if got, want := Curl(d.URL(), d), `printf '\037\213\000' | curl -X POST \
  'https://abc.ngrok.app/hooks?a=1' \
`; !strings.HasPrefix(got, want) {
		t.Errorf("Curl of bytes:\n%s\nwant it to begin with:\n%s", got, want)
	}
}
