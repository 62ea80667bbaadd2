package web

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func TestPageKeys(t *testing.T) {
	rg := newRig(t, nil)
	for i := range 5 {
		rg.add(inspect.Delivery{Target: "/n/" + itoa(int64(i+1)), Body: []byte("{}")}, answered(200+100*(i%2), ""))
	}
	tb := openTab(t, rg, "")
	selected := func(id string) {
		t.Helper()
		tb.wait("document.querySelector('.row.selected')?.id === 'row-"+id+"'", "row "+id)
	}
	onTab := func(name string) {
		t.Helper()
		tb.wait("document.querySelector('[role=tab][aria-selected=true]')?.id === 'tab-"+name+"'", name)
	}
	focused := func(id string) {
		t.Helper()
		tb.wait("document.activeElement?.id === '"+id+"'", "the focus on "+id)
	}
	selected("5")
	for _, tc := range []struct{ keys, want string }{
		{"j", "4"}, {"j" + kb.ArrowDown, "2"}, {"k", "3"}, {kb.ArrowUp, "4"}, {"G", "1"}, {"j", "1"}, {"g", "5"}, {"k", "5"}, {kb.End, "1"}, {kb.Home, "5"},
	} {
		tb.keys(tc.keys)
		selected(tc.want)
	}
	for _, tc := range []struct{ keys, want string }{
		{"]", "Headers"}, {"]]", "Attempts"}, {"]", "Simulations"}, {"]", "Summary"}, {"[", "Simulations"}, {"[", "Attempts"}, {"[", "Body"},
	} {
		tb.keys(tc.keys)
		onTab(tc.want)
	}
	tb.keys(kb.Enter)
	focused("detail")
	tb.keys(kb.Tab)
	onTab("Attempts")
	tb.keys("j") // scrolls the detail, does not move
	selected("5")
	tb.keys(kb.Escape)
	focused("list")
	tb.keys("j")
	selected("4")

	for _, tc := range []struct{ key, title string }{
		{"?", "Keys and filters"}, {"y", "Copy from #4"}, {"x", "Export"}, {"e", "Edit & replay #4"}, {".", "Delivery #4"},
	} {
		tb.keys(tc.key)
		if tc.key == "e" { // nothing can send here
			tb.waitText(".toast", "can't send")
			continue
		}
		tb.waitText("dialog[open] h2", tc.title)
		tb.keys(kb.Escape)
		tb.wait("!document.querySelector('dialog')", "the dialog to close")
	}
	tb.keys("m")
	tb.wait("document.querySelector('#row-4 .pinned')", "the pin")
	tb.waitText(".toast", "is pinned")
	tb.keys("r")
	tb.waitText(".toast", "can't send")

	tb.filter("path:/n/2" + kb.Enter)
	selected("2")
	focused("list")
	if n := eval[int](tb, "document.querySelectorAll('.row').length"); n != 1 {
		t.Errorf("with a filter: got %d rows, want 1", n)
	}
	tb.wait("location.search === '?q=path%3A%2Fn%2F2'", "the filter in the address")
	rg.add(inspect.Delivery{Target: "/n/2"}, nil)
	rg.add(inspect.Delivery{Target: "/n/3"}, nil)
	selected("6") // the newest that matches
	tb.filter(kb.Escape)
	selected("7")

	// f stops following: what arrives is only counted, until f goes to it.
	tb.keys(kb.Escape)
	focused("list")
	tb.keys("f")
	tb.wait("document.querySelector('.follow').getAttribute('aria-pressed') === 'false'", "following to end")
	fill(t, rg.Store, 3)
	tb.waitText("#fresh", "3 new")
	selected("7")
	tb.keys("f")
	selected("10")
}

// filter presses / and types.
func (tb *tab) filter(text string) {
	tb.t.Helper()
	tb.keys("/")
	tb.wait("document.activeElement?.id === 'filter'", "the focus on the filter")
	tb.keys(text)
}

func TestPageShowsWhatIsWrongWithAFilter(t *testing.T) {
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{}, nil)
	tb := openTab(t, rg, "")
	tb.wait("document.querySelector('.row')", "the row")
	tb.expect = []string{"400 (Bad Request)"}
	tb.filter("statsu:500")
	tb.waitText("#filter-error", "status")
	tb.keys(kb.Escape)
	tb.wait("document.querySelector('#filter-error').textContent === ''", "the error to go")
	tb.filter("nothing-like-this")
	tb.waitText(".no-match", "Nothing matches")
}

