package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// exactText is text that goes through JSON unchanged: a string, or, where it
// is not UTF-8, {"base64": "…"}.
type exactText string

type base64Text struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON implements [json.Marshaler].
func (t exactText) MarshalJSON() ([]byte, error) {
	if !utf8.ValidString(string(t)) {
		return json.Marshal(base64Text{[]byte(t)})
	}
	return marshalUnescaped(string(t))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *exactText) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var v base64Text
		err := json.Unmarshal(b, &v)
		*t = exactText(v.Base64)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// jsonHeader is headers that go through JSON unchanged.
type jsonHeader http.Header

// base64Name begins a name that is not UTF-8. No header's name has a colon.
const base64Name = "base64:"

// MarshalJSON implements [json.Marshaler].
func (h jsonHeader) MarshalJSON() ([]byte, error) {
	if h == nil {
		return []byte("null"), nil
	}
	out := make(map[string][]exactText, len(h))
	for name, values := range h {
		if !utf8.ValidString(name) || strings.HasPrefix(name, base64Name) {
			name = base64Name + base64.StdEncoding.EncodeToString([]byte(name))
		}
		var texts []exactText
		if values != nil {
			texts = make([]exactText, len(values))
		}
		for i, v := range values {
			texts[i] = exactText(v)
		}
		out[name] = texts
	}
	return marshalUnescaped(out)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (h *jsonHeader) UnmarshalJSON(b []byte) error {
	var in map[string][]exactText
	if err := json.Unmarshal(b, &in); err != nil || in == nil {
		return err
	}
	*h = make(jsonHeader, len(in))
	for name, texts := range in {
		if encoded, ok := strings.CutPrefix(name, base64Name); ok {
			decoded, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				return fmt.Errorf("the header name %q is damaged: %w", name, err)
			}
			name = string(decoded)
		}
		var values []string
		if texts != nil {
			values = make([]string, len(texts))
		}
		for i, t := range texts {
			values[i] = string(t)
		}
		(*h)[name] = values
	}
	return nil
}

// check says which of the headers could not have come over HTTP.
func (h jsonHeader) check() error {
	for name, values := range h {
		if name == "" || strings.ContainsAny(name, "\r\n\x00: ") {
			return fmt.Errorf("a header has the name %q", name)
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return fmt.Errorf("the header %s has a line end or a NUL in it", name)
			}
		}
	}
	return nil
}

// marshalUnescaped is [json.Marshal] that leaves <, > and & readable.
func marshalUnescaped(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
