package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file turns a body into something to look at. The rules are:
//
//   - A view is made of copies and never changes the bytes. JSON is indented,
//     not re-encoded: the order of keys, duplicate keys, and every digit of a
//     number stay as they were sent.
//   - A view never fails: what cannot be shown as it claims to be is shown as
//     it is, and Note says why.
//   - It has no colours and no widths; those belong to whoever draws it.

// A Kind is what a body is shown as.
type Kind string

// The kinds.
const (
	KindEmpty  Kind = "empty"
	KindJSON   Kind = "json"
	KindForm   Kind = "form"
	KindXML    Kind = "xml"
	KindHTML   Kind = "html"
	KindText   Kind = "text"
	KindBinary Kind = "binary"
)

// maxIndented bounds the size of an indented view. Deep nesting makes the
// indentation, not the data, the larger part, without a limit of its own.
const maxIndented = 64 << 20

// A BodyView is a body made ready to be read.
type BodyView struct {
	Kind    Kind
	Note    string // what its reader should know, in sentences without a final period; "" when nothing
	Decoded []byte // the body without its Content-Encoding; the body itself where there was none
	Lines   Lines  // the view: indented JSON, a form pair by pair, a hex dump of a binary, else the text
}

// View returns a view of a body that came with header. truncated says that
// body is only the beginning. Cost is linear in the size of what is shown; a
// caller that draws should call it once for a body, away from its drawing loop.
func View(header http.Header, body []byte, truncated bool) BodyView {
	decoded, note := decode(header, body, truncated)
	v := BodyView{Decoded: decoded}
	v.note(note)
	if truncated {
		v.note(fmt.Sprintf("only the first %d bytes were kept", len(body)))
	}
	mediaType, charset := contentType(header)
	claimed := claimedKind(mediaType)
	switch {
	case len(decoded) == 0:
		v.Kind = KindEmpty
	case isBinary(claimed, decoded):
		v.Kind, v.Lines = KindBinary, HexDump(decoded)
	case claimed == KindJSON:
		v.viewJSON()
	case sniffable(mediaType) && v.sniffJSON():
		if mediaType != "" {
			v.note("sent as " + Escape(mediaType))
		}
	case claimed == KindForm:
		v.Kind, v.Lines = KindForm, TextLines(formatForm(decoded))
	default:
		v.Kind, v.Lines = textKind(claimed, decoded), TextLines(decoded)
		if v.Lines.trimCR {
			v.note("lines end with CRLF")
		}
	}
	if v.Kind != KindBinary && !utf8.Valid(decoded) && !truncated {
		note := "not valid UTF-8"
		if charset != "" {
			note += ", sent as charset=" + Escape(charset)
		}
		v.note(note)
	}
	return v
}

func (v *BodyView) note(s string) {
	if v.Note != "" && s != "" {
		v.Note += "; "
	}
	v.Note += s
}

var bom = []byte("\ufeff")

// viewJSON shows a body that claims to be JSON.
func (v *BodyView) viewJSON() {
	v.Kind = KindJSON
	text := bytes.TrimPrefix(v.Decoded, bom)
	if len(text) < len(v.Decoded) {
		v.note("begins with a byte order mark")
	}
	out, err := indentJSON(text)
	if err != nil {
		v.note(err.Error())
		out = v.Decoded
	}
	v.Lines = TextLines(out)
}

// sniffJSON shows a body that does not claim to be JSON, but is, as JSON.
func (v *BodyView) sniffJSON() bool {
	text := bytes.TrimLeft(v.Decoded, " \t\r\n")
	if len(text) == 0 || (text[0] != '{' && text[0] != '[') || !json.Valid(text) {
		return false
	}
	v.viewJSON()
	return true
}

