package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

func ptr[T any](v T) *T { return &v }

// sampleSimulations are two of delivery 12: one that runs, and one that failed.
func sampleSimulations() []inspect.Simulation {
	return []inspect.Simulation{
		{
			ID: 4, Kind: "retries", Title: "Stripe's retries of #12, 60 times as fast", DeliveryID: 12, Deliveries: []int64{12}, State: inspect.SimulationRunning,
			StartedAt: noon.Add(-3 * time.Second),
			Steps: []inspect.Step{
				{Label: "attempt 1 of 5", State: inspect.StepDone, DeliveryID: 12, Attempt: 3, Status: 500, Duration: 4 * time.Millisecond, OK: ptr(false), Note: "Stripe would retry"},
				{Label: "attempt 2 of 5", State: inspect.StepRunning, DeliveryID: 12, Attempt: 4, Offset: 45 * time.Second},
				{Label: "attempt 3 of 5", State: inspect.StepPlanned, Offset: 10 * time.Minute, DueAt: noon.Add(7 * time.Second)},
				{Label: "attempt 4 of 5", State: inspect.StepPlanned, Offset: 65 * time.Minute, DueAt: noon.Add(65 * time.Second), Guess: true},
				{Label: "attempt 5 of 5", State: inspect.StepPlanned, Offset: 72 * time.Hour, Guess: true},
			},
		},
		{
			ID: 3, Kind: "duplicates", Title: "3 duplicates of #12, overlapping", DeliveryID: 12, Deliveries: []int64{12, 11}, State: inspect.SimulationEnded,
			StartedAt: noon.Add(-time.Minute), EndedAt: noon.Add(-55 * time.Second), Verdict: inspect.Fail,
			Reasons: []inspect.Reason{
				{Verdict: inspect.Pass, Text: "Every delivery was answered in time."},
				{Verdict: inspect.Fail, Text: "the side effect happened twice"},
				{Verdict: inspect.Inconclusive, Text: "Whether the third was seen cannot be said."},
				{Text: "the second took 6 s of 5 s"},
			},
			Steps: []inspect.Step{
				{Label: "delivery 1 of 3", State: inspect.StepDone, DeliveryID: 12, Attempt: 1, Status: 200, Duration: 12 * time.Millisecond, OK: ptr(true)},
				{Label: "delivery 2 of 3", State: inspect.StepDone, DeliveryID: 11, Attempt: 2, Duration: 5 * time.Second, Error: "no answer within 5 s", OK: ptr(false)},
				{Label: "delivery 3 of 3", State: inspect.StepSkipped, Note: "the one before was not answered"},
			},
			MoreSteps: 2,
			Table:     &inspect.Table{Columns: []string{"what", "answer"}, Rows: [][]string{{"wrong secret", "401"}, {"old timestamp", "200, should be refused"}}},
			Probes: []inspect.Reading{
				{When: "before", At: noon, Value: "7"}, {When: "after the first", At: noon, Value: "8"}, {When: "after the last", At: noon, Error: "exit status 1"},
			},
		},
	}
}

// squeeze leaves one space between words.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// openSimulations opens the newest delivery at its simulations.
func (m *model) openSimulations(sims []inspect.Simulation, id int64) {
	m.press(keyMsg("enter"))
	m.detail.tab, m.detail.sim = tabSimulations, id
	m.arrange()
	d, attempts := sampleDelivery()
	m.Update(detailMsg{id: d.ID, tab: tabSimulations, d: d, attempts: attempts, sims: sims, doc: buildDoc(tabSimulations, subject{cfg: &m.cfg, d: d, sims: sims, sim: id, now: m.now}, m.t)})
}

