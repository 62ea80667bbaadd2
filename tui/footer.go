package tui

import (
	"fmt"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hookloop/replay"
)

// A question is what the last line asks for.
type question int

const (
	askNothing    question = iota
	askFilter              // a query
	askSearch              // a term in the body
	askConfirm             // y or not
	askCopy                // what to copy
	askSigning             // with which signature to replay
	askSimulate            // what to rehearse
	askSimulation          // the same, as one writes it after hookloop simulate
)

// An ask is the question on the last line, and what is typed to answer it.
type ask struct {
	kind  question
	text  string         // of askConfirm
	yes   func() tea.Cmd // for askConfirm
	input textinput.Model
	err   string // why the answer does not do; "" when it may

	id       int64 // of the delivery of askSimulate and askSimulation, or of askSigning, with the two below
	options  replay.Options
	forecast *replay.Forecast

	choices []choice // of askSimulate
	example bool     // of askSimulation: the line is one to write over
	busy    bool     // of askSimulation: it is being begun
}

// open asks for text.
func (a *ask) open(kind question, value string) {
	input := textinput.New()
	input.Prompt = ""
	styles := input.Styles()
	styles.Cursor.Blink = false
	input.SetStyles(styles)
	input.SetValue(value)
	input.CursorEnd()
	input.Focus()
	*a = ask{kind: kind, input: input}
}

// confirm asks for a y before it does what cannot be undone.
func (a *ask) confirm(text string, yes func() tea.Cmd) {
	*a = ask{kind: askConfirm, text: text, yes: yes}
}

func (a *ask) close() { *a = ask{} }

// typed is the text with the cursor, of which the end before the cursor is
// shown where there is no room for all of it.
func (a *ask) typed(width int) []span {
	text, at := []rune(a.input.Value()), a.input.Position()
	before, under, after := safe(string(text[:at])), " ", ""
	if at < len(text) {
		under, after = safe(string(text[at])), safe(string(text[at+1:]))
	}
	if extra := cells(before) + 4 - width; extra > 0 {
		before = ansi.TruncateLeft(before, extra+1, "…")
	}
	return []span{{text: before}, {under, ansi.Style{}.Reverse(true)}, {text: after}}
}

func (a *ask) typing() bool {
	return a.kind == askFilter || a.kind == askSearch || a.kind == askSimulation
}

// say puts a message on the last line for some seconds.
func (m *model) say(n tone, format string, args ...any) {
	m.message = message{text: fmt.Sprintf(format, args...), tone: n, until: m.now.Add(6 * time.Second)}
}

// footer returns the lines below the body: a notice, an error, and the last
// line, which asks, tells or hints.
func (m *model) footer() []line {
	var lines []line
	t := m.t
	if m.notice != "" && m.height >= briefHeight {
		lines = append(lines, m.noticeLines()...)
	}
	if m.ask.kind == askConfirm && m.asking().width() > m.width {
		lines = append(lines, m.prose(m.ask.text, t.warn, m.width)...)
		return append(lines, hints(t, " ", confirmKeys...))
	}
	if m.ask.kind == askSigning {
		lines = append(lines, m.prose(m.ask.signingText(), t.warn, m.width)...)
	}
	if m.ask.kind == askSimulate {
		lines = append(lines, m.menu()...)
	}
	if m.ask.err != "" {
		lines = append(lines, m.prose(m.ask.err, t.bad, m.width)...)
	}
	switch {
	case m.ask.kind != askNothing:
		return append(lines, m.asking())
	case m.storeErr != "":
		return append(lines, m.prose(m.storeErr, t.bad, m.width)...)
	case m.message.text != "":
		st := t.tone(m.message.tone)
		if text := (line{{" " + m.message.text, st}}); text.width()+m.mode().width() < m.width {
			return append(lines, between(text, m.mode(), m.width))
		}
		return append(lines, m.prose(m.message.text, st, m.width)...)
	}
	return append(lines, m.hint())
}

// noticeLines are the notice, in three lines at most.
func (m *model) noticeLines() []line {
	rows := m.prose(safe(m.notice), nil, m.width-2)
	for i, row := range rows {
		mark := span{"  ", nil}
		if i == 0 {
			mark = span{" →", m.t.accent}
		}
		rows[i] = append(line{mark}, row...)
	}
	return rows
}

