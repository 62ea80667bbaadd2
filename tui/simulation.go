package tui

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

// This file lays out the Simulations tab: the verdict and why, the timeline,
// the table and what the probe read.

// maxSimulations is how many simulations of a delivery are shown.
const maxSimulations = 20

// chosenSimulation returns the one with an ID, else the latest; nil when there is none.
func chosenSimulation(sims []inspect.Simulation, id int64) *inspect.Simulation {
	for i := range sims {
		if sims[i].ID == id {
			return &sims[i]
		}
	}
	if len(sims) == 0 {
		return nil
	}
	return &sims[0]
}

func simulationsDoc(out *doc, s subject) {
	t := out.t
	sim := chosenSimulation(s.sims, s.sim)
	if sim == nil {
		out.text(line{{"No simulation yet.", t.bold}}, line{},
			line{{"s rehearses the bad day: duplicates, retries by the provider's clock, tampering, bursts. Each ends in a verdict.", t.dim}})
		return
	}
	out.text(verdictLines(sim, t)...)
	if len(s.sims) > 1 {
		at := 0
		for i := range s.sims {
			if s.sims[i].ID == sim.ID {
				at = i
			}
		}
		out.text(line{{fmt.Sprintf("%d of %d, the latest first: l and h show the others", at+1, len(s.sims)), t.dim}})
	}
	if len(sim.Steps) <= longTimeline {
		stepsDoc(out, sim, s.now)
	}
	tableDoc(out, sim.Table)
	probesDoc(out, sim.Probes)
	if len(sim.Steps) > longTimeline {
		stepsDoc(out, sim, s.now)
	}
}

// longTimeline is how many steps leave what was found on the screen with them;
// a longer timeline comes last.
const longTimeline = 15

// verdictLines say what a simulation came to, or that it runs, and why.
func verdictLines(sim *inspect.Simulation, t *theme) []line {
	word, tone := verdictWord(sim)
	title := cmp.Or(safe(sim.Title), fmt.Sprintf("%s of #%d", safe(sim.Kind), sim.DeliveryID))
	lines := []line{{{" " + word + " ", join(t.tone(tone), ansi.Style{}.Reverse(true).Bold())}, {"  " + title, t.bold}}}
	about := fmt.Sprintf("simulation %d, begun %s", sim.ID, sim.StartedAt.Local().Format("2 Jan 15:04:05"))
	switch sim.State {
	case inspect.SimulationRunning:
		about += fmt.Sprintf(", %d of %d steps made", stepsDone(sim), len(sim.Steps)+sim.MoreSteps)
	case inspect.SimulationCanceled:
		about += ", stopped by its user"
	case inspect.SimulationInterrupted:
		about += ", cut off: its hookloop ended first"
	default:
		if d := sim.EndedAt.Sub(sim.StartedAt); d > 0 {
			about += ", took " + roundDuration(d)
		}
	}
	lines = append(lines, line{{about, t.dim}})
	if len(sim.Reasons) > 0 {
		lines = append(lines, line{})
	}
	for _, r := range sim.Reasons {
		sign, tone := reasonMark(r.Verdict)
		lines = append(lines, line{{sign + " ", t.tone(tone)}, {text: safe(r.Text)}})
	}
	return lines
}

func stepsDone(sim *inspect.Simulation) int {
	n := 0
	for i := range sim.Steps {
		if sim.Steps[i].State == inspect.StepDone {
			n++
		}
	}
	return n
}

const maxLabel = 40 // cells of a step's label

// stepsDoc is the timeline.
func stepsDoc(out *doc, sim *inspect.Simulation, now time.Time) {
	if len(sim.Steps) == 0 {
		return
	}
	t := out.t
	label, offset := 0, 0
	for i := range sim.Steps {
		s := &sim.Steps[i]
		label = max(label, cells(stepLabel(sim, s)))
		if s.Offset > 0 {
			offset = max(offset, cells(offsetWords(s.Offset)))
		}
	}
	label = min(label, maxLabel)
	lines := []line{nil, {{"Timeline", t.title}}}
	next := nextStep(sim)
	for i := range sim.Steps {
		lines = append(lines, stepLine(sim, i, i == next, label, offset, now, t))
	}
	if sim.MoreSteps > 0 {
		lines = append(lines, line{{fmt.Sprintf("… and %s that are not kept", count(sim.MoreSteps, "step", "steps")), t.dim}})
	}
	out.text(lines...)
}

// nextStep is the index of the first step that has not begun; -1 when there is none.
func nextStep(sim *inspect.Simulation) int {
	if sim.State == inspect.SimulationRunning {
		for i := range sim.Steps {
			if sim.Steps[i].State == inspect.StepPlanned {
				return i
			}
		}
	}
	return -1
}