func TestSimulationIsTold(t *testing.T) {
	m := sampleModel(t, 100, 50)
	m.openSimulations(sampleSimulations(), 0)
	for _, want := range []string{
		" RUNNING   Stripe's retries of #12, 60 times as fast", "simulation 4, begun 14 Mar 11:59:57, 1 of 5 steps made",
		"✗ attempt 1 of 5    at once   500  4.0 ms  Stripe would retry", "▸ attempt 2 of 5", "+45 s   running",
		"◷ attempt 3 of 5    +10 min   next, in 0:07", "+1 h 5 min?", "a guess: not published", "+3 days?", "1 of 2, the latest first",
	} {
		if got := squeeze(m.text()); !strings.Contains(got, squeeze(want)) {
			t.Errorf("no %q in\n%s", want, m.text())
		}
	}
	m.keys("h") // the one before
	if m.detail.sim != 3 {
		t.Fatalf("h shows simulation %d, want 3", m.detail.sim)
	}
	m.openSimulations(sampleSimulations(), 3)
	for _, want := range []string{
		" FAIL   3 duplicates of #12, overlapping", "✗ the side effect happened twice", "✓ Every delivery was answered in time.", "? Whether the third", "· the second took 6 s of 5 s",
		"✓ delivery 1 of 3      200  12 ms", "✗ delivery 2 of 3 #11  5.00 s  no answer within 5 s", "– delivery 3 of 3      the one before",
		"… and 2 steps that are not kept", "old timestamp  200, should be refused", "after the first  8", "after the last   exit status 1",
	} {
		if got := squeeze(m.text()); !strings.Contains(got, squeeze(want)) {
			t.Errorf("no %q in\n%s", want, m.text())
		}
	}
	if m.keys("h"); !strings.Contains(m.message.text, "no simulation further on") {
		t.Errorf("at the oldest, h says %q", m.message.text)
	}
	if m.keys("l"); m.detail.sim != 0 {
		t.Errorf("l shows simulation %d, want the latest, whichever that will be", m.detail.sim)
	}
}

func TestSimulationCountsDown(t *testing.T) {
	m := sampleModel(t, 100, 50)
	m.openSimulations(sampleSimulations(), 0)
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon.Add(3 * time.Second)}})
	if !m.reading {
		t.Fatal("a second later the timeline is not laid out again")
	}
	m.Update(m.src.doc(tabSimulations, subject{cfg: &m.cfg, d: m.detail.d, sims: m.detail.sims, now: m.now}, m.t)())
	if got, want := m.text(), "next, in 0:04"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
	m.openSimulations(sampleSimulations()[1:], 0)
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon.Add(4 * time.Second)}})
	if m.reading {
		t.Error("a simulation that has ended is laid out again and again")
	}
}

func TestVerdictWords(t *testing.T) {
	for _, test := range []struct {
		state   inspect.SimulationState
		verdict inspect.Verdict
		word    string
		mark    string
	}{
		{inspect.SimulationRunning, "", "RUNNING", "…"},
		{inspect.SimulationEnded, inspect.Pass, "PASS", "P"},
		{inspect.SimulationEnded, inspect.Fail, "FAIL", "F"},
		{inspect.SimulationEnded, inspect.Inconclusive, "INCONCLUSIVE", "?"},
		{inspect.SimulationCanceled, inspect.Inconclusive, "INCONCLUSIVE", "?"},
		{inspect.SimulationInterrupted, inspect.Inconclusive, "INCONCLUSIVE", "?"},
	} {
		sim := &inspect.Simulation{ID: 3, Kind: "burst", DeliveryID: 12, State: test.state, Verdict: test.verdict}
		if word, _ := verdictWord(sim); word != test.word {
			t.Errorf("%s %s: got %q, want %q", test.state, test.verdict, word, test.word)
		}
		if b := verdictMark(sim); b.text != test.mark || b.id != 3 {
			t.Errorf("%s %s: got %+v, want %q", test.state, test.verdict, b, test.mark)
		}
	}
}

func TestOffsetWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "at once", 45 * time.Second: "+45 s", time.Minute: "+1 min", 100 * time.Second: "+1 min 40 s", 150 * time.Second: "+2 min 30 s", time.Hour: "+1 h",
		90 * time.Minute: "+1 h 30 min", 24 * time.Hour: "+24 h", 72 * time.Hour: "+3 days", 75 * time.Hour: "+3 days 3 h",
	} {
		if got := offsetWords(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-time.Second: "0:00", 0: "0:00", 10 * time.Millisecond: "0:01", 61 * time.Second: "1:01", 3723 * time.Second: "1:02:03"} {
		if got := countdown(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// TestMenuOffersWhatMakesSense has a delivery of Stripe's, and one nobody knows.
func TestMenuOffersWhatMakesSense(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.cfg.Probe = &replay.Probe{URL: "http://localhost:3000/count"}
	m.cfg.Receiver, m.cfg.ParseSimulation = &inspect.Receiver{}, func(string, int64) (replay.Spec, error) { return replay.Spec{}, nil }
	m.keys("s")
	if m.ask.kind != askSimulate {
		t.Fatalf("s opens no menu: %q", m.message.text)
	}
	specs := map[string]replay.Spec{}
	for _, c := range m.ask.choices {
		if c.off != "" {
			t.Errorf("%s is off: %s", c.text, c.off)
		}
		if c.do != nil || c.spec.Kind == "lost-ack" || c.spec.Kind == "catch-up" {
			continue
		}
		if c.spec.Probe != m.cfg.Probe || c.spec.Deliveries[len(c.spec.Deliveries)-1] != 12 {
			t.Errorf("%s: got %+v, want it of #12 with the probe", c.text, c.spec)
		}
		if _, twice := specs[c.key]; twice {
			t.Errorf("%s is there twice", c.key)
		}
		specs[c.key] = c.spec
	}
	if s := specs["o"]; s.Kind != "duplicates" || s.Mode != "overlap" {
		t.Errorf("o is %+v", s)
	}
	if s := specs["n"]; s.Kind != "retries" || !s.Step {
		t.Errorf("n is %+v", s)
	}
	if s := specs["F"]; s.Speed != 600 {
		t.Errorf("F is %+v", s)
	}
	if s := specs["p"]; s.Kind != "retries" || s.FailFirst != 2 {
		t.Errorf("p is %+v", s)
	}
	if s := specs["x"]; s.Kind != "reorder" || len(s.Deliveries) != 3 || s.Deliveries[0] != 1 {
		t.Errorf("x is %+v, want #1, #4 and #12, Stripe's", s)
	}
	if text := m.text(); !strings.Contains(text, "simulate #12  with the probe") || !strings.Contains(text, "reorder #1 #4 #12") ||
		!strings.Contains(text, "C  catch up: what is held") {
		t.Errorf("the menu is\n%s", text)
	}
	checkScreen(t, m)
	if m.keys("z"); m.ask.kind != askSimulate {
		t.Error("a key that chooses nothing closes the menu")
	}
	m.keys("esc", "k", "s") // #11, of nobody known
	if m.keys("r"); !strings.Contains(m.ask.err, "--policy custom:30s,2m,10m") || m.ask.kind != askSimulate {
		t.Errorf("r says %q", m.ask.err)
	}
	if m.keys("q"); m.ask.kind != askNothing {
		t.Error("q leaves the menu open")
	}
	m.cfg.Sender = nil
	if m.keys("s"); !strings.Contains(m.message.text, "Simulations are off") {
		t.Errorf("without a sender s says %q", m.message.text)
	}
}

func TestKeysOfNoSimulation(t *testing.T) {
	m := sampleModel(t, 100, 30)
	for _, key := range []string{"S", "."} {
		if m.keys(key); !strings.Contains(m.message.text, "No simulation of this delivery is running") {
			t.Errorf("%s says %q", key, m.message.text)
		}
	}
	m.openSimulations(sampleSimulations(), 0)
	if m.keys("S"); !strings.Contains(m.message.text, "Simulation 4 was begun elsewhere") {
		t.Errorf("S says %q", m.message.text)
	}
}

func TestEndOfASimulationIsTold(t *testing.T) {
	m := sampleModel(t, 100, 30)
	sim := sampleSimulations()[1]
	m.Update(simulatedMsg{sim: &sim})
	if got, want := m.message.text, "Simulation 3, 3 duplicates of #12, overlapping: FAIL: the side effect happened twice"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.Update(simulatedMsg{err: errors.New("the \x1b[31mdisk is full")})
	if got, want := m.message.text, `The \x1b[31mdisk is full`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMenuIsOfTheDeliveryItWasOpenedFor has another one arrive before the choice.
func TestMenuIsOfTheDeliveryItWasOpenedFor(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.keys("s")
	rows := append(slices.Clone(m.list.rows), inspect.Summary{ID: 13, Method: "POST", Path: "/new"})
	m.list.rows = rows
	m.list.newest()
	if m.target() != 13 {
		t.Fatalf("#%d is selected, want the new one", m.target())
	}
	m.keys("c")
	if m.target() != 12 || !m.inside || m.detail.tab != tabSimulations {
		t.Errorf("#%d is shown, inside %v; want the simulations of #12", m.target(), m.inside)
	}
}

func TestMenuLosesAnswers(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.keys("s", "l")
	if want := "There is no receiver here"; !strings.Contains(m.ask.err, want) {
		t.Errorf("without a receiver: got %q, want %q", m.ask.err, want)
	}
	m.keys("esc")
	m.live(online, sampleCounters)
	if strings.Contains(m.text(), "lost: s l ends it") {
		t.Errorf("answers are lost that are not:\n%s", m.text())
	}
	for n, want := range map[int]string{1: "the next answer to a provider is lost", 3: "the next 3 answers to providers are lost"} {
		m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon, tunnel: online, losing: n}})
		if !strings.Contains(m.text(), want) {
			t.Errorf("no %q in\n%s", want, m.text())
		}
	}
}

func TestMenuTakesALine(t *testing.T) {
	m := sampleModel(t, 100, 30)
	if m.keys("s", ":"); !strings.Contains(m.ask.err, "hookloop listen only") {
		t.Errorf("without a parser: got %q", m.ask.err)
	}
	m.keys("esc")
	var got string
	m.cfg.ParseSimulation = func(line string, id int64) (replay.Spec, error) {
		if got = fmt.Sprintf("#%d %s", id, line); strings.Contains(line, "bad") {
			return replay.Spec{}, errors.New("the flag is not known")
		}
		return replay.Spec{Kind: "duplicates", Deliveries: []int64{id}}, nil
	}
	m.keys("s", ":")
	if text := m.text(); !strings.Contains(text, " simulate duplicates -n 3 --mode overlap") {
		t.Errorf("no line to write in\n%s", text)
	}
	m.keys("b", "a", "d", "enter")
	if got != "#12 bad" || m.ask.err != "The flag is not known" || m.ask.kind != askSimulation {
		t.Errorf("got %q, %q; want the line back with what is wrong", got, m.ask.err)
	}
	m.keys("backspace", "backspace", "backspace", "enter")
	if m.ask.kind != askSimulation || !m.ask.busy {
		t.Errorf("got %+v, want it to be begun", m.ask)
	}
	m.Update(begunMsg{id: 12, err: errors.New("there is no provider nosuch")}) // what only beginning it tells
	if m.ask.kind != askSimulation || m.ask.busy || m.ask.err != "There is no provider nosuch" {
		t.Errorf("got %+v, want the line with what is wrong", m.ask)
	}
	m.keys("esc", "s", ":", "left", "x", "enter")
	if got != "#12 duplicates -n 3 --mode overlaxp" {
		t.Errorf("got %q, want the example changed where the cursor went", got)
	}
}

func TestListMarksVerdicts(t *testing.T) {
	m := sampleModel(t, 100, 30)
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, sims: []inspect.Simulation{
		{ID: 1, DeliveryID: 12, State: inspect.SimulationEnded, Verdict: inspect.Pass},
		{ID: 2, DeliveryID: 12, State: inspect.SimulationEnded, Verdict: inspect.Fail},
		{ID: 3, DeliveryID: 11, Deliveries: []int64{11, 9}, State: inspect.SimulationRunning},
	}})
	for row, want := range map[string]string{"#12 ": " F", "#11 ": " …", "#9 ": " …", "#10 ": ""} {
		for l := range strings.Lines(m.text()) {
			if strings.Contains(l, row) && !strings.HasSuffix(strings.TrimRight(l, "\n"), want) {
				t.Errorf("%s: no %q at the end of %q", row, want, l)
			}
		}
	}
	checkScreen(t, m)
	m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, sims: []inspect.Simulation{{ID: 1, DeliveryID: 12, State: inspect.SimulationEnded, Verdict: inspect.Pass}}})
	if m.list.marks[12].text != "F" {
		t.Error("an older simulation took the place of the latest")
	}
}