// prose is text in as many lines as it needs, within reason.
func (m *model) prose(text string, st ansi.Style, width int) []line {
	const most = 3
	rows := wrap(line{{text, st}}, width-2)
	for i, row := range rows {
		rows[i] = append(line{{text: " "}}, row...)
	}
	if len(rows) > most {
		rows = rows[:most]
		rows[most-1] = append(rows[most-1], span{text: "…"})
	}
	return rows
}

var confirmKeys = []string{"y", "yes", "n", "no"}

// asking is the question on the last line.
func (m *model) asking() line {
	t := m.t
	switch m.ask.kind {
	case askFilter, askSearch, askSimulation:
		label := map[question]string{askFilter: " filter: ", askSearch: " find: ", askSimulation: " simulate "}[m.ask.kind]
		return append(line{{label, t.accent}}, m.ask.typed(m.width-len(label))...)
	case askConfirm:
		return append(line{{" " + m.ask.text, t.warn}}, hints(t, " ", confirmKeys...)...)
	case askSigning:
		return hints(t, " send:", m.ask.signingKeys()...)
	case askSimulate:
		return hints(t, "", "esc", "cancel")
	}
	return hints(t, " copy:", "c", "curl", "b", "body", "u", "URL", "i", "id", "esc", "cancel")
}

// hint names as many keys as there is room for.
func (m *model) hint() line {
	right, keys := m.mode(), m.hintKeys()
	for {
		left := hints(m.t, "", keys...)
		if left.width()+right.width() < m.width || len(keys) == 0 {
			return between(left, right, m.width)
		}
		keys = keys[:len(keys)-2]
	}
}

// hintKeys are the keys worth knowing where the user is, the dearest first.
func (m *model) hintKeys() []string {
	var first []string
	if m.canConfirm(m.summary()) {
		first = []string{"c", "confirm"}
	}
	if r := m.running(); r != nil && (m.inside || m.header.losing > 0) {
		first = append(first, "S", "stop")
		if r.Stepped() {
			first = append(first, ".", "next attempt")
		}
	}
	switch {
	case m.help:
		return []string{"esc", "back", "j", "down", "k", "up"}
	case m.inside:
		return append(first, "?", "help", "esc", "back", "tab", "next", "r", "replay", "s", "simulate", "e", "edit", "/", "find", "v", "verify", "y", "copy", "o", "open")
	}
	return append(first, "?", "help", "q", "quit", "↵", "open", "r", "replay", "s", "simulate", "/", "filter", "f", "follow", "e", "edit", "v", "verify", "y", "copy")
}

func hints(t *theme, label string, keys ...string) line {
	l := line{{label, t.accent}}
	for i := 0; i+1 < len(keys); i += 2 {
		l = append(l, span{" " + keys[i], t.bold}, span{" " + keys[i+1] + " ", t.dim})
	}
	return l
}

// mode says at the right end what the list is doing.
func (m *model) mode() line {
	switch {
	case m.replays.left() > 0:
		return line{{fmt.Sprintf("replaying %d of %d ", m.replays.ended+1, m.replays.total), m.t.info}}
	case m.inside || m.help:
		return nil
	case m.list.follow:
		return line{{"following ", m.t.ok}}
	}
	return line{{"not following ", m.t.dim}}
}

// typed gives a key or pasted text to the question.
func (m *model) typed(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	m.ask.err = ""
	key, isKey := msg.(tea.KeyPressMsg)
	if m.ask.example && (!isKey || key.Text != "") {
		m.ask.input.SetValue("")
	}
	m.ask.example = false
	m.ask.input, cmd = m.ask.input.Update(msg)
	return cmd
}

// paste takes pasted text into the question, without what could not be seen.
func (m *model) paste(msg tea.PasteMsg) tea.Cmd {
	if !m.ask.typing() {
		return nil
	}
	var clean []rune
	for _, r := range msg.Content {
		if s := string(r); safe(s) == s {
			clean = append(clean, r)
		}
	}
	msg.Content = string(clean)
	return m.typed(msg)
}
