package tui

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

const (
	pageRows   = 500  // how many rows one read brings
	windowRows = 3000 // how many rows the list holds at most
	nearEdge   = 100  // how close to the window's end the cursor gets before more is read
)

// A list is a window on the deliveries that match, oldest first, with a cursor
// in it. It holds at most windowRows rows and a page; what lies beyond is read
// when the cursor comes near.
type list struct {
	rows     []inspect.Summary // by ID, ascending, each once
	cursor   int               // index in rows
	top      int               // index of the first row on screen
	height   int               // rows on screen
	follow   bool              // the cursor stays on the newest
	atOldest bool              // there is nothing before rows
	atNewest bool              // there is nothing after rows
}

func (l *list) selected() *inspect.Summary {
	if l.cursor < 0 || l.cursor >= len(l.rows) {
		return nil
	}
	return &l.rows[l.cursor]
}

func (l *list) first() int64 {
	if len(l.rows) == 0 {
		return 0
	}
	return l.rows[0].ID
}

func (l *list) last() int64 {
	if len(l.rows) == 0 {
		return 0
	}
	return l.rows[len(l.rows)-1].ID
}

func (l *list) find(id int64) (int, bool) {
	return slices.BinarySearchFunc(l.rows, id, func(s inspect.Summary, id int64) int {
		switch {
		case s.ID < id:
			return -1
		case s.ID > id:
			return 1
		}
		return 0
	})
}

// replace takes rows, in any order, as the whole window. The cursor stays on
// its delivery, or on the one that took its place.
func (l *list) replace(rows []inspect.Summary, atOldest, atNewest bool) {
	var id int64
	if s := l.selected(); s != nil {
		id = s.ID
	}
	offset := l.cursor - l.top
	sort.Slice(rows, func(i, j int) bool { return rows[i].ID < rows[j].ID })
	l.rows, l.atOldest, l.atNewest = rows, atOldest, atNewest
	l.cursor, _ = l.find(id)
	l.top = l.cursor - offset
	l.settle()
}

// apply takes over what changed. A delivery that is new is added only where
// the window reaches to the newest.
func (l *list) apply(c inspect.Changes, add bool) {
	for _, s := range c.Deliveries {
		i, ok := l.find(s.ID)
		switch {
		case ok:
			l.rows[i] = s
		case add && l.atNewest && s.ID > l.last():
			l.rows = append(l.rows, s)
		}
	}
	for _, id := range c.Removed {
		if i, ok := l.find(id); ok {
			l.rows = slices.Delete(l.rows, i, i+1)
			if l.cursor > i {
				l.cursor--
				l.top--
			}
		}
	}
	l.trim()
	l.settle()
}

// older puts a page before the window; newer puts one behind it.
func (l *list) older(rows []inspect.Summary, done bool) {
	rows = slices.DeleteFunc(rows, func(s inspect.Summary) bool { return s.ID >= l.first() })
	sort.Slice(rows, func(i, j int) bool { return rows[i].ID < rows[j].ID })
	l.rows = slices.Concat(rows, l.rows)
	l.cursor += len(rows)
	l.top += len(rows)
	l.atOldest = done
	l.trim()
	l.settle()
}

func (l *list) newer(rows []inspect.Summary, done bool) {
	rows = slices.DeleteFunc(rows, func(s inspect.Summary) bool { return s.ID <= l.last() })
	sort.Slice(rows, func(i, j int) bool { return rows[i].ID < rows[j].ID })
	l.rows = append(l.rows, rows...)
	l.atNewest = done
	l.trim()
	l.settle()
}

// trim drops rows beyond the limit from the end that is farther from the cursor.
func (l *list) trim() {
	extra := len(l.rows) - windowRows
	if extra <= 0 {
		return
	}
	if l.follow || l.cursor >= len(l.rows)/2 {
		l.rows = slices.Clone(l.rows[extra:])
		l.cursor -= extra
		l.top -= extra
		l.atOldest = false
		return
	}
	clear(l.rows[windowRows:])
	l.rows = l.rows[:windowRows]
	l.atNewest = false
}

