package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
)

// This file offers simulations, and tells of them in the list.

// A choice is an entry of the menu of simulations.
type choice struct {
	key, text string
	spec      replay.Spec
	off       string // why it can't be chosen; "" when it can
}

// choices are the simulations that make sense for a delivery.
func (m *model) choices(s *inspect.Summary) []choice {
	of := func(kind string) replay.Spec {
		return replay.Spec{Kind: kind, Deliveries: []int64{s.ID}, Probe: m.cfg.Probe}
	}
	duplicates := func(mode string) replay.Spec {
		spec := of("duplicates")
		spec.Mode = mode
		return spec
	}
	retries := func(speed float64, step bool) replay.Spec {
		spec := of("retries")
		spec.Speed, spec.Step = speed, step
		return spec
	}
	failing := retries(60, false)
	failing.FailFirst = 2
	burst := func(n int) replay.Spec {
		spec := of("burst")
		spec.Count = n
		return spec
	}
	reorder := of("reorder")
	related := m.related(s)
	reorder.Deliveries = append(related, s.ID)
	reorderText, noOrder := "reorder", ""
	for _, id := range reorder.Deliveries {
		reorderText += fmt.Sprintf(" #%d", id)
	}
	if len(related) == 0 {
		noOrder = fmt.Sprintf("There is no delivery of the same provider right before #%d to change places with.", s.ID)
	}
	noSchedule := m.whyNoSchedule(s)
	return []choice{
		{"d", "duplicate, in turn", duplicates("serial"), ""},
		{"c", "duplicate, both at once", duplicates("concurrent"), ""},
		{"o", "duplicate, overlapping", duplicates("overlap"), ""},
		{"r", "retries, in real time", retries(1, false), noSchedule},
		{"f", "retries, 60× as fast", retries(60, false), noSchedule},
		{"F", "retries, 600× as fast", retries(600, false), noSchedule},
		{"p", "retries, 60×, 2 fail first", failing, noSchedule},
		{"n", "retries, step by step", retries(0, true), noSchedule},
		{"t", "tamper: must be refused", of("tamper"), ""},
		{"w", "slow and cut connections", of("slow"), ""},
		{"b", "burst of 50", burst(50), ""},
		{"B", "burst of 200", burst(200), ""},
		{"x", reorderText, reorder, noOrder},
	}
}

// whyNoSchedule says why the provider's retries can't be rehearsed; "" when they can.
func (m *model) whyNoSchedule(s *inspect.Summary) string {
	if s.Provider == "" {
		return fmt.Sprintf("It is not known who sent #%d, so there is no schedule. Give one: hookloop simulate retries %d --policy custom:30s,2m,10m", s.ID, s.ID)
	}
	if p := m.cfg.entry(s.Provider); p != nil && p.Delivery.Retry != nil && p.Delivery.Retry.Never {
		return fmt.Sprintf("%s does not retry. Give a schedule: hookloop simulate retries %d --policy custom:30s,2m,10m", m.cfg.shortTitle(s.Provider), s.ID)
	}
	return ""
}

// related are up to two deliveries of the same provider right before s, oldest first.
func (m *model) related(s *inspect.Summary) []int64 {
	at, ok := m.list.find(s.ID)
	if !ok {
		return nil
	}
	var ids []int64
	for i := at - 1; i >= max(0, at-nearEdge) && len(ids) < 2; i-- {
		if d := &m.list.rows[i]; d.Provider == s.Provider && !d.Truncated && d.Disposition != inspect.Refused && d.Handshake == "" {
			ids = append(ids, d.ID)
		}
	}
	slices.Reverse(ids)
	return ids
}

// askSimulation opens the menu.
func (m *model) askSimulation() tea.Cmd {
	s := m.summary()
	m.ask = ask{kind: askSimulate, id: s.ID, choices: m.choices(s)}
	return nil
}

