package inspect

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func typed(contentType string) http.Header {
	if contentType == "" {
		return nil
	}
	return http.Header{"Content-Type": {contentType}}
}

func allLines(l Lines) []string {
	var lines []string
	for _, line := range l.All() {
		lines = append(lines, line)
	}
	return lines
}

func TestView(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		truncated               bool
		kind                    Kind
		lines                   []string
		note                    string
	}{
		{name: "empty", contentType: "application/json", kind: KindEmpty},
		{
			name: "json", contentType: "application/json; charset=utf-8", body: `{"b":1,"a":[2, 3 ],"b":{}}`, kind: KindJSON,
			lines: []string{"{", `  "b": 1,`, `  "a": [`, "    2,", "    3", "  ],", `  "b": {}`, "}"},
		},
		{
			name: "digits stay", contentType: "application/vnd.api+json", body: "[9007199254740993,1.10,1E5]\r\n", kind: KindJSON,
			lines: []string{"[", "  9007199254740993,", "  1.10,", "  1E5", "]"},
		},
		{
			name: "escapes stay", contentType: "application/json", body: `["\u001b</a>&é\/"]`, kind: KindJSON,
			lines: []string{"[", `  "\u001b</a>&é\/"`, "]"},
		},
		{
			name: "hostile json", contentType: "application/json", body: "[\"\u202e\u009b\"]", kind: KindJSON,
			lines: []string{"[", `  "\u202e\u009b"`, "]"},
		},
		{
			name: "byte order mark", contentType: "application/json", body: "\ufeff[1]", kind: KindJSON,
			lines: []string{"[", "  1", "]"}, note: "begins with a byte order mark",
		},
		{
			name: "broken json", contentType: "application/json", body: "{\n  \"é\": x}", kind: KindJSON,
			lines: []string{"{", `  "é": x}`}, note: "not valid JSON at line 2, column 8: invalid character 'x' looking for beginning of value",
		},
		{
			name: "two values", contentType: "application/json", body: "{} {}", kind: KindJSON, lines: []string{"{} {}"},
			note: "not valid JSON at line 1, column 4: invalid character '{' after top-level value",
		},
		{
			name: "cut json", contentType: "application/json", body: `{"a":[1,`, truncated: true, kind: KindJSON, lines: []string{`{"a":[1,`},
			note: "only the first 8 bytes were kept; not valid JSON at line 1, column 8: unexpected end of JSON input",
		},
		{name: "json without a type", body: ` {"a":1}`, kind: KindJSON, lines: []string{"{", `  "a": 1`, "}"}},
		{name: "json as text", contentType: "text/plain", body: `{"a":1}`, kind: KindJSON, lines: []string{"{", `  "a": 1`, "}"}, note: "sent as text/plain"},
		{
			name: "json as a form", contentType: "application/x-www-form-urlencoded", body: `{"a":1}`, kind: KindJSON,
			lines: []string{"{", `  "a": 1`, "}"}, note: "sent as application/x-www-form-urlencoded",
		},
		{
			name: "form", contentType: "application/x-www-form-urlencoded", body: "a=1&b=x+y%20z&a=2&c&d=%zz;e=%0a\r\n", kind: KindForm,
			lines: []string{"a = 1", "b = x y z", "a = 2", "c", "d=%zz;e=%0a"},
		},
		{
			name: "form with hostile values", contentType: "application/x-www-form-urlencoded", body: "a=%1b%5b2J%0A&%ff=", kind: KindForm,
			lines: []string{`a = \x1b[2J\n`, `\xff = `},
		},
		{
			name: "form with json", contentType: "application/x-www-form-urlencoded", body: "payload=%7B%22a%22%3A1%7D&z=[x", kind: KindForm,
			lines: []string{"payload =", "{", `  "a": 1`, "}", "z = [x"},
		},
		{name: "xml", contentType: "text/xml", body: "<a>\n\t<b/></a>\n", kind: KindXML, lines: []string{"<a>", "    <b/></a>"}},
		{name: "xml without a type", body: "\ufeff<?xml version='1.0'?>", kind: KindXML, lines: []string{`\ufeff<?xml version='1.0'?>`}},
		{name: "html", contentType: "text/html", body: "<p>hi", kind: KindHTML, lines: []string{"<p>hi"}},
		{name: "html without a type", body: "<!DOCTYPE html><p>", kind: KindHTML, lines: []string{"<!DOCTYPE html><p>"}},
		{name: "text", body: "one\n\ntwo", kind: KindText, lines: []string{"one", "", "two"}},
		{name: "CRLF text", contentType: "text/plain", body: "one\r\ntwo\r\n", kind: KindText, lines: []string{"one", "two"}, note: "lines end with CRLF"},
		{name: "mixed line ends", contentType: "text/plain", body: "one\r\ntwo\n", kind: KindText, lines: []string{`one\r`, "two"}},
		{
			name: "latin-1", contentType: "text/plain; charset=iso-8859-1", body: "caf\xe9", kind: KindText, lines: []string{`caf\xe9`},
			note: "not valid UTF-8, sent as charset=iso-8859-1",
		},
		{name: "terminal text", contentType: "text/plain", body: "\x1b[31mred", kind: KindText, lines: []string{`\x1b[31mred`}},
		{
			name: "bytes", contentType: "application/octet-stream", body: "\x89PNG\r\n\x1a\n\x00\x00", kind: KindBinary,
			lines: []string{`00000000  89 50 4e 47 0d 0a 1a 0a  00 00                    |.PNG......|`},
		},
		{
			name: "invalid UTF-8 without a type", body: "ab\xff", kind: KindBinary,
			lines: []string{`00000000  61 62 ff                                          |ab.|`},
		},
		{name: "a rune cut by the limit", body: "ab\xe2\x82", truncated: true, kind: KindText, lines: []string{`ab\xe2\x82`}, note: "only the first 4 bytes were kept"},
		{
			name: "binary called json", contentType: "application/json", body: "\x00\x01{", kind: KindBinary,
			lines: []string{`00000000  00 01 7b                                          |..{|`},
		},
		{name: "malformed type", contentType: "application/json; =", body: "[]", kind: KindJSON, lines: []string{"[]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := []byte(tt.body)
			v := View(typed(tt.contentType), body, tt.truncated)
			if v.Kind != tt.kind || v.Note != tt.note {
				t.Errorf("kind %q, note %q; want %q, %q", v.Kind, v.Note, tt.kind, tt.note)
			}
			if got := allLines(v.Lines); !slices.Equal(got, tt.lines) {
				t.Errorf("lines:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.lines, "\n"))
			}
			if string(body) != tt.body || !bytes.Equal(v.Decoded, body) {
				t.Errorf("the body changed: %q, decoded %q, want %q", body, v.Decoded, tt.body)
			}
		})
	}
}

