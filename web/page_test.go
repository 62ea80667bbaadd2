package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hookloop/inspect"
	"hookloop/tunnel"
)

// The tests of the page run one after the other: browser tabs that share two
// cores with each other would be slow enough to look broken.

func TestPageShowsADeliveryAndItsReplay(t *testing.T) {
	edit, _ := withHandler(t)
	rg := newRig(t, func(s *Server) {
		edit(s)
		s.Tunnel = func() tunnel.Status {
			return tunnel.Status{Provider: "ngrok", State: tunnel.Online, URL: "https://brave-otter.example"}
		}
	})
	tb := openTab(t, rg, "")
	tb.waitText("#empty", "https://brave-otter.example")
	tb.waitText("#empty", "curl -X POST https://brave-otter.example")
	if got := eval[string](tb, "location.href"); strings.Contains(got, "token") {
		t.Errorf("the token is still in the address: %s", got)
	}
	eval[any](tb, "window.notReloaded = true")

	rg.add(inspect.Delivery{Target: "/hooks/one?x=1", Body: []byte(`{"big":12345678901234567890,"a":1,"a":2}`)}, answered(500, "first answer"))
	tb.waitText(".row", "/hooks/one?x=1")
	tb.waitText(".row .status", "500")
	tb.waitText(".accounts", "1 received=1 forwarded+0 held+0 refused")
	tb.waitText(".accounts", "1 attempts=0 2xx+0 3xx+0 4xx+1 5xx+0 errors+0 pending")
	tb.waitText("#panel", "answered with 500")
	tb.waitText(".tree", `"big": 12345678901234567890`) // every digit
	if got := tb.text(".tree"); strings.Count(got, `"a": `) != 2 {
		t.Errorf("got %q, want both of the duplicate keys", got)
	}

	tb.keys("r")
	tb.waitText(".attempts", "Attempt 2")
	tb.waitText(".attempt", "replay")
	tb.waitText(".attempt .tree", "12345678901234567890") // the handler echoes
	tb.waitText(".row .status", "200")
	tb.waitText(".times", "×2")
	tb.waitText(".accounts", "2 attempts=1 2xx+0 3xx+0 4xx+1 5xx+0 errors+0 pending")
	if !eval[bool](tb, "window.notReloaded") {
		t.Error("the page was reloaded")
	}
}