// whyNoSimulation says why nothing can be rehearsed; "" when it can.
func (m *model) whyNoSimulation() string {
	if why := m.whyNoReplay(); why != "" {
		return strings.NewReplacer("Replay is off", "Simulations are off", "replayed", "used for a simulation").Replace(why)
	}
	if s := m.summary(); s.Handshake != "" {
		return fmt.Sprintf("#%d is a handshake: choose a delivery of an event.", s.ID)
	}
	return ""
}

// menu draws the choices in two columns.
func (m *model) menu() []line {
	t := m.t
	title := fmt.Sprintf(" simulate #%d", m.ask.id)
	note := ""
	if m.cfg.Probe != nil {
		note = "  with the probe"
	} else if m.width >= 80 {
		note = "  without a probe: --probe tells whether the side effect happened once"
	}
	lines := []line{{{title, t.accent}, {note, t.dim}}}
	half := (len(m.ask.choices) + 1) / 2
	width := min(m.width/2, 40)
	entry := func(c *choice) line {
		st := t.text
		if c.off != "" {
			st = t.dim
		}
		return line{{"  " + c.key, t.bold}, {"  " + c.text, st}}
	}
	for i := range half {
		l := entry(&m.ask.choices[i])
		if i+half < len(m.ask.choices) {
			l = append(l, span{text: spaces(max(1, width-l.width()))})
			l = append(l, entry(&m.ask.choices[i+half])...)
		}
		lines = append(lines, l)
	}
	return append(lines, m.prose(menuFoot, t.dim, m.width)...)
}

// menuFoot names the simulations that are of no one delivery.
const menuFoot = "in a shell: hookloop simulate lost-ack, hookloop simulate catch-up"

// answerSimulation takes a choice. Keys that choose nothing leave the menu open.
func (m *model) answerSimulation(key string) tea.Cmd {
	if key == "q" {
		m.ask.close()
		return nil
	}
	i := slices.IndexFunc(m.ask.choices, func(c choice) bool { return c.key == key })
	if i < 0 {
		return nil
	}
	c := m.ask.choices[i]
	if c.off != "" {
		m.ask.err = safe(c.off)
		return nil
	}
	id := m.ask.id
	m.ask.close()
	return m.simulate(id, c.spec)
}

// take keeps marks of what simulations came to.
func (l *list) take(sims []inspect.Simulation) {
	if l.marks == nil && len(sims) > 0 {
		l.marks = map[int64]badge{}
	}
	for i := range sims {
		if m := verdictMark(&sims[i]); m.id >= l.marks[sims[i].DeliveryID].id {
			l.marks[sims[i].DeliveryID] = m
		}
	}
}

// chooseSimulation shows the simulation n further back in time.
func (m *model) chooseSimulation(n int) {
	v := &m.detail
	sim := chosenSimulation(v.sims, v.sim)
	if sim == nil {
		m.say(toneDim, "There is no simulation yet: s begins one.")
		return
	}
	i := slices.IndexFunc(v.sims, func(s inspect.Simulation) bool { return s.ID == sim.ID }) + n
	if i < 0 || i >= len(v.sims) {
		m.say(toneDim, "There is no simulation further on.")
		return
	}
	v.sim = 0
	if i > 0 {
		v.sim = v.sims[i].ID
	}
	v.built[tabSimulations] = false
	v.pagers[tabSimulations].top()
}

// sourceWords say where a delivery came from that did not simply arrive; "" when it did.
func sourceWords(s inspect.Source) string {
	switch s {
	case inspect.FromProvider:
		return ""
	case inspect.FromTrigger:
		return "a sample event, sent by hookloop trigger"
	case inspect.FromPoll:
		return "a result that hookloop asked a status URL for"
	case inspect.FromMock:
		return "a call of a mock API"
	case inspect.FromSimulation:
		return "made by a simulation"
	}
	return safe(string(s))
}

// sourceTag is a source in a word for a row: "simulated" for a simulation's.
func sourceTag(s inspect.Source) string {
	if s == inspect.FromSimulation {
		return "simulated"
	}
	return brief(string(s))
}
