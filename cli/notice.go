package cli

import (
	"fmt"
	"sync/atomic"

	"hookloop/tui"
)

// A teller tells the user what happens beside the deliveries: on standard
// error, or as the notice of the terminal UI while that has the screen.
type teller struct {
	a        *app
	notify   func() // has the terminal UI look again
	onScreen atomic.Bool
	latest   atomic.Pointer[string] // of what was told there
}

func (t *teller) tell(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !t.onScreen.Load() {
		t.a.sayf("hookloop: %s", text)
		return
	}
	t.latest.Store(&text)
	t.notify()
}

// takeScreen has view show what is told from now on, in the place of its own
// notice. The function that it returns gives the screen back.
func (t *teller) takeScreen(view *tui.Config) (giveBack func()) {
	own, line := view.LiveNotice, view.Notice
	view.LiveNotice = func() string {
		if text := t.latest.Load(); text != nil {
			return *text
		}
		if own != nil {
			return own()
		}
		return line
	}
	t.onScreen.Store(true)
	return func() { t.onScreen.Store(false) }
}
