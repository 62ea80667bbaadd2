package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// TestPageKnowsTheProvider has a delivery of Stripe's, old enough to be
// refused, with markup for an event type, and one of SNS that wants to be confirmed.
func TestPageKnowsTheProvider(t *testing.T) {
	edit, sent := withHandler(t)
	var fetched chan string
	rg := newRig(t, func(s *Server) {
		edit(s)
		fetched = withChecker(s)
		s.Sender.Checker = s.Checker
	})
	add := func(d inspect.Delivery) {
		if d.ReceivedAt.IsZero() {
			d.ReceivedAt = time.Now()
		}
		d.Facts, _ = rg.Checker.Assess(d.Request())
		rg.add(d, nil)
	}
	const evil = `<img src=/evil onerror='window.xss=1'>`
	add(snsDelivery(snsURL))
	old, signature := stripeDelivery(`{"id":"evt_\"1","object":"event",`+"\n"+`"type":"`+evil+`\u202egpj"}`, time.Now().Add(-2*time.Hour))
	add(old)

	tb := openTab(t, rg, "")
	tb.waitText(".row.selected .event", evil+`\u{202e}gpj`)
	tb.waitText(".row.selected .who-name", "stripe")
	if got := eval[string](tb, "document.querySelector('.row.selected .sigmark').getAttribute('aria-label')"); !strings.Contains(got, "Signature valid") {
		t.Errorf("the mark of the row says %q, want that the signature is valid", got)
	}
	tb.waitText("#row-1", "handshake")
	tb.waitText(".provider", "Stripe")
	tb.waitText(".provider", evil)
	tb.waitText("#signature", "STRIPE_WEBHOOK_SECRET")
	tb.click("#explain")
	tb.waitText("#message", `"object":"event",\n`)
	tb.waitText(".received", signature)
	if got := tb.text("#expected"); got == "" || strings.Contains(got, signature) {
		t.Errorf("expected %q, want it masked", got)
	}

	tb.keys("r")
	tb.waitText("dialog", "old")
	tb.wait("document.activeElement.textContent.includes('Sign again')", "the focus on Sign again")
	tb.keys(kb.Enter)
	tb.waitText(".attempt", "Signed again")
	if got := received(t, sent).Header.Get("Stripe-Signature"); got == "" || strings.Contains(got, signature) {
		t.Errorf("signed again: sent %q, want another signature", got)
	}
	tb.keys("r")
	tb.waitText("dialog", "Keep the old signature")
	tb.keys("a")
	tb.waitText(".attempts", "Attempt 2")
	if got := received(t, sent).Header.Get("Stripe-Signature"); !strings.Contains(got, signature) {
		t.Errorf("as received: sent %q, want the signature that came", got)
	}
	tb.waitText(".signed-again", "Not signed again, although")
	tb.keys("e") // an edit asks the same, and is not lost by it
	tb.wait("document.querySelector('#edit-body')?.value.includes('evt_')", "the body")
	tb.waitText("#edit-signed", "hookloop asks whether to sign it again")
	tb.click("#edit-send")
	tb.waitText(".menu-dialog", "Sign again")
	tb.keys(kb.Escape)
	tb.wait("!document.querySelector('.menu-dialog') && document.querySelector('#edit-body')", "the edit to stay")
	tb.click("#edit-send")
	tb.waitText(".menu-dialog", "Sign again")
	tb.keys("s")
	tb.waitText(".attempts", "Attempt 3")
	if got := received(t, sent).Header.Get("Stripe-Signature"); strings.Contains(got, signature) {
		t.Errorf("edited: sent %q, want another signature", got)
	}

	tb.click("#tab-Summary")
	tb.click("#event-id")
	tb.wait(`document.querySelector('#filter').value === 'event_id:"evt_\\"1"'`, "the filter")
	tb.wait("document.querySelectorAll('.row').length === 1", "one row")
	tb.filter(kb.Escape)
	tb.click("#row-1")
	tb.waitText(".handshake", "SubscriptionConfirmation")
	tb.click("#confirm")
	tb.waitText("dialog", "fetches "+snsURL)
	tb.waitText("dialog", "The signature of the request")
	if len(fetched) != 0 {
		t.Errorf("%s was fetched before it was confirmed", <-fetched)
	}
	tb.expect = append(tb.expect, "409") // which the browser notes of the first answer
	tb.click("dialog .primary")
	tb.waitText("dialog", "all the same?")
	tb.waitText("dialog", "it is not known who sent it")
	if len(fetched) != 0 {
		t.Errorf("%s was fetched although nobody knows who sent it", <-fetched)
	}
	tb.click("dialog .danger, dialog .primary")
	tb.waitText(".toast", "confirmed: arn:aws:sns")
	if eval[bool](tb, "'xss' in window || document.querySelector('[src=\"/evil\"]') !== null") {
		t.Error("an event type became part of the page")
	}
}

