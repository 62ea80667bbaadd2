package web

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
)

// rehearsal stores a simulation of delivery 1 as it stands.
func (rg *rig) rehearsal(sim inspect.Simulation) *inspect.Simulation {
	rg.t.Helper()
	ctx, state, verdict := context.Background(), sim.State, sim.Verdict
	sim.DeliveryID, sim.Deliveries = 1, []int64{1}
	if err := rg.Store.BeginSimulation(ctx, &sim); err != nil {
		rg.t.Fatal(err)
	}
	if sim.State, sim.Verdict = state, verdict; state != inspect.SimulationRunning {
		if err := rg.Store.SaveSimulation(ctx, &sim); err != nil {
			rg.t.Fatal(err)
		}
	}
	return &sim
}

func runningRetries(text string) inspect.Simulation {
	yes, no := true, false
	now := time.Now()
	return inspect.Simulation{
		Kind: "retries", Title: "Stripe's retries of #1, 60 times as fast" + text, State: inspect.SimulationRunning, StartedAt: now.Add(-11 * time.Second),
		Steps: []inspect.Step{
			{Label: "attempt 1 of 6" + text, State: inspect.StepDone, DeliveryID: 1, Attempt: 1, Status: 500, Duration: 4 * time.Millisecond, OK: &no, Note: "Stripe: would retry" + text},
			{Label: "attempt 2 of 6", State: inspect.StepDone, DeliveryID: 1, Attempt: 2, Offset: time.Minute, Duration: 5 * time.Second, Error: "no answer within 5s" + text, OK: &no},
			{Label: "attempt 3 of 6", State: inspect.StepDone, DeliveryID: 1, Attempt: 3, Offset: 10 * time.Minute, Status: 200, Duration: 31 * time.Millisecond, OK: &yes},
			{Label: "attempt 4 of 6", State: inspect.StepPlanned, DeliveryID: 1, Offset: 65 * time.Minute, DueAt: now.Add(90 * time.Second)},
			{Label: "attempt 5 of 6", State: inspect.StepPlanned, DeliveryID: 1, Offset: 5 * time.Hour, DueAt: now.Add(300 * time.Second), Guess: true},
			{Label: "attempt 6 of 6", State: inspect.StepSkipped, DeliveryID: 1, Note: "not reached"},
		},
	}
}

func failedDuplicates(text string) inspect.Simulation {
	yes := true
	return inspect.Simulation{
		Kind: "duplicates", Title: "#1 delivered 3 times, overlapping" + text, State: inspect.SimulationEnded, Verdict: inspect.Fail,
		StartedAt: time.Now().Add(-time.Minute), EndedAt: time.Now().Add(-55 * time.Second),
		Reasons: []inspect.Reason{
			{Verdict: inspect.Fail, Text: "the side effect happened twice: it read 7 before, 9 after the last" + text},
			{Verdict: inspect.Pass, Text: "every delivery was answered within 10 s"},
			{Verdict: inspect.Inconclusive, Text: "whether the order was kept cannot be said"},
			{Text: "the second took 6 s of 5 s"},
		},
		Steps: []inspect.Step{
			{Label: "delivery 1 of 3", State: inspect.StepDone, DeliveryID: 1, Attempt: 1, Status: 200, Duration: 12 * time.Millisecond, OK: &yes},
			{Label: "delivery 2 of 3", State: inspect.StepDone, DeliveryID: 2, Attempt: 1, Status: 200, Duration: 9 * time.Millisecond, OK: &yes},
		},
		MoreSteps: 3,
		Table:     &inspect.Table{Columns: []string{"what" + text, "answer"}, Rows: [][]string{{"wrong secret", "401"}, {"old timestamp" + text, "200, should be refused"}}},
		Probes:    []inspect.Reading{{When: "before", Value: "7" + text}, {When: "after the first", Value: "8"}, {When: "after the last", Error: "exit status 1" + text}},
	}
}

