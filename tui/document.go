package tui

import (
	"bytes"
	"context"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

// A part of a doc is lines that are few and ready, or the lines of a body,
// which are made when they are drawn.
type part struct {
	fixed []line
	body  inspect.Lines
	kind  inspect.Kind
}

func (p *part) len() int {
	if p.fixed != nil {
		return len(p.fixed)
	}
	return p.body.Len()
}

// A doc is what a tab shows. It never changes, so commands may read it while
// it is drawn.
type doc struct {
	t     *theme
	d     *inspect.Delivery
	check *check // as of which signatures are told; nil = as d arrived
	parts []part
	n     int
}

func (d *doc) add(p part) {
	d.parts = append(d.parts, p)
	d.n += p.len()
}

func (d *doc) text(lines ...line) {
	if len(lines) > 0 {
		d.add(part{fixed: lines})
	}
}

// line returns line i.
func (d *doc) line(i int) line {
	for k := range d.parts {
		p := &d.parts[k]
		if i >= p.len() {
			i -= p.len()
			continue
		}
		if p.fixed != nil {
			return p.fixed[i]
		}
		text := p.body.Line(i)
		if p.body.Hex() {
			return highlightHex(text, d.t)
		}
		return highlight(p.kind, text, d.t)
	}
	return nil
}

// maxHits is where a search stops: nobody steps through more.
const maxHits = 10_000

// find returns the lines that hold term, without regard to ASCII case, in
// order. In a hex dump it looks at the bytes. It stops early when ctx ends.
func (d *doc) find(ctx context.Context, term string) []int {
	var hits []int
	folded := fold(term)
	base := 0
	for k := range d.parts {
		p := &d.parts[k]
		switch {
		case p.fixed != nil:
			for i, l := range p.fixed {
				if strings.Contains(fold(l.text()), folded) {
					hits = append(hits, base+i)
				}
			}
		case p.body.Hex():
			hits = findBytes(ctx, p.body.Bytes(), []byte(term), base, hits)
		default:
			for i, text := range p.body.All() {
				if strings.Contains(fold(text), folded) {
					hits = append(hits, base+i)
				}
				if len(hits) >= maxHits || i%1024 == 0 && ctx.Err() != nil {
					break
				}
			}
		}
		if len(hits) >= maxHits || ctx.Err() != nil {
			break
		}
		base += p.len()
	}
	return hits
}

const hexRow = 16 // bytes in a line of a hex dump

func findBytes(ctx context.Context, data, term []byte, base int, hits []int) []int {
	for at := 0; len(hits) < maxHits && ctx.Err() == nil; {
		i := bytes.Index(data[at:], term)
		if i < 0 {
			break
		}
		row := (at + i) / hexRow
		hits = append(hits, base+row)
		at = min((row+1)*hexRow, len(data))
	}
	return hits
}

// fold lowers ASCII letters and nothing else, so that offsets stay.
func fold(s string) string {
	upper := func(r byte) bool { return r >= 'A' && r <= 'Z' }
	for i := range len(s) {
		if !upper(s[i]) {
			continue
		}
		b := []byte(s)
		for ; i < len(b); i++ {
			if upper(b[i]) {
				b[i] += 'a' - 'A'
			}
		}
		return string(b)
	}
	return s
}

// mark paints term wherever it is in l.
func mark(l line, term string, st ansi.Style) line {
	if term == "" {
		return l
	}
	text, folded := fold(l.text()), fold(term)
	next := strings.Index(text, folded)
	if next < 0 {
		return l
	}
	var out line
	at := 0 // offset of the span in text
	for _, s := range l {
		for rest := s.text; rest != ""; {
			switch {
			case next < 0 || next >= at+len(rest):
				out = append(out, span{rest, s.st})
				at += len(rest)
				rest = ""
			case next > at:
				out = append(out, span{rest[:next-at], s.st})
				rest, at = rest[next-at:], next
			default: // inside a match
				end := next + len(folded)
				n := min(end-at, len(rest))
				out = append(out, span{rest[:n], st})
				rest, at = rest[n:], at+n
				if at == end {
					if next = strings.Index(text[end:], folded); next >= 0 {
						next += end
					}
				}
			}
		}
	}
	return out
}
