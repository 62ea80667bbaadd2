package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// NewJSONEncoder returns an encoder for JSON that may be looked at in a
// terminal: what [EscapeLines] does not let pass is written as \u…, which is
// the same JSON, and <, > and & stay readable.
func NewJSONEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(visibleJSON{w})
	enc.SetEscapeHTML(false)
	return enc
}

// visibleJSON passes on texts that an Encoder writes, each of them whole.
type visibleJSON struct{ w io.Writer }

func (v visibleJSON) Write(text []byte) (int, error) {
	if _, err := v.w.Write(escapeJSON(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// escapeJSON escapes runes that JSON has only inside its strings.
func escapeJSON(text []byte) []byte {
	s := string(text)
	clean := cleanPrefix(s, true)
	if clean == len(s) {
		return text
	}
	out := make([]byte, 0, len(s)+64)
	for {
		out = append(out, s[:clean]...)
		if s = s[clean:]; s == "" {
			return out
		}
		r, size := utf8.DecodeRuneInString(s)
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
		s = s[size:]
		clean = cleanPrefix(s, true)
	}
}
