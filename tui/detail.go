package tui

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"hookloop/inspect"
)

// A tab is one of the views of a delivery.
type tab int

const (
	tabRequest tab = iota
	tabResponse
	tabAttempts
	tabSimulations
	tabSignature
	tabRaw
	tabCount
)

var tabNames = [tabCount]string{"Request", "Response", "Attempts", "Simulations", "Signature", "Raw"}

// A detail shows one delivery. Its docs are built by commands; until then the
// previous ones stay.
type detail struct {
	want int64 // the delivery to show; 0 for none
	tab  tab

	d        *inspect.Delivery    // the delivery shown; nil before the first is loaded
	attempts []inspect.Attempt    // by number; only the chosen one has its bodies
	chosen   int                  // number of the attempt to show; 0 = the latest
	sims     []inspect.Simulation // the latest first
	sim      int64                // ID of the simulation to show; 0 = the latest
	err      string               // why want cannot be shown

	check    *check            // whether the signature of d holds as of now; nil before that was looked at
	due      bool              // it is to be looked at
	checking int               // number of the look that is under way; 0 = none is
	looks    int               // how many there were
	stop     func()            // ends the latest; nil before the first
	limit    time.Duration     // how long the provider of limitOf waits
	limitOf  *inspect.Delivery // nil = limit is not known yet
	prospect []line            // what there is to say below the title

	pagers [tabCount]pager
	built  [tabCount]bool // the pager's doc is of d, attempts, chosen and check
	pick   int            // index of the cursor in the Attempts tab
	pickTo int            // first row on screen in the Attempts tab

	width, height int
}

// shown reports whether the delivery to show is the one that is shown.
func (v *detail) shown() bool { return v.d != nil && v.d.ID == v.want }

// aim makes s the delivery to show; nil shows none.
func (v *detail) aim(s *inspect.Summary) {
	switch {
	case s == nil:
		v.clear()
	case v.want != s.ID:
		v.want, v.chosen, v.sim, v.err = s.ID, 0, 0, ""
		v.check, v.due = nil, true
	}
}

// attempt returns the attempt whose response is shown; nil when there is none.
func (v *detail) attempt() *inspect.Attempt { return chosenAttempt(v.attempts, v.chosen) }

func chosenAttempt(attempts []inspect.Attempt, number int) *inspect.Attempt {
	for i := range attempts {
		if attempts[i].Number == number {
			return &attempts[i]
		}
	}
	if len(attempts) == 0 {
		return nil
	}
	return &attempts[len(attempts)-1]
}

// load takes what a command has read. Docs of the same delivery keep their position.
func (v *detail) load(d *inspect.Delivery, attempts []inspect.Attempt, sims []inspect.Simulation) {
	same := v.d != nil && v.d.ID == d.ID
	v.d, v.attempts, v.sims, v.err = d, attempts, sims, ""
	v.built = [tabCount]bool{}
	if !same {
		for i := range v.pagers {
			v.pagers[i].show(nil, false)
		}
	}
	v.pick = max(0, len(attempts)-1)
	if a := v.attempt(); a != nil && v.chosen != 0 {
		v.pick = slices.IndexFunc(attempts, func(b inspect.Attempt) bool { return b.Number == a.Number })
	}
	v.settle()
}

// show takes the doc of a tab, unless what it was made from is out of date.
func (v *detail) show(t tab, d *doc) {
	if d.check != v.check {
		return
	}
	p := &v.pagers[t]
	p.show(d, p.doc != nil)
	v.built[t] = true
}

// fail says why the delivery cannot be shown.
func (v *detail) fail(err string) {
	v.d, v.attempts, v.sims, v.err = nil, nil, nil, err
	v.built = [tabCount]bool{}
}

func (v *detail) clear() {
	*v = detail{width: v.width, height: v.height, tab: v.tab, looks: v.looks, stop: v.stop}
}

// pager returns the pager of the active tab; nil for Attempts, which has none.
func (v *detail) pager() *pager {
	if v.tab == tabAttempts {
		return nil
	}
	return &v.pagers[v.tab]
}

// headRows is how many lines there are above the tab: the title, what there is
// to say below it, the tabs, a rule.
func (v *detail) headRows() int { return 3 + len(v.prospect) }

func (v *detail) resize(width, height int) {
	v.width, v.height = max(width, 0), max(height, 0)
	for i := range v.pagers {
		v.pagers[i].resize(v.width-2, v.height-v.headRows())
	}
	v.settle()
}

// scroll moves the view, or the cursor in the Attempts tab.
func (v *detail) scroll(n int) {
	if p := v.pager(); p != nil {
		p.scroll(n)
		return
	}
	v.pick += n
	v.settle()
}

