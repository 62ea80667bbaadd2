package inspect

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

const (
	// maxLineBytes is where a longer line goes on in the next one.
	maxLineBytes = 4096
	// linesPerMark is how many lines lie between two marks of the index. A
	// line is found by walking from the mark before it, so that a body of
	// nothing but line ends does not need an index larger than itself.
	linesPerMark = 32
	// hexBytes is how many bytes a line of a hex dump shows.
	hexBytes = 16
)

// Lines are the lines of a text, or of a hex dump, made when they are asked
// for: a viewer of a large body pays for what is on its screen. They share the
// bytes they were made from. The zero value has no lines. Lines are safe for
// concurrent use as long as nobody changes the bytes.
type Lines struct {
	data   []byte
	hex    bool
	trimCR bool  // every line ends with CRLF
	n      int   // number of lines
	marks  []int // offset of line 0, linesPerMark, 2*linesPerMark, …
}

// TextLines returns the lines of text, without their line ends (LF, or CRLF if
// all of them are). A line of more than 4 KiB goes on in the next line.
func TextLines(text []byte) Lines {
	l := Lines{data: text}
	if lf := bytes.Count(text, []byte("\n")); lf > 0 {
		l.trimCR = bytes.Count(text, []byte("\r\n")) == lf
	}
	for offset := 0; offset < len(text); l.n++ {
		if l.n%linesPerMark == 0 {
			l.marks = append(l.marks, offset)
		}
		_, offset = l.next(offset)
	}
	return l
}

// HexDump returns the lines of a hex dump of b. It costs nothing.
func HexDump(b []byte) Lines {
	return Lines{data: b, hex: true, n: (len(b) + hexBytes - 1) / hexBytes}
}

// Len returns how many lines there are.
func (l Lines) Len() int { return l.n }

// Bytes returns what the lines were made from, unescaped: the text, or the
// bytes of a hex dump. The caller must not change it.
func (l Lines) Bytes() []byte { return l.data }

// Hex reports whether l is a hex dump.
func (l Lines) Hex() bool { return l.hex }

// Line returns line i, from 0, fit for a terminal: tabs are spaces, and
// everything invisible is written out (see [Escape]). It is "" outside the
// lines there are.
func (l Lines) Line(i int) string {
	if i < 0 || i >= l.n {
		return ""
	}
	if l.hex {
		return hexLine(l.data, i)
	}
	offset := l.marks[i/linesPerMark]
	for range i % linesPerMark {
		_, offset = l.next(offset)
	}
	line, _ := l.next(offset)
	return EscapeLines(string(line))
}

// All yields every line as [Lines.Line] returns it.
func (l Lines) All() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		offset := 0
		for i := range l.n {
			if l.hex {
				if !yield(i, hexLine(l.data, i)) {
					return
				}
				continue
			}
			var line []byte
			line, offset = l.next(offset)
			if !yield(i, EscapeLines(string(line))) {
				return
			}
		}
	}
}

// next returns the line that begins at offset, and where the next one does.
// No line is cut inside a rune.
func (l Lines) next(offset int) (line []byte, end int) {
	rest := l.data[offset:]
	window := rest[:min(len(rest), maxLineBytes)]
	if i := bytes.IndexByte(window, '\n'); i >= 0 {
		return l.trim(window[:i]), offset + i + 1
	}
	if len(window) == len(rest) {
		return rest, len(l.data)
	}
	switch { // a line end just behind the window belongs to this line
	case rest[len(window)] == '\n':
		return l.trim(window), offset + len(window) + 1
	case l.trimCR && bytes.HasPrefix(rest[len(window):], []byte("\r\n")):
		return window, offset + len(window) + 2
	}
	cut := len(window)
	for back := 0; back < utf8.UTFMax && !utf8.RuneStart(rest[cut]); back++ {
		cut--
	}
	if !utf8.RuneStart(rest[cut]) { // no UTF-8, so no rune to keep whole
		cut = len(window)
	}
	return rest[:cut], offset + cut
}

func (l Lines) trim(line []byte) []byte {
	if l.trimCR {
		return bytes.TrimSuffix(line, []byte("\r"))
	}
	return line
}

// hexLine returns line i of a hex dump of b, in the shape of hexdump -C:
//
//	00000010  7b 22 69 64 22 3a 31 7d  0a                       |{"id":1}.|
func hexLine(b []byte, i int) string {
	b = b[i*hexBytes:]
	b = b[:min(len(b), hexBytes)]
	var s strings.Builder
	fmt.Fprintf(&s, "%08x ", i*hexBytes)
	for j := range hexBytes {
		if j%8 == 0 {
			s.WriteByte(' ')
		}
		if j < len(b) {
			fmt.Fprintf(&s, "%02x ", b[j])
		} else {
			s.WriteString("   ")
		}
	}
	s.WriteString(" |")
	for _, c := range b {
		if c < ' ' || c > '~' {
			c = '.'
		}
		s.WriteByte(c)
	}
	s.WriteByte('|')
	return s.String()
}
