package cli

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// explainProvider prints what a developer has to know of who, and what of it
// is configured and kept here.
func explainProvider(p printer, c *provider.Checker, who *provider.Provider, received receipts) {
	lines := who.Describe()
	if labels := secretLabels(c, who.Name); len(labels) > 0 {
		lines = append(lines, provider.Line{Label: "configured", Text: strings.Join(labels, ", ")})
	}
	for _, s := range who.Settings {
		if c.Settings[who.Name][s.Key] != "" {
			lines = append(lines, provider.Line{Label: "configured", Text: "the setting " + s.Key})
		}
	}
	lines = append(lines, provider.Line{Label: "received", Text: receivedWords(received, who.Name)})
	indent := 0
	for _, line := range lines {
		indent = max(indent, len(line.Label)+2)
	}
	p.linef("%s (%s)", inspect.Escape(who.Title), inspect.Escape(who.Name))
	for _, line := range lines {
		p.fact(indent, line)
	}
}

// fact prints a label and a text behind it, in as many lines as it needs. No
// word is broken, so that a flag can be copied.
func (p printer) fact(indent int, l provider.Line) {
	const width = 100
	label, row := inspect.Escape(l.Label), ""
	for _, word := range strings.Fields(inspect.Escape(l.Text)) {
		if row != "" && indent+ansi.StringWidth(row)+1+ansi.StringWidth(word) > width {
			p.linef("  %-*s%s", indent, label, row)
			label, row = "", ""
		}
		row = strings.TrimPrefix(row+" "+word, " ")
	}
	p.linef("  %-*s%s", indent, label, row)
}

func receivedWords(r receipts, name string) string {
	const most = 8
	t := tally(r.byProvider[name])
	switch {
	case r.unknown:
		return "not known: the store cannot be read"
	case t.sum() == 0:
		return "none kept here yet"
	}
	var parts []string
	for _, event := range t.byCount() {
		if len(parts) == most {
			parts = append(parts, "…")
			break
		}
		name := event
		if name == "" {
			name = "no event type"
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, t[event]))
	}
	return fmt.Sprintf("%d kept here: %s", t.sum(), strings.Join(parts, ", "))
}
