package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tunnel"
)

// An app is the inspector over a real store, receiver, sender and handler.
type app struct {
	*teatest.TestModel
	store    *inspect.Store
	receiver string       // URL
	status   atomic.Int32 // what the handler answers with
	bodies   chan string  // what it got
	seen     bytes.Buffer // everything written to the terminal so far
}

func startApp(t *testing.T, change func(*Config)) *app {
	t.Helper()
	a := &app{store: openStore(t), bodies: make(chan string, 100)}
	a.status.Store(200)
	handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.bodies <- string(body)
		w.WriteHeader(int(a.status.Load()))
		_, _ = fmt.Fprintf(w, "handled %d bytes", len(body))
	}))
	t.Cleanup(handler.Close)
	u, err := url.Parse(handler.URL)
	if err != nil {
		t.Fatal(err)
	}
	sender := &replay.Sender{Store: a.store, Transport: replay.NewTransport(replay.TransportOptions{}), Handler: &replay.Handler{URL: u}}
	inlet := &inspect.Receiver{Store: a.store, Forward: sender.Forward}
	receiver := httptest.NewUnstartedServer(inlet)
	a.receiver = "http://" + receiver.Listener.Addr().String()

	c := Config{Store: a.store, Sender: sender, HandlerURL: handler.URL, ReceiverURL: a.receiver, Tunnel: func() tunnel.Status { return online }}
	c.Receiver = inlet
	if change != nil {
		change(&c)
	}
	c.Running = &replay.Running{Sender: c.Sender, Receiver: inlet}
	t.Cleanup(c.Running.Close)
	inlet.Checker, sender.Checker = c.Checker, c.Checker
	receiver.Start()
	t.Cleanup(receiver.Close)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	m := newModel(ctx, c)
	t.Cleanup(m.close)
	a.TestModel = teatest.NewTestModel(t, m, teatest.WithInitialTermSize(100, 30), teatest.WithProgramOptions(tea.WithFPS(60)))
	return a
}