// indentJSON returns src with its white space changed and nothing else, or
// says in a sentence where it is not JSON.
func indentJSON(src []byte) ([]byte, error) {
	if indentedSize(src) > maxIndented {
		return nil, errors.New("nested too deep to be indented")
	}
	var out bytes.Buffer
	out.Grow(len(src) + len(src)/2)
	err := json.Indent(&out, src, "", "  ")
	if err == nil {
		return bytes.TrimRight(out.Bytes(), " \t\r\n"), nil
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return nil, fmt.Errorf("not valid JSON: %s", Escape(err.Error()))
	}
	before := src[:min(max(int(syntax.Offset)-1, 0), len(src))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return nil, fmt.Errorf("not valid JSON at line %d, column %d: %s", line, column, Escape(err.Error()))
}

// indentedSize returns an upper bound of the size of src, indented.
func indentedSize(src []byte) int {
	size, depth, inString := len(src), 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			size += 1 + 2*depth
		case c == '}' || c == ']':
			depth = max(depth-1, 0)
			size += 1 + 2*depth
		case c == ',':
			size += 1 + 2*depth
		case c == ':':
			size++
		}
		if size > maxIndented {
			return size
		}
	}
	return size
}

// formatForm returns one line for each pair of a form, decoded, and below it,
// indented, a value that is JSON. Nothing is left out: a pair that cannot be
// decoded is shown as it was sent.
func formatForm(body []byte) []byte {
	var out bytes.Buffer
	for pair := range bytes.SplitSeq(bytes.TrimRight(body, "\r\n"), []byte("&")) {
		name, value, hasValue := strings.Cut(string(pair), "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil {
			out.WriteString(Escape(string(pair)) + "\n")
			continue
		}
		out.WriteString(Escape(name))
		if !hasValue {
			out.WriteByte('\n')
			continue
		}
		if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
			if pretty, err := indentJSON([]byte(value)); err == nil && out.Len()+len(pretty) <= maxIndented {
				out.WriteString(" =\n")
				out.Write(append(pretty, '\n'))
				continue
			}
		}
		out.WriteString(" = " + Escape(value) + "\n")
	}
	return out.Bytes()
}

// contentType returns the media type in lower case and the charset, both ""
// when not given. It takes what is there where mime would give up.
func contentType(header http.Header) (mediaType, charset string) {
	value := header.Get("Content-Type")
	mediaType, _, _ = strings.Cut(value, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if _, params, err := mime.ParseMediaType(value); err == nil {
		charset = params["charset"]
	}
	return mediaType, charset
}

// claimedKind returns what a media type says of a body; "" when it says nothing.
func claimedKind(mediaType string) Kind {
	switch {
	case mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json"):
		return KindJSON
	case mediaType == "application/x-www-form-urlencoded":
		return KindForm
	case mediaType == "text/html" || mediaType == "application/xhtml+xml":
		return KindHTML
	case mediaType == "application/xml" || mediaType == "text/xml" || strings.HasSuffix(mediaType, "+xml"):
		return KindXML
	case strings.HasPrefix(mediaType, "text/"):
		return KindText
	}
	return ""
}

// sniffable reports whether JSON is commonly sent under mediaType: SNS sends
// text/plain, curl -d a form, others nothing at all.
func sniffable(mediaType string) bool {
	return slices.Contains([]string{"", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream"}, mediaType)
}

func textKind(claimed Kind, body []byte) Kind {
	if claimed != "" {
		return claimed
	}
	start := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(body[:min(len(body), 64)], bom)))
	switch {
	case bytes.HasPrefix(start, []byte("<?xml")):
		return KindXML
	case bytes.HasPrefix(start, []byte("<!doctype html")), bytes.HasPrefix(start, []byte("<html")):
		return KindHTML
	}
	return KindText
}

// isBinary reports whether body is better read as bytes. Text of another
// encoding than UTF-8 is still text where its sender says that it is text.
func isBinary(claimed Kind, body []byte) bool {
	if bytes.IndexByte(body, 0) >= 0 {
		return true
	}
	controls := 0
	for _, c := range body {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
			controls++
		}
	}
	return controls > len(body)/10 || (claimed == "" && !utf8.Valid(trimPartialRune(body)))
}

// trimPartialRune returns b without the beginning of a rune at its end, where
// a limit may have cut it.
func trimPartialRune(b []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax-1, len(b)); i++ {
		tail := b[len(b)-i:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}