func (v *detail) top() {
	if p := v.pager(); p != nil {
		p.top()
		return
	}
	v.pick = 0
	v.settle()
}

func (v *detail) bottom() {
	if p := v.pager(); p != nil {
		p.bottom()
		return
	}
	v.pick = len(v.attempts) - 1
	v.settle()
}

func (v *detail) settle() {
	v.pick = max(0, min(v.pick, len(v.attempts)-1))
	rows := v.pickRows()
	v.pickTo = max(min(v.pickTo, v.pick), v.pick-rows+1)
	v.pickTo = max(0, min(v.pickTo, len(v.attempts)-rows))
}

// pickRows is how many attempts the Attempts tab shows above what it says of one.
func (v *detail) pickRows() int {
	body := v.height - v.headRows() - 1
	return max(1, min(len(v.attempts), max(body-8, body/2)))
}

// Render draws exactly v.height lines of v.width cells.
func (v *detail) Render(t *theme, focused bool) []string {
	if v.width <= 0 || v.height <= 0 {
		return nil
	}
	lines := v.head(t, focused)
	body := v.height - len(lines)
	switch {
	case body <= 0:
		return lines[:v.height]
	case !v.shown():
		text := "loading…"
		if v.err != "" {
			text = v.err
		}
		if v.want == 0 {
			text = ""
		}
		for _, l := range wrap(line{{" " + text, t.dim}}, v.width-1) {
			lines = append(lines, l.render(v.width, nil))
		}
	case v.tab == tabAttempts:
		lines = append(lines, v.renderAttempts(t, focused)...)
	default:
		for _, s := range v.pagers[v.tab].Render(t) {
			lines = append(lines, " "+s+spaces(v.width-1-v.pagers[v.tab].width))
		}
	}
	for len(lines) < v.height {
		lines = append(lines, spaces(v.width))
	}
	return lines[:v.height]
}

// head draws what is above the tab, see headRows.
func (v *detail) head(t *theme, focused bool) []string {
	title := line{{" ", nil}}
	right := line{}
	if v.shown() {
		title = append(title, span{"#" + strconv.FormatInt(v.d.ID, 10) + " ", t.dim},
			span{safe(v.d.Method) + " ", t.bold}, span{safe(v.d.Target), t.bold})
		if a := v.attempt(); a != nil {
			text, tone := attemptOutcome(a.Summary())
			right = line{{text + " ", t.tone(tone)}}
		}
		if v.d.Pinned {
			right = append(line{{"◆ pinned  ", t.accent}}, right...)
		}
		if room := v.width - right.width() - 1; title.width() > room {
			title[3].text = fit(title[3].text, room-line(title[:3]).width())
		}
	} else if v.want != 0 {
		title = append(title, span{"#" + strconv.FormatInt(v.want, 10), t.dim})
	}
	var tabs, rule line
	for i, name := range v.tabTitles() {
		st, under := t.dim, t.faint
		if tab(i) == v.tab {
			st, under = t.bold, t.dim
			if focused {
				st, under = t.title, t.accent
			}
		}
		tabs = append(tabs, span{" " + name + " ", st})
		mark := "─"
		if tab(i) == v.tab {
			mark = "━"
		}
		rule = append(rule, span{repeat(mark, cells(name)+2), under})
	}
	rule = append(rule, span{repeat("─", v.width-rule.width()), t.faint})
	lines := []string{between(title, right, v.width).render(v.width, nil)}
	for _, l := range v.prospect {
		lines = append(lines, l.render(v.width, nil))
	}
	return append(lines,
		between(tabs, v.position(t), v.width).render(v.width, nil),
		rule.render(v.width, nil))
}

// tabTitles are the names of the tabs, as short as they have to be.
func (v *detail) tabTitles() [tabCount]string {
	names := tabNames
	if v.width < 72 {
		names[tabSimulations], names[tabSignature] = "Sims", "Sig"
	}
	if v.shown() {
		names[tabAttempts] += " " + strconv.Itoa(len(v.attempts))
		if len(v.sims) > 0 {
			names[tabSimulations] += " " + strconv.Itoa(len(v.sims))
		}
	}
	return names
}

// position says where in the doc the screen is, and where in the hits.
func (v *detail) position(t *theme) line {
	p := v.pager()
	if p == nil || !v.shown() || p.doc == nil {
		return nil
	}
	var l line
	if len(p.hits) > 0 {
		n := strconv.Itoa(len(p.hits))
		if len(p.hits) >= maxHits {
			n += "+"
		}
		l = append(l, span{fmt.Sprintf("%d of %s ", p.hit+1, n), t.accent})
	}
	if !p.fits() {
		l = append(l, span{fmt.Sprintf("%3d%% ", p.percent()), t.dim})
	}
	return l
}