// Deep nesting would make an indented view of 8 KiB larger than 64 MiB.
func TestViewDeepJSON(t *testing.T) {
	const depth = 9000
	body := []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
	if got := View(typed("application/json"), body, false); got.Note != "nested too deep to be indented" || !bytes.Equal(got.Lines.Bytes(), body) {
		t.Errorf("note %q and %d bytes shown, want the body as it is, with a note", got.Note, len(got.Lines.Bytes()))
	}
}

func TestIndentedSizeIsAnUpperBound(t *testing.T) {
	for _, s := range []string{`{}`, `[[],[1,2,{"a":{"b":"[[[,,,\"{{"}}]]`, `{"a":1,"b":[ ]}`, `"x"`, `[[[[[[[1]]]]]]]`} {
		got, err := indentJSON([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		if bound := indentedSize([]byte(s)); len(got) > bound {
			t.Errorf("%s: %d bytes indented, bound %d", s, len(got), bound)
		}
	}
}

func FuzzView(f *testing.F) {
	for _, s := range []string{"", `{"a":[1,{"b":"\u001b"}]}`, "a=%zz&b=[1]", "\x1b[2J\r\n\u202e", "\x00\xff", "<?xml", "\ufeff{}"} {
		for _, contentType := range []string{"", "application/json", "application/x-www-form-urlencoded", "text/plain"} {
			f.Add(contentType, []byte(s), false)
		}
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte, truncated bool) {
		before := bytes.Clone(body)
		v := View(typed(contentType), body, truncated)
		if !bytes.Equal(body, before) || !bytes.Equal(v.Decoded, before) {
			t.Fatalf("View changed the body %q", before)
		}
		if problem := unprintable(v.Note, false); problem != "" {
			t.Errorf("note %q: %s", v.Note, problem)
		}
		n := 0
		for i, line := range v.Lines.All() {
			n++
			if problem := unprintable(line, false); problem != "" {
				t.Errorf("line %d %q: %s", i, line, problem)
			}
			if one := v.Lines.Line(i); one != line {
				t.Errorf("Line(%d) = %q, All yields %q", i, one, line)
			}
		}
		if n != v.Lines.Len() {
			t.Errorf("%d lines, Len %d", n, v.Lines.Len())
		}
		if v.Kind == KindJSON && json.Valid(bytes.TrimPrefix(body, bom)) {
			var got, want bytes.Buffer
			if err := json.Compact(&got, v.Lines.Bytes()); err != nil {
				t.Fatalf("the view of %q is no JSON: %v", body, err)
			}
			if err := json.Compact(&want, bytes.TrimPrefix(body, bom)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("the view of %q is %q: more than white space changed", body, v.Lines.Bytes())
			}
		}
	})
}

func TestTextLines(t *testing.T) {
	long := strings.Repeat("x", maxLineBytes)
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"one", "a", []string{"a"}},
		{"ended", "a\n", []string{"a"}},
		{"blank", "\n\n", []string{"", ""}},
		{"at the bound", long + "\n", []string{long}},
		{"at the bound, no end", long, []string{long}},
		{"at the bound, CRLF", long + "\r\nb\r\n", []string{long, "b"}},
		{"one before the bound, CRLF", long[1:] + "\r\nb\r\n", []string{long[1:], "b"}},
		{"over the bound", long + "yz\nb", []string{long, "yz", "b"}},
		{"rune at the bound", long[1:] + "é\n", []string{long[1:], "é"}},
		{"rune over the bound", long[2:] + "🎉b", []string{long[2:], "🎉b"}},
		{"no UTF-8 at the bound", long[5:] + "\x80\x80\x80\x80\x80\x80\x80", []string{long[5:] + `\x80\x80\x80\x80\x80`, `\x80\x80`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := TextLines([]byte(tt.text))
			if got := allLines(l); !slices.Equal(got, tt.want) {
				t.Errorf("lines %q, want %q", got, tt.want)
			}
			if l.Len() != len(tt.want) {
				t.Errorf("Len = %d, want %d", l.Len(), len(tt.want))
			}
			for _, i := range []int{-1, l.Len()} {
				if got := l.Line(i); got != "" {
					t.Errorf("Line(%d) = %q, want nothing", i, got)
				}
			}
		})
	}
}