// TestPageShowsSimulations has one that runs and one that failed, with markup
// and controls wherever a handler, a probe or a provider could put some.
func TestPageShowsSimulations(t *testing.T) {
	const evil = ` <img src=/evil onerror='window.xss=1'>` + "\u202egpj"
	const shown = ` <img src=/evil onerror='window.xss=1'>\u{202e}gpj`
	rg := newRig(t, nil)
	a := answered(200, "ok")
	rg.add(inspect.Delivery{Source: inspect.FromTrigger}, a)
	rg.rehearsal(failedDuplicates(evil))
	tb := openTab(t, rg, "")
	tb.waitText("#row-1 .verdict-mark.bad", "F")
	tb.waitText("#row-1 .source", "trigger")
	tb.click("#tab-Simulations")
	tb.waitText("#verdict", "FAIL")
	for _, want := range []string{"happened twice", "✗", "✓", "?", "delivery 2 of 3 #2", "200", "… and 3 that are not kept", "200, should be refused", "after the last"} {
		tb.waitText("#simulation", want)
	}
	tb.waitText(".reasons li:last-child [aria-label=note].idle", "·")
	for _, part := range []string{".verdict", ".reasons", ".simulation-table th", ".simulation-table tr:last-child td", ".probes dd", ".probes div:last-child dd"} {
		tb.waitText(part, shown)
	}
	sim := rg.rehearsal(runningRetries(evil))
	tb.waitText("#verdict", "RUNNING")
	tb.waitText("#row-1 .verdict-mark.wait", "…")
	tb.waitText(".step.next", "next, in 1:")
	first := tb.text(".step.next b")
	tb.wait("document.querySelector('.step.next b').textContent !== "+quote(first), "the countdown to go on")
	for _, want := range []string{"+1 h 5 min", "guess", "3 of 6 steps made", "no answer within 5s" + shown, "would retry" + shown, "attempt 1 of 6" + shown, "not reached"} {
		tb.waitText("#simulation", want)
	}
	if !eval[bool](tb, "document.querySelector('#stop').disabled && !document.querySelector('#step')") {
		t.Error("what was begun elsewhere can be stopped here, or stepped")
	}
	tb.do(chromedp.Click(chromedp.CSS(".simulation-list button:last-child")))
	tb.waitText("#verdict", "FAIL")
	sim.State, sim.Verdict, sim.EndedAt = inspect.SimulationEnded, inspect.Pass, time.Now()
	if err := rg.Store.SaveSimulation(context.Background(), sim); err != nil {
		t.Fatal(err)
	}
	tb.waitText("#row-1 .verdict-mark.good", "P")
	tb.waitText(".toast", "Simulation 2 of #1: PASS")
	if eval[bool](tb, "'xss' in window || document.querySelector('[src=\"/evil\"]') !== null") {
		t.Error("a simulation's text became part of the page")
	}
}

// TestPageSimulates begins one with the keyboard, and stops another.
func TestPageSimulates(t *testing.T) {
	edit, called, letGo := withSlowHandler(t)
	rg := newRig(t, edit)
	d := inspect.Delivery{Body: []byte(`{"a":1}`), Facts: provider.Facts{Provider: "stripe", Certainty: provider.Certain}}
	rg.add(d, answered(200, "ok"))
	d.Facts = provider.Facts{}
	rg.add(d, answered(200, "ok"))
	tb := openTab(t, rg, "")
	tb.waitText("#row-2", "#2")
	tb.keys("s")
	tb.waitText(".menu-dialog", "Simulate with #2")
	tb.waitText(".menu-dialog", "so there is no schedule")
	tb.keys("r") // is off
	tb.keys("c")
	tb.waitText("#verdict", "RUNNING")
	tb.waitText("#row-2 .verdict-mark", "…")
	tb.click("#stop")
	tb.wait("document.querySelector('#verdict')?.textContent !== 'RUNNING'", "a verdict")
	tb.waitText(".simulation-about", "stopped by its user")
	letGo()
	tb.click("#simulate")
	tb.waitText(".menu-dialog", "Duplicate, in turn")
	tb.keys("d")
	tb.waitText(".simulation-list button:first-child", "2 duplicates")
	tb.waitText(".simulation-about", "took")
	tb.waitText(".timeline", "200")
	tb.click("#tab-Attempts")
	tb.waitText(".attempt", "simulation 2, delivery 2 of 2")
	if n := called.Load(); n < 2 {
		t.Errorf("the handler was called %d times, want 2 at least", n)
	}
}

