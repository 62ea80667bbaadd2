package cli

import (
	"errors"
	"strings"
)

// splitWords splits a command line into its words as a shell does: at spaces
// that are not quoted. Quotes are ' and ", in which " knows \" and \\; outside
// of them \ takes the next character as it is. Nothing is expanded.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	started := false
	quote := rune(0)
	escaped := false
	for _, c := range line {
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, started = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteRune(c)
			}
		case c == '\'' || c == '"':
			quote, started = c, true
		case strings.ContainsRune(" \t\n", c):
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(c)
			started = true
		}
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote is not closed: close it, or put \\ before it")
	case escaped:
		return nil, errors.New(`it ends with a \: take it away, or write \\`)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}
