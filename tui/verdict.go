package tui

import (
	"fmt"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// This file puts a simulation and its verdict into words and marks.

// verdictWord is a verdict, or what is there instead while there is none.
func verdictWord(sim *inspect.Simulation) (string, tone) {
	switch {
	case sim.State == inspect.SimulationRunning:
		return "RUNNING", toneInfo
	case sim.Verdict == inspect.Pass:
		return "PASS", toneOK
	case sim.Verdict == inspect.Fail:
		return "FAIL", toneBad
	}
	return "INCONCLUSIVE", toneWarn
}

// verdictMark is a verdict in one cell: P, F, ? or … while it runs.
func verdictMark(sim *inspect.Simulation) badge {
	word, tone := verdictWord(sim)
	m := badge{id: sim.ID, text: word[:1], tone: tone}
	switch word {
	case "RUNNING":
		m.text = "…"
	case "INCONCLUSIVE":
		m.text = "?"
	}
	return m
}

// A badge says in one cell what a delivery's latest simulation came to.
type badge struct {
	id   int64 // of the simulation
	text string
	tone tone
}

// reasonMark is a finding's verdict in one cell; that of a note is a dot.
func reasonMark(v inspect.Verdict) (string, tone) {
	switch v {
	case inspect.Pass:
		return "✓", toneOK
	case inspect.Fail:
		return "✗", toneBad
	case "":
		return "·", toneDim
	}
	return "?", toneWarn
}

// firstReason is the finding that decided the verdict; "" when there is none.
func firstReason(sim *inspect.Simulation) string {
	for _, r := range sim.Reasons {
		if r.Verdict == sim.Verdict {
			return safe(r.Text)
		}
	}
	return ""
}

// simulationWords are a simulation in a sentence: that it runs, or what it came
// to, and why if that is not PASS.
func simulationWords(sim *inspect.Simulation) string {
	title := safe(strings.TrimSpace(sim.Title))
	if title == "" {
		title = fmt.Sprintf("%s of #%d", safe(sim.Kind), sim.DeliveryID)
	}
	text := fmt.Sprintf("simulation %d, %s", sim.ID, title)
	if sim.State == inspect.SimulationRunning {
		return text + ": begun"
	}
	word, _ := verdictWord(sim)
	if why := firstReason(sim); why != "" && sim.Verdict != inspect.Pass {
		return text + ": " + word + ": " + why
	}
	return text + ": " + word
}

// offsetWords are a time on a provider's clock: "at once", "+45 s", "+2 min", "+1 h 5 min", "+3 days".
func offsetWords(d time.Duration) string {
	if d = d.Round(time.Second); d <= 0 {
		return "at once"
	}
	return "+" + provider.InWords(d)
}

// countdown is the time until something begins: "0:42", "1:02:03".
func countdown(d time.Duration) string {
	s := int(max(0, d+time.Second-1) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
