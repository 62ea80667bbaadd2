package provider

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Statuses are HTTP statuses: 200, "2xx", "200..204", "4xx-except-429", or a
// list of these. The zero value has none.
type Statuses struct{ ranges []statusRange }

// A statusRange is first to last, both included, without one of them.
type statusRange struct{ first, last, except int }

// Has reports whether s has a status.
func (s Statuses) Has(status int) bool {
	for _, r := range s.ranges {
		if r.first <= status && status <= r.last && status != r.except {
			return true
		}
	}
	return false
}

// IsZero reports whether s has none.
func (s Statuses) IsZero() bool { return len(s.ranges) == 0 }

// String returns s in words: "exactly 200", "200 or 204", "any 2xx"; "" when it is zero.
func (s Statuses) String() string {
	if len(s.ranges) == 1 && s.ranges[0].first == s.ranges[0].last {
		return "exactly " + s.ranges[0].String()
	}
	words := make([]string, len(s.ranges))
	for i, r := range s.ranges {
		words[i] = r.String()
	}
	return joinWords(words, "or")
}

func (r statusRange) String() string {
	text := fmt.Sprintf("%d to %d", r.first, r.last)
	switch {
	case r.first == r.last:
		text = strconv.Itoa(r.first)
	case r.first%100 == 0 && r.last == r.first+99:
		text = fmt.Sprintf("any %dxx", r.first/100)
	}
	if r.except != 0 {
		text += fmt.Sprintf(" except %d", r.except)
	}
	return text
}

// UnmarshalYAML reads a status or a list of them.
func (s *Statuses) UnmarshalYAML(node ast.Node) error {
	nodes := []ast.Node{node}
	if seq, ok := node.(*ast.SequenceNode); ok {
		nodes = seq.Values
	}
	if len(nodes) == 0 {
		return faultAt(node, "no status is listed: write 2xx, or leave it out")
	}
	*s = Statuses{}
	for _, n := range nodes {
		text, err := scalarText(n)
		if err != nil {
			return err
		}
		r, err := parseStatus(text)
		if err != nil {
			return faultAt(n, "%v", err)
		}
		s.ranges = append(s.ranges, r)
	}
	return nil
}

// parseStatus reads 200, "2xx", "200..204" or one of the latter two with "-except-429".
func parseStatus(text string) (statusRange, error) {
	wrong := fmt.Errorf("%q is no HTTP status: write 200, 2xx, 200..204 or 4xx-except-429", text)
	var r statusRange
	rest, except, excepting := strings.Cut(text, "-except-")
	if excepting {
		n, ok := statusNumber(except)
		if !ok {
			return r, wrong
		}
		r.except = n
	}
	if len(rest) == 3 && rest[0] >= '1' && rest[0] <= '5' && strings.EqualFold(rest[1:], "xx") {
		r.first = int(rest[0]-'0') * 100
		r.last = r.first + 99
		return r, nil
	}
	first, last, ranged := strings.Cut(rest, "..")
	if !ranged {
		last = first
	}
	var ok1, ok2 bool
	r.first, ok1 = statusNumber(first)
	r.last, ok2 = statusNumber(last)
	if !ok1 || !ok2 || r.first > r.last || excepting && !ranged {
		return r, wrong
	}
	return r, nil
}

func statusNumber(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 100 && n <= 599 && len(text) == 3
}

// joinWords joins words as in a sentence: "a, b or c".
func joinWords(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
