package web

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// evalAsync returns what the async function body js resolves to.
func evalAsync[T any](tb *tab, js string) T {
	tb.t.Helper()
	v, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T]("(async () => {"+js+"})()", chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// TestPageReadsJSON compares the page's reader, which keeps what JSON.parse
// loses, with Go's on valid and on damaged texts.
func TestPageReadsJSON(t *testing.T) {
	tb := openTab(t, newRig(t, nil), "")
	texts := []string{
		`{}`, `[]`, `1`, `"a"`, ` {"a":1,"a":[1,2,{"b":null}],"big":12345678901234567890} `, `[1.5e+10,-0,true,false]`, `"\u00e9\n"`, `[[],[[]],{}]`,
		``, `{`, `}`, `[1,]`, `{"a"}`, `{"a":}`, `{,}`, `01`, `1 2`, `"a`, `nul`, `[1 2]`, `{"a":1,}`, `"\x"`, `"\u12"`, "\"\x01\"", `tru`, `-`, `{"a":1]`, `[}`,
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := []byte(texts[4])
		b[rnd.IntN(len(b))] = "{}[]\",:1 a\\"[rnd.IntN(11)]
		texts = append(texts, string(b))
	}
	want := make([]bool, len(texts))
	for i, text := range texts {
		want[i] = json.Valid([]byte(text))
	}
	b, _ := json.Marshal(texts)
	got := evalAsync[[]bool](tb, `const { parse } = await import('/js/json.js'); return `+string(b)+`.map((t) => parse(t) !== null);`)
	for i := range texts {
		if got[i] != want[i] {
			t.Errorf("%.80q: got %v, want %v", texts[i], got[i], want[i])
		}
	}
	members := evalAsync[[]string](tb, `const { parse, members } = await import('/js/json.js'); const t = `+quote(texts[4])+`;
		return members(t, parse(t)).list.map((m) => [m.key, m.type, m.count, t.slice(m.start, m.end)].join(' '));`)
	if want := []string{`"a" number -1 1`, `"a" array 3 [1,2,{"b":null}]`, `"big" number -1 12345678901234567890`}; !slices.Equal(members, want) {
		t.Errorf("got members %q, want %q", members, want)
	}
}

func TestPageWrapsLinesAndDumpsBytes(t *testing.T) {
	tb := openTab(t, newRig(t, nil), "")
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"abcdef", []string{"abcd", "ef"}},
		{"ab\r\ncd\n", []string{"ab", "cd", ""}},
		{"한글말", []string{"한글", "말"}},     // two columns each
		{"ab😀cd", []string{"ab😀", "cd"}}, // a pair stays together
		{"a\tb", []string{"a", "\t", "b"}},
	} {
		got := evalAsync[[]string](tb, `const { wrap, line } = await import('/js/lines.js'); const t = `+quote(tc.text)+`;
			const s = wrap(t, 4, 1000); return s.map((_, i) => line(t, s, i));`)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
	got := evalAsync[[]string](tb, `const { hexRow } = await import('/js/lines.js'); return hexRow(new Uint8Array([123, 0, 255, 65]), 0, 8);`)
	if want := []string{"00000000", "7b 00 ff 41             ", "{··A"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPageSendsOnlyWhatWasEdited checks what Edit & replay makes of headers
// and of line ends.
func TestPageSendsOnlyWhatWasEdited(t *testing.T) {
	tb := openTab(t, newRig(t, nil), "")
	const before = `{ 'X-A': ['1', '2'], 'X-B': ['b'] }`
	for _, tc := range []struct{ text, want string }{
		{"X-A: 1\nX-A: 2\nX-B: b", `{}`},
		{"x-a: 1\nX-A: 2\n\nX-B: b", `{}`}, // names know no case
		{"X-A: 2\nX-A: 1\nX-B: b", `{"X-A":["2","1"]}`},
		{"X-A: 1\nX-A: 2", `{"X-B":[]}`},
		{"X-A: 1\nX-A: 2\nX-B: b\nX-C:c:d", `{"X-C":["c:d"]}`},
		{"", `{"X-A":[],"X-B":[]}`},
		{"no colon", `error: Line 1 of the headers is not “Name: value”: no colon`},
		{"X-A: 1\n X-B: b\n: c", `error: Line 3 of the headers is not “Name: value”: : c`},
	} {
		got := evalAsync[string](tb, `const { headerChanges } = await import('/js/edit.js');
			try { return JSON.stringify(headerChanges(`+before+`, `+quote(tc.text)+`)); } catch (err) { return 'error: ' + err.message; }`)
		if got != tc.want {
			t.Errorf("%q: got %s, want %s", tc.text, got, tc.want)
		}
	}
	for _, tc := range []struct{ text, want string }{
		{"a\nb", "a\nb!"}, {"a\r\nb\r\n", "a\r\nb\r\n!"}, {"a", "a!"}, {"a\rb", "refused"}, {"a\r\nb\n", "refused"},
	} {
		got := evalAsync[string](tb, `const { editable } = await import('/js/edit.js'); const e = editable(`+quote(tc.text)+`);
			return e.reason ? 'refused' : e.restore(e.text + '!');`)
		if got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
}
