package tui

import (
	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
)

// fill begins whatever reading the view needs now: rows near the list's edge,
// the delivery under the cursor, the doc of the active tab.
func (m *model) fill() tea.Cmd {
	return tea.Batch(m.fillList(), m.fillDetail())
}

func (m *model) fillList() tea.Cmd {
	l := &m.list
	if m.paging || m.listing || len(l.rows) == 0 || m.storeErr != "" {
		return nil
	}
	switch {
	case !l.atOldest && l.cursor < nearEdge:
		m.paging = true
		return m.src.older(m.at, l.first())
	case !l.atNewest && l.cursor >= len(l.rows)-nearEdge:
		m.paging = true
		return m.src.newer(m.at, l.last())
	}
	return nil
}

func (m *model) fillDetail() tea.Cmd {
	v := &m.detail
	if s := m.list.selected(); !m.inside && m.plan.split {
		v.aim(s)
	}
	return tea.Batch(m.lookAtSignature(), m.fillTab())
}

func (m *model) fillTab() tea.Cmd {
	v := &m.detail
	if v.want == 0 || m.reading || v.height <= 0 && !m.inside {
		return nil
	}
	if m.stale || !v.shown() && v.err == "" {
		m.reading, m.stale = true, false
		return m.src.detail(wish{
			id: v.want, chosen: v.chosen, sim: v.sim, tab: v.tab, now: m.now, check: v.check, have: m.known(v.want), old: v.pagers[v.tab].doc,
		}, m.t)
	}
	if v.shown() && v.tab != tabAttempts && !v.built[v.tab] {
		m.reading = true
		return m.src.doc(v.tab, subject{&m.cfg, v.d, v.attempts, v.chosen, v.sims, v.sim, m.now, v.check}, m.t)
	}
	return nil
}

// known returns a copy of the delivery shown, if that is the one wanted, with
// what may have changed since it was read; nil when it must be read.
func (m *model) known(id int64) *inspect.Delivery {
	i, ok := m.list.find(id)
	if !ok || !m.detail.shown() {
		return nil
	}
	d := *m.detail.d
	d.Pinned, d.Facts = m.list.rows[i].Pinned, m.list.rows[i].Facts
	return &d
}

func (m *model) detailed(msg detailMsg) {
	m.reading = false
	v := &m.detail
	switch {
	case msg.id != v.want || msg.chosen != v.chosen:
		m.stale = true
	case msg.err != nil:
		v.fail(safe(msg.err.Error()))
	default:
		v.load(msg.d, msg.attempts, msg.sims)
		if msg.doc != nil && msg.doc.t == m.t {
			v.show(msg.tab, msg.doc)
		}
	}
}

func (m *model) built(msg docMsg) {
	m.reading = false
	if msg.d == m.detail.d && msg.doc.t == m.t {
		m.detail.show(msg.tab, msg.doc)
	}
}
