package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
)

// helpKey moves in the help or leaves it.
func (m *model) helpKey(name string) tea.Cmd {
	switch name {
	case "j", "down":
		m.helpAt++
	case "k", "up":
		m.helpAt--
	case "pgdown", "space":
		m.helpAt += m.height / 2
	case "pgup":
		m.helpAt -= m.height / 2
	case "ctrl+c":
		return tea.Quit
	default:
		m.help = false
	}
	m.helpAt = max(0, min(m.helpAt, len(m.helpLines(m.width))-m.helpHeight()))
	return nil
}

func (m *model) helpHeight() int { return m.height - m.plan.header - m.plan.footer }

const helpColumn = 48 // from twice this width on the help has two columns

// helpLines lists the keys, why those that do nothing now do nothing, and the filter.
func (m *model) helpLines(width int) []line {
	t := m.t
	var keys []line
	for _, b := range bindings() {
		keys = append(keys, m.helpLine(b))
	}
	if width >= 2*helpColumn {
		half := (len(keys) + 1) / 2
		for i := range half {
			left := keys[i]
			if i+half < len(keys) {
				left = append(left, span{text: spaces(width/2 - left.width())})
				left = append(left, keys[i+half]...)
			}
			keys[i] = left
		}
		keys = keys[:half]
	}
	lines := append([]line{{{" Keys", t.title}}, {}}, keys...)
	lines = append(lines,
		line{}, line{{" Marks", t.title}}, line{},
		line{{"   ✓ ", t.ok}, {"the signature holds   ", nil}, {"✗ ", t.bad}, {"it does not   ", nil}, {"· ", t.dim}, {"it can't be said", nil}},
		line{{"   stripe?", t.dim}, {" a guess   ", nil}, {"◆ ", t.accent}, {"pinned", nil}},
		line{{"   P ", t.ok}, {"its latest simulation: PASS   ", nil}, {"F ", t.bad}, {"FAIL   ", nil}, {"? ", t.warn}, {"INCONCLUSIVE", nil}},
		line{}, line{{" Filter", t.title}, {"   all of the terms, separated by spaces; - before one negates it", t.dim}}, line{})
	for _, k := range inspect.QueryHelp() {
		example, more, _ := strings.Cut(k.Example, " (or ")
		if more = strings.TrimSuffix(more, ")"); more != "" {
			more = "; or " + more
		}
		name := fit(example, 27) + " "
		for _, l := range wrap(line{{k.Meaning + more, t.dim}}, max(width-32, 20)) {
			lines = append(lines, line{{"   " + name, nil}, {strings.TrimLeft(l.text(), " "), t.dim}})
			name = spaces(28)
		}
	}
	return lines
}

func (m *model) helpLine(b binding) line {
	t := m.t
	text := b.text
	if b.where == inDetail {
		text += " (in a delivery)"
	}
	l := line{{"   " + fit(b.label, 8), t.bold}, {text, nil}}
	if b.off == nil || b.where == inDetail || !m.hasDelivery() {
		return l
	}
	if why := b.off(m); why != "" {
		return line{{l[0].text, t.dim}, {b.text + " (off now)", t.dim}}
	}
	return l
}

func (m *model) renderHelp(width, height int) []string {
	lines := m.helpLines(width)
	out := make([]string, 0, max(height, 0))
	for i := range height {
		var l line
		if m.helpAt+i < len(lines) {
			l = lines[m.helpAt+i]
		}
		out = append(out, l.render(width, nil))
	}
	return out
}
