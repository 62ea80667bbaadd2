package tui

import (
	"fmt"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

// renderAttempts draws the Attempts tab: a row for each, and what there is to
// say of the one under the cursor.
func (v *detail) renderAttempts(t *theme, focused bool) []string {
	if len(v.attempts) == 0 {
		return []string{line{{" " + noAttempt(v.d), t.dim}}.render(v.width, nil)}
	}
	lines := []string{line{{fmt.Sprintf("   %3s  %-10s  %-8s  %-7s  %8s  %8s", "try", "trigger", "at", "status", "time", "size"), t.dim}}.render(v.width, nil)}
	rows := v.pickRows()
	for i := v.pickTo; i < min(v.pickTo+rows, len(v.attempts)); i++ {
		lines = append(lines, v.attemptRow(i, t, focused))
	}
	if more := len(v.attempts) - rows; more > 0 {
		lines = append(lines, line{{fmt.Sprintf("   %d of %d", v.pick+1, len(v.attempts)), t.dim}}.render(v.width, nil))
	}
	lines = append(lines, spaces(v.width))
	facts := attemptFacts(&v.attempts[v.pick], v.d, t)
	if step := attemptStep(&v.attempts[v.pick], v.sims); step != "" {
		facts = append(facts, fact(t, "Made by", step))
	}
	for _, l := range facts {
		for _, row := range wrap(l, v.width-2) {
			lines = append(lines, append(line{{text: " "}}, row...).render(v.width, nil))
		}
	}
	return lines
}

func (v *detail) attemptRow(i int, t *theme, focused bool) string {
	a := v.attempts[i].Summary()
	base, marker := ansi.Style(nil), " "
	if i == v.pick {
		base, marker = t.selDim, "▌"
		if focused {
			base = t.sel
		}
	}
	duration, size := "", ""
	if a.State != inspect.Pending {
		duration = FormatDuration(a.Duration)
	}
	if a.Status != 0 {
		size = FormatSize(a.Size)
	}
	status, tone := attemptOutcome(a)
	changed := ""
	if resigned(&v.attempts[i]) {
		changed = "  signed again"
	}
	if step := attemptStep(&v.attempts[i], v.sims); step != "" {
		changed = "  " + step + changed
	}
	return line{
		{marker, t.accent},
		{fmt.Sprintf("  %3d  ", a.Number), nil},
		{fit(triggerWord(v.d.Reason, a.Number, a.Trigger), 10) + "  ", nil},
		{a.StartedAt.Local().Format("15:04:05") + "  ", t.dim},
		{fit(status, 7) + "  ", t.tone(tone)},
		{fitRight(duration, 8) + "  ", nil},
		{fitRight(size, 8), t.dim},
		{changed, t.dim},
	}.render(v.width, base)
}

// noAttempt says why a delivery has no attempt.
func noAttempt(d *inspect.Delivery) string {
	if d.Waiting {
		return "Held: it is delivered, in order, as soon as the handler answers again."
	}
	switch d.Disposition {
	case inspect.Held:
		if d.Reason != "" {
			return "Held: " + safe(d.Reason) + ". r sends it to the handler."
		}
		return "Held: there was no handler to send it to. Once there is one, r sends it."
	case inspect.Refused:
		return "Refused: " + safe(d.Reason)
	}
	return "Waiting for its first attempt."
}
