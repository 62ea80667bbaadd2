package tui

import (
	"context"
	"reflect"
	"time"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tunnel"
)

const (
	frame       = 33 * time.Millisecond // changes are drawn this often at most
	tick        = time.Second           // and the clock, the tunnel and the handler's health this often at least
	readsPerRun = 4                     // how many pages of changes one sync reads
)

// A source makes the commands that read. It holds nothing of the model: what a
// command needs is given to it, what it found comes back in a message.
type source struct {
	ctx    context.Context // ends with the program
	cfg    *Config
	signal <-chan struct{} // of Store.Watch
	sims   *tracker        // of sync, of which one runs at a time
}

type wakeMsg struct{}

// wait ends when the store has changed, or after a tick, but not before pause
// has passed.
func (s source) wait(pause time.Duration) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-s.ctx.Done():
			return nil
		case <-time.After(pause):
		}
		select {
		case <-s.ctx.Done():
			return nil
		case <-s.signal:
		case <-time.After(tick):
		}
		return wakeMsg{}
	}
}

// vitals are what the header shows.
type vitals struct {
	now      time.Time
	tunnel   tunnel.Status
	health   replay.Health
	losing   int // answers to providers
	notice   string
	counters inspect.Counters
}

func (s source) vitals() (v vitals, err error) {
	v.now = time.Now()
	if s.cfg.Tunnel != nil {
		v.tunnel = s.cfg.Tunnel()
	}
	if s.cfg.Health != nil {
		v.health = s.cfg.Health()
	}
	if s.cfg.Receiver != nil {
		v.losing = s.cfg.Receiver.LosingAcks()
	}
	v.notice = s.cfg.Notice
	if s.cfg.LiveNotice != nil {
		v.notice = s.cfg.LiveNotice()
	}
	v.counters, err = s.cfg.Store.Counters(s.ctx)
	return v, err
}

// A position is how far a list has read.
type position struct {
	gen   int    // which list: answers about another are dropped
	query string // in the search language
	rev   int64
	rows  int // how many rows to read again
	tail  bool
}

// syncedMsg is what changed after a position.
type syncedMsg struct {
	at      position // rev is the new one
	vitals  vitals
	changes []inspect.Changes
	rows    []inspect.Summary // the whole window again, where replace is set
	replace bool
	done    bool                 // rows are all there are
	more    bool                 // there is more to read
	sims    []inspect.Simulation // that began or ended
	took    time.Duration
	err     error
}

func (s source) sync(at position) tea.Cmd {
	return func() tea.Msg {
		start := time.Now()
		m := syncedMsg{at: at}
		m.vitals, m.err = s.vitals()
		if m.err == nil {
			m.err = s.changes(&m)
		}
		if m.err == nil {
			m.err = s.simulations(&m)
		}
		m.took = time.Since(start)
		return m
	}
}

// simulations reads what began or ended, where something changed.
func (s source) simulations(m *syncedMsg) (err error) {
	switch {
	case m.replace:
		m.sims, err = s.sims.look(s.ctx, s.cfg.Store, nil)
	case len(m.changes) > 0 || s.sims.running == nil:
		m.sims, err = s.sims.look(s.ctx, s.cfg.Store, touches(m.changes...))
	}
	return err
}

// changes reads what changed. With a query, what matches is asked of the store
// again, since a change may make a delivery match or no longer match.
func (s source) changes(m *syncedMsg) error {
	for range readsPerRun {
		c, err := s.cfg.Store.Since(s.ctx, m.at.rev)
		if err != nil {
			return err
		}
		if c.Reset {
			m.changes = nil
			return s.again(m)
		}
		m.at.rev, m.more = c.Rev, c.More
		if len(c.Deliveries)+len(c.Removed) > 0 {
			m.changes = append(m.changes, c)
		}
		if !c.More {
			break
		}
	}
	if m.at.query != "" && m.at.tail && len(m.changes) > 0 {
		return s.again(m)
	}
	return nil
}

// again reads the newest rows anew.
func (s source) again(m *syncedMsg) (err error) {
	if m.at.rev, err = s.cfg.Store.Rev(s.ctx); err != nil {
		return err
	}
	limit := max(m.at.rows, pageRows)
	m.rows, err = s.cfg.Store.List(s.ctx, inspect.ListOptions{Query: m.at.query, Limit: limit})
	m.replace, m.done, m.more = true, len(m.rows) < limit, false
	return err
}

// listedMsg is a new list: the first page for a query, from one end.
type listedMsg struct {
	at     position
	oldest bool // the page is the oldest
	rows   []inspect.Summary
	done   bool // rows are all there are
	err    error
}

func (s source) list(at position, oldest bool) tea.Cmd {
	return func() tea.Msg {
		m := listedMsg{at: at, oldest: oldest}
		if m.at.rev, m.err = s.cfg.Store.Rev(s.ctx); m.err != nil {
			return m
		}
		m.rows, m.err = s.cfg.Store.List(s.ctx, inspect.ListOptions{Query: at.query, Limit: pageRows, Oldest: oldest})
		m.done = len(m.rows) < pageRows
		return m
	}
}

