package provider

import "strings"

// nearest returns the one of some words that a mistyped one may be meant to
// be, or "": one that differs in a third of its letters at most, or that it begins.
func nearest(word string, words []string) string {
	word = strings.ToLower(word)
	if word == "" {
		return ""
	}
	best, least := "", max(1, len(word)/3)+1
	for _, w := range words {
		if d := distance(word, strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	if best == "" && len(word) >= 3 {
		for _, w := range words {
			if strings.HasPrefix(strings.ToLower(w), word) {
				return w
			}
		}
	}
	return best
}

// didYouMean returns ", did you mean X?", or "".
func didYouMean(word string, words []string) string {
	if n := nearest(word, words); n != "" {
		return ", did you mean " + n + "?"
	}
	return ""
}

// distance is how many letters have to be added, taken away, changed or
// swapped with their neighbours to make one word of another.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row
		row = make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before = last
	}
	return row[len(b)]
}
