package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// A scope is where a key works.
type scope int

const (
	inList scope = 1 << iota
	inDetail
	anywhere = inList | inDetail
)

// A binding is what keys do. The help is made of these too.
type binding struct {
	keys  []string // as tea.KeyPressMsg.String names them
	label string   // as the help names them
	text  string
	where scope
	run   func(*model) tea.Cmd
	off   func(*model) string // why it does nothing now; "" when it does
}

// bindings returns all keys there are, in the order of the help. The keys of a
// question on the last line are elsewhere, see [model.answer].
func bindings() []binding {
	return []binding{
		{[]string{"j", "down"}, "j ↓", "down", anywhere, step(1), nil},
		{[]string{"k", "up"}, "k ↑", "up", anywhere, step(-1), nil},
		{[]string{"pgdown", "ctrl+f", "space"}, "pgdn", "a page down", anywhere, page(1), nil},
		{[]string{"pgup", "ctrl+b"}, "pgup", "a page up", anywhere, page(-1), nil},
		{[]string{"g", "home"}, "g", "to the oldest, or the top", anywhere, (*model).goTop, nil},
		{[]string{"G", "end"}, "G", "to the newest, or the bottom", anywhere, (*model).goBottom, nil},
		{[]string{"enter"}, "enter", "open", anywhere, (*model).enter, (*model).whyNoDelivery},
		{[]string{"esc"}, "esc", "back, or clear the filter", anywhere, (*model).back, nil},
		{[]string{"q"}, "q", "back, or quit", anywhere, (*model).quit, nil},
		{[]string{"ctrl+c"}, "ctrl+c", "quit", anywhere, quitNow, nil},
		{[]string{"tab", "]"}, "tab ]", "next tab", inDetail, turn(1), nil},
		{[]string{"shift+tab", "["}, "[", "previous tab", inDetail, turn(-1), nil},
		{[]string{"left", "h"}, "h ←", "the attempt or simulation before", inDetail, choose(-1), (*model).whyNoAttempts},
		{[]string{"right", "l"}, "l →", "the attempt or simulation after", inDetail, choose(1), (*model).whyNoAttempts},
		{[]string{"/"}, "/", "filter the list, or find in the body", anywhere, (*model).slash, (*model).whyNoFind},
		{[]string{"n"}, "n", "next match", inDetail, match(1), (*model).whyNoMatch},
		{[]string{"N"}, "N", "previous match", inDetail, match(-1), (*model).whyNoMatch},
		{[]string{"f"}, "f", "follow the newest, or stop", anywhere, (*model).toggleFollow, nil},
		{[]string{"i"}, "i", "show or hide the header", anywhere, (*model).toggleHeader, nil},
		{[]string{"r"}, "r", "replay", anywhere, (*model).replay, (*model).whyNoReplay},
		{[]string{"R"}, "R", "replay all failed that are listed", anywhere, (*model).replayFailed, (*model).whyNoSender},
		{[]string{"e"}, "e", "edit the body and replay", anywhere, (*model).edit, (*model).whyNoEdit},
		{[]string{"s"}, "s", "simulate: duplicates, retries, …", anywhere, (*model).askSimulation, (*model).whyNoSimulation},
		{[]string{"."}, ".", "the next step of a simulation", anywhere, (*model).stepSimulation, (*model).whyNoStep},
		{[]string{"S"}, "S", "stop the simulation", anywhere, (*model).stopSimulation, (*model).whyNoRun},
		{[]string{"v"}, "v", "verify: the signature, explained", anywhere, (*model).showSignature, (*model).whyNoDelivery},
		{[]string{"c"}, "c", "confirm a handshake", anywhere, (*model).confirmHandshake, (*model).whyNoConfirm},
		{[]string{"y"}, "y", "copy curl, body, URL or id", anywhere, (*model).askCopy, (*model).whyNoDelivery},
		{[]string{"o"}, "o", "open in the browser", anywhere, (*model).openPage, (*model).whyNoPage},
		{[]string{"m"}, "m", "pin, or unpin: pinned ones are kept", anywhere, (*model).pin, (*model).whyNoDelivery},
		{[]string{"ctrl+d"}, "ctrl+d", "delete", anywhere, (*model).remove, (*model).whyNoDelivery},
		{[]string{"?"}, "?", "this help", anywhere, (*model).toggleHelp, nil},
		{[]string{"ctrl+z"}, "ctrl+z", "suspend", anywhere, suspend, nil},
	}
}

func quitNow(*model) tea.Cmd { return tea.Quit }
func suspend(*model) tea.Cmd { return tea.Suspend }

func step(n int) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd { return m.scroll(n) }
}

func page(n int) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		if m.inside {
			return m.scroll(n * max(1, m.detail.height-m.detail.headRows()-2))
		}
		return m.scroll(n * max(1, m.list.height-1))
	}
}

func turn(n int) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		m.detail.tab = (m.detail.tab + tab(n) + tabCount) % tabCount
		return nil
	}
}

// press does what a key does where the user is, or says why it does nothing.
func (m *model) press(key tea.KeyPressMsg) tea.Cmd {
	name := key.String()
	if m.ask.kind != askNothing && name != "ctrl+c" {
		return m.answer(key)
	}
	if m.help {
		return m.helpKey(name)
	}
	m.message = message{}
	where := inList
	if m.inside {
		where = inDetail
	}
	for _, b := range bindings() {
		if !slices.Contains(b.keys, name) {
			continue
		}
		if b.where&where == 0 {
			m.say(toneWarn, "%s (%s) is for a delivery: enter opens one.", name, b.text)
			return nil
		}
		if b.off != nil {
			if why := b.off(m); why != "" {
				m.say(toneWarn, "%s", why)
				return nil
			}
		}
		return b.run(m)
	}
	return nil
}

// answer gives a key to the question on the last line.
func (m *model) answer(key tea.KeyPressMsg) tea.Cmd {
	name := key.String()
	switch {
	case name == "esc":
		if m.ask.kind == askSigning {
			m.say(toneDim, "Nothing was sent.")
		}
		m.ask.close()
	case m.ask.kind == askSigning:
		return m.answerSigning(name)
	case m.ask.kind == askSimulate:
		return m.answerSimulation(name)
	case m.ask.kind == askConfirm:
		yes := m.ask.yes
		m.ask.close()
		if name == "y" || name == "Y" {
			return yes()
		}
		m.say(toneDim, "Nothing was done.")
	case m.ask.kind == askCopy:
		m.ask.close()
		return m.copy(name)
	case name == "enter" && m.ask.kind == askFilter:
		return m.applyFilter(m.ask.input.Value())
	case name == "enter" && m.ask.kind == askSimulation:
		return m.applySimulation(m.ask.input.Value())
	case name == "enter":
		return m.applySearch(m.ask.input.Value())
	default:
		return m.typed(key)
	}
	return nil
}
