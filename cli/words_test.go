package cli

import (
	"slices"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{``, nil},
		{`  `, nil},
		{`date`, []string{"date"}},
		{`psql -tAc "select count(*) from orders"`, []string{"psql", "-tAc", "select count(*) from orders"}},
		{`sh -c 'echo "$HOME" | wc -l'`, []string{"sh", "-c", `echo "$HOME" | wc -l`}},
		{`a"b c"d ''`, []string{"ab cd", ""}},
		{`a\ b \"c\" "d\"e\\f\n"`, []string{"a b", `"c"`, `d"e\f\n`}},
		{"a\tb\nc", []string{"a", "b", "c"}},
		{`'a\'`, []string{`a\`}},
		{`$(rm) ; > x`, []string{"$(rm)", ";", ">", "x"}},
	} {
		got, err := splitWords(tt.line)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("splitWords(%q) = %q, %v; want %q", tt.line, got, err, tt.want)
		}
	}
	for _, line := range []string{`a "b`, `a 'b`, `a \`} {
		if got, err := splitWords(line); err == nil {
			t.Errorf("splitWords(%q) = %q, want an error", line, got)
		}
	}
}
