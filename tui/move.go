package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
)

// This file moves around: the list, the detail, the filter, the search, the help.

func (m *model) scroll(n int) tea.Cmd {
	if m.inside {
		m.detail.scroll(n)
	} else {
		m.list.move(n)
	}
	return nil
}

func (m *model) goTop() tea.Cmd {
	if m.inside {
		m.detail.top()
		return nil
	}
	m.list.oldest()
	if m.list.atOldest {
		return nil
	}
	return m.relist(true)
}

func (m *model) goBottom() tea.Cmd {
	if m.inside {
		m.detail.bottom()
		return nil
	}
	return m.toNewest()
}

// toNewest follows the newest delivery, which may have to be read first.
func (m *model) toNewest() tea.Cmd {
	m.list.newest()
	if m.list.atNewest {
		return nil
	}
	return m.relist(false)
}

func (m *model) toggleFollow() tea.Cmd {
	if !m.list.follow {
		if !m.inside {
			return m.toNewest()
		}
		m.resume = !m.resume
	} else {
		m.list.follow = false
	}
	if m.inside {
		if m.resume {
			m.say(toneDim, "The list follows the newest again once you are back.")
		} else {
			m.say(toneDim, "The list stays where it is.")
		}
	}
	return nil
}

func (m *model) toggleHeader() tea.Cmd {
	m.header.collapsed = !m.header.collapsed
	return nil
}

// enter opens the delivery under the cursor, or, among the attempts, the
// response of the one under the cursor. The list stays still meanwhile.
func (m *model) enter() tea.Cmd {
	if !m.inside {
		m.inside = true
		m.detail.aim(m.list.selected())
		m.detail.due = true
		m.resume, m.list.follow = m.list.follow, false
		return nil
	}
	v := &m.detail
	if v.tab == tabAttempts && len(v.attempts) > 0 {
		m.chooseAttempt(v.attempts[v.pick].Number)
		v.tab = tabResponse
	}
	return nil
}

// leave goes back from the detail to the list.
func (m *model) leave() {
	if m.inside {
		m.inside = false
		m.list.follow = m.resume
	}
}

func (m *model) back() tea.Cmd {
	switch {
	case m.inside && m.detail.pager() != nil && m.detail.pager().term != "":
		p := m.detail.pager()
		p.term, p.hits = "", nil
	case m.inside:
		m.leave()
	case m.replays.left() > 0:
		m.stopReplays()
	case m.at.query != "":
		return m.applyFilter("")
	}
	return nil
}

func (m *model) quit() tea.Cmd {
	if m.inside {
		m.leave()
		return nil
	}
	return tea.Quit
}

func choose(n int) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		v := &m.detail
		if v.tab == tabSimulations {
			m.chooseSimulation(-n)
			return nil
		}
		at := v.attempt()
		for i := range v.attempts {
			if v.attempts[i].Number == at.Number && i+n >= 0 && i+n < len(v.attempts) {
				m.chooseAttempt(v.attempts[i+n].Number)
				return nil
			}
		}
		m.say(toneDim, "There is no attempt further on.")
		return nil
	}
}

// chooseAttempt shows another attempt. The latest is followed when it is chosen.
func (m *model) chooseAttempt(number int) {
	v := &m.detail
	v.chosen = number
	if n := len(v.attempts); n > 0 && v.attempts[n-1].Number == number {
		v.chosen = 0
	}
	m.stale = true
}

func (m *model) slash() tea.Cmd {
	if m.inside {
		m.ask.open(askSearch, "")
	} else {
		m.ask.open(askFilter, m.at.query)
	}
	return nil
}

// applyFilter lists what matches query. One that cannot be read is kept on the
// last line with its error, and the list stays.
func (m *model) applyFilter(query string) tea.Cmd {
	query = strings.TrimSpace(query)
	if _, err := inspect.ParseQuery(query); err != nil {
		m.ask.err = safe(err.Error())
		return nil
	}
	m.ask.close()
	if query == m.at.query {
		return nil
	}
	m.at.query = query
	m.list.follow = true
	return m.relist(false)
}

// applySearch looks for term in the doc that is shown, instead of the last search.
func (m *model) applySearch(term string) tea.Cmd {
	m.ask.close()
	if m.finding != nil {
		m.finding()
		m.finding = nil
	}
	p := m.detail.pager()
	if p == nil || p.doc == nil {
		return nil
	}
	p.term, p.hits = "", nil
	if term == "" {
		return nil
	}
	var ctx context.Context
	ctx, m.finding = context.WithCancel(m.src.ctx)
	return m.src.find(ctx, p.doc, term)
}

func (m *model) found(msg foundMsg) {
	for i := range m.detail.pagers {
		if p := &m.detail.pagers[i]; p.doc == msg.doc {
			p.found(msg.term, msg.hits)
			if len(msg.hits) == 0 {
				m.say(toneWarn, "%q is not there.", safe(msg.term))
			}
		}
	}
}

func match(n int) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		m.detail.pager().jump(n)
		return nil
	}
}

func (m *model) whyNoMatch() string {
	if p := m.detail.pager(); p == nil || len(p.hits) == 0 {
		return "Nothing was found yet: / finds text in the body."
	}
	return ""
}

func (m *model) whyNoFind() string {
	if m.inside && m.detail.tab == tabAttempts {
		return "There is no body here: tab goes to one."
	}
	return ""
}

func (m *model) whyNoAttempts() string {
	if len(m.detail.attempts) == 0 && m.detail.tab != tabSimulations {
		return "There is no attempt yet: r makes one."
	}
	return ""
}

func (m *model) toggleHelp() tea.Cmd {
	m.help, m.helpAt = !m.help, 0
	return nil
}
