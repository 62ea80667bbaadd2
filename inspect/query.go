package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// This file reads the search language; query_keys.go says what each key means.
//
// A query is a list of terms with spaces between them, all of which must hold:
//
//	status:>=500 method:POST path:/hooks/* "free text" -path:/health
//
// A term is key:value, or text to be found in the target, a header or the
// body. "-" before a term negates it. Quotes keep spaces together, and make
// *, ? and : ordinary characters; \" and \\ stand for themselves inside them.

// Limits of a query, far above what anybody types.
const (
	maxQueryBytes = 4096
	maxQueryTerms = 64
)

// A QueryError says what is wrong with a query and what to do.
type QueryError struct {
	Query string
	Msg   string
}

func (e *QueryError) Error() string { return "query: " + e.Msg }

// A Query is a search, ready to run. It may be run many times; times such as
// since:1h count from each run.
type Query struct {
	terms []term
}

type term struct {
	negated bool
	match   condition
}

// A condition returns an SQL expression over a row d of deliveries, and what
// to bind to its parameters. Nothing from the query itself is in the SQL.
type condition func(now time.Time) (sql string, args []any)

// ParseQuery reads a query. The empty query matches everything. The error is
// always a [*QueryError].
func ParseQuery(q string) (*Query, error) {
	fail := func(format string, args ...any) (*Query, error) {
		return nil, &QueryError{Query: q, Msg: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(q) > maxQueryBytes:
		return fail("it is longer than %d characters; search for less at once", maxQueryBytes)
	case !utf8.ValidString(q) || strings.ContainsRune(q, 0):
		return fail("it holds bytes that are no text")
	}
	tokens, err := tokenize(q)
	if err != nil {
		return fail("%s", err)
	}
	if len(tokens) > maxQueryTerms {
		return fail("it has more than %d terms; search for less at once", maxQueryTerms)
	}
	query := &Query{}
	for _, t := range tokens {
		match, err := t.condition()
		if err != nil {
			return fail("%s", err)
		}
		query.terms = append(query.terms, term{t.negated, match})
	}
	return query, nil
}

// where returns q as one SQL expression, in parentheses, over a row d of
// deliveries, and what to bind to its parameters.
func (q *Query) where(now time.Time) (sql string, args []any) {
	if len(q.terms) == 0 {
		return "(1)", nil
	}
	var b strings.Builder
	for i, t := range q.terms {
		expr, more := t.match(now)
		if i > 0 {
			b.WriteString(" AND ")
		}
		if t.negated { // also where there is nothing to look at, and expr is NULL
			b.WriteString("((" + expr + ") IS NOT TRUE)")
		} else {
			b.WriteString("(" + expr + ")")
		}
		args = append(args, more...)
	}
	return "(" + b.String() + ")", args
}

// A token is one term as it was typed.
type token struct {
	negated bool
	key     string // "" for free text
	value   value
}

// A value is what follows a key.
type value struct {
	text   string
	quoted []bool // for each byte of text: it was in quotes, so * and ? are ordinary characters
}

// literal returns text as a value that was wholly in quotes.
func literal(text string) value {
	return value{text, slices.Repeat([]bool{true}, len(text))}
}

// bare returns text as a value without quotes.
func bare(text string) value { return value{text, make([]bool, len(text))} }

func (v value) from(i int) value { return value{v.text[i:], v.quoted[i:]} }

// tokenize splits q into its terms.
func tokenize(q string) ([]token, error) {
	var tokens []token
	for rest := strings.TrimLeftFunc(q, unicode.IsSpace); rest != ""; rest = strings.TrimLeftFunc(rest, unicode.IsSpace) {
		var t token
		if after, ok := strings.CutPrefix(rest, "-"); ok {
			t.negated, rest = true, after
		}
		if key, after, ok := cutKey(rest); ok {
			t.key, rest = key, after
		}
		var err error
		if t.value, rest, err = cutValue(rest); err != nil {
			return nil, err
		}
		if t.key == "" && t.value.text == "" {
			return nil, fmt.Errorf(`there is nothing to search for in %q; put a word after it`, strings.TrimSpace(q))
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// cutKey splits "key:rest". A key begins with a letter.
func cutKey(s string) (key, rest string, ok bool) {
	for i, r := range s {
		switch {
		case r == ':' && i > 0:
			return s[:i], s[i+1:], true
		case unicode.IsLetter(r):
		case i > 0 && (unicode.IsDigit(r) || strings.ContainsRune("_-.[]$@/", r)):
		default:
			return "", s, false
		}
	}
	return "", s, false
}

// cutValue splits what comes up to the next space outside quotes from the rest.
func cutValue(s string) (v value, rest string, err error) {
	var text []byte
	inQuotes := false
	i := 0
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !inQuotes && unicode.IsSpace(r) {
			break
		}
		escaped := inQuotes && r == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\')
		if escaped {
			i++
		}
		if r == '"' && !escaped {
			inQuotes = !inQuotes
		} else {
			text = append(text, s[i:i+size]...)
			v.quoted = append(v.quoted, slices.Repeat([]bool{inQuotes}, size)...)
		}
		i += size
	}
	if inQuotes {
		return v, "", errors.New(`a quote is not closed; write the text as "some text", and a quote in it as \"`)
	}
	v.text = string(text)
	return v, s[i:], nil
}

// condition compiles t.
func (t token) condition() (condition, error) {
	if t.key == "" {
		return freeText(t.value.text), nil
	}
	name := strings.ToLower(t.key)
	if strings.HasPrefix(name, "body.") || strings.HasPrefix(name, "body[") {
		return bodyPath(t.key[len("body"):], t.value)
	}
	for _, k := range queryKeys {
		if k.name != name {
			continue
		}
		if t.value.text == "" {
			return nil, fmt.Errorf("%s: needs a value, as in %s", name, k.example)
		}
		match, err := k.parse(t.value)
		if err != nil {
			return nil, fmt.Errorf("%s:%s: %w", name, Escape(t.value.text), err)
		}
		return match, nil
	}
	return nil, unknownKey(t)
}

func unknownKey(t token) error {
	var names []string
	for _, k := range queryKeys {
		names = append(names, k.name)
	}
	hint := fmt.Sprintf(`to search for this text, put it in quotes: "%s:%s"`, Escape(t.key), Escape(t.value.text))
	if near := Nearest(strings.ToLower(t.key), names); near != "" {
		hint = fmt.Sprintf("did you mean %s:?", near)
	}
	return fmt.Errorf("there is no key %q; %s (keys: %s, body.json.path)", t.key, hint, strings.Join(names, ", "))
}

// Nearest returns the name that a slip of the fingers turns into s; "" when
// none is near.
func Nearest(s string, names []string) string {
	best, bestDistance := "", 3
	for _, name := range names {
		d := distance(s, name)
		if len(s) >= 3 && strings.HasPrefix(name, s) {
			d = 1
		}
		if d < bestDistance && d < max(len(name)/2, 2) {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance returns the number of insertions, deletions, substitutions and
// swaps of neighbours between a and b.
func distance(a, b string) int {
	previous, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			next[j+1] = min(row[j]+1, row[j+1]+1, next[j]+1)
			if a[i] == b[j] {
				next[j+1] = min(next[j+1], row[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], previous[j-1]+1)
			}
		}
		previous, row = row, next
	}
	return row[len(b)]
}
