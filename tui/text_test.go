package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 10 << 10: "10 KiB", 999 << 10: "999 KiB", 1023 << 10: "1.0 MiB",
		32 << 20: "32 MiB", 1 << 30: "1.0 GiB", 5000 << 30: "5000 GiB",
	} {
		if got := FormatSize(n); got != want {
			t.Errorf("FormatSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 µs", 999 * time.Microsecond: "999 µs", 3210 * time.Microsecond: "3.2 ms", 412 * time.Millisecond: "412 ms",
		1234 * time.Millisecond: "1.23 s", 63 * time.Second: "1m03s", 3*time.Hour + 5*time.Minute: "3h05m",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestFitIsExact(t *testing.T) {
	for _, s := range []string{"", "a", "hello world", "한국어 텍스트", "한a국b어", "✓✓✓✓✓✓✓✓"} {
		for w := range 14 {
			for name, got := range map[string]string{"fit": fit(s, w), "fitRight": fitRight(s, w), "render": line{{text: s}, {text: s}}.render(w, nil)} {
				if ansi.StringWidth(got) != w {
					t.Errorf("%s(%q, %d) = %q, %d cells", name, s, w, got, ansi.StringWidth(got))
				}
			}
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	for _, s := range []string{
		strings.Repeat("x", 500), strings.Repeat("한", 100), strings.Repeat("some words of ", 20), "  " + strings.Repeat("é", 99), strings.Repeat("e\u0301", 2000),
		strings.Repeat("\u0301", 500), "a",
	} {
		for _, w := range []int{1, 2, 3, 7, 40, 80} {
			rows := wrap(line{{text: s[:len(s)/2]}, {text: s[len(s)/2:]}}, w)
			var got strings.Builder
			for i, row := range rows {
				text := row.text()
				if i > 0 {
					text = text[len(row[0].text):] // the indent
				}
				got.WriteString(text)
				if row.width() > max(w, 2) { // a wide rune cannot be cut
					t.Errorf("wrap(%.9q…, %d): row %d takes %d cells: %q", s, w, i, row.width(), row.text())
				}
			}
			if got.String() != s {
				t.Errorf("wrap(%.9q…, %d) lost something: %q", s, w, got.String())
			}
		}
	}
}

func TestWrapBreaksAtSpacesUnderTheValue(t *testing.T) {
	rows := wrap(line{{text: "Error      "}, {text: "nothing listens at that address"}}, 30)
	want := []string{"Error      nothing listens at ", "           that address"}
	if len(rows) != 2 || rows[0].text() != want[0] || rows[1].text() != want[1] {
		t.Errorf("got %v, want %q", rows, want)
	}
}
