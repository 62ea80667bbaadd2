package cli

import (
	"bytes"
	"testing"

	"hookloop/tui"
)

// What is told goes to standard error, but not across the terminal UI.
func TestTeller(t *testing.T) {
	for _, view := range []tui.Config{{Notice: "own"}, {LiveNotice: func() string { return "own" }}} {
		var said bytes.Buffer
		woken := 0
		told := teller{a: &app{Env: Env{Stderr: &said}}, notify: func() { woken++ }}
		told.tell("one %d", 1)
		giveBack := told.takeScreen(&view)
		if got := view.LiveNotice(); got != "own" {
			t.Errorf("got %q, want the view's own notice", got)
		}
		told.tell("two")
		if got := view.LiveNotice(); got != "two" || woken != 1 {
			t.Errorf("got %q after waking the view %d times, want two, once", got, woken)
		}
		giveBack()
		told.tell("three")
		if got, want := said.String(), "hookloop: one 1\nhookloop: three\n"; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}
