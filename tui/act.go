package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
)

// This file acts on the delivery that is open, or else under the cursor.

// target returns the delivery that keys act on; 0 when there is none.
func (m *model) target() int64 {
	if m.inside {
		return m.detail.want
	}
	if s := m.list.selected(); s != nil {
		return s.ID
	}
	return 0
}

// summary returns what the list knows of the target; nil when that is nothing.
func (m *model) summary() *inspect.Summary {
	if i, ok := m.list.find(m.target()); ok {
		return &m.list.rows[i]
	}
	return nil
}

func (m *model) hasDelivery() bool { return m.target() != 0 }

func (m *model) whyNoDelivery() string {
	if !m.hasDelivery() {
		return "There is no delivery here."
	}
	return ""
}

const noHandler = "Replay is off: there is no handler to send to. Start hookloop with one, as in: hookloop listen 3000"

func (m *model) whyNoSender() string {
	if m.cfg.Sender == nil {
		return noHandler
	}
	return ""
}

func (m *model) whyNoReplay() string {
	if why := m.whyNoSender(); why != "" {
		return why
	}
	s := m.summary()
	switch {
	case s == nil:
		return m.whyNoDelivery()
	case s.Truncated:
		return fmt.Sprintf("#%d cannot be replayed: only the beginning of its body was kept.", s.ID)
	case m.cfg.HandlerURL == "" && s.Attempts == 0:
		return fmt.Sprintf("#%d has no handler to go to: start hookloop with one, as in: hookloop listen 3000", s.ID)
	}
	return ""
}

func (m *model) whyNoEdit() string {
	if why := m.whyNoReplay(); why != "" {
		return why
	}
	if len(m.cfg.Editor) == 0 {
		return "No editor is known: set EDITOR, as in: export EDITOR=vim"
	}
	return ""
}

func (m *model) whyNoPage() string {
	switch {
	case m.cfg.InspectorURL == "":
		return "The page is off."
	case m.cfg.OpenURL == nil:
		return "No browser is known. The page is at " + safe(m.cfg.InspectorURL)
	}
	return ""
}

// sayMsg is what a command has to tell.
type sayMsg struct {
	tone tone
	text string
}

// openPage opens the delivery's page, or the page where there is no delivery.
func (m *model) openPage() tea.Cmd {
	url, open := m.cfg.InspectorURL, m.cfg.OpenURL
	if m.cfg.DeliveryURL != nil && m.hasDelivery() {
		url = m.cfg.DeliveryURL(m.target())
	}
	m.say(toneDim, "Opening the page.")
	return func() tea.Msg {
		if err := open(url); err != nil {
			return sayMsg{toneBad, safe(fmt.Sprintf("Cannot open %s: %v", url, err))}
		}
		return nil
	}
}

// pin pins the target, or unpins it.
func (m *model) pin() tea.Cmd {
	id, pinned := m.target(), true
	if s := m.summary(); s != nil {
		pinned = !s.Pinned
	}
	ctx, store := m.src.ctx, m.cfg.Store
	return func() tea.Msg {
		if err := store.Pin(ctx, id, pinned); err != nil {
			return sayMsg{toneBad, safe(err.Error())}
		}
		if pinned {
			return sayMsg{toneDim, fmt.Sprintf("Pinned #%d: it is kept when old deliveries go.", id)}
		}
		return sayMsg{toneDim, fmt.Sprintf("Unpinned #%d.", id)}
	}
}

// deletedMsg says that a delivery is gone, or why it is not.
type deletedMsg struct {
	id  int64
	err error
}

// remove deletes the target, after a question.
func (m *model) remove() tea.Cmd {
	id, ctx, store := m.target(), m.src.ctx, m.cfg.Store
	m.ask.confirm(fmt.Sprintf("Delete #%d and its attempts for ever?", id), func() tea.Cmd {
		return func() tea.Msg {
			_, err := store.Remove(ctx, id)
			return deletedMsg{id, err}
		}
	})
	return nil
}

func (m *model) deleted(msg deletedMsg) tea.Cmd {
	if msg.err != nil {
		m.say(toneBad, "%s", safe(msg.err.Error()))
		return nil
	}
	m.list.apply(inspect.Changes{Removed: []int64{msg.id}}, false)
	m.touch(inspect.Changes{Removed: []int64{msg.id}})
	m.say(toneDim, "Deleted #%d.", msg.id)
	return nil
}

func (m *model) askCopy() tea.Cmd {
	m.ask = ask{kind: askCopy}
	return nil
}

// maxCopy bounds what is put on the clipboard, since terminals drop long sequences.
const maxCopy = 1 << 20

// copyMsg is a text for the clipboard.
type copyMsg struct{ what, text, err string }

// copy puts something of the target on the clipboard. The terminal does it
// (OSC 52), so it works over ssh too.
func (m *model) copy(key string) tea.Cmd {
	id := m.target()
	switch key {
	case "i":
		return m.copied(copyMsg{what: "the id", text: strconv.FormatInt(id, 10)})
	case "c", "b", "u":
		return m.src.copy(id, key)
	}
	return nil
}

func (s source) copy(id int64, key string) tea.Cmd {
	return func() tea.Msg {
		d, err := s.cfg.Store.Delivery(s.ctx, id)
		if err != nil {
			return copyMsg{err: err.Error()}
		}
		if key != "u" && len(d.Body) > maxCopy {
			return copyMsg{err: fmt.Sprintf("The body is %s, more than a terminal's clipboard takes. Use: hookloop show %d", FormatSize(d.Size), id)}
		}
		switch key {
		case "c":
			return copyMsg{what: "a curl line", text: inspect.Curl(s.sendURL(d), d)}
		case "b":
			return copyMsg{what: "the body", text: string(d.Body)}
		}
		return copyMsg{what: "the URL", text: d.URL()}
	}
}

// sendURL returns where a curl line should send d: where its last attempt
// went, else to the receiver again.
func (s source) sendURL(d *inspect.Delivery) string {
	if attempts, err := s.cfg.Store.Attempts(s.ctx, d.ID); err == nil && len(attempts) > 0 {
		if url := attempts[len(attempts)-1].URL; url != "" {
			return url
		}
	}
	if s.cfg.ReceiverURL != "" && strings.HasPrefix(d.Target, "/") {
		return s.cfg.ReceiverURL + d.Target
	}
	return d.URL()
}

func (m *model) copied(msg copyMsg) tea.Cmd {
	if msg.err != "" {
		m.say(toneBad, "%s", safe(msg.err))
		return nil
	}
	m.say(toneDim, "Copied %s (%s).", msg.what, FormatSize(int64(len(msg.text))))
	return tea.SetClipboard(msg.text)
}

// send makes another attempt in a command.
func (s source) send(id int64, o replay.Options, queued bool) tea.Cmd {
	return func() tea.Msg {
		a, err := s.cfg.Sender.Replay(s.ctx, id, o)
		if errors.Is(err, context.Canceled) && s.ctx.Err() != nil {
			return nil
		}
		return replayedMsg{id: id, attempt: a, err: err, queued: queued}
	}
}