func TestSourcesAreTold(t *testing.T) {
	for source, want := range map[inspect.Source]string{
		inspect.FromProvider: "stripe invoice.paid evt_1", inspect.FromTrigger: "stripe invoice.paid (trigger) evt_1", inspect.FromSimulation: "stripe invoice.paid (simulated) evt_1",
	} {
		if got := sender(&inspect.Summary{Facts: stripeFacts, Source: source}); got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
	}
	m := sampleModel(t, 100, 40)
	m.open(tabRequest)
	d, _ := sampleDelivery()
	d.Source = inspect.FromPoll
	m.Update(detailMsg{id: d.ID, tab: tabRequest, d: d, doc: buildDoc(tabRequest, m.subject(d, nil, 0), m.t)})
	if got, want := m.text(), "Source     a result that hookloop asked a status URL for"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

func TestAttemptsNameTheirSimulation(t *testing.T) {
	sims := sampleSimulations()
	for _, test := range []struct {
		a    inspect.Attempt
		want string
	}{
		{inspect.Attempt{DeliveryID: 12, Number: 1}, ""},
		{inspect.Attempt{DeliveryID: 12, Number: 3, Simulation: 4}, "simulation 4, attempt 1 of 5"},
		{inspect.Attempt{DeliveryID: 11, Number: 2, Simulation: 3}, "simulation 3, delivery 2 of 3"},
		{inspect.Attempt{DeliveryID: 12, Number: 2, Simulation: 3}, "simulation 3"},
		{inspect.Attempt{DeliveryID: 12, Number: 3, Simulation: 9}, "simulation 9"},
	} {
		if got := attemptStep(&test.a, sims); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.a, got, test.want)
		}
	}
	m := sampleModel(t, 100, 30)
	m.open(tabAttempts)
	d, attempts := sampleDelivery()
	attempts[1].Simulation, attempts[1].Number = 4, 3
	m.Update(detailMsg{id: d.ID, tab: tabAttempts, d: d, attempts: attempts, sims: sims})
	for _, want := range []string{"  simulation 4, attempt 1 of 5  signed ag", "Made by    simulation 4, attempt 1 of 5"} {
		if got := m.text(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// hostileSimulation is hostile wherever a handler, a probe or a provider can be.
func hostileSimulation(id int64, state inspect.SimulationState) inspect.Simulation {
	sim := inspect.Simulation{
		ID: id, Kind: hostile, Title: hostile, DeliveryID: 7, Deliveries: []int64{7}, State: state, StartedAt: noon,
		Reasons: []inspect.Reason{{Verdict: inspect.Fail, Text: hostile}, {Verdict: inspect.Verdict(hostile), Text: hostile}},
		Table:   &inspect.Table{Columns: []string{hostile, hostile}, Rows: [][]string{{hostile, hostile, hostile}, {hostile}}},
		Probes:  []inspect.Reading{{When: hostile, Value: hostile}, {When: hostile, Error: hostile}},
	}
	for _, state := range []inspect.StepState{inspect.StepDone, inspect.StepRunning, inspect.StepPlanned, inspect.StepSkipped} {
		sim.Steps = append(sim.Steps, inspect.Step{Label: hostile, State: state, Error: hostile, Note: hostile, DeliveryID: 9, Attempt: 1, Offset: time.Hour, Guess: true})
	}
	if state != inspect.SimulationRunning {
		sim.Verdict, sim.EndedAt = inspect.Fail, noon
	}
	return sim
}

func TestHostileBytesInSimulations(t *testing.T) {
	for _, w := range []int{40, 100, 200} {
		m := hostileModel(t, w)
		m.list.rows[0].Source = inspect.Source(hostile)
		m.list.rows[0].Disposition = inspect.Held
		sims := []inspect.Simulation{hostileSimulation(2, inspect.SimulationRunning), hostileSimulation(1, inspect.SimulationEnded)}
		m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, sims: sims})
		m.checkHarmless(t, "marks")
		m.keys("s")
		m.checkHarmless(t, "menu")
		m.keys("r")
		m.checkHarmless(t, "refusal")
		m.keys("esc", "enter")
		d := hostileDelivery(hostile, hostile)
		d.ID, d.Source = 7, inspect.Source(hostile)
		attempts := []inspect.Attempt{*hostileAttempt(9, inspect.Answered, "")}
		attempts[0].Number, attempts[0].Simulation = 1, 1
		for _, n := range []tab{tabSimulations, tabAttempts, tabResponse, tabRequest} {
			for id := range int64(3) {
				m.detail.tab, m.detail.sim = n, id
				m.Update(detailMsg{id: 7, tab: n, d: d, attempts: attempts, sims: sims, doc: buildDoc(n, subject{cfg: &m.cfg, d: d, attempts: attempts, sims: sims, sim: id, now: noon}, m.t)})
				for range 6 {
					m.checkHarmless(t, tabNames[n])
					m.keys("pgdown")
				}
			}
		}
		m.Update(simulatedMsg{sim: &sims[1]})
		m.checkHarmless(t, "end")
	}
	sim := hostileSimulation(1, inspect.SimulationEnded)
	var out bytes.Buffer
	for _, f := range []form{compact{&out, &Config{}}, jsonl{&out}} {
		if err := f.simulation(&sim); err != nil {
			t.Fatal(err)
		}
	}
	checkHarmless(t, "plain output", out.String())
}

