package inspect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file makes captured text safe to print. The rules are:
//
//   - Everything captured goes through Escape or EscapeLines before it is
//     styled or printed: bodies, headers, targets, hosts, error texts.
//   - What has no shape of its own becomes Go's notation for it: \x1b, \r,
//     \u202e, \U000e0041. A byte that is not UTF-8 becomes \xff, a C1 control
//     \u009b, so the two are told apart.
//   - A backslash stays as it is: the result is for reading, not for parsing,
//     and JSON is full of backslashes.

// tab is what EscapeLines shows for a tab.
const tab = "    "

// Escape returns s fit to be printed as one line on a terminal: valid UTF-8 in
// which every rune is visible or an ordinary space. Controls (C0, C1, DEL,
// line and paragraph separators), bidi controls, zero-width and other
// invisible characters (format characters, variation selectors, tags, fillers),
// unassigned and private code points, and invalid bytes are written out. A
// string that needs nothing is returned as it is, without allocation.
func Escape(s string) string { return escape(s, false) }

// EscapeLines is [Escape] for text of several lines: it keeps LF, and a tab
// becomes four spaces.
func EscapeLines(s string) string { return escape(s, true) }

func escape(s string, lines bool) string {
	clean := cleanPrefix(s, lines)
	if clean == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for {
		b.WriteString(s[:clean])
		s = s[clean:]
		if s == "" {
			return b.String()
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			writeHex(&b, 'x', uint32(s[0]), 2)
		case r == '\t' && lines:
			b.WriteString(tab)
		default:
			writeEscaped(&b, r)
		}
		s = s[size:]
		clean = cleanPrefix(s, lines)
	}
}

// cleanPrefix returns the length of the longest prefix of s that is printed as it is.
func cleanPrefix(s string, lines bool) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if (c < ' ' || c == 0x7f) && (c != '\n' || !lines) {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if (r == utf8.RuneError && size == 1) || !visible(r) {
			return i
		}
		i += size
	}
	return len(s)
}

// visible reports whether a terminal draws r, alone, as something its reader
// sees, or as a space. It is false for every control, every invisible
// character, and whatever this Unicode version does not know.
func visible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func writeEscaped(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < utf8.RuneSelf:
		writeHex(b, 'x', uint32(r), 2)
	case r <= 0xffff:
		writeHex(b, 'u', uint32(r), 4)
	default:
		writeHex(b, 'U', uint32(r), 8)
	}
}

// writeHex writes a backslash, kind, and v in so many lower-case hex digits.
func writeHex(b *strings.Builder, kind byte, v uint32, digits int) {
	const hex = "0123456789abcdef"
	b.WriteByte('\\')
	b.WriteByte(kind)
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte(hex[v>>(4*i)&0xf])
	}
}
