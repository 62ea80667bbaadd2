package tui

import (
	"strings"

	"hookloop/inspect"
)

// This file tells of deliveries whose provider did not get the handler's
// answer, and of those that the handler got later than it was sent.

// lostWords say what the provider got in place of the handler's answer, from
// the reason of a delivery; "" where it got that answer.
func lostWords(reason string) string {
	words, ok := strings.CutPrefix(reason, inspect.LostAckReason)
	if !ok {
		return ""
	}
	return safe(words)
}

// afterHold reports whether an attempt handed over what was held while the
// handler was down.
func afterHold(reason string, number int, t inspect.Trigger) bool {
	return reason == inspect.HeldReason && number == 1 && t == inspect.Replay
}

// triggerWord is why an attempt of a delivery with a reason was made, in at most ten letters.
func triggerWord(reason string, number int, t inspect.Trigger) string {
	if afterHold(reason, number, t) {
		return "after hold"
	}
	return string(t)
}
