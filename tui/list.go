package tui

import (
	"slices"
	"sort"

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
	marks    map[int64]badge   // what simulations came to, by delivery
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
		delete(l.marks, id)
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