func TestHexDump(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 32, 33} {
		b := bytes.Repeat([]byte{'|'}, n)
		l := HexDump(b)
		if want := (n + 15) / 16; l.Len() != want || len(allLines(l)) != want {
			t.Errorf("%d bytes have %d lines, want %d", n, l.Len(), want)
		}
	}
	l := HexDump([]byte("0123456789abcdef{\"id\":1}\n"))
	want := `00000010  7b 22 69 64 22 3a 31 7d  0a                       |{"id":1}.|`
	if got := l.Line(1); got != want || !l.Hex() {
		t.Errorf("line 1:\n%s\nwant:\n%s", got, want)
	}
}

// A line anywhere in the largest body costs next to nothing.
func BenchmarkLine(b *testing.B) {
	const size = 32 << 20
	for name, text := range map[string][]byte{
		"hex":        make([]byte, size),
		"line-ends":  bytes.Repeat([]byte("\n"), size),
		"one-line":   bytes.Repeat([]byte("x"), size),
		"json-lines": bytes.Repeat([]byte("  \"name\": \"value value value\",\n"), size/32),
	} {
		l := TextLines(text)
		if name == "hex" {
			l = HexDump(text)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				l.Line(i * 7919 % l.Len())
			}
		})
	}
}

func BenchmarkView(b *testing.B) {
	body := []byte("[" + strings.Repeat(`{"id":123,"name":"value value value","list":[1,2,3]},`, 32<<20/54) + "0]")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		View(typed("application/json"), body, false)
	}
}

func TestTrimPartialRune(t *testing.T) {
	for _, s := range []string{"", "a", "é", "€", "🎉", "a€🎉"} {
		for cut := 0; cut <= len(s); cut++ {
			if got := trimPartialRune([]byte(s[:cut])); !utf8.Valid(got) || len(got) < cut-3 {
				t.Errorf("trimPartialRune(%q) = %q", s[:cut], got)
			}
		}
	}
}
