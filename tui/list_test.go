package tui

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
)

func summaries(from, to int64) []inspect.Summary {
	var rows []inspect.Summary
	for id := to; id >= from; id-- {
		rows = append(rows, inspect.Summary{ID: id, Method: "POST", Path: fmt.Sprintf("/%d", id), ReceivedAt: noon})
	}
	return rows
}

func TestListFollows(t *testing.T) {
	l := list{follow: true}
	l.resize(10)
	check := func(step string, id int64, follow bool) {
		t.Helper()
		s := l.selected()
		if s == nil || s.ID != id || l.follow != follow {
			t.Fatalf("%s: got %v, following %v; want #%d, %v", step, s, l.follow, id, follow)
		}
		if l.cursor < l.top || l.cursor >= l.top+l.height {
			t.Fatalf("%s: the cursor %d is off the screen, which is at %d", step, l.cursor, l.top)
		}
	}
	l.replace(summaries(1, 30), true, true)
	check("begin", 30, true)
	l.apply(inspect.Changes{Deliveries: summaries(31, 31)}, true)
	check("one more", 31, true)
	l.move(-1)
	check("up", 30, false)
	top := l.top
	l.apply(inspect.Changes{Deliveries: summaries(32, 32)}, true)
	check("one more while away", 30, false)
	if l.top != top {
		t.Errorf("the screen moved from %d to %d while the user was away", top, l.top)
	}
	l.move(1)
	check("down, not at the end", 31, false)
	l.move(1)
	check("down to the end", 32, true)
	l.move(-40)
	check("far up", 1, false)
	l.apply(inspect.Changes{Removed: []int64{1, 2, 32}}, true)
	check("removed", 3, false)
	l.newest()
	check("G", 31, true)
	changed := summaries(31, 31)
	changed[0].Pinned = true
	l.apply(inspect.Changes{Deliveries: changed}, true)
	if check("changed", 31, true); !l.selected().Pinned {
		t.Error("the change is not in the list")
	}
}

func TestListIsBounded(t *testing.T) {
	l := list{follow: true}
	l.resize(20)
	l.replace(summaries(1, pageRows), true, true)
	for id := int64(pageRows + 1); id < 3*windowRows; id += 100 {
		rows := summaries(id, id+99)
		slices.Reverse(rows)
		l.apply(inspect.Changes{Deliveries: rows}, true)
	}
	if len(l.rows) > windowRows || l.atOldest || !l.atNewest || l.selected().ID != l.last() {
		t.Errorf("got %d rows, at oldest %v, newest %v; want at most %d, at the newest", len(l.rows), l.atOldest, l.atNewest, windowRows)
	}
	l.oldest()
	first := l.first()
	l.older(summaries(first-pageRows, first-1), false)
	if len(l.rows) > windowRows || l.atNewest || l.selected().ID != first {
		t.Errorf("got %d rows, at newest %v, cursor on %v; want at most %d and the cursor where it was", len(l.rows), l.atNewest, l.selected(), windowRows)
	}
}

// fillStore adds n deliveries.
func fillStore(tb testing.TB, s *inspect.Store, n int) {
	tb.Helper()
	const writers = 64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				d := &inspect.Delivery{ReceivedAt: time.Now().UTC(), Method: "POST", Target: "/hooks/stripe", Proto: "HTTP/1.1", Disposition: inspect.Held, Body: []byte("{}"), Size: 2}
				if err := s.Add(context.Background(), d, nil); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// run runs cmd and what follows from it, except waiting and asking the terminal.
func (m *model) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			m.run(c)
		}
	case listedMsg, pageMsg, detailMsg, docMsg, foundMsg:
		_, next := m.Update(msg)
		m.run(next)
	}
}

// TestListPagesThroughTheStore walks from the newest to the oldest and back.
func TestListPagesThroughTheStore(t *testing.T) {
	const n = windowRows + 3*pageRows
	m := newModelOn(t, openStore(t), 100, 30)
	fillStore(t, m.cfg.Store, n)
	if _, err := m.cfg.Store.Remove(context.Background(), 100, 101, 2000); err != nil { // gaps
		t.Fatal(err)
	}
	m.run(m.relist(false))
	press := func(key string) int64 {
		_, cmd := m.Update(keyMsg(key))
		m.run(cmd)
		if len(m.list.rows) > windowRows {
			t.Fatalf("the window has %d rows, want at most %d", len(m.list.rows), windowRows)
		}
		return m.list.selected().ID
	}
	last := m.list.selected().ID
	if last != n {
		t.Fatalf("the newest is #%d, want #%d", last, n)
	}
	steps := 0
	for ; steps < n && last > 1; steps++ {
		id := press("k")
		if id >= last || id < last-3 {
			t.Fatalf("k went from #%d to #%d", last, id)
		}
		last = id
	}
	if want := n - 4; steps != want {
		t.Errorf("it took %d steps up, want %d", steps, want)
	}
	for steps = 0; steps < n && last < n; steps++ {
		id := press("j")
		if id <= last || id > last+3 {
			t.Fatalf("j went from #%d to #%d", last, id)
		}
		last = id
	}
	if want := n - 4; steps != want || !m.list.follow {
		t.Errorf("it took %d steps down and follows %v, want %d and true", steps, m.list.follow, want)
	}
	if id := press("g"); id != 1 || m.list.follow {
		t.Errorf("g went to #%d, following %v", id, m.list.follow)
	}
	if id := press("G"); id != n || !m.list.follow {
		t.Errorf("G went to #%d, following %v", id, m.list.follow)
	}
}

func TestColumnsFillTheWidth(t *testing.T) {
	for w := 10; w < 250; w++ {
		l := layoutColumns(w, w%2 == 0).row("▌", "#1", "12:00:00", "POST", "/", "", " ", "200", "1 ms", "1 B", "1", "P")
		if got := l.width(); w >= 42 && got != w-1 {
			t.Errorf("width %d: the columns take %d, want one less", w, got)
		}
	}
}