// pageMsg is a page before or after the window.
type pageMsg struct {
	gen   int
	older bool
	rows  []inspect.Summary
	done  bool
	err   error
}

func (s source) older(at position, before int64) tea.Cmd {
	return func() tea.Msg {
		rows, err := s.cfg.Store.List(s.ctx, inspect.ListOptions{Query: at.query, Before: before, Limit: pageRows})
		return pageMsg{gen: at.gen, older: true, rows: rows, done: len(rows) < pageRows, err: err}
	}
}

// newer reads the page after an ID. The store lists downwards from an ID, so
// it looks in spans above last that grow until one holds something.
func (s source) newer(at position, last int64) tea.Cmd {
	return func() tea.Msg {
		m := pageMsg{gen: at.gen}
		newest, err := s.cfg.Store.List(s.ctx, inspect.ListOptions{Query: at.query, Limit: 1})
		if err != nil || len(newest) == 0 || newest[0].ID <= last {
			m.done, m.err = err == nil, err
			return m
		}
		for span := int64(pageRows); len(m.rows) == 0 && m.err == nil; span *= 2 {
			end := min(last+span, newest[0].ID)
			m.rows, m.err = s.cfg.Store.List(s.ctx, inspect.ListOptions{Query: at.query, Before: end + 1, Limit: int(end - last)})
			for len(m.rows) > 0 && m.rows[len(m.rows)-1].ID <= last {
				m.rows = m.rows[:len(m.rows)-1]
			}
			m.done = end == newest[0].ID
			if m.done {
				break
			}
		}
		if extra := len(m.rows) - pageRows; extra > 0 { // newest first: the far ones come later
			m.rows, m.done = m.rows[extra:], false
		}
		return m
	}
}

// detailMsg is one delivery with its attempts.
type detailMsg struct {
	id       int64
	chosen   int
	tab      tab
	d        *inspect.Delivery
	attempts []inspect.Attempt
	sims     []inspect.Simulation
	doc      *doc // of tab; nil for Attempts
	err      error
}

// A wish is what of a delivery is to be read.
type wish struct {
	id     int64
	chosen int   // number of the attempt; 0 = the latest
	sim    int64 // ID of the simulation; 0 = the latest
	tab    tab   // whose doc to build
	now    time.Time
	check  *check

	have *inspect.Delivery // it, where it is known; nil = it is read too
	old  *doc              // the tab's doc of have
}

// detail reads a delivery with its attempts and simulations. What a new
// attempt leaves as it is, the doc of the Request tab, stays. Bodies are kept
// of the chosen attempt alone.
func (s source) detail(w wish, t *theme) tea.Cmd {
	return func() tea.Msg {
		id, chosen, n, have, c, old := w.id, w.chosen, w.tab, w.have, w.check, w.old
		m := detailMsg{id: id, chosen: chosen, tab: n, d: have}
		if m.d == nil {
			if m.d, m.err = s.cfg.Store.Delivery(s.ctx, id); m.err != nil {
				return m
			}
		}
		if m.attempts, m.err = s.cfg.Store.Attempts(s.ctx, id); m.err != nil {
			return m
		}
		if m.sims, m.err = s.cfg.Store.Simulations(s.ctx, id, maxSimulations); m.err != nil {
			return m
		}
		keep := chosenAttempt(m.attempts, chosen)
		for i := range m.attempts {
			if a := &m.attempts[i]; a != keep {
				dropBodies(a)
			}
		}
		switch {
		case n == tabRequest && have != nil && old != nil && old.t == t && old.check == c && sameFacts(old.d, have):
			m.doc = old
		case n != tabAttempts:
			m.doc = buildDoc(n, subject{s.cfg, m.d, m.attempts, chosen, m.sims, w.sim, w.now, c}, t)
		}
		return m
	}
}

// sameFacts reports whether a and b are told of alike.
func sameFacts(a, b *inspect.Delivery) bool { return reflect.DeepEqual(a.Facts, b.Facts) }

func dropBodies(a *inspect.Attempt) {
	if a.Response != nil {
		a.Response.Body = nil
	}
	if a.Sent != nil {
		a.Sent.Body = nil
	}
}

// docMsg is the doc of a tab that was not built with the delivery.
type docMsg struct {
	d   *inspect.Delivery // of which it is
	tab tab
	doc *doc
}

func (s source) doc(n tab, of subject, t *theme) tea.Cmd {
	return func() tea.Msg {
		return docMsg{d: of.d, tab: n, doc: buildDoc(n, of, t)}
	}
}

// foundMsg is where a term is in a doc.
type foundMsg struct {
	doc  *doc
	term string
	hits []int
}

func (s source) find(ctx context.Context, d *doc, term string) tea.Cmd {
	return func() tea.Msg {
		hits := d.find(ctx, term)
		if ctx.Err() != nil {
			return nil
		}
		return foundMsg{doc: d, term: term, hits: hits}
	}
}