// TestPageLosesAcks has answers lost, and ends it.
func TestPageLosesAcks(t *testing.T) {
	edit, _ := withHandler(t)
	rg := newRig(t, func(s *Server) {
		edit(s)
		s.Receiver = &inspect.Receiver{Store: s.Store}
		s.Running.Receiver = s.Receiver
	})
	rg.add(inspect.Delivery{Body: []byte("{}")}, answered(200, "ok"))
	tb := openTab(t, rg, "")
	tb.waitText("#row-1", "#1")
	tb.keys("s")
	tb.waitText(".menu-dialog", "Lose the next 2 answers")
	tb.keys("l")
	tb.waitText(".toast", "have the provider deliver")
	tb.waitText("#banner", "The next 2 answers to providers are lost")
	if n := rg.Receiver.LosingAcks(); n != 2 {
		t.Errorf("%d answers are to be lost, want 2", n)
	}
	tb.keys("s")
	tb.waitText(".menu-dialog", "Lose no more answers")
	tb.keys("l")
	tb.waitText(".toast", "gets the handler’s answers again")
	tb.wait("!document.querySelector('#banner')", "the banner to go")
	if n := rg.Receiver.LosingAcks(); n != 0 || rg.Running.LostAck() != nil {
		t.Errorf("%d answers are still to be lost", n)
	}
}

// TestPageSimulatesALine begins what is written as in a shell, once it is right.
func TestPageSimulatesALine(t *testing.T) {
	edit, got := withHandler(t)
	rg := newRig(t, func(s *Server) {
		edit(s)
		s.ParseSimulation = func(line string, delivery int64) (replay.Spec, error) {
			if line != "burst" { // typed over the example, which is selected
				return replay.Spec{}, errors.New("<b>the line is</b> " + line)
			}
			return replay.Spec{Kind: "duplicates", Count: 3, Deliveries: []int64{delivery}}, nil
		}
	})
	rg.add(inspect.Delivery{Body: []byte("{}"), Facts: provider.Facts{Provider: "stripe", Certainty: provider.Certain}}, answered(200, "ok"))
	tb := openTab(t, rg, "")
	tb.expect = []string{"400 (Bad Request)"}
	tb.waitText("#row-1", "#1")
	tb.keys("s")
	tb.waitText(".menu-dialog", "As in a shell")
	tb.keys(":")
	tb.wait("document.activeElement?.id === 'line'", "the focus on the line")
	tb.keys(kb.Enter)
	if h := eval[float64](tb, "document.querySelector('.line-dialog').offsetHeight"); h < 150 {
		t.Errorf("the dialog is %v pixels high, which shows nothing but the line", h)
	}
	tb.waitText(".line-dialog [role=alert]", "<b>the line is</b> duplicates -n 3 --mode overlap")
	tb.wait("document.activeElement.selectionEnd === document.activeElement.value.length", "the example to be selected")
	eval[any](tb, "document.activeElement.select()") // as it was at first
	tb.keys("burst" + kb.Enter)
	tb.waitText(".simulation-about", "took")
	for range 3 {
		received(t, got)
	}
}

