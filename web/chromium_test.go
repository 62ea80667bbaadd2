package web

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// One Chromium serves all browser tests; each gets a profile of its own in it.

type action = chromedp.Action[chromedp.Void]

const requireChromium = "HOOKLOOP_REQUIRE_CHROMIUM"

var chromium struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func startChromium() {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		chromium.err = fmt.Errorf("no Chromium in PATH")
		return
	}
	dir, err := os.MkdirTemp("", "hookloop-chromium-")
	if err != nil {
		chromium.err = err
		return
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 800))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, stopBrowser := chromedp.NewContext(alloc)
	chromium.stop = func() {
		_ = chromedp.Cancel(ctx) // waits until it is gone
		stopBrowser()
		stopAlloc()
		for range 50 { // its children may write a moment longer
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	chromium.ctx, chromium.err = ctx, chromedp.Do(ctx)
}

// withChromium runs the tests and ends the Chromium they have started before
// anyone looks for goroutines that are left.
type withChromium struct{ m *testing.M }

func (w withChromium) Run() int {
	code := w.m.Run()
	if chromium.stop != nil && !within(30*time.Second, chromium.stop) {
		fmt.Fprintln(os.Stderr, "Chromium does not end")
		return max(code, 1)
	}
	return code
}

// within runs f and reports whether it has returned in time.
func within(limit time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

// A tab is the inspector's page in a browser.
type tab struct {
	t       testing.TB
	ctx     context.Context
	console []string // errors and warnings; there must be none at the end
	expect  []string // parts of those that there may be
}

// openTab opens the page of rg at path, unlocked. The test fails if the page
// breaks its own policy, throws, or logs an error.
func openTab(t testing.TB, rg *rig, path string) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is too slow for -short")
	}
	chromium.once.Do(startChromium)
	if err := chromium.err; err != nil {
		if os.Getenv(requireChromium) != "" {
			t.Fatalf("a browser is required by %s: %v", requireChromium, err)
		}
		t.Skipf("\n\n*** THE PAGE IS NOT TESTED: %v. Install Chromium; %s=1 makes this a failure. ***\n", err, requireChromium)
	}
	ctx, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	ctx, timeout := context.WithTimeout(ctx, 120*time.Second)
	tb := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatal(err)
	}
	messages, read := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == "error" || m.Type == "warning" || m.Type == chromedp.ConsoleException {
				tb.console = append(tb.console, fmt.Sprintf("%s: %s", m.Type, m.Text))
			}
		}
	}()
	t.Cleanup(func() {
		closed := within(20*time.Second, func() {
			timeout()
			cancel()
			<-read
		})
		if !closed {
			t.Error("the browser does not close the tab")
			return
		}
		for _, line := range tb.console {
			if !slices.ContainsFunc(tb.expect, func(part string) bool { return strings.Contains(line, part) }) {
				t.Errorf("console: %s", line)
			}
		}
	})
	tb.do(chromedp.Navigate(rg.url + "/?token=" + testToken + path))
	return tb
}

func (tb *tab) do(steps ...action) {
	tb.t.Helper()
	if err := chromedp.Do(tb.ctx, steps...); err != nil {
		tb.t.Fatalf("%v\n%s", err, tb.page())
	}
}

// keys presses one key after the other. As with a keyboard, a key whose press
// the page takes for itself types nothing, wherever it has moved the focus to;
// [chromedp.KeyEvent] sends the character on its own.
func (tb *tab) keys(keys string) {
	tb.t.Helper()
	tb.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, r := range keys {
			events := kb.Encode(r)
			down, up := events[0], events[len(events)-1]
			if char := events[1]; char.Type == kb.KeyChar {
				down.Text, down.UnmodifiedText = char.Text, char.UnmodifiedText
			}
			for _, e := range []*input.DispatchKeyEventParams{down, up} {
				if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, *e); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.wait("document.querySelector("+quote(selector)+")", selector)
	tb.do(chromedp.Click(chromedp.CSS(selector)))
}

func eval[T any](tb *tab, js string) T {
	tb.t.Helper()
	v, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		tb.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// text returns the text of what selector finds, "" when there is nothing.
func (tb *tab) text(selector string) string {
	tb.t.Helper()
	return eval[string](tb, "document.querySelector("+quote(selector)+")?.textContent ?? ''")
}

// wait waits until js is true.
func (tb *tab) wait(js, what string) {
	tb.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !eval[bool](tb, "Boolean("+js+")") {
		if time.Now().After(deadline) {
			tb.t.Fatalf("waited in vain for %s\n%s", what, tb.page())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// waitText waits until what selector finds has part in its text.
func (tb *tab) waitText(selector, part string) {
	tb.t.Helper()
	tb.wait("document.querySelector("+quote(selector)+")?.textContent.includes("+quote(part)+")", selector+" with "+part)
}

// page is what a person would read on the page now.
func (tb *tab) page() string {
	text, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return "--- the page:\n" + text[:min(len(text), 3000)]
}

// quote writes any text as a string of JavaScript.
func quote(s string) string {
	b, _ := json.Marshal(s) // never fails for a string
	return string(b)
}