// TestPageDrawsTheDeadline lets an attempt run over Slack's 3 seconds.
func TestPageDrawsTheDeadline(t *testing.T) {
	rg := newRig(t, func(s *Server) { withChecker(s) })
	d := inspect.Delivery{
		ReceivedAt: time.Now(), Method: "POST", Target: "/slack", Header: http.Header{}, Disposition: inspect.Forwarded,
		Facts: provider.Facts{Provider: "slack", Certainty: provider.Certain, Event: "message"},
	}
	a := &inspect.Attempt{Trigger: inspect.Initial, State: inspect.Pending, StartedAt: time.Now(), URL: "http://127.0.0.1:3000/"}
	tb := openTab(t, rg, "")
	tb.wait("document.querySelector('#empty')", "the empty page")
	a.StartedAt = time.Now()
	if err := rg.Store.Add(context.Background(), &d, a); err != nil {
		t.Fatal(err)
	}
	tb.wait("document.querySelector('.deadline.live:not(.over)')", "a bar that runs")
	tb.waitText(".deadline.over.live", "of 3 s: too late")
	if got := eval[string](tb, "getComputedStyle(document.querySelector('.deadline-took')).backgroundColor"); got == eval[string](tb, "getComputedStyle(document.querySelector('.deadline-bar')).backgroundColor") {
		t.Errorf("the bar is not drawn: its colour is %s, as its ground's", got)
	}
	a.State, a.Duration = inspect.Answered, 3400*time.Millisecond
	a.Response = &inspect.Response{Status: 200, Proto: "HTTP/1.1", Header: http.Header{}}
	a.Outlook = &provider.Outlook{Provider: "slack", Verdict: provider.TooLate, Text: "Slack: took 3.4 s of 3 s, would already have retried", Confidence: provider.Quoted, Limit: 3 * time.Second}
	if err := rg.Store.Finish(a); err != nil {
		t.Fatal(err)
	}
	tb.waitText(".outlook", "would already have retried")
	tb.waitText(".deadline.over:not(.live)", "3.4 s of 3 s: too late")
	if got := eval[string](tb, "document.querySelector('.confidence').title"); !strings.HasPrefix(got, "B: ") {
		t.Errorf("the confidence says %q, want what B means", got)
	}
	for _, where := range []string{".row .status.warn", ".detail-sub .status.warn", ".happened.warn"} { // 200, and yet not in time
		tb.waitText(where, "200")
	}
	again := &inspect.Attempt{DeliveryID: d.ID, Trigger: inspect.Replay, StartedAt: time.Now(), URL: "http://127.0.0.1:3000/"}
	if err := rg.Store.Begin(context.Background(), again); err != nil {
		t.Fatal(err)
	}
	again.State, again.Response = inspect.Answered, a.Response
	if err := rg.Store.Finish(again); err != nil {
		t.Fatal(err)
	}
	tb.waitText(".happened.good", "Attempt 2")
	tb.waitText(".outlook", "Attempt 1 → Slack: took 3.4 s of 3 s")
}

// TestPageShowsHandshakes has one that carries no signature, and that hookloop
// answered, and one that it was to answer and could not.
func TestPageShowsHandshakes(t *testing.T) {
	rg := newRig(t, func(s *Server) {
		withChecker(s)
		s.AnswerHandshakes = true
	})
	rg.add(inspect.Delivery{
		ReceivedAt: time.Now(), Method: "POST", Target: "/notion", Disposition: inspect.Held, Body: []byte(`{"verification_token":"secret_abc"}`),
		Reason: "hookloop answered the handshake: Notion's verification_token",
		Facts: provider.Facts{
			Provider: "notion", Certainty: provider.Certain, Handshake: "verification_token", Signature: provider.Valid, Scheme: "handshake",
			SignatureReason: "no signature is involved",
		},
	}, nil)
	tb := openTab(t, rg, "")
	tb.waitText(".row .status", "answered")
	tb.waitText(".happened", "answered by hookloop: Notion's verification_token")
	tb.waitText("#signature", "not signed (a handshake): no signature is involved")
	if got := tb.text(".row .sigmark"); got != "·" {
		t.Errorf("the mark is %q, want ·", got)
	}
	zoom := inspect.Delivery{
		ReceivedAt: time.Now(), Method: "POST", Target: "/zoom", Disposition: inspect.Forwarded,
		Header: http.Header{"X-Zm-Signature": {"v0=00"}, "X-Zm-Request-Timestamp": {"1"}},
		Body:   []byte(`{"event":"endpoint.url_validation","payload":{"plainToken":"q"},"event_ts":1}`),
	}
	zoom.Facts, _ = rg.Checker.Assess(zoom.Request())
	rg.add(zoom, nil)
	tb.click("#row-2")
	tb.waitText("#unanswered", "--secret zoom=env:NAME")
}
