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
	off       string         // why it can't be chosen; "" when it can
	do        func() tea.Cmd // if not nil, what it does instead of beginning spec
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
		{key: "d", text: "duplicate, in turn", spec: duplicates("serial")},
		{key: "c", text: "duplicate, both at once", spec: duplicates("concurrent")},
		{key: "o", text: "duplicate, overlapping", spec: duplicates("overlap")},
		{key: "r", text: "retries, in real time", spec: retries(1, false), off: noSchedule},
		{key: "f", text: "retries, 60× as fast", spec: retries(60, false), off: noSchedule},
		{key: "F", text: "retries, 600× as fast", spec: retries(600, false), off: noSchedule},
		{key: "p", text: "retries, 60×, 2 fail first", spec: failing, off: noSchedule},
		{key: "n", text: "retries, step by step", spec: retries(0, true), off: noSchedule},
		{key: "t", text: "tamper: must be refused", spec: of("tamper")},
		{key: "w", text: "slow and cut connections", spec: of("slow")},
		{key: "b", text: "burst of 50", spec: burst(50)},
		{key: "B", text: "burst of 200", spec: burst(200)},
		{key: "x", text: reorderText, spec: reorder, off: noOrder},
		m.lostAckChoice(),
		{key: "C", text: "catch up: what is held", spec: replay.Spec{Kind: "catch-up"}},
		{key: ":", text: "as in a shell …", off: m.whyNoLine(), do: m.askLine},
	}
}

// lostAckChoice begins to lose answers, or ends it.
func (m *model) lostAckChoice() choice {
	if run := m.cfg.Running.LostAck(); run != nil {
		return choice{key: "l", text: "lose no more answers", do: func() tea.Cmd {
			m.ask.close()
			run.Stop()
			m.say(toneDim, "The provider gets the handler's answers again.")
			return nil
		}}
	}
	c := choice{key: "l", text: "lose the next 2 answers", spec: replay.Spec{Kind: "lost-ack", Count: 2, Probe: m.cfg.Probe}}
	if m.cfg.Receiver == nil {
		c.off = "There is no receiver here whose answers could be lost."
	}
	return c
}

func (m *model) whyNoLine() string {
	if m.cfg.ParseSimulation == nil {
		return "That works in hookloop listen only."
	}
	return ""
}

// askLine asks for a simulation as one writes it in a shell.
func (m *model) askLine() tea.Cmd {
	id, line := m.ask.id, "duplicates -n 3 --mode overlap"
	if s := m.summary(); s != nil && m.whyNoSchedule(s) != "" {
		line = "retries --policy custom:30s,2m,10m --speed 60x"
	}
	m.ask.open(askSimulation, line)
	m.ask.id, m.ask.example = id, true
	return nil
}

// applySimulation begins what the user wrote, or says what is wrong with it.
func (m *model) applySimulation(line string) tea.Cmd {
	spec, err := m.cfg.ParseSimulation(line, m.ask.id)
	if err == nil {
		err = m.cfg.Running.Check(&spec)
	}
	if err != nil {
		m.ask.err = capital(err.Error())
		return nil
	}
	if spec.Probe == nil {
		spec.Probe = m.cfg.Probe
	}
	if m.ask.busy {
		return nil
	}
	m.ask.busy = true // until it has begun, or it is said why not
	return m.src.begin(m.ask.id, spec)
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
	why := m.whyNoReplay()
	if why == "" && m.cfg.Running == nil {
		why = noHandler
	}
	if why != "" {
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
	return lines
}

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
	if c.do != nil {
		return c.do()
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
		m := verdictMark(&sims[i])
		for _, id := range append([]int64{sims[i].DeliveryID}, sims[i].Deliveries...) {
			if m.id >= l.marks[id].id {
				l.marks[id] = m
			}
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