func TestPlainAttemptsNameTheirSimulation(t *testing.T) {
	s := &inspect.Summary{ID: 12, Method: "POST", Path: "/hooks", Source: inspect.FromTrigger}
	a := &inspect.AttemptSummary{Number: 2, Trigger: inspect.Duplicate, State: inspect.Answered, StartedAt: noon, Duration: time.Second, Status: 200}
	var out bytes.Buffer
	if err := (compact{&out, &Config{}}).attempt(s, a, maker{simulation: 3}); err != nil {
		t.Fatal(err)
	}
	if err := (jsonl{&out}).attempt(s, a, maker{simulation: 3}); err != nil {
		t.Fatal(err)
	}
	if err := (jsonl{&out}).delivery(s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"12:00:01 #12 POST /hooks (trigger) → 200 1.00 s 0 B (duplicate, attempt 2, simulation 3)\n", `"simulation":3`, `"source":"trigger"`} {
		if got := out.String(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestWaitingIsHeld(t *testing.T) {
	s := inspect.Summary{ID: 12, Method: "POST", Path: "/hooks", ReceivedAt: noon, Disposition: inspect.Held, Waiting: true, Reason: inspect.HeldReason}
	if word, tone := outcome(&s); word != "held" || tone != toneInfo {
		t.Errorf("got %s", word)
	}
	if got, want := noAttempt(&inspect.Delivery{Waiting: true, Disposition: inspect.Held}), "Held: it is delivered, in order, as soon as the handler answers again."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var out bytes.Buffer
	if err := (compact{&out, &Config{}}).delivery(&s); err != nil || out.String() != "12:00:00 #12 POST /hooks held: "+inspect.HeldReason+" 0 B\n" {
		t.Errorf("got %s (%v)", out.String(), err)
	}
}

// TestTrackerTellsOfEachOnce removes what it has not seen, so that what it has
// seen is among the newest again.
func TestTrackerTellsOfEachOnce(t *testing.T) {
	store, ctx := openStore(t), context.Background()
	fillStore(t, store, 2)
	begin := func(delivery int64) *inspect.Simulation {
		t.Helper()
		sim := &inspect.Simulation{Kind: "burst", DeliveryID: delivery, StartedAt: noon}
		if err := store.BeginSimulation(ctx, sim); err != nil {
			t.Fatal(err)
		}
		return sim
	}
	end := func(sim *inspect.Simulation) {
		t.Helper()
		sim.State, sim.Verdict, sim.EndedAt = inspect.SimulationEnded, inspect.Pass, noon
		if err := store.SaveSimulation(ctx, sim); err != nil {
			t.Fatal(err)
		}
	}
	var k tracker
	look := func(changed func(int64) bool, want ...int64) {
		t.Helper()
		sims, err := k.look(ctx, store, changed)
		var got []int64
		for i := range sims {
			got = append(got, sims[i].ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got simulations %v, %v; want %v", got, err, want)
		}
	}
	all := func(int64) bool { return true }
	look(nil)
	end(begin(1))
	look(all, 1)
	begin(2)
	begin(2)
	fourth := begin(1)
	if _, err := store.Remove(ctx, 2); err != nil {
		t.Fatal(err)
	}
	look(all, 4)
	end(fourth)
	look(func(id int64) bool { return id == 2 }) // nobody says that #1 changed
	look(all, 4)
	look(all)
	last := begin(1)
	look(all, 5)
	if _, err := store.Remove(ctx, 1); err != nil {
		t.Fatal(err)
	}
	look(nil)
	if len(k.running) != 0 {
		t.Errorf("%v are tracked though #%d is gone", k.running, last.DeliveryID)
	}
}

// TestFollowerTellsOfSimulations goes through a store.
func TestFollowerTellsOfSimulations(t *testing.T) {
	for _, name := range []string{"compact", "json"} {
		t.Run(name, func(t *testing.T) {
			store, ctx := openStore(t), context.Background()
			fillStore(t, store, 2)
			begin := func(title string) *inspect.Simulation {
				t.Helper()
				sim := &inspect.Simulation{Kind: "duplicates", Title: title, DeliveryID: 1, Deliveries: []int64{1}, StartedAt: noon}
				if err := store.BeginSimulation(ctx, sim); err != nil {
					t.Fatal(err)
				}
				return sim
			}
			end := func(sim *inspect.Simulation, v inspect.Verdict, why string) {
				t.Helper()
				sim.State, sim.Verdict, sim.EndedAt = inspect.SimulationEnded, v, noon
				sim.Reasons = []inspect.Reason{{Verdict: v, Text: why}}
				if err := store.SaveSimulation(ctx, sim); err != nil {
					t.Fatal(err)
				}
			}
			end(begin("long ago"), inspect.Pass, "fine")
			before := begin("duplicates of #1")
			f, err := Follow(ctx, Config{Store: store})
			if err != nil {
				t.Fatal(err)
			}
			end(before, inspect.Pass, "fine")
			end(begin("duplicates of #1"), inspect.Fail, "the side effect happened twice")
			begin("retries of #1")
			ended, cancel := context.WithCancel(ctx)
			cancel()
			var out bytes.Buffer
			if name == "compact" {
				want := "12:00:00 simulation 2, duplicates of #1: PASS\n12:00:00 simulation 3, duplicates of #1: FAIL: the side effect happened twice\n"
				if err := f.Compact(ended, &out); err != nil || out.String() != want {
					t.Errorf("got (%v)\n%s\nwant\n%s", err, out.String(), want)
				}
				return
			}
			if err := f.JSON(ended, &out, Ready{}); err != nil {
				t.Fatal(err)
			}
			type event struct {
				Type    string
				ID      int64
				State   string
				Verdict string
			}
			var got []event
			for _, l := range strings.Split(strings.TrimSpace(out.String()), "\n")[1:] {
				var e event
				if err := json.Unmarshal([]byte(l), &e); err != nil {
					t.Fatal(err)
				}
				got = append(got, e)
			}
			want := []event{{"simulation", 2, "ended", "PASS"}, {"simulation", 3, "ended", "FAIL"}, {"simulation", 4, "running", ""}}
			if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// TestNoticeWraps has one that is wider than the window: all of it is there.
func TestNoticeWraps(t *testing.T) {
	m := sampleModel(t, 60, 40)
	m.notice = "5. Providers deliver twice: the same callback, twice at the same time, counting the images \x1b[2Jsaved"
	m.arrange()
	if got := squeeze(m.text()); !strings.Contains(got, "→ 5. Providers") || !strings.Contains(got, "the images") || !strings.Contains(got, "saved") {
		t.Errorf("the notice is cut in\n%s", m.text())
	}
	checkScreen(t, m)
}
