package tui

import (
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// columns are the widths of a list's columns; 0 leaves one out. A path takes
// the sender's room too where the sender is not known.
type columns struct{ id, time, method, path, sender, mark, status, duration, size, tries, verdict, gap int }

// With verdict there is a column for what simulations came to. The path goes
// last: as it gets narrow the size goes first, then the sender,
// the number, the signature's mark, the tries and the time.
func layoutColumns(width int, verdict bool) columns {
	c := columns{time: 8, method: 6, mark: 1, status: 7, duration: 7, size: 8, tries: 3, gap: 1}
	if width >= 84 {
		c.gap = 2
	}
	if width >= 74 {
		c.id = 7
	}
	if width < 110 {
		c.size = 0
	}
	if width < 52 {
		c.mark = 0
	}
	if verdict {
		c.verdict = 1
	}
	if width < 42 {
		c.tries, c.time, c.verdict = 0, 0, 0
	}
	used := 2 // the marker before, a space behind
	for _, w := range []int{c.id, c.time, c.method, c.mark, c.status, c.duration, c.size, c.tries, c.verdict} {
		if w > 0 {
			used += w + c.gap
		}
	}
	c.path = max(width-used, 1)
	if c.path >= 28 {
		path := max(13, c.path*2/5)
		c.path, c.sender = path, c.path-path-c.gap
	}
	return c
}

// Render draws the column titles and the rows in exactly height lines.
func (l *list) Render(width, height int, t *theme, now time.Time, focused bool) []string {
	if width <= 0 || height <= 0 {
		return nil
	}
	c := layoutColumns(width, len(l.marks) > 0)
	lines := make([]string, 0, height)
	lines = append(lines, c.row(" ", "id", "time", "method", "path", c.senderTitle(), "", "status", "took", "size", "try", "").render(width, t.dim))
	for i := l.top; i < len(l.rows) && len(lines) < height; i++ {
		base, mark := ansi.Style(nil), " "
		if i == l.cursor {
			base, mark = t.selDim, "▌"
			if focused {
				base = t.sel
			}
		}
		lines = append(lines, c.summary(&l.rows[i], mark, l.marks[l.rows[i].ID], t, now).render(width, base))
	}
	for len(lines) < height {
		lines = append(lines, spaces(width))
	}
	return lines
}

// row lays out cells that are plain text. Without a sender the path has its room.
func (c columns) row(mark, id, at, method, path, sender, signature, status, duration, size, tries, verdict string) line {
	c = c.without(sender)
	l := line{{text: mark}}
	add := func(w int, s string) {
		if w > 0 {
			l = append(l, span{text: s + spaces(c.gap)})
		}
	}
	add(c.id, fitRight(id, c.id))
	add(c.time, fit(at, c.time))
	add(c.method, fit(method, c.method))
	add(c.path, fit(path, c.path))
	add(c.sender, fit(sender, c.sender))
	add(c.mark, fit(signature, c.mark))
	add(c.status, fit(status, c.status))
	add(c.duration, fitRight(duration, c.duration))
	add(c.size, fitRight(size, c.size))
	add(c.tries, fitRight(tries, c.tries))
	add(c.verdict, fit(verdict, c.verdict))
	last := &l[len(l)-1]
	last.text = strings.TrimSuffix(last.text, spaces(c.gap))
	return l
}

func (c columns) senderTitle() string {
	if c.sender == 0 {
		return ""
	}
	return "event"
}

// without gives the sender's room to the path where there is no sender.
func (c columns) without(sender string) columns {
	if sender == "" && c.sender > 0 {
		c.path, c.sender = c.path+c.gap+c.sender, 0
	}
	return c
}

// sender is who sent s and what it is, where it came from if it did not simply
// arrive, and last, as the longest and the least telling, the event's ID.
func sender(s *inspect.Summary) string {
	text := senderName(&s.Facts) + " " + eventName(&s.Facts)
	if tag := sourceTag(s.Source); tag != "" {
		text = strings.TrimSpace(text) + " (" + tag + ")"
	}
	return strings.TrimSpace(strings.TrimSpace(text) + " " + brief(s.EventID))
}

func (c columns) summary(s *inspect.Summary, cursor string, verdict badge, t *theme, now time.Time) line {
	id := "#" + strconv.FormatInt(s.ID, 10)
	duration, tries := "", ""
	if s.Last != nil && s.Last.State != inspect.Pending {
		duration = FormatDuration(s.Last.Duration)
	}
	if s.Attempts > 0 {
		tries = strconv.Itoa(s.Attempts)
	}
	status, tone := outcome(s)
	from := sender(s)
	signature, holds := signatureMark(&s.Facts)
	l := c.row(cursor, id, formatClock(s.ReceivedAt, now), safe(s.Method), safe(s.Path), from, signature, status, duration, FormatSize(s.Size), tries, verdict.text)
	c = c.without(from)
	i := 0
	style := func(w int, st ansi.Style) {
		if w > 0 {
			i++
			l[i].st = st
		}
	}
	l[0].st = t.accent
	style(c.id, t.dim)
	style(c.time, t.dim)
	style(c.method, t.text)
	style(c.path, t.text)
	style(c.sender, senderStyle(s, t))
	style(c.mark, t.tone(holds))
	style(c.status, t.tone(tone))
	style(c.duration, t.text)
	style(c.size, t.dim)
	style(c.tries, t.dim)
	if s.Attempts > 1 && c.tries > 0 {
		l[i].st = t.accent
	}
	style(c.verdict, join(t.tone(verdict.tone), t.bold))
	if s.Pinned {
		if cursor == " " {
			l[0] = span{"◆", t.accent}
		} else {
			l[0].text = "◆"
		}
	}
	return l
}

// senderStyle tells handshakes and guesses from events.
func senderStyle(s *inspect.Summary, t *theme) ansi.Style {
	switch {
	case s.Handshake != "":
		return t.info
	case s.Certainty == provider.Guess:
		return t.dim
	}
	return t.text
}

// formatClock returns when something was: the time if it was today, else the
// day, or the month of another year.
func formatClock(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	switch {
	case at.Year() != now.Year():
		return at.Format("Jan 2006")
	case at.YearDay() != now.YearDay():
		return at.Format("2 Jan")
	}
	return at.Format("15:04:05")
}

// outcome is the state of a delivery in at most seven letters.
func outcome(s *inspect.Summary) (string, tone) {
	switch {
	case s.Waiting:
		return "held", toneInfo
	case s.Last != nil:
		word, tone := attemptOutcome(s.Last)
		if tone == toneOK && s.Last.Trigger == inspect.Initial && lostWords(s.Reason) != "" {
			return "lost", toneWarn // on the way to the provider
		}
		return word, tone
	case answered(s):
		return "replied", toneOK
	case s.Disposition == inspect.Held:
		return "held", toneDim
	case s.Disposition == inspect.Refused:
		return "refused", toneWarn
	}
	return "pending", toneInfo
}

func attemptOutcome(a *inspect.AttemptSummary) (string, tone) {
	switch {
	case a.State == inspect.Pending && a.Status != 0:
		return strconv.Itoa(a.Status) + " …", toneInfo
	case a.State == inspect.Pending:
		return "pending", toneInfo
	case a.Error != "" || a.State != inspect.Answered:
		return "error", toneBad
	}
	n := statusTone(a.Status)
	if o := a.Outlook; o != nil && n == toneOK && o.Verdict != provider.NotKnown { // the provider may count a 2xx as failed
		n = outlookTone(o.Verdict)
	}
	return strconv.Itoa(a.Status), n
}