// move moves the cursor by n rows. It ends following when it leaves the newest
// row and resumes it there.
func (l *list) move(n int) {
	l.cursor += n
	l.follow = l.atNewest && l.cursor >= len(l.rows)-1 && n > 0
	l.settle()
}

// newest moves to the last row and follows.
func (l *list) newest() {
	l.follow = true
	l.settle()
}

// oldest moves to the first row there is in the window.
func (l *list) oldest() {
	l.follow, l.cursor = false, 0
	l.settle()
}

func (l *list) resize(height int) {
	l.height = max(height, 0)
	l.settle()
}

// settle puts the cursor inside the rows and on the screen.
func (l *list) settle() {
	if l.follow {
		l.cursor = len(l.rows) - 1
	}
	l.cursor = max(0, min(l.cursor, len(l.rows)-1))
	if l.cursor >= l.top+l.height {
		l.top = l.cursor - l.height + 1
	}
	if l.cursor < l.top {
		l.top = l.cursor
	}
	l.top = max(0, min(l.top, len(l.rows)-l.height))
}

// columns are the widths of a list's columns; 0 leaves one out.
type columns struct{ id, time, method, path, status, duration, size, tries, gap int }

func layoutColumns(width int) columns {
	c := columns{time: 8, method: 6, status: 7, duration: 7, size: 8, tries: 3, gap: 1}
	if width >= 84 {
		c.gap = 2
	}
	if width >= 74 {
		c.id = 7
	}
	if width < 50 {
		c.size = 0
	}
	if width < 42 {
		c.tries, c.time = 0, 0
	}
	used := 2 // the marker before, a space behind
	for _, w := range []int{c.id, c.time, c.method, c.status, c.duration, c.size, c.tries} {
		if w > 0 {
			used += w + c.gap
		}
	}
	c.path = max(width-used, 1)
	return c
}

// Render draws the column titles and the rows in exactly height lines.
func (l *list) Render(width, height int, t *theme, now time.Time, focused bool) []string {
	if width <= 0 || height <= 0 {
		return nil
	}
	c := layoutColumns(width)
	lines := make([]string, 0, height)
	lines = append(lines, c.row(" ", "id", "time", "method", "path", "status", "took", "size", "try").render(width, t.dim))
	for i := l.top; i < len(l.rows) && len(lines) < height; i++ {
		base, mark := ansi.Style(nil), " "
		if i == l.cursor {
			base, mark = t.selDim, "▌"
			if focused {
				base = t.sel
			}
		}
		lines = append(lines, c.summary(&l.rows[i], mark, t, now).render(width, base))
	}
	for len(lines) < height {
		lines = append(lines, spaces(width))
	}
	return lines
}

// row lays out cells that are plain text.
func (c columns) row(mark, id, at, method, path, status, duration, size, tries string) line {
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
	add(c.status, fit(status, c.status))
	add(c.duration, fitRight(duration, c.duration))
	add(c.size, fitRight(size, c.size))
	add(c.tries, fitRight(tries, c.tries))
	last := &l[len(l)-1]
	last.text = strings.TrimSuffix(last.text, spaces(c.gap))
	return l
}

func (c columns) summary(s *inspect.Summary, mark string, t *theme, now time.Time) line {
	id := "#" + strconv.FormatInt(s.ID, 10)
	duration, tries := "", ""
	if s.Last != nil && s.Last.State != inspect.Pending {
		duration = formatDuration(s.Last.Duration)
	}
	if s.Attempts > 0 {
		tries = strconv.Itoa(s.Attempts)
	}
	status, tone := outcome(s)
	l := c.row(mark, id, formatClock(s.ReceivedAt, now), safe(s.Method), safe(s.Path), status, duration, formatSize(s.Size), tries)
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
	style(c.status, t.tone(tone))
	style(c.duration, t.text)
	style(c.size, t.dim)
	style(c.tries, t.dim)
	if s.Attempts > 1 && c.tries > 0 {
		l[i].st = t.accent
	}
	if s.Pinned {
		if mark == " " {
			l[0] = span{"◆", t.accent}
		} else {
			l[0].text = "◆"
		}
	}
	return l
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
	case s.Last != nil:
		return attemptOutcome(s.Last)
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
	return strconv.Itoa(a.Status), statusTone(a.Status)
}
