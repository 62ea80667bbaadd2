package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"hookloop/replay"
)

// This file asks with which signature a delivery is replayed, where the
// handler would refuse the one that it came with.

// forecastMsg is a replay that waits for an answer.
type forecastMsg struct {
	id       int64
	options  replay.Options
	forecast *replay.Forecast
}

// replay makes another attempt in a command, or comes back with the question
// of its signature.
func (s source) replay(id int64, o replay.Options) tea.Cmd {
	return func() tea.Msg {
		f, err := s.cfg.Sender.Forecast(s.ctx, id, o)
		switch {
		case errors.Is(err, context.Canceled) && s.ctx.Err() != nil:
			return nil
		case err != nil:
			return replayedMsg{id: id, err: err}
		case f != nil && f.Refused != "":
			return forecastMsg{id, o, f}
		}
		return s.send(id, o, false)()
	}
}

func (m *model) askSigning(msg forecastMsg) {
	if m.ask.kind != askNothing {
		m.say(toneWarn, "#%d was not replayed: there is a question about its signature. Try again.", msg.id)
		return
	}
	m.message = message{}
	m.ask = ask{kind: askSigning, id: msg.id, options: msg.options, forecast: msg.forecast}
}

// signs reports whether enter signs again.
func (a *ask) signs() bool { return a.forecast.Sign && a.forecast.CanSign }

// signingText says what will happen to the signature.
func (a *ask) signingText() string {
	text := fmt.Sprintf("#%d with its old signature would be refused: %s.", a.id, sentence(a.forecast.Refused))
	if !a.forecast.CanSign && a.forecast.Why != "" {
		text += " It cannot be signed again: " + sentence(a.forecast.Why) + "."
	}
	return text
}

// signingKeys are the choices, the default one first.
func (a *ask) signingKeys() []string {
	switch {
	case !a.forecast.CanSign:
		return []string{"↵", "send with the old signature", "esc", "cancel"}
	case a.signs():
		return []string{"↵", "sign again", "a", "keep the old signature", "esc", "cancel"}
	}
	return []string{"↵", "keep the old signature", "s", "sign again", "esc", "cancel"}
}

// chose returns what a key chose, and how to say it; "" for a key that chooses nothing.
func (a *ask) chose(key string) (how string, o replay.Options) {
	o = a.options
	switch {
	case key == "s" && a.forecast.CanSign, key == "enter" && a.signs():
		o.Signing = replay.SignAgain
		return "signed again", o
	case key == "a", key == "enter":
		o.Signing = replay.AsReceived
		return "with the old signature", o
	}
	return "", o
}

// answerSigning takes the choice. Other keys leave the question open.
func (m *model) answerSigning(key string) tea.Cmd {
	if key == "n" || key == "q" {
		m.ask.close()
		m.say(toneDim, "Nothing was sent.")
		return nil
	}
	id := m.ask.id
	how, o := m.ask.chose(key)
	if how == "" {
		return nil
	}
	m.ask.close()
	m.detail.chosen = 0
	m.say(toneInfo, "Replaying #%d, %s …", id, how)
	return m.src.send(id, o, false)
}

// sentence is text that may quote something captured, without the dot at its end.
func sentence(s string) string {
	if n := len(s); n > 0 && s[n-1] == '.' {
		s = s[:n-1]
	}
	return safe(s)
}
