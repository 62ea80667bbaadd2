package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func listed(id int64, change func(*inspect.Summary)) inspect.Summary {
	d := inspect.Summary{
		ID: id, ReceivedAt: time.Now(), Method: "POST", Path: "/hooks/stripe", Size: 900, Disposition: inspect.Forwarded, Attempts: 1,
		Last: &inspect.AttemptSummary{Number: 1, State: inspect.Answered, Status: 200, Duration: 12 * time.Millisecond},
	}
	change(&d)
	return d
}

func TestListColumns(t *testing.T) {
	nobody := listed(1, func(*inspect.Summary) {})
	rehearsed := listed(7, func(*inspect.Summary) {})
	stripe := listed(12345, func(d *inspect.Summary) {
		d.Facts = provider.Facts{Provider: "stripe", Certainty: provider.Certain, Event: "customer.subscription.trial_will_end", EventID: "evt_1", Signature: provider.Valid}
	})
	guess := listed(3, func(d *inspect.Summary) {
		d.Facts = provider.Facts{Provider: "standardwebhooks", Certainty: provider.Guess, Event: "\x1b[2J決済"}
	})
	slack := listed(4, func(d *inspect.Summary) {
		d.Facts = provider.Facts{Provider: "slack", Handshake: "url_verification", Signature: provider.Valid, Scheme: "handshake"}
		d.Reason = "hookloop answered the handshake: Slack's url_verification"
		d.Disposition, d.Last, d.Attempts = inspect.Held, nil, 0
	})
	tests := []struct {
		name  string
		list  []inspect.Summary
		width int
		names string   // of the columns
		have  []string // in the text
	}{
		{"nobody is known", []inspect.Summary{nobody}, 0, "ID TIME METHOD RESULT DURATION SIZE ATTEMPTS PATH", []string{"POST    200     12 ms     900 B  1         /hooks/stripe\n"}},
		{
			"rehearsed",
			[]inspect.Summary{nobody, rehearsed},
			0, "ID TIME METHOD RESULT VERDICT DURATION SIZE ATTEMPTS PATH",
			[]string{"200              12 ms", "200     FAIL     12 ms"},
		},
		{"rehearsed, in 50 columns", []inspect.Summary{rehearsed}, 50, "ID TIME RESULT VERDICT PATH", nil},
		{"nobody, in 80 columns", []inspect.Summary{nobody}, 80, "ID TIME METHOD RESULT DURATION SIZE ATTEMPTS PATH", nil},
		{
			"no terminal",
			[]inspect.Summary{nobody, stripe, guess, slack},
			0,
			"ID TIME PROVIDER SIG EVENT EVENT ID METHOD RESULT DURATION SIZE ATTEMPTS PATH",
			[]string{"  stripe             ✓    customer.subscription.t…  evt_1     POST", "  standardwebhooks?       \\x1b[2J決済", "  slack              ·    handshake ", "answered "},
		},
		{"a wide terminal", []inspect.Summary{stripe}, 200, "ID TIME PROVIDER SIG EVENT EVENT ID METHOD RESULT DURATION SIZE ATTEMPTS PATH", nil},
		{"110 columns", []inspect.Summary{stripe, guess}, 110, "ID TIME PROVIDER SIG EVENT METHOD RESULT ATTEMPTS PATH", []string{"#12345"}},
		{"80 columns", []inspect.Summary{stripe}, 80, "ID TIME PROVIDER SIG EVENT RESULT PATH", []string{"200     /hooks/stripe\n"}},
		{"a narrow terminal", []inspect.Summary{stripe}, 30, "ID TIME PROVIDER EVENT RESULT PATH", []string{"/hooks/stripe\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			var rows []listRow
			for _, d := range tt.list {
				rows = append(rows, listRow{d, map[int64]string{7: "FAIL"}[d.ID]})
			}
			if err := printList(&out, rows, tt.width); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if got := strings.Join(strings.Fields(lines[0]), " "); got != tt.names {
				t.Errorf("the columns are %s, want %s", got, tt.names)
			}
			if len(lines) != len(tt.list)+1 {
				t.Errorf("%d lines, want %d", len(lines), len(tt.list)+1)
			}
			path := ansi.StringWidth(lines[0]) - len("PATH")
			for _, line := range lines {
				if tt.width >= 80 && ansi.StringWidth(line) > tt.width {
					t.Errorf("%q is wider than %d columns", line, tt.width)
				}
			}
			for _, line := range lines[1:] {
				if at := strings.LastIndex(line, "/hooks/stripe"); ansi.StringWidth(line[:at]) != path {
					t.Errorf("the path of %q is not in its column, %d", line, path)
				}
			}
			for _, want := range tt.have {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it lacks %q:\n%s", want, out.String())
				}
			}
		})
	}
}
