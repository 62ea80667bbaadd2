package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
)

func textPager(text string, w, h int) *pager {
	d := &doc{t: newTheme(true)}
	d.text(plain("head"))
	d.add(part{body: inspect.TextLines([]byte(text))})
	p := &pager{}
	p.resize(w, h)
	p.show(d, false)
	return p
}

// rendered is what p shows, without styles and space at the right.
func (p *pager) rendered() []string {
	lines := p.Render(p.doc.t)
	for i := range lines {
		lines[i] = strings.TrimRight(ansi.Strip(lines[i]), " ")
	}
	return lines
}

func TestPagerScrolls(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "%d %s\n", i, strings.Repeat("x", i)) // up to five rows each
	}
	p := textPager(text.String(), 25, 10)
	all := []string{}
	for i := range p.doc.n {
		for _, l := range p.rows(i) {
			all = append(all, strings.TrimRight(l.text(), " "))
		}
	}
	at := 0
	for _, n := range []int{1, 3, 10, 100, -50, -1, 7, 1000, -3, -1000, 5, -5} {
		p.scroll(n)
		at = max(0, min(at+n, len(all)-10))
		if got, want := p.rendered(), all[at:at+10]; !slices.Equal(got, want) {
			t.Fatalf("after %d:\ngot  %q\nwant %q", n, got, want)
		}
	}
	p.bottom()
	if got, want := p.rendered(), all[len(all)-10:]; !slices.Equal(got, want) {
		t.Errorf("bottom:\ngot  %q\nwant %q", got, want)
	}
	if p.percent() != 100 || p.fits() {
		t.Errorf("got %d%%, fits %v", p.percent(), p.fits())
	}
	p.resize(200, 300)
	if !p.fits() || p.line != 0 {
		t.Errorf("fits %v at line %d, want everything on the screen", p.fits(), p.line)
	}
}

func TestPagerFinds(t *testing.T) {
	p := textPager("one\nTwo words\nthree\ntwo\n"+strings.Repeat("filler\n", 50)+"a TWO more\n", 40, 5)
	hits := p.doc.find(context.Background(), "two")
	if want := []int{2, 4, 55}; !slices.Equal(hits, want) {
		t.Fatalf("got lines %v, want %v", hits, want)
	}
	p.found("two", hits)
	for i, want := range []string{"Two words", "two", "a TWO more", "Two words"} {
		if i > 0 {
			p.jump(1)
		}
		if got := p.rendered(); !slices.Contains(got, want) {
			t.Errorf("match %d: %q is not on the screen: %q", i, want, got)
		}
	}
	if p.jump(-1); p.hit != 2 {
		t.Errorf("one back from the first is %d, want the last", p.hit)
	}
	if got := strings.Count(strings.Join(p.Render(p.doc.t), ""), p.doc.t.match.Styled("TWO")); got != 1 {
		t.Errorf("%d matches are marked, want 1", got)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if got := p.doc.find(ended, "filler"); len(got) > 1 {
		t.Errorf("a search that was ended found %d lines", len(got))
	}
}

func TestFindInHexDump(t *testing.T) {
	d := &doc{t: newTheme(true)}
	d.text(plain("head"))
	d.add(part{body: inspect.HexDump([]byte("0123456789abcdef" + "0123secret6789ab" + "\x00\x01\x02secret"))})
	if got, want := d.find(context.Background(), "secret"), []int{2, 3}; !slices.Equal(got, want) {
		t.Errorf("got lines %v, want %v", got, want)
	}
}

func TestFindStopsSomewhere(t *testing.T) {
	d := &doc{t: newTheme(true)}
	d.add(part{body: inspect.TextLines([]byte(strings.Repeat("x\n", 2*maxHits)))})
	if got := len(d.find(context.Background(), "x")); got != maxHits {
		t.Errorf("got %d hits, want %d", got, maxHits)
	}
}

func TestHighlightKeepsTheText(t *testing.T) {
	th := newTheme(true)
	for _, s := range []string{
		`  "key": "value",`, `"a \" b": [1, -2.5e+10, true, false, null],`, `{}`, `"open`, `trueish nullable`, ``, `not json at all: 12`, `  "\\": "\u0041"`,
		`,,,`, `"k":{"k":1}`, `-`, `한국어 "키" : 1`,
		`<a href="x>y" b='c'>text</a> < open "q`, `name = a = b`, ` = `, `flag`, `<!-- "`, `>`,
	} {
		if got := highlightJSON(s, th).text(); got != s {
			t.Errorf("got %q, want %q", got, s)
		}
		if got := mark(highlightJSON(s, th), `E`, th.match).text(); got != s {
			t.Errorf("marked: got %q, want %q", got, s)
		}
		for _, kind := range []inspect.Kind{inspect.KindForm, inspect.KindXML, inspect.KindHTML, inspect.KindText} {
			if got := highlight(kind, s, th).text(); got != s {
				t.Errorf("%s: got %q, want %q", kind, got, s)
			}
		}
	}
	l := highlightJSON(`"key": "value"`, th)
	if l[0].text != `"key"` || !slices.Equal(l[0].st, th.key) || !slices.Equal(l[len(l)-1].st, th.str) {
		t.Errorf("got %v, want a key and a string", l)
	}
}
