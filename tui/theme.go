package tui

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

// A theme is the colours by their meaning. Nothing is told by colour alone.
// The terminal's own foreground is the text colour, except on a background of
// ours, so that a wrong guess of dark or light stays readable. All colours are
// among the 256 of xterm, so that they are the same where there are no more.
type theme struct {
	text   ansi.Style // the terminal's own
	bold   ansi.Style
	dim    ansi.Style // labels, hints
	faint  ansi.Style // rules
	accent ansi.Style // what is active
	title  ansi.Style
	ok     ansi.Style // 2xx, up, online
	info   ansi.Style // 3xx, pending
	warn   ansi.Style // 4xx, reconnecting
	bad    ansi.Style // 5xx, errors, down
	sel    ansi.Style // the row the cursor is on, focused
	selDim ansi.Style // and not focused
	match  ansi.Style // found text

	key, str, num, word, punct ansi.Style // JSON
}

func newTheme(dark bool) *theme {
	pick := lipgloss.LightDark(dark)
	fg := func(light, dark string) ansi.Style {
		return ansi.Style{}.ForegroundColor(pick(lipgloss.Color(light), lipgloss.Color(dark)))
	}
	on := func(st ansi.Style, light, dark string) ansi.Style {
		return st.BackgroundColor(pick(lipgloss.Color(light), lipgloss.Color(dark)))
	}
	t := &theme{
		bold:   ansi.Style{}.Bold(),
		dim:    fg("#626262", "#9e9e9e"),
		faint:  fg("#c6c6c6", "#4e4e4e"),
		accent: fg("#005fd7", "#87afff"),
		ok:     fg("#008700", "#87d787"),
		info:   fg("#005f87", "#87d7ff"),
		warn:   fg("#875f00", "#ffd787"),
		bad:    fg("#af0000", "#ff8787"),
		sel:    on(fg("#000000", "#ffffff"), "#d7d7ff", "#3a3a3a"),
		selDim: on(fg("#000000", "#eeeeee"), "#e4e4e4", "#262626"),
		match:  on(fg("#000000", "#000000"), "#ffd75f", "#ffd75f"),

		key: fg("#005faf", "#87afff"), str: fg("#005f00", "#afd787"), num: fg("#af5f00", "#ffaf87"),
		word: fg("#8700af", "#d7afff"), punct: fg("#767676", "#8a8a8a"),
	}
	t.title = join(t.accent, t.bold)
	return t
}

// A tone is what a state means to the user.
type tone int

const (
	toneNone tone = iota
	toneOK
	toneInfo
	toneWarn
	toneBad
	toneDim
)

func (t *theme) tone(n tone) ansi.Style {
	switch n {
	case toneOK:
		return t.ok
	case toneInfo:
		return t.info
	case toneWarn:
		return t.warn
	case toneBad:
		return t.bad
	case toneDim:
		return t.dim
	}
	return t.text
}

func statusTone(status int) tone {
	switch {
	case status == 101 || status/100 == 2:
		return toneOK
	case status/100 == 3:
		return toneInfo
	case status/100 == 4:
		return toneWarn
	}
	return toneBad
}

// failed reports whether the latest attempt of s ended without a 2xx.
func failed(s *inspect.Summary) bool {
	return s.Last != nil && s.Last.State != inspect.Pending && !s.Last.OK()
}
