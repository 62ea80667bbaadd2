package tui

// A pager shows a doc from a position on. A position is a line and a row
// within it, as a long line takes several rows, so whatever the doc's size
// only the lines near the screen are made and wrapped.
type pager struct {
	doc           *doc
	line, row     int
	last          [2]int // the position at which the last row is at the screen's bottom
	width, height int

	term string // what was searched for; "" = nothing
	hits []int  // lines that hold it
	hit  int    // index in hits of the one that was jumped to
}

// show takes another doc. Where keep is set it stays at its position, and at
// what was found if that can still be there.
func (p *pager) show(d *doc, keep bool) {
	if p.doc == d {
		return
	}
	if !keep {
		p.line, p.row, p.term = 0, 0, ""
	}
	if !keep || p.doc == nil || p.doc.n != d.n {
		p.hits, p.hit = nil, 0
	}
	p.doc = d
	p.measure()
}

func (p *pager) resize(width, height int) {
	width, height = max(width, 0), max(height, 0)
	if p.width == width && p.height == height {
		return
	}
	if p.width != width {
		p.row = 0
	}
	p.width, p.height = width, height
	p.measure()
}

// measure finds the end anew, after the doc or the size has changed.
func (p *pager) measure() {
	p.last = [2]int{}
	if p.doc != nil && p.doc.n > 0 && p.width > 0 {
		n := p.doc.n - 1
		p.last[0], p.last[1] = p.walk(n, len(p.rows(n))-1, 1-p.height)
	}
	p.settle()
}

func (p *pager) rows(i int) []line { return wrap(p.doc.line(i), p.width) }

// scroll moves by n rows.
func (p *pager) scroll(n int) {
	if p.doc == nil || p.width <= 0 {
		return
	}
	p.line, p.row = p.walk(p.line, p.row, n)
	p.settle()
}

// walk returns the position n rows from another, inside the doc.
func (p *pager) walk(line, row, n int) (int, int) {
	for ; n < 0; n++ {
		if row > 0 {
			row--
			continue
		}
		if line == 0 {
			return 0, 0
		}
		line--
		row = len(p.rows(line)) - 1
	}
	for n > 0 {
		here := len(p.rows(line)) - 1 - row
		if n <= here {
			return line, row + n
		}
		if line >= p.doc.n-1 {
			return line, row + here
		}
		n -= here + 1
		line, row = line+1, 0
	}
	return line, row
}

func (p *pager) top() { p.line, p.row = 0, 0 }

func (p *pager) bottom() {
	if p.doc != nil {
		p.line, p.row = p.last[0], p.last[1]
	}
}

// settle puts the position inside the doc.
func (p *pager) settle() {
	if p.doc == nil || p.width <= 0 || p.height <= 0 {
		return
	}
	if line, row := p.last[0], p.last[1]; p.line > line || p.line == line && p.row > row {
		p.line, p.row = line, row
	}
}

// fits reports whether the whole doc is on the screen.
func (p *pager) fits() bool {
	return p.last == [2]int{}
}

// percent is how far down the screen is.
func (p *pager) percent() int {
	line := p.last[0]
	if line == 0 || p.line >= line {
		return 100
	}
	return p.line * 100 / line
}

// found takes the result of a search and goes to the first hit from here on.
func (p *pager) found(term string, hits []int) {
	p.term, p.hits, p.hit = term, hits, 0
	for p.hit < len(hits)-1 && hits[p.hit] < p.line {
		p.hit++
	}
	p.jump(0)
}

// jump goes n hits on, around the ends.
func (p *pager) jump(n int) {
	if len(p.hits) == 0 {
		return
	}
	p.hit = ((p.hit+n)%len(p.hits) + len(p.hits)) % len(p.hits)
	p.line, p.row = p.walk(p.hits[p.hit], 0, -p.height/3)
	p.settle()
}

// Render draws exactly p.height lines of p.width cells.
func (p *pager) Render(t *theme) []string {
	out := make([]string, 0, p.height)
	if p.doc != nil && p.width > 0 {
		skip := p.row
		for i := p.line; i < p.doc.n && len(out) < p.height; i++ {
			rows := p.rows(i)
			for _, l := range rows[min(skip, len(rows)-1):] {
				if len(out) < p.height { // marked after it is wrapped, so that a search moves nothing
					out = append(out, mark(l, p.term, t.match).render(p.width, nil))
				}
			}
			skip = 0
		}
	}
	for len(out) < p.height {
		out = append(out, spaces(p.width))
	}
	return out
}