// TestPageKeepsCapturedMarkupText puts markup everywhere a delivery has room
// for it: nothing runs, nothing is fetched, and all of it can be read.
func TestPageKeepsCapturedMarkupText(t *testing.T) {
	edit, _ := withHandler(t)
	rg := newRig(t, edit)
	const evil = `<img src=/evil onerror="window.xss=1"><script>window.xss=1</script>`
	d := inspect.Delivery{
		Method: "POST", Target: "/p" + evil + "?q=" + evil,
		Header: http.Header{"X-Evil": {evil, "\u202egpj.exe"}, "Content-Type": {"text/html" + evil}, "User-Agent": {evil}},
		Body:   []byte(`{"` + strings.ReplaceAll(evil, `"`, `'`) + `":"` + strings.ReplaceAll(evil, `"`, `'`) + `","bidi":"\u202etxt"}`),
	}
	a := answered(200, evil)
	a.URL = "http://127.0.0.1:1/" + evil
	a.Response.Header.Set("X-Evil", evil)
	rg.add(d, a)
	failed := answered(0, "")
	failed.State, failed.Response, failed.Error = inspect.Errored, nil, evil
	rg.add(inspect.Delivery{Target: "/two"}, failed)

	tb := openTab(t, rg, "")
	tb.waitText("#panel", evil) // the error
	tb.keys("j")
	tb.waitText(".detail h2", evil)
	tb.waitText(".row.selected .target", evil)
	tb.waitText(".tree", `<img src=/evil onerror='window.xss=1'>`)
	tb.waitText(".tree", `\u{202e}txt`) // seen, not obeyed
	tb.click("#tab-Headers")
	tb.waitText(".headers", evil)
	tb.waitText(".headers", `\u{202e}gpj.exe`)
	tb.click("#tab-Body")
	tb.waitText(".body.fill .tree", "window.xss")
	tb.click("#tab-Attempts")
	tb.waitText(".attempt .raw", `<script>window.xss=1</script>`)
	tb.waitText(".attempt .headers", evil)
	tb.keys("y")
	tb.waitText("dialog", evil) // the URL to copy
	tb.keys(kb.Escape)
	tb.keys("e")
	tb.wait("document.querySelector('#edit-headers')?.value.includes('window.xss')", "the headers to edit")
	if eval[bool](tb, "'xss' in window || document.querySelector('[src=\"/evil\"], #app script') !== null") {
		t.Error("captured markup became part of the page")
	}

	// Opened by itself, a body is plain text.
	id := rg.add(inspect.Delivery{Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<h1>hi</h1>" + evil)}, nil)
	tb.do(chromedp.Navigate(rg.url + "/api/v1/deliveries/" + itoa(id) + "/body"))
	if got := eval[string](tb, "document.contentType"); got != "text/plain" || eval[bool](tb, "'xss' in window || document.querySelector('h1') !== null") {
		t.Errorf("a captured page was opened as %s and drawn", got)
	}
}

// TestPageSurvivesARestart stops the server under the page and starts it
// again on the same port.
func TestPageSurvivesARestart(t *testing.T) {
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{Target: "/before"}, nil)
	tb := openTab(t, rg, "")
	tb.expect = []string{"net::ERR_", "WebSocket connection to", "404 (Not Found)"} // while it is away
	tb.waitText(".row", "/before")
	eval[any](tb, "window.notReloaded = true")
	rg.stop()
	tb.waitText("#banner", "can’t be reached")
	tb.waitText("#handler", "Handler · not known")
	rg.add(inspect.Delivery{Target: "/while-away"}, nil)
	again := serve(t, rg.Store, strings.TrimPrefix(rg.url, "http://"), nil)
	tb.waitText(".row", "/while-away")
	tb.wait("!document.querySelector('#banner')", "the banner to go")
	again.add(inspect.Delivery{Target: "/after"}, nil)
	tb.waitText(".row", "/after")
	if n := eval[int](tb, "document.querySelectorAll('.row').length"); n != 3 || !eval[bool](tb, "window.notReloaded") {
		t.Errorf("got %d rows, want 3 on a page that was not reloaded", n)
	}

	// Another store: what the page has is forgotten.
	again.stop()
	other := serve(t, newRig(t, nil).Store, strings.TrimPrefix(rg.url, "http://"), nil)
	tb.wait("document.querySelector('#empty')", "the empty page of the other store")
	other.add(inspect.Delivery{Target: "/other"}, nil)
	tb.waitText(".row", "/other")
}

// fill adds n deliveries, many at once.
func fill(t *testing.T, store *inspect.Store, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range 50 {
		wg.Go(func() {
			for i := w; i < n; i += 50 {
				d := inspect.Delivery{
					ReceivedAt: time.Now(), Method: "POST", Target: fmt.Sprint("/fill/", i), Disposition: inspect.Held,
					Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{}"), Size: 2,
				}
				if err := store.Add(context.Background(), &d, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestPageOpensTheDeliveryOfItsAddress is what the terminal's o relies on: the
// token goes, the fragment stays and names the delivery.
func TestPageOpensTheDeliveryOfItsAddress(t *testing.T) {
	rg := newRig(t, nil)
	fill(t, rg.Store, 3)
	tb := openTab(t, rg, "#2")
	tb.wait("document.querySelector('#row-2.selected')", "delivery 2")
	if got := eval[string](tb, "location.search + location.hash"); got != "#2" {
		t.Errorf("the address ends in %q, want #2 and no token", got)
	}
	eval[string](tb, "location.hash = '#3'")
	tb.wait("document.querySelector('#row-3.selected')", "delivery 3, of an address followed in the same tab")
}

// TestPageStaysSmoothWithManyRows has 10,000 deliveries: the DOM stays small,
// and what is on the screen stays where it is when more arrive.
func TestPageStaysSmoothWithManyRows(t *testing.T) {
	rg := newRig(t, nil)
	fill(t, rg.Store, 10_000)
	tb := openTab(t, rg, "")
	tb.wait("document.querySelector('#row-10000.selected')", "the newest row")
	tb.keys("G")
	tb.wait("document.querySelector('#row-1.selected')", "the oldest row")
	if h := eval[int](tb, "document.querySelector('#list').scrollHeight"); h != 10_000*56 {
		t.Errorf("the list is %d px high, want 10,000 rows of 56", h)
	}
	// Scroll through all of it, a jump for each frame.
	got := eval[struct {
		Rows   int
		Median float64
	}](tb, `(() => { window.measured = null; const list = document.querySelector('#list'); let n = 0, rows = 0, last = performance.now(); const times = [];
		const step = () => { const now = performance.now(); times.push(now - last); last = now;
			rows = Math.max(rows, document.querySelectorAll('.row').length); list.scrollTop = (n * 7919 * 56) % list.scrollHeight;
			if (n++ < 120) requestAnimationFrame(step); else { times.sort((a, b) => a - b); window.measured = { rows, median: times[60] }; } };
		requestAnimationFrame(step); return { rows: 0, median: 0 }; })()`)
	tb.wait("window.measured", "the measurement")
	got.Rows, got.Median = eval[int](tb, "window.measured.rows"), eval[float64](tb, "window.measured.median")
	if got.Rows > 60 || got.Rows < 10 || got.Median > 250 {
		t.Errorf("got %d rows in the DOM and %.0f ms a frame, want at most 60 and 250", got.Rows, got.Median)
	}

	eval[any](tb, "document.querySelector('#list').scrollTop = 5000 * 56 + 20")
	const top = `(() => { const l = document.querySelector('#list').getBoundingClientRect();
		return document.elementFromPoint(l.left + 60, l.top + 5).closest('.row')?.id; })()`
	tb.wait(top+" === 'row-5000'", "row 5000 at the top")
	fill(t, rg.Store, 500)
	tb.waitText("#fresh", "500 new")
	if got := eval[string](tb, top); got != "row-5000" {
		t.Errorf("after 500 more: got %s at the top, want row-5000", got)
	}
	tb.click("#fresh")
	tb.wait("document.querySelector('#row-10500.selected') && !document.querySelector('#fresh')", "the newest row")
	rg.add(inspect.Delivery{Target: "/followed"}, nil)
	tb.wait("document.querySelector('#row-10501.selected')", "the list to follow")
	tb.keys("f")
	tb.wait("document.querySelector('.follow').getAttribute('aria-pressed') === 'false'", "following to end")
	rg.add(inspect.Delivery{Target: "/unseen"}, nil)
	tb.waitText("#fresh", "1 new")
	tb.wait(top+" === 'row-10501'", "the list to stay where it is")
}

func TestPageDrawsOnlyWhatIsOnTheScreenOfABigBody(t *testing.T) {
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{Body: []byte("[" + strings.Repeat(`{"name":"x","n":[1,2,3]},`, 150_000) + `"end"]`)}, nil)
	rg.add(inspect.Delivery{Body: []byte(strings.Repeat("a long line of text ", 200_000)), Header: http.Header{"Content-Type": {"text/plain"}}}, nil)
	tb := openTab(t, rg, "")
	tb.click("#tab-Body")
	small := func(what string) {
		t.Helper()
		if n := eval[int](tb, "document.querySelectorAll('#panel *').length"); n > 1200 || n < 20 {
			t.Errorf("%s: got %d elements, want what fits on the screen", what, n)
		}
	}
	tb.waitText(".raw", "a long line of text")
	small("text")
	eval[any](tb, "document.querySelector('.raw').scrollTop = 1e9")
	small("the end of the text")
	tb.click(".segments button:last-child")
	tb.waitText(".hex", "00000000")
	small("hex")
	tb.keys(kb.Escape + "G") // back to the list
	tb.waitText(".hex", "5b 7b 22")
	tb.click(".segments button")
	tb.waitText(".tree", "2 keys")
	small("JSON")
	eval[any](tb, "document.querySelector('.tree').scrollTop = 1e9")
	tb.waitText(".tree", "149,001 more")
	tb.click(".tree-row.folds:nth-last-child(2)")
	tb.wait("document.querySelector('.tree').scrollHeight > 40000", "the next 1,000")
	eval[any](tb, "document.querySelector('.tree').scrollTop = 1e9")
	tb.waitText(".tree", "148,001 more")
	small("JSON after more")
}
