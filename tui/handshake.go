package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// This file confirms handshakes that ask for an address to be fetched, as
// those of Amazon SNS do. Nothing is fetched before the user said yes.

// confirmTimeout bounds what is fetched.
const confirmTimeout = 10 * time.Second

// canConfirm reports whether a delivery is such a handshake.
func (m *model) canConfirm(s *inspect.Summary) bool {
	if s == nil {
		return false
	}
	h := m.cfg.handshake(&s.Facts)
	return h != nil && !h.Confirm.IsZero()
}

func (m *model) whyNoConfirm() string {
	s := m.summary()
	switch {
	case s == nil:
		return m.whyNoDelivery()
	case m.canConfirm(s):
		return ""
	case s.Handshake != "":
		return fmt.Sprintf("#%d is a handshake that its answer confirms; there is nothing to fetch.", s.ID)
	}
	return fmt.Sprintf("#%d is no handshake that wants a confirmation.", s.ID)
}

// confirmHandshake fetches the address that the target names, after a question.
func (m *model) confirmHandshake() tea.Cmd {
	s := m.summary()
	src, id := m.src, s.ID
	question := fmt.Sprintf("Confirm %s's %s of #%d? ", m.cfg.shortTitle(s.Provider), brief(s.Handshake), id)
	if address, err := src.confirmURL(id); err != nil {
		question += "It names no address to fetch: " + sentence(err.Error())
	} else {
		question += "It fetches " + safe(address)
	}
	known := s.Signature == provider.Valid
	switch s.Signature {
	case provider.Valid:
		question = "Its signature is valid. " + question
	case provider.Invalid:
		question = "Its signature is invalid! " + question
	default:
		question = "Its signature could not be checked: anybody could have sent it. " + question
	}
	m.ask.confirm(question, func() tea.Cmd {
		m.say(toneInfo, "Confirming #%d …", id)
		return src.confirm(id, !known)
	})
	return nil
}

// confirmURL is the address that confirm would fetch.
func (s source) confirmURL(id int64) (string, error) {
	d, err := s.cfg.Store.Delivery(s.ctx, id)
	if err != nil {
		return "", err
	}
	return s.cfg.Checker.ConfirmURL(d.Request())
}

// confirm fetches it. unverified is whether the user has been told that its
// signature could not be checked.
func (s source) confirm(id int64, unverified bool) tea.Cmd {
	return func() tea.Msg {
		d, err := s.cfg.Store.Delivery(s.ctx, id)
		if err != nil {
			return sayMsg{toneBad, safe(err.Error())}
		}
		ctx, cancel := context.WithTimeout(s.ctx, confirmTimeout)
		defer cancel()
		confirm := s.cfg.Checker.Confirm
		if unverified {
			confirm = s.cfg.Checker.ConfirmUnverified
		}
		text, err := confirm(ctx, d.Request())
		if err != nil {
			return sayMsg{toneBad, safe(fmt.Sprintf("#%d: %v", id, err))}
		}
		if text == "" {
			text = "Confirmed."
		}
		return sayMsg{toneOK, fmt.Sprintf("#%d: %s", id, safe(text))}
	}
}
