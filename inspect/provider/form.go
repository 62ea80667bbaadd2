package provider

import (
	"bytes"
	"cmp"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxFields is how many fields of a form, or of a query, are looked at. What
// has more is made to be slow.
const maxFields = 1 << 16

// A pair is a name and a value of a query or a form. The value is as it was
// sent, for it may be large and of no interest.
type pair struct {
	name string
	raw  []byte
}

func (p *pair) value() string { return unescape(string(p.raw)) }

// parsePairs takes a=b&c=d apart, in order: the first maxFields. What cannot
// be unescaped stays as it is.
func parsePairs(text []byte) (pairs []pair) {
	for part := range bytes.SplitSeq(text, []byte("&")) {
		if len(pairs) == maxFields {
			break
		}
		if len(part) > 0 {
			name, value, _ := bytes.Cut(part, []byte("="))
			pairs = append(pairs, pair{unescape(string(name)), value})
		}
	}
	return pairs
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// isForm reports whether a body is a form: its content type says so, or says
// nothing and it does not look like JSON.
func isForm(h http.Header, body []byte) bool {
	text := h.Get("Content-Type")
	if text == "" {
		return len(body) == 0 || body[0] != '{' && body[0] != '['
	}
	kind, _, err := mime.ParseMediaType(text)
	if err != nil {
		kind, _, _ = strings.Cut(text, ";")
	}
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// sortedForm joins names and values, sorted; each value of a name counts once.
// Twilio signs that: https://www.twilio.com/docs/usage/webhooks/webhooks-security
func sortedForm(pairs []pair) string {
	type field struct{ name, value string }
	sorted := make([]field, len(pairs))
	size := 0
	for i := range pairs {
		sorted[i] = field{pairs[i].name, pairs[i].value()}
		size += len(sorted[i].name) + len(sorted[i].value)
	}
	slices.SortFunc(sorted, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var b strings.Builder
	b.Grow(size)
	for _, f := range slices.Compact(sorted) {
		b.WriteString(f.name)
		b.WriteString(f.value)
	}
	return b.String()
}
