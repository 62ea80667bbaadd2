package provider

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A pair is a name and a value of a query or a form.
type pair struct{ name, value string }

// parsePairs takes a=b&c=d apart, in order. What cannot be unescaped stays as it is.
func parsePairs(text string) []pair {
	if text == "" {
		return nil
	}
	pairs := make([]pair, 0, strings.Count(text, "&")+1)
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, pair{unescape(name), unescape(value)})
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
	sorted := slices.Clone(pairs)
	slices.SortFunc(sorted, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for _, p := range slices.Compact(sorted) {
		b.WriteString(p.name)
		b.WriteString(p.value)
	}
	return b.String()
}