// TestPageTellsWhatTheProviderGot has an answer that was lost, and a delivery
// that was held while the handler was down and handed over since.
func TestPageTellsWhatTheProviderGot(t *testing.T) {
	rg := newRig(t, nil)
	lost := answered(200, "ok")
	lost.Outlook = &provider.Outlook{Provider: "stripe", Verdict: provider.Accepted, Text: "Stripe: accepted"}
	rg.add(inspect.Delivery{Disposition: inspect.Forwarded, Reason: inspect.LostStatus.Reason()}, lost)
	late := answered(200, "ok")
	late.Trigger = inspect.Replay
	rg.add(inspect.Delivery{Disposition: inspect.Held, Reason: inspect.HeldReason}, late)
	tb := openTab(t, rg, "#1")
	tb.click("#row-1")
	tb.waitText(".outlook.lost", "the provider got 500 instead of the handler's answer")
	tb.click("#row-2")
	tb.waitText(".happened", "It was held until the handler was back, and then answered with 200")
	tb.click("#tab-Attempts")
	tb.waitText(".attempt .trigger", "after hold")
}

// TestPageFitsSimulations makes sure that no timeline is wider than a small
// screen. With HOOKLOOP_SCREENSHOTS set to a folder it leaves pictures there.
func TestPageFitsSimulations(t *testing.T) {
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{Target: "/hooks/stripe", Source: inspect.FromTrigger, Facts: provider.Facts{Provider: "stripe", Certainty: provider.Certain, Event: "invoice.paid"}}, answered(200, "ok"))
	rg.rehearsal(failedDuplicates(""))
	rg.rehearsal(runningRetries(""))
	rg.add(inspect.Delivery{Target: "/hooks/github", Disposition: inspect.Held, Waiting: true}, nil)
	tb := openTab(t, rg, "#1")
	tb.click("#row-1")
	tb.click("#tab-Simulations")
	for _, theme := range []string{"light", "dark"} {
		eval[any](tb, "document.documentElement.dataset.theme = "+quote(theme))
		for i, width := range []int64{400, 900, 1600} {
			tb.do(chromedp.EmulateViewport(width, 900))
			for _, which := range []string{"first", "last"} {
				tb.click(".simulation-list button:" + which + "-child")
				tb.wait("document.querySelector('.simulation-list button:"+which+"-child').getAttribute('aria-pressed') === 'true'", "the simulation")
				if over := eval[int](tb, "document.documentElement.scrollWidth - innerWidth + Math.max(0, document.querySelector('#panel').scrollWidth - document.querySelector('#panel').clientWidth)"); over > 0 {
					t.Errorf("%s, %d wide, %s: %d pixels too wide", theme, width, which, over)
				}
				shoot(tb, strings.Join([]string{theme, []string{"400", "900", "1600"}[i], which}, "-"))
			}
		}
	}
	tb.do(chromedp.EmulateViewport(400, 900))
	tb.click(".back")
	shoot(tb, "dark-400-list")
}

// shoot leaves a picture of the page, if someone wants one.
func shoot(tb *tab, name string) {
	tb.t.Helper()
	dir := os.Getenv("HOOKLOOP_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		tb.t.Fatal(err)
	}
}

// TestPageMarksEachDelivery has a verdict come that is of two.
func TestPageMarksEachDelivery(t *testing.T) {
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{}, nil)
	rg.add(inspect.Delivery{}, nil)
	tb := openTab(t, rg, "")
	tb.wait("document.querySelectorAll('.row').length === 2", "two rows")
	sim := &inspect.Simulation{Kind: "reorder", DeliveryID: 1, Deliveries: []int64{1, 2}, StartedAt: time.Now()}
	if err := rg.Store.BeginSimulation(context.Background(), sim); err != nil {
		t.Fatal(err)
	}
	sim.State, sim.Verdict, sim.EndedAt = inspect.SimulationEnded, inspect.Fail, time.Now()
	if err := rg.Store.SaveSimulation(context.Background(), sim); err != nil {
		t.Fatal(err)
	}
	tb.waitText("#row-1 .verdict-mark.bad", "F")
	tb.waitText("#row-2 .verdict-mark.bad", "F")
}
