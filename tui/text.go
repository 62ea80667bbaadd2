package tui

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

// This file lays out text in terminal cells. The rules are:
//
//   - A span's text is printable: whatever was captured went through
//     inspect.Escape before it became a span.
//   - Widths are cells, never bytes or runes.
//   - A row is exactly as wide as it was asked to be.

// A span is printable text in one style.
type span struct {
	text string
	st   ansi.Style
}

// A line is a row of spans before it is fitted to a width.
type line []span

func plain(s string) line { return line{{text: s}} }

// text returns l without its styles.
func (l line) text() string {
	if len(l) == 1 {
		return l[0].text
	}
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.text)
	}
	return b.String()
}

func (l line) width() int {
	w := 0
	for _, s := range l {
		w += cells(s.text)
	}
	return w
}

// render fits l to exactly width cells: what does not fit is cut and marked,
// what is missing is filled. base lies under every span's own style.
func (l line) render(width int, base ansi.Style) string {
	if width <= 0 {
		return ""
	}
	var b strings.Builder
	left, cut := width, l.width() > width
	for _, s := range l {
		text, w := s.text, cells(s.text)
		if cut && w >= left {
			text, w = truncate(text, left-1)+"…", left
			text += spaces(left - cells(text))
		}
		b.WriteString(paint(join(base, s.st), text))
		if left -= w; left <= 0 {
			return b.String()
		}
	}
	b.WriteString(paint(base, spaces(left)))
	return b.String()
}

// between puts left and right at the two ends of width cells; right gives way.
func between(left, right line, width int) line {
	gap := width - left.width() - right.width()
	if gap < 1 {
		return left
	}
	l := append(line{}, left...)
	l = append(l, span{text: spaces(gap)})
	return append(l, right...)
}

func paint(st ansi.Style, s string) string {
	if len(st) == 0 || s == "" {
		return s
	}
	return st.Styled(s)
}

func join(a, b ansi.Style) ansi.Style {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return append(append(make(ansi.Style, 0, len(a)+len(b)), a...), b...)
}

// cells returns how many cells printable text takes.
func cells(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// truncate returns a start of s that fits width cells, the longest unless
// runes are piled on each other. Its cost depends on width, not on s.
func truncate(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if limit := 8*width + 64; len(s) > limit {
		for !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	if cells(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, "")
}

// fit returns s in exactly width cells, cut with a mark or filled on the right.
func fit(s string, width int) string {
	w := cells(s)
	switch {
	case width <= 0:
		return ""
	case w <= width:
		return s + spaces(width-w)
	}
	s = truncate(s, width-1) + "…"
	return s + spaces(width-cells(s))
}

// fitRight is fit with the text at the right.
func fitRight(s string, width int) string {
	if w := cells(s); w <= width {
		return spaces(width-w) + s
	}
	return fit(s, width)
}

const blank = "                                                                "

func spaces(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blank):
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// wrap breaks l into rows of at most width cells, at spaces where it can. Rows
// after the first are indented: to the value where the line is a label and a
// value, else as the line is and two cells more.
func wrap(l line, width int) []line {
	if width <= 0 || l.width() <= width {
		return []line{l}
	}
	indent := max(0, min(hang(l), width/2, width-2))
	var rows []line
	var row line
	left := width
	for _, s := range l {
		for text := s.text; text != ""; {
			head := truncate(text, left)
			if head == "" && left >= width-indent { // a rune too wide for any row
				_, n := utf8.DecodeRuneInString(text)
				head = text[:n]
			}
			if i := strings.LastIndexByte(head, ' ') + 1; len(head) < len(text) && i > len(head)/2 {
				head, left = head[:i], cells(head[:i])
			}
			if head != "" {
				row = append(row, span{head, s.st})
				left -= cells(head)
				text = text[len(head):]
			}
			if text != "" {
				rows = append(rows, row)
				row, left = line{{text: spaces(indent)}}, width-indent
			}
		}
	}
	return append(rows, row)
}

func hang(l line) int {
	if s := l[0].text; len(l) > 1 && s != "" && s[0] != ' ' && s[len(s)-1] == ' ' {
		return cells(s)
	}
	n := 2
	for _, s := range l {
		rest := strings.TrimLeft(s.text, " ")
		n += len(s.text) - len(rest)
		if rest != "" {
			break
		}
	}
	return n
}

// FormatSize returns n bytes for people: "312 B", "1.2 KiB".
func FormatSize(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB"} {
		if f /= 1024; f < 999.5 {
			break
		}
	}
	if f < 9.95 {
		return fmt.Sprintf("%.1f %s", f, unit)
	}
	return fmt.Sprintf("%.0f %s", f, unit)
}

// FormatDuration returns d for people, with the digits that matter.
func FormatDuration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// count returns "1 delivery", "2 deliveries": n and the noun's form for it.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// safe is inspect.Escape under a shorter name, for text that was captured or
// that may quote something captured.
func safe(s string) string { return inspect.Escape(s) }
