package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
)

const (
	maxReplays = 1000 // how many R replays at once
	parallel   = 4    // of them at a time
)

// replays are the replays that R began.
type replays struct {
	queue  []int64
	ended  int
	failed int
	signed int // again
	total  int
}

func (r *replays) left() int { return r.total - r.ended }

// replayedMsg is an attempt that has ended, or why none was made.
type replayedMsg struct {
	id      int64
	attempt *inspect.Attempt
	err     error
	queued  bool // one of those that R began
}

func (m *model) replay() tea.Cmd {
	id := m.target()
	m.detail.chosen = 0
	m.say(toneInfo, "Replaying #%d …", id)
	return m.src.replay(id, replay.Options{})
}

func (m *model) replayed(msg replayedMsg) tea.Cmd {
	ok := msg.err == nil && msg.attempt != nil && msg.attempt.Summary().OK()
	if msg.queued {
		if resigned(msg.attempt) {
			m.replays.signed++
		}
		return m.nextReplay(ok)
	}
	switch {
	case msg.err != nil:
		m.say(toneBad, "%s", safe(msg.err.Error()))
	case msg.attempt == nil:
	case msg.attempt.Error != "":
		m.say(toneBad, "#%d, attempt %d: %s", msg.id, msg.attempt.Number, safe(msg.attempt.Error))
	default:
		s := msg.attempt.Summary()
		how := ""
		if resigned(msg.attempt) {
			how = ", signed again"
		}
		m.say(statusTone(s.Status), "#%d, attempt %d: %d in %s%s", msg.id, s.Number, s.Status, FormatDuration(s.Duration), how)
	}
	return nil
}

// resigned reports whether an attempt went out with another signature.
func resigned(a *inspect.Attempt) bool { return a != nil && a.Sent != nil && a.Sent.Signed != "" }

// failedMsg are the deliveries that R would replay.
type failedMsg struct {
	ids  []int64 // oldest first
	more bool    // there are more than it takes at once
	err  error
}

// replayFailed looks for the failed deliveries of the list, all of it, not
// only what is on the screen.
func (m *model) replayFailed() tea.Cmd {
	if m.replays.left() > 0 {
		m.say(toneWarn, "Replays are running already. esc stops them.")
		return nil
	}
	return m.src.failed(m.at.query)
}

func (s source) failed(query string) tea.Cmd {
	return func() tea.Msg {
		var m failedMsg
		before := int64(0)
		for !m.more {
			rows, err := s.cfg.Store.List(s.ctx, inspect.ListOptions{Query: query + " is:failed", Before: before, Limit: pageRows})
			if err != nil {
				return failedMsg{err: err}
			}
			for i := range rows {
				before = rows[i].ID
				if !failed(&rows[i]) || rows[i].Truncated {
					continue
				}
				if m.more = len(m.ids) == maxReplays; m.more {
					break
				}
				m.ids = append([]int64{before}, m.ids...)
			}
			if len(rows) < pageRows {
				break
			}
		}
		return m
	}
}

func (m *model) askReplays(msg failedMsg) {
	switch {
	case msg.err != nil:
		m.say(toneBad, "%s", safe(msg.err.Error()))
		return
	case len(msg.ids) == 0:
		m.say(toneDim, "None of the listed deliveries failed.")
		return
	case m.ask.kind != askNothing || m.replays.left() > 0:
		return
	}
	question := fmt.Sprintf("Replay %s?", count(len(msg.ids), "failed delivery", "failed deliveries"))
	if msg.more {
		question = fmt.Sprintf("Replay the newest %d failed deliveries?", len(msg.ids))
	}
	if m.cfg.hasSecrets() {
		question = strings.TrimSuffix(question, "?") + ", signed again where needed?"
	}
	m.ask.confirm(question, func() tea.Cmd {
		m.replays = replays{queue: msg.ids, total: len(msg.ids)}
		var cmds []tea.Cmd
		for range parallel {
			cmds = append(cmds, m.takeReplay())
		}
		return tea.Batch(cmds...)
	})
}

// takeReplay sends the next of the queue.
func (m *model) takeReplay() tea.Cmd {
	r := &m.replays
	if len(r.queue) == 0 {
		return nil
	}
	id := r.queue[0]
	r.queue = r.queue[1:]
	return m.src.send(id, replay.Options{}, true)
}

func (m *model) nextReplay(ok bool) tea.Cmd {
	r := &m.replays
	r.ended++
	if !ok {
		r.failed++
	}
	if r.left() == 0 {
		n := toneOK
		if r.failed > 0 {
			n = toneBad
		}
		signed := ""
		if r.signed > 0 {
			signed = fmt.Sprintf(" %d of them signed again.", r.signed)
		}
		m.say(n, "Replayed %s: %d accepted, %d failed again.%s", count(r.ended, "delivery", "deliveries"), r.ended-r.failed, r.failed, signed)
	}
	return m.takeReplay()
}

// stopReplays forgets those that were not begun.
func (m *model) stopReplays() {
	r := &m.replays
	r.total -= len(r.queue)
	r.queue = nil
	m.say(toneDim, "Stopped: %d of the replays were made.", r.total)
}