func TestPageEditsAndReplays(t *testing.T) {
	edit, got := withHandler(t)
	rg := newRig(t, edit)
	rg.add(inspect.Delivery{
		Body:   []byte("{\"n\":12345678901234567890,\r\n\"s\":\"한글\"}\r\n"),
		Header: http.Header{"Content-Type": {"application/json"}, "X-Gone": {"1"}, "X-Kept": {"a", "b"}},
	}, nil)
	rg.add(inspect.Delivery{Body: []byte("\xff\x00")}, nil)
	tb := openTab(t, rg, "")
	tb.wait("document.querySelector('#row-2.selected')", "the binary delivery")
	tb.keys("e")
	tb.waitText("#edit-reason", "binary")
	tb.keys(kb.Escape)
	tb.wait("!document.querySelector('dialog')", "the dialog to close")

	tb.keys("je")
	tb.wait("document.querySelector('#edit-body')?.value.includes('한글')", "the body")
	tb.do(chromedp.SetValue(chromedp.CSS("#edit-headers"), "X-Kept: a\nX-Kept: b\nContent-Type: application/json\nx-new: v"))
	eval[any](tb, `(() => { for (const [id, f] of [['edit-body', (s) => s.replace('한글', 'two')], ['edit-headers', (s) => s]]) {
		const el = document.getElementById(id); el.value = f(el.value); el.dispatchEvent(new Event('input', { bubbles: true })); } })()`)
	tb.click("#edit-send")
	tb.waitText(".attempts", "Attempt 1")
	r := received(t, got)
	body, _ := io.ReadAll(r.Body)
	if want := "{\"n\":12345678901234567890,\r\n\"s\":\"two\"}\r\n"; string(body) != want {
		t.Errorf("sent %q, want %q", body, want)
	}
	if r.Header.Get("X-Gone") != "" || r.Header.Get("X-New") != "v" || len(r.Header["X-Kept"]) != 2 {
		t.Errorf("sent %v, want X-New and both X-Kept, without X-Gone", r.Header)
	}
	tb.waitText(".diff", "X-Gone")
	tb.waitText(".attempt-body", "Body sent, edited")

	// Sent without a change, it is byte for byte what was received.
	tb.click("#edit")
	tb.wait("document.querySelector('#edit-body')?.value.includes('한글')", "the body")
	tb.click("#edit-send")
	tb.waitText(".attempts", "Attempt 2")
	r = received(t, got)
	if r.URL.Path != "/hook" {
		t.Errorf("sent to %s, want /hook", r.URL.Path)
	}
	body, _ = io.ReadAll(r.Body)
	if want := "{\"n\":12345678901234567890,\r\n\"s\":\"한글\"}\r\n"; string(body) != want {
		t.Errorf("sent %q, want %q", body, want)
	}

	// What can't be sent is refused where it was written.
	tb.expect = []string{"409 (Conflict)"}
	tb.click("#edit")
	tb.wait("document.querySelector('#edit-to')", "the dialog")
	eval[any](tb, `(() => { const el = document.getElementById('edit-to'); el.value = 'http://192.0.2.1/'; el.dispatchEvent(new Event('input', { bubbles: true })); })()`)
	tb.click("#edit-send")
	tb.waitText("dialog [role=alert]", "--allow-target")
}

func TestPageRemovesADelivery(t *testing.T) {
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{Target: "/keep"}, nil)
	rg.add(inspect.Delivery{Target: "/go"}, nil)
	tb := openTab(t, rg, "")
	tb.waitText(".detail h2", "/go")
	tb.keys(".")
	tb.waitText("dialog", "Remove")
	tb.keys("d")
	tb.waitText("dialog", "gone for good")
	tb.click("dialog .danger")
	tb.waitText(".detail h2", "/keep")
	tb.wait("document.querySelectorAll('.row').length === 1", "one row")
}

func TestPageFitsANarrowScreen(t *testing.T) {
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{Target: "/a/rather/long/path/that/does/not/fit/on/a/telephone?with=a&long=query", Facts: provider.Facts{
		Provider: "stripe", Certainty: provider.Guess, Others: []string{"svix", "clerk"}, Handshake: strings.Repeat("h", 80), Address: provider.NotListed,
		Event: strings.Repeat("event.", 30), EventID: strings.Repeat("e", 200), Signature: provider.Invalid, SignatureReason: strings.Repeat("because ", 20),
	}}, answered(200, "ok"))
	tb := openTab(t, rg, "")
	tb.do(chromedp.EmulateViewport(400, 800))
	tb.wait("document.querySelector('.row')", "the row")
	fits := func(what string) {
		t.Helper()
		if eval[bool](tb, "document.documentElement.scrollWidth > 400") {
			t.Errorf("%s: wider than the screen", what)
		}
	}
	fits("list")
	tb.click(".row")
	tb.wait("document.querySelector('.back')?.offsetParent && !document.querySelector('#list').offsetParent", "the detail alone")
	for _, name := range []string{"Summary", "Headers", "Body", "Attempts", "Simulations"} {
		tb.click("#tab-" + name)
		fits(name)
	}
	tb.click(".back")
	tb.wait("document.querySelector('#list').offsetParent", "the list")
}
