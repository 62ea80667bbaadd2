package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

const (
	splitWidth  = 132 // from here on the list and the detail are side by side
	splitHeight = 40  // and from here on one over the other
	briefHeight = 16  // below this the header is one line
)

// A plan is where the parts go. It adds up to the window's height.
type plan struct {
	split   bool // the detail is on screen beside or below the list
	beside  bool
	header  int // lines, with the rule below
	list    int // lines; 0 when the detail has the screen
	listW   int
	detail  int
	detailW int
	footer  int
}

// arrange plans the window and gives each part its size.
func (m *model) arrange() {
	p := plan{footer: min(len(m.footer()), m.height)}
	rest := m.height - p.footer
	if rest > 4 {
		p.header = min(len(m.headerLines())+1, rest/2)
	}
	rest -= p.header
	p.listW, p.detailW = m.width, m.width
	switch {
	case m.width >= splitWidth && (m.detail.want != 0 || len(m.list.rows) > 0):
		p.split, p.beside = true, true
		p.listW = max(66, min(m.width*45/100, 92))
		p.detailW = m.width - p.listW - 1
		p.list, p.detail = rest, rest
	case m.height >= splitHeight && m.inside:
		p.split = true
		p.list = rest / 3
		p.detail = rest - p.list
	case m.inside:
		p.detail = rest
	default:
		p.list = rest
	}
	m.plan = p
	m.detail.prospect = nil
	if p.detail >= briefHeight {
		m.detail.prospect = m.prospect(p.detailW)
	}
	m.list.resize(p.list - m.listHead())
	m.detail.resize(p.detailW, p.detail)
}

// listHead is how many lines the list takes above its rows.
func (m *model) listHead() int {
	if m.at.query != "" {
		return 2
	}
	return 1
}

func (m *model) headerLines() []line {
	brief := m.height < briefHeight || m.inside && m.width < splitWidth && m.height < splitHeight
	return m.header.lines(&m.cfg, m.width, brief, m.t, m.now)
}

// View draws the window. Its cost is that of what is on the screen.
func (m *model) View() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	v.WindowTitle = "hookloop"
	if m.width > 0 && m.height > 0 {
		v.SetContent(strings.Join(m.screen(), "\n"))
	}
	return v
}

// screen returns m.height lines of m.width cells.
func (m *model) screen() []string {
	p := m.plan
	lines := make([]string, 0, m.height)
	if p.header > 0 {
		head := m.headerLines()
		for _, l := range head[:min(len(head), p.header-1)] {
			lines = append(lines, l.render(m.width, nil))
		}
		lines = append(lines, paint(m.t.faint, repeat("─", m.width)))
	}
	lines = append(lines, m.body()...)
	for _, s := range m.footer()[:p.footer] {
		lines = append(lines, s.render(m.width, nil))
	}
	return lines[:min(len(lines), m.height)]
}

func (m *model) body() []string {
	p := m.plan
	if m.help {
		return m.renderHelp(m.width, m.height-p.header-p.footer)
	}
	list := m.renderList(p.listW, p.list)
	if p.detail == 0 {
		return list
	}
	detail := m.detail.Render(m.t, m.inside)
	if !p.beside {
		return append(list, detail...)
	}
	bar := paint(m.t.faint, "│")
	for i := range list {
		list[i] += bar + detail[i]
	}
	return list
}

// renderList draws the filter, the list, or what to do when it is empty.
func (m *model) renderList(width, height int) []string {
	if height <= 0 {
		return nil
	}
	var lines []string
	if m.at.query != "" {
		l := between(line{{" / ", m.t.accent}, {safe(m.at.query), m.t.bold}}, line{{"esc clears ", m.t.dim}}, width)
		lines = append(lines, l.render(width, nil))
		height--
	}
	if len(m.list.rows) > 0 || !m.loaded {
		return append(lines, m.list.Render(width, height, m.t, m.now, !m.inside)...)
	}
	empty := m.emptyList(width)
	for i := range height {
		var l line
		if i < len(empty) {
			l = empty[i]
		}
		lines = append(lines, l.render(width, nil))
	}
	return lines
}

// emptyList says what to do where there is nothing to show.
func (m *model) emptyList(width int) []line {
	t := m.t
	if m.at.query != "" {
		return []line{{}, {{" No delivery matches. ", nil}, {"/ changes the filter, esc clears it.", t.dim}}}
	}
	url := m.header.tunnel.URL
	if url == "" {
		url = m.cfg.ReceiverURL
	}
	lines := []line{{}, {{" No deliveries yet.", t.bold}}, {}}
	if url == "" {
		return lines
	}
	give := " Give this address to the provider:"
	if m.header.tunnel.URL == "" {
		give = " Without a tunnel only this machine can send here:"
	}
	lines = append(lines, line{{give, t.dim}}, line{},
		line{{"   " + safe(url), t.accent}}, line{}, line{{" or send one yourself:", t.dim}}, line{})
	curl := `   curl -d '{"hello":"hookloop"}' ` + safe(url) + "/hooks/test"
	if cells(curl) > width {
		curl = "   curl -d hello=1 " + safe(url)
	}
	return append(lines, line{{curl, t.accent}})
}

func repeat(s string, n int) string {
	if n <= 0 {
		return ""
	}
	return strings.Repeat(s, n)
}