func (a *app) post(t *testing.T, path, body string) {
	t.Helper()
	resp, err := http.Post(a.receiver+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// sees waits until text is drawn. Usually only what changed is, so it has the
// whole screen drawn again meanwhile.
func (a *app) sees(t *testing.T, text string) {
	t.Helper()
	var last []byte
	teatest.WaitFor(t, a.Output(), func(b []byte) bool {
		last = b
		a.Send(tea.ClearScreen())
		return strings.Contains(ansi.Strip(string(b)), text)
	}, teatest.WithDuration(20*time.Second), teatest.WithCheckInterval(20*time.Millisecond))
	a.seen.Write(last)
}

func (a *app) press(names ...string) {
	for _, n := range names {
		a.Send(keyMsg(n))
	}
}

func (a *app) end(t *testing.T) {
	t.Helper()
	a.press("ctrl+c")
	a.WaitFinished(t, teatest.WithFinalTimeout(20*time.Second))
}

func TestSession(t *testing.T) {
	a := startApp(t, nil)
	a.sees(t, "No deliveries yet.")
	a.status.Store(500)
	a.post(t, "/hooks/orders", `{"order":7}`)
	a.sees(t, "/hooks/orders")
	a.press("enter")
	a.sees(t, `"order": 7`)
	a.status.Store(201)
	a.press("r")
	a.sees(t, "attempt 2: 201")
	a.press("]", "]")
	a.sees(t, "replay")
	a.press("[")
	a.sees(t, "handled 11 bytes")
	for range 2 {
		if got, want := <-a.bodies, `{"order":7}`; got != want {
			t.Errorf("the handler got %q, want %q", got, want)
		}
	}
	a.press("y", "b")
	a.sees(t, "Copied the body (11 B)")
	if want := ansi.SetSystemClipboard(`{"order":7}`); !strings.Contains(a.seen.String(), want) {
		t.Error("nothing was put on the clipboard")
	}
	a.press("y", "c")
	a.sees(t, "Copied a curl line")
	a.press("y", "u")
	a.sees(t, "Copied the URL")
	a.press("y", "i")
	a.sees(t, "Copied the id")
	a.press("m")
	a.sees(t, "Pinned #1")
	a.press("ctrl+d", "y")
	a.sees(t, "Deleted #1")
	a.sees(t, "No deliveries yet.")
	a.end(t)
	if _, err := a.store.Delivery(context.Background(), 1); err == nil {
		t.Error("the delivery is still in the store")
	}
}

func TestSessionReplaysAllFailed(t *testing.T) {
	a := startApp(t, nil)
	a.status.Store(503)
	for i := range 6 {
		a.post(t, "/bad", fmt.Sprintf(`{"n":%d}`, i))
	}
	a.status.Store(200)
	a.post(t, "/good", `{}`)
	a.sees(t, "/good")
	a.press("R")
	a.sees(t, "Replay 6 failed deliveries?")
	a.press("y")
	a.sees(t, "Replayed 6 deliveries: 6 accepted, 0 failed again.")
	a.press("R")
	a.sees(t, "None of the listed deliveries failed.")
	a.press("/")
	for _, r := range "path:/good" {
		a.press(string(r))
	}
	a.press("enter")
	a.sees(t, "/ path:/good")
	a.end(t)
	c, err := a.store.Counters(context.Background())
	if err != nil || c.Attempts != 13 || c.Status5xx != 6 || c.Status2xx != 7 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// writeEditor makes a program that does what script says to the file "$1".
func writeEditor(t *testing.T, script string) []string {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("there is no /bin/sh")
	}
	path := filepath.Join(t.TempDir(), "editor")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

func TestSessionEdits(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	note := filepath.Join(t.TempDir(), "note")
	a := startApp(t, func(c *Config) {
		c.Editor = writeEditor(t, `ls -l "$1" | cut -c1-10 >`+note+`; sed s/7/8/ "$1" >"$1.new"; echo >>"$1.new"; mv "$1.new" "$1"`)
	})
	a.post(t, "/edit", `{"order":7}`)
	a.sees(t, "/edit")
	a.press("e")
	a.sees(t, "attempt 2: 200")
	<-a.bodies
	if got, want := <-a.bodies, `{"order":8}`; got != want {
		t.Errorf("the handler got %q, want %q without the editor's line end", got, want)
	}
	if mode, err := os.ReadFile(note); err != nil || string(mode) != "-rw-------\n" {
		t.Errorf("the draft's mode was %q (%v), want it for its owner only", mode, err)
	}
	a.end(t)
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("%v (%v) is left behind", left, err)
	}
	sent, err := a.store.Attempt(context.Background(), 1, 2)
	if err != nil || sent.Sent == nil || !sent.Sent.Edited {
		t.Errorf("got %+v (%v), want an attempt marked as edited", sent, err)
	}
}

func TestSessionEditsNothing(t *testing.T) {
	for _, test := range []struct{ name, script, says, then, want string }{
		{"unchanged", `echo >>"$1"`, "is unchanged. Send it anyway?", "y", "attempt 2: 200"},
		{"unchanged, no", `:`, "is unchanged. Send it anyway?", "n", "Nothing was done."},
		{"failed", `exit 3`, "Nothing was sent: the editor failed (exit status 3)", "f", "following"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := startApp(t, func(c *Config) { c.Editor = writeEditor(t, test.script) })
			a.post(t, "/edit", `{"order":7}`)
			a.sees(t, "/edit")
			a.press("k", "e")
			a.sees(t, test.says)
			a.press(test.then)
			a.sees(t, test.want)
			a.end(t)
		})
	}
}

// A screenWriter keeps what is written to it, and says when there is something.
type screenWriter struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	drawn chan struct{} // capacity 1
}

func (w *screenWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Contains(b, []byte("hookloop")) {
		select {
		case w.drawn <- struct{}{}:
		default:
		}
	}
	return w.buf.Write(b)
}

func (w *screenWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	out := &screenWriter{drawn: make(chan struct{}, 1)}
	go func() {
		ended <- Run(ctx, Config{Store: openStore(t)}, tea.WithInput(nil), tea.WithOutput(out), tea.WithWindowSize(80, 24))
	}()
	deadline := time.After(20 * time.Second)
	select {
	case <-out.drawn:
	case <-deadline:
		t.Fatal("it drew nothing")
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("got %v, want nil", err)
		}
	case <-deadline:
		t.Fatal("it did not end")
	}
	if got := out.String(); strings.Count(got, ansi.SetModeAltScreenSaveCursor) != 1 || strings.Count(got, ansi.ResetModeAltScreenSaveCursor) != 1 {
		t.Errorf("the terminal was not restored: …%q", got[max(0, len(got)-200):])
	}
}

func TestRunNeedsAStore(t *testing.T) {
	if err := Run(context.Background(), Config{}); err == nil {
		t.Error("got no error")
	}
}
