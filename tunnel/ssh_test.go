package tunnel

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestSSHDelivery(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	ep := mustOpenSSH(t, d.client())
	serveHTTP(t, ep, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(body)+" "+r.RemoteAddr)
	}))
	st := ep.Status()
	if st.State != Online || st.Provider != "ssh" || st.Since.IsZero() {
		t.Errorf("status = %+v, want online", st)
	}
	if want := "http://" + ep.Addr().String(); st.URL != want {
		t.Errorf("URL = %q, want %q", st.URL, want)
	}
	resp, err := newClient().Post(st.URL+"/hook?x=1;y=2&z=%zz", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if want := "POST /hook?x=1;y=2&z=%zz hello 127.0.0.1:"; err != nil || !strings.HasPrefix(string(got), want) {
		t.Errorf("answer = %q, %v, want %q…", got, err, want)
	}
	waitStatus(t, ep, "a measured latency", func(st Status) bool { return st.Latency > 0 })
}

func TestSSHLargeBodies(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	ep := mustOpenSSH(t, d.client())
	const size = 50 << 20
	body := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(body)
	want := sha256.Sum256(body)
	serveHTTP(t, ep, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		if n, err := io.Copy(sum, r.Body); err != nil || !bytes.Equal(sum.Sum(nil), want[:]) {
			t.Errorf("the handler got %d bytes, %v, want the %d that were sent", n, err, size)
		}
		_, _ = w.Write(body)
	}))
	begin := time.Now()
	resp, err := newClient().Post(ep.Status().URL, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	sum := sha256.New()
	if n, err := io.Copy(sum, resp.Body); err != nil || !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Errorf("got %d bytes back, %v, want the %d that were sent", n, err, size)
	}
	t.Logf("50 MiB there and back in %v", time.Since(begin))
}

func TestSSHWebSocket(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	ep := mustOpenSSH(t, d.client())
	serveHTTP(t, ep, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			t.Errorf("Upgrade: %v", err)
			return
		}
		defer c.Close()
		for {
			kind, msg, err := c.ReadMessage()
			if err != nil {
				return
			}
			if err := c.WriteMessage(kind, msg); err != nil {
				return
			}
		}
	}))
	c, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(ep.Status().URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	defer resp.Body.Close()
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		want := bytes.Repeat([]byte("x"), size)
		if err := c.WriteMessage(websocket.BinaryMessage, want); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.ReadMessage(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("echo of %d bytes = %d bytes, %v", size, len(got), err)
		}
	}
}

func TestSSHServerSentEvents(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	ep := mustOpenSSH(t, d.client())
	next := make(chan string)
	serveHTTP(t, ep, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for event := range next {
			_, _ = io.WriteString(w, "data: "+event+"\n\n")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	resp, err := newClient().Get(ep.Status().URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for _, event := range []string{"one", "two"} { // each arrives before the next is made
		next <- event
		got, err := lines.ReadString('\n')
		if want := "data: " + event + "\n"; err != nil || got != want {
			t.Fatalf("event = %q, %v, want %q", got, err, want)
		}
		_, _ = lines.ReadString('\n')
	}
	close(next)
}

// A client that ends its sending side after the request still gets the answer.
//
// OpenSSH 9.2 now and then (one time in ten here) stops reading what we send
// when a client does so: the bytes are written, and it never takes them. That
// is not what is tested, so that it may happen, but not each time.
func TestSSHHalfClose(t *testing.T) {
	const tries = 6
	for try := 1; ; try++ {
		got, err := halfClose(t)
		if err == nil && got == "you said hello" {
			return
		}
		if try == tries {
			t.Fatalf("answer = %q, %v, want %q", got, err, "you said hello")
		}
		t.Logf("try %d: answer = %q, %v", try, got, err)
	}
}

// halfClose makes such a client, with a server of its own, and returns the answer it gets.
func halfClose(t *testing.T) (answer string, err error) {
	noLeaks(t)
	d := startSSHD(t)
	ep := mustOpenSSH(t, d.client())
	go func() {
		c, err := ep.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		asked, _ := io.ReadAll(c) // to the client's end
		_, _ = c.Write(append([]byte("you said "), asked...))
	}()
	c, err := net.Dial("tcp", ep.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * time.Second))
	_, _ = io.WriteString(c, "hello")
	_ = c.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(c)
	return string(got), err
}

func TestSSHFixedPortAndURL(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg := d.client()
	want := freeAddr(t)
	_, port, _ := net.SplitHostPort(want)
	cfg.URL = "https://Hooks.example.com/"
	cfg.RemotePort, _ = net.LookupPort("tcp", port)
	ep := mustOpenSSH(t, cfg)
	serveHTTP(t, ep, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "ok") }))
	if got := ep.Addr().String(); got != want {
		t.Errorf("Addr = %q, want %q", got, want)
	}
	if got := ep.Status().URL; got != "https://hooks.example.com" {
		t.Errorf("URL = %q, want the one that was given", got)
	}
	if got, err := get(newClient(), "http://"+want); got != "ok" {
		t.Errorf("answer = %q, %v, want ok", got, err)
	}
}

// A server that forwards from its loopback only has no public URL, and Status says what to do.
func TestSSHLoopbackHasNoURL(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg := d.client()
	cfg.RemoteHost = "localhost"
	st := mustOpenSSH(t, cfg).Status()
	if st.URL != "" || !strings.Contains(st.Reason, "put a proxy in front") {
		t.Errorf("URL = %q, reason = %q, want no URL and a note", st.URL, st.Reason)
	}
}