func stepLabel(sim *inspect.Simulation, s *inspect.Step) string {
	text := brief(s.Label)
	if s.DeliveryID != 0 && s.DeliveryID != sim.DeliveryID {
		text += " #" + strconv.FormatInt(s.DeliveryID, 10)
	}
	return text
}

func stepLine(sim *inspect.Simulation, i int, next bool, label, offset int, now time.Time, t *theme) line {
	s := &sim.Steps[i]
	st := ansi.Style(nil)
	if s.State == inspect.StepSkipped || s.State == inspect.StepPlanned && !next {
		st = t.dim
	}
	sign, tone := stepMark(s, next)
	l := line{{sign + " ", t.tone(tone)}, {fit(stepLabel(sim, s), label) + "  ", st}}
	if offset > 0 {
		text := ""
		if i == 0 || s.Offset > 0 {
			text = offsetWords(s.Offset)
		}
		guess := "  "
		if s.Guess {
			guess = "? "
		}
		l = append(l, span{fitRight(text, max(offset, len("at once"))) + guess, t.dim})
	}
	return append(l, stepResult(s, next, now, t)...)
}

// stepMark is how a step went in one cell.
func stepMark(s *inspect.Step, next bool) (string, tone) {
	switch {
	case s.State == inspect.StepRunning:
		return "▸", toneInfo
	case s.State == inspect.StepSkipped:
		return "–", toneDim
	case s.State == inspect.StepPlanned && next:
		return "◷", toneInfo
	case s.State == inspect.StepPlanned:
		return " ", toneDim
	case s.OK == nil:
		return "·", toneDim
	case *s.OK:
		return "✓", toneOK
	}
	return "✗", toneBad
}

// stepResult is what came of a step, or when it is to be.
func stepResult(s *inspect.Step, next bool, now time.Time, t *theme) line {
	var l line
	add := func(text string, st ansi.Style) {
		if len(l) > 0 {
			text = "  " + text
		}
		l = append(l, span{text, st})
	}
	switch s.State {
	case inspect.StepPlanned:
		switch {
		case next && s.DueAt.After(now):
			add("next, in "+countdown(s.DueAt.Sub(now)), t.info)
		case next:
			add("next", t.info)
		}
	case inspect.StepRunning:
		add("running", t.info)
	case inspect.StepDone:
		if s.Status != 0 {
			add(strconv.Itoa(s.Status), t.tone(statusTone(s.Status)))
		}
		if s.Duration > 0 {
			add(FormatDuration(s.Duration), nil)
		}
	}
	if s.Error != "" {
		add(safe(s.Error), t.bad)
	}
	if s.Note != "" {
		add(safe(s.Note), t.dim)
	}
	if s.Guess && s.State == inspect.StepPlanned {
		add("a guess: not published", t.dim)
	}
	return l
}

const maxCell = 40 // cells of a table's cell

func tableDoc(out *doc, table *inspect.Table) {
	if table == nil || len(table.Columns) == 0 {
		return
	}
	t := out.t
	widths := make([]int, len(table.Columns))
	rows := append([][]string{table.Columns}, table.Rows...)
	for _, row := range rows {
		for i := range min(len(row), len(widths)) {
			widths[i] = max(widths[i], min(cells(brief(row[i])), maxCell))
		}
	}
	lines := []line{nil}
	for n, row := range rows {
		var l line
		for i := range min(len(row), len(widths)) {
			text, st := brief(row[i]), ansi.Style(nil)
			if i < len(widths)-1 {
				text = fit(text, widths[i]) + "  "
			}
			if n == 0 {
				st = t.title
			}
			l = append(l, span{text, st})
		}
		lines = append(lines, l)
	}
	out.text(lines...)
}

func probesDoc(out *doc, probes []inspect.Reading) {
	if len(probes) == 0 {
		return
	}
	t := out.t
	width := 0
	for _, p := range probes {
		width = max(width, min(cells(brief(p.When)), maxLabel))
	}
	lines := []line{nil, {{"Probe", t.title}}}
	for _, p := range probes {
		value := span{safe(p.Value), t.bold}
		if p.Error != "" {
			value = span{safe(p.Error), t.bad}
		}
		lines = append(lines, line{{fit(brief(p.When), width) + "  ", t.dim}, value})
	}
	out.text(lines...)
}

// attemptStep says which step of which simulation an attempt is; "" for one of none.
func attemptStep(a *inspect.Attempt, sims []inspect.Simulation) string {
	if a.Simulation == 0 {
		return ""
	}
	text := fmt.Sprintf("simulation %d", a.Simulation)
	if sim := chosenSimulation(sims, a.Simulation); sim != nil && sim.ID == a.Simulation {
		for i := range sim.Steps {
			if s := &sim.Steps[i]; s.Attempt == a.Number && (s.DeliveryID == a.DeliveryID || s.DeliveryID == 0 && sim.DeliveryID == a.DeliveryID) {
				return text + ", " + brief(s.Label)
			}
		}
	}
	return text
}
