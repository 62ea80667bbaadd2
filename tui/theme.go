package tui

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

// A theme is the colours by their meaning. Nothing is told by colour alone.
// The terminal's own foreground is the text colour, except on a background of
// ours, so that a wrong guess of dark or light stays readable.
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
		dim:    fg("#5f6672", "#9aa3b5"),
		faint:  fg("#c3c8d1", "#4a5163"),
		accent: fg("#3b53c4", "#8fb0ff"),
		ok:     fg("#18753c", "#7fd99a"),
		info:   fg("#0b6c8c", "#74c7ec"),
		warn:   fg("#8a5a00", "#ecc46a"),
		bad:    fg("#bb2033", "#ff8a96"),
		sel:    on(fg("#14213d", "#f2f4fa"), "#d5e0fb", "#2f3a57"),
		selDim: on(fg("#14213d", "#e4e7ef"), "#e8ebf1", "#262c3a"),
		match:  on(fg("#241a00", "#1c1600"), "#ffd866", "#ecc46a"),

		key: fg("#2a4bab", "#9cc0ff"), str: fg("#18703a", "#a5d9a4"), num: fg("#8a4b00", "#f0b87a"),
		word: fg("#7a3fa8", "#d0a8f5"), punct: fg("#7a818e", "#7f889b"),
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
