package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/tui"
)

// maxStepLines is how many steps are printed one by one; of more, as a burst
// has, only those that did not go as they should.
const maxStepLines = 30

// A timeline prints a simulation while it runs: a line a step that has ended,
// and, on a terminal, one at the bottom about the next.
type timeline struct {
	p        printer
	terminal bool

	mu      sync.Mutex
	printed int // steps that were looked at
	lines   int // of them
	titled  bool
	sim     *inspect.Simulation
	closed  bool
	ticking chan struct{} // closed to stop the countdown
	ended   chan struct{}
}

func (a *app) newTimeline() *timeline {
	t := &timeline{p: printer{a.Stdout}, terminal: isTerminal(a.Stdout), ticking: make(chan struct{}), ended: make(chan struct{})}
	go t.countDown()
	return t
}

// countDown renews the bottom line on a terminal.
func (t *timeline) countDown() {
	defer close(t.ended)
	if !t.terminal {
		return
	}
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case <-t.ticking:
			return
		case <-ticks.C:
		}
		t.mu.Lock()
		t.bottom()
		t.mu.Unlock()
	}
}

// show prints what is new in sim.
func (t *timeline) show(sim *inspect.Simulation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.sim = sim
	t.wipe()
	t.news()
	t.bottom()
}

// news prints the steps that have ended, in their order.
func (t *timeline) news() {
	if !t.titled {
		t.titled = true
		name := "simulation"
		if t.sim.ID != 0 { // it is kept
			name = fmt.Sprintf("simulation %d", t.sim.ID)
		}
		t.p.linef("%s: %s", name, inspect.Escape(t.sim.Title))
	}
	for ; t.printed < len(t.sim.Steps); t.printed++ {
		step := &t.sim.Steps[t.printed]
		if step.State != inspect.StepDone && step.State != inspect.StepSkipped {
			return
		}
		if wrong := step.OK != nil && !*step.OK; len(t.sim.Steps) > maxStepLines && (!wrong || t.lines == maxStepLines) {
			continue
		}
		t.lines++
		t.p.linef("  %s", stepLine(step))
	}
}

// stepLine says how a step went.
func stepLine(s *inspect.Step) string {
	mark, answer := "·", "no answer"
	switch {
	case s.State == inspect.StepSkipped:
		return fmt.Sprintf("- %s: skipped%s", inspect.Escape(s.Label), after(": ", s.Note))
	case s.OK != nil && *s.OK:
		mark = "✓"
	case s.OK != nil:
		mark = "✗"
	}
	switch {
	case s.Status != 0:
		answer = fmt.Sprint(s.Status)
	case s.Error != "":
		answer = inspect.Escape(s.Error)
	}
	at := ""
	if s.Offset > 0 {
		at = fmt.Sprintf(" (+%s)", provider.InWords(s.Offset.Round(time.Second)))
	}
	return fmt.Sprintf("%s %s%s → %s in %s%s", mark, inspect.Escape(s.Label), at, answer, tui.FormatDuration(s.Duration), after(" · ", s.Note))
}

func after(sep, text string) string {
	if text == "" {
		return ""
	}
	return sep + inspect.Escape(text)
}

// bottom writes the line about what comes next, which the next one overwrites.
func (t *timeline) bottom() {
	if !t.terminal || t.sim == nil || t.closed {
		return
	}
	text := ""
	running := 0
	for i := range t.sim.Steps {
		switch s := &t.sim.Steps[i]; {
		case s.State == inspect.StepRunning:
			running++
		case s.State == inspect.StepPlanned && text == "":
			text = "next: " + inspect.Escape(s.Label)
			if !s.DueAt.IsZero() {
				text += " in " + provider.InWords(time.Until(s.DueAt).Round(time.Second))
			}
		}
	}
	if running > 0 {
		text = strings.TrimSuffix(fmt.Sprintf("%d running · %s", running, text), " · ")
	}
	const most = 76
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	_, _ = io.WriteString(t.p.w, "\r\x1b[K"+text)
}

func (t *timeline) wipe() {
	if t.terminal {
		_, _ = io.WriteString(t.p.w, "\r\x1b[K")
	}
}

// close ends the countdown. It may be called again.
func (t *timeline) close() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		t.wipe()
		close(t.ticking)
	}
	t.mu.Unlock()
	<-t.ended
}

// end prints what is left of sim, and its verdict.
func (t *timeline) end(sim *inspect.Simulation) {
	t.sim = sim
	t.news()
	more := len(sim.Steps) + sim.MoreSteps - t.lines
	switch {
	case more > 0 && t.lines == 0 && allWell(sim):
		t.p.linef("  %s went as they should", countOf(more, "delivery", "deliveries"))
	case more > 0:
		t.p.linef("  … %d more", more)
	}
	printSimulationEnd(t.p, sim)
}

// allWell reports whether every step was made, and none went wrong.
func allWell(sim *inspect.Simulation) bool {
	return !slices.ContainsFunc(sim.Steps, func(s inspect.Step) bool { return s.State != inspect.StepDone || s.OK != nil && !*s.OK })
}

// printSimulationEnd prints a simulation's table, its probe and its verdict.
func printSimulationEnd(p printer, sim *inspect.Simulation) {
	if sim.Table != nil {
		p.linef("")
		printTable(p, sim.Table)
	}
	if len(sim.Probes) > 0 {
		var said []string
		for _, r := range sim.Probes {
			value := r.Value
			if r.Error != "" {
				value = r.Error
			}
			said = append(said, r.When+": "+inspect.Escape(value))
		}
		p.linef("probe   %s", strings.Join(said, " · "))
	}
	p.linef("")
	p.linef("%s", verdictWord(sim))
	printReasons(p, sim)
}

// reasonMarks say what a finding comes to. "" is a note, on which no verdict rests.
var reasonMarks = map[inspect.Verdict]string{inspect.Pass: "✓", inspect.Fail: "✗", inspect.Inconclusive: "?", "": "·"}

func printReasons(p printer, sim *inspect.Simulation) {
	for _, r := range sim.Reasons {
		p.linef("  %s %s", reasonMarks[r.Verdict], inspect.Escape(r.Text))
	}
}

// printTable prints rows under their columns.
func printTable(p printer, table *inspect.Table) {
	widths := make([]int, len(table.Columns))
	rows := append([][]string{table.Columns}, table.Rows...)
	for _, row := range rows {
		for i, cell := range row {
			if i < len(widths) {
				widths[i] = max(widths[i], len([]rune(inspect.Escape(cell))))
			}
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i < len(widths) {
				_, _ = fmt.Fprintf(&line, "%-*s  ", widths[i], inspect.Escape(cell))
			}
		}
		p.linef("  %s", strings.TrimRight(line.String(), " "))
	}
}
