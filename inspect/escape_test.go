package inspect

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	tests := []struct{ name, in, line, lines string }{
		{"empty", "", "", ""},
		{"plain", "POST /hooks?x=1;y=2&z=%zz", "POST /hooks?x=1;y=2&z=%zz", "POST /hooks?x=1;y=2&z=%zz"},
		{"letters of the world", "naïve 한국어 日本語 Ελλάδα עברית 🎉", "naïve 한국어 日本語 Ελλάδα עברית 🎉", "naïve 한국어 日本語 Ελλάδα עברית 🎉"},
		{"combining mark", "e\u0301", "e\u0301", "e\u0301"},
		{"wide and no-break spaces", "a\u00a0b\u3000c", "a\u00a0b\u3000c", "a\u00a0b\u3000c"},
		{"replacement character", "\ufffd", "\ufffd", "\ufffd"},
		{"backslash stays", `{"a":"\n\u001b"}`, `{"a":"\n\u001b"}`, `{"a":"\n\u001b"}`},
		{"line feed", "a\nb", `a\nb`, "a\nb"},
		{"tab", "a\tb", `a\tb`, "a    b"},
		{"CRLF", "a\r\nb", `a\r\nb`, "a\\r\nb"},
		{"OSC 52", "\x1b]52;c;aGk=\a", `\x1b]52;c;aGk=\x07`, `\x1b]52;c;aGk=\x07`},
		{"SGR", "\x1b[8mhidden", `\x1b[8mhidden`, `\x1b[8mhidden`},
		{"OSC 8", "\x1b]8;;http://evil\x1b\\ok", `\x1b]8;;http://evil\x1b\ok`, `\x1b]8;;http://evil\x1b\ok`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`, `\x00\x7f`},
		{"C1 as UTF-8", "\u009b31m\u0090", `\u009b31m\u0090`, `\u009b31m\u0090`},
		{"C1 as a byte", "\x9b31m", `\x9b31m`, `\x9b31m`},
		{"bidi", "a\u202eb\u2066c\u200f", `a\u202eb\u2066c\u200f`, `a\u202eb\u2066c\u200f`},
		{"zero width", "\u200b\u200c\u200d\u2060\ufeff\u00ad", `\u200b\u200c\u200d\u2060\ufeff\u00ad`, `\u200b\u200c\u200d\u2060\ufeff\u00ad`},
		{"variation selector", "❤\ufe0f\U000e0100", `❤\ufe0f\U000e0100`, `❤\ufe0f\U000e0100`},
		{"tags", "\U000e0041\U000e007f", `\U000e0041\U000e007f`, `\U000e0041\U000e007f`},
		{"separators", "\u2028\u2029", `\u2028\u2029`, `\u2028\u2029`},
		{"fillers", "\u115f\u3164\uffa0\u034f\u17b4", `\u115f\u3164\uffa0\u034f\u17b4`, `\u115f\u3164\uffa0\u034f\u17b4`},
		{"private and unassigned", "\ue000\ufff0", `\ue000\ufff0`, `\ue000\ufff0`},
		{"invalid UTF-8", "a\xffb\xc3", `a\xffb\xc3`, `a\xffb\xc3`},
		{"surrogate half", "\xed\xa0\x80", `\xed\xa0\x80`, `\xed\xa0\x80`},
		{"clean around dirt", "한\x1b국", `한\x1b국`, `한\x1b국`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Escape(tt.in); got != tt.line {
				t.Errorf("Escape(%q) = %q, want %q", tt.in, got, tt.line)
			}
			if got := EscapeLines(tt.in); got != tt.lines {
				t.Errorf("EscapeLines(%q) = %q, want %q", tt.in, got, tt.lines)
			}
		})
	}
}

func TestEscapeCleanAllocatesNothing(t *testing.T) {
	s := strings.Repeat("naïve 한국어 {\"id\": 1} ", 100)
	if n := testing.AllocsPerRun(100, func() { Escape(s); EscapeLines(s) }); n != 0 {
		t.Errorf("escaping a clean string made %v allocations, want 0", n)
	}
}

// Every rune of the planes in use, alone.
func TestEscapeEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r == 0x20000 {
			r = 0xe0000
		} else if r == 0xe1000 {
			break
		}
		if problem := unprintable(Escape(string(r)), false); problem != "" {
			t.Fatalf("Escape(%U): %s", r, problem)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J\x9b\u009b\r\n\t", "\u202e\ufeff\ufe0f\U000e0041\u2028\xff\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if problem := unprintable(Escape(s), false); problem != "" {
			t.Errorf("Escape(%q): %s", s, problem)
		}
		got := EscapeLines(s)
		if problem := unprintable(got, true); problem != "" {
			t.Errorf("EscapeLines(%q): %s", s, problem)
		}
		if g, w := strings.Count(got, "\n"), strings.Count(s, "\n"); g != w {
			t.Errorf("EscapeLines(%q) has %d LF, want %d", s, g, w)
		}
		if again := Escape(Escape(s)); again != Escape(s) {
			t.Errorf("Escape is not stable on %q", s)
		}
	})
}

// unprintable says what in s must not reach a terminal; "" when nothing. It
// names the classes itself, so that it does not repeat escape.go's own rule.
func unprintable(s string, lines bool) string {
	if !utf8.ValidString(s) {
		return "not UTF-8"
	}
	for _, r := range s {
		switch {
		case r == '\n' && lines:
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Variation_Selector,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point), r >= 0xe0000 && r <= 0xe0fff:
			return fmt.Sprintf("holds %U", r)
		}
	}
	return ""
}
