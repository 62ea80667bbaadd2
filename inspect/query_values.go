package inspect

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// This file reads the values of the search language: ranges, sizes, spans of
// time, and patterns.

// parseRange reads 5, >5, >=5, <5, <=5, =5, 5..7, 5.. and ..7 with the given
// reader of one number, and returns the first and the last it stands for.
func parseRange(s string, parse func(string) (int64, error)) (lo, hi int64, err error) {
	lo, hi = 0, math.MaxInt64
	if first, last, ok := strings.Cut(s, ".."); ok {
		if first != "" {
			if lo, err = parse(first); err != nil {
				return 0, 0, err
			}
		}
		if last != "" {
			hi, err = parse(last)
		}
		if first == "" && last == "" {
			err = errors.New("the range has no ends")
		}
		if lo > hi {
			lo, hi = hi, lo
		}
		return lo, hi, err
	}
	op := s[:len(s)-len(strings.TrimLeft(s, "<>="))]
	n, err := parse(s[len(op):])
	if err != nil {
		return 0, 0, err
	}
	switch op {
	case "", "=":
		return n, n, nil
	case ">=":
		return n, hi, nil
	case "<=":
		return lo, n, nil
	case ">":
		if n == math.MaxInt64 {
			return 1, 0, nil
		}
		return n + 1, hi, nil
	case "<":
		return lo, n - 1, nil
	}
	return 0, 0, fmt.Errorf("%s is no comparison", op)
}

func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("it is no number")
	}
	return n, nil
}

// parseBytes reads 10, 10k, 1.5m and 1g; a k is 1024.
func parseBytes(s string) (int64, error) {
	number, unit := strings.TrimRight(strings.ToLower(s), "bi"), 1.0
	switch {
	case strings.HasSuffix(number, "k"):
		unit = 1 << 10
	case strings.HasSuffix(number, "m"):
		unit = 1 << 20
	case strings.HasSuffix(number, "g"):
		unit = 1 << 30
	}
	if unit > 1 {
		number = number[:len(number)-1]
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0) || n*unit >= 1<<53 {
		return 0, errors.New("it is no size")
	}
	return int64(n * unit), nil
}

// parseDuration reads what time.ParseDuration does, and before that days and
// weeks: 2d, 1w, 1d12h. The result is in nanoseconds.
func parseDuration(s string) (int64, error) {
	bad := errors.New("it is no length of time")
	var days time.Duration
	rest := s
	for _, unit := range []struct {
		suffix string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, ok := strings.Cut(rest, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 13)
		if err != nil {
			return 0, bad
		}
		days += time.Duration(n) * unit.length
		rest = after
	}
	if rest == "" && s != "" {
		return int64(days), nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || days+d < 0 || strings.HasPrefix(rest, "+") {
		return 0, bad
	}
	return int64(days + d), nil
}

// glob returns v as a pattern of SQLite's GLOB, which knows character classes
// besides * and ?.
func (v value) glob() string {
	var b strings.Builder
	for i := range len(v.text) {
		switch c := v.text[i]; {
		case c == '[', v.quoted[i] && (c == '*' || c == '?'):
			b.WriteString("[" + string(c) + "]")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// like returns v as a pattern of SQLite's LIKE … ESCAPE '\'.
func (v value) like() string {
	var b strings.Builder
	for i := range len(v.text) {
		switch c := v.text[i]; {
		case c == '*' && !v.quoted[i]:
			b.WriteByte('%')
		case c == '?' && !v.quoted[i]:
			b.WriteByte('_')
		case c == '%', c == '_', c == '\\':
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// contains returns a pattern of SQLite's LIKE … ESCAPE '\' for text anywhere.
func contains(text string) string { return "%" + literal(text).like() + "%" }
