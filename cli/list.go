package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/tui"
)

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:     "list [QUERY]",
		Aliases: []string{"ls"},
		Short:   "List the deliveries that were kept",
		Long: "list prints the newest deliveries, the newest last: who sent them (stripe? is a\n" +
			"guess), whether the signature holds (SIG: ✓ valid, ✗ invalid, · not signed or not\n" +
			"verifiable), when, what they are and with what result; a handshake that hookloop\n" +
			"answered is answered, and \"200, lost\" is an answer that `simulate lost-ack` kept\n" +
			"from the provider. FROM is what did not simply arrive: trigger, poll, mock.\n" +
			"VERDICT is what the latest simulation of a delivery came to: PASS, FAIL, INCONCLUSIVE,\n" +
			"or running. Where a terminal is narrow, it leaves out columns; --json has all of them, and more.\n\nThe query language, which the terminal UI and the page share:\n\n" + queryHelp(),
		Example: `hookloop list
hookloop list is:failed since:1h
hookloop list 'provider:stripe event:charge.* signature:invalid'
hookloop list 'path:/stripe/* status:>=500' --json`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := a.openKept()
			if errors.Is(err, errNoFolder) {
				a.sayf("no deliveries yet: %s", err)
				return nil
			}
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			list, err := store.List(cmd.Context(), inspect.ListOptions{Query: strings.Join(args, " "), Limit: limit, Digest: asJSON})
			if err != nil {
				return asUsage(err)
			}
			slices.Reverse(list)
			rows, err := listRows(cmd.Context(), store, list)
			if err != nil {
				return err
			}
			if asJSON {
				enc := inspect.NewJSONEncoder(a.Stdout)
				for _, d := range rows {
					if err := enc.Encode(d); err != nil {
						return err
					}
				}
				return nil
			}
			if len(list) == 0 {
				a.sayf("no deliveries%s", map[bool]string{true: " match", false: " yet: `hookloop listen` receives them"}[len(args) > 0])
				return nil
			}
			return printList(a.Stdout, rows, terminalWidth(a.Stdout))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many at most; 0 = all")
	return cmd
}

// A listRow is what the list has of a delivery.
type listRow struct {
	inspect.Summary
	Verdict string `json:"verdict,omitempty"` // of its latest simulation: PASS, FAIL, INCONCLUSIVE or running; "" = there is none
}

// listRows adds the verdicts to a list.
func listRows(ctx context.Context, store *inspect.Store, list []inspect.Summary) ([]listRow, error) {
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	verdicts, err := store.Verdicts(ctx, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]listRow, len(list))
	for i := range list {
		rows[i] = listRow{list[i], verdicts[list[i].ID]}
	}
	return rows, nil
}

// A column of the list.
type column struct {
	name  string
	cell  func(*listRow) string
	spare int  // where the terminal is too narrow, 1 is left out first; 0 never is
	some  bool // left out where no delivery has it
}

// listColumns are in their order from left to right. The path stands last, so
// that a long one moves no other.
var listColumns = []column{
	{name: "ID", cell: func(d *listRow) string { return fmt.Sprintf("#%d", d.ID) }},
	{name: "TIME", cell: func(d *listRow) string { return shortTime(d.ReceivedAt) }},
	{name: "PROVIDER", cell: func(d *listRow) string { return sender(&d.Summary) }, some: true},
	{name: "SIG", cell: func(d *listRow) string { return tui.SignatureMark(&d.Facts) }, spare: 7, some: true},
	{name: "FROM", cell: func(d *listRow) string { return string(d.Source) }, spare: 8, some: true},
	{name: "EVENT", cell: func(d *listRow) string { return event(&d.Summary) }, some: true},
	{name: "EVENT ID", cell: func(d *listRow) string { return eventID(&d.Summary) }, spare: 1, some: true},
	{name: "METHOD", cell: func(d *listRow) string { return inspect.Escape(d.Method) }, spare: 5},
	{name: "RESULT", cell: func(d *listRow) string { return result(&d.Summary) }},
	{name: "VERDICT", cell: func(d *listRow) string { return d.Verdict }, spare: 6, some: true},
	{name: "DURATION", cell: func(d *listRow) string { return duration(&d.Summary) }, spare: 3},
	{name: "SIZE", cell: func(d *listRow) string { return tui.FormatSize(d.Size) }, spare: 2},
	{name: "ATTEMPTS", cell: func(d *listRow) string { return fmt.Sprint(d.Attempts) }, spare: 4},
	{name: "PATH", cell: func(d *listRow) string { return inspect.Escape(d.Path) }},
}

// pathWidth is how much of a narrow terminal is kept for the path.
const pathWidth = 14

// printList prints a table. Where it is wider than the terminal, it leaves out
// columns; a width of 0 is that of no terminal, which gets them all.
func printList(w io.Writer, list []listRow, width int) error {
	var columns [][]string // the name, and the cells below it
	var spare, widths []int
	for _, c := range listColumns {
		cells, empty, widest := []string{c.name}, true, ansi.StringWidth(c.name)
		for i := range list {
			cell := c.cell(&list[i])
			cells, empty, widest = append(cells, cell), empty && cell == "", max(widest, ansi.StringWidth(cell))
		}
		if !c.some || !empty {
			columns, spare, widths = append(columns, cells), append(spare, c.spare), append(widths, widest)
		}
	}
	for step := 1; step <= 8 && width > 0; step++ {
		last := len(widths) - 1
		total := 2*last + min(widths[last], pathWidth)
		for _, n := range widths[:last] {
			total += n
		}
		if i := slices.Index(spare, step); i >= 0 && total > width {
			columns, spare, widths = slices.Delete(columns, i, i+1), slices.Delete(spare, i, i+1), slices.Delete(widths, i, i+1)
		}
	}
	for row := range len(list) + 1 {
		var line strings.Builder
		for i, cells := range columns {
			line.WriteString(cells[row])
			if i < len(columns)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-ansi.StringWidth(cells[row])+2))
			}
		}
		if _, err := fmt.Fprintln(w, line.String()); err != nil {
			return err
		}
	}
	return nil
}

// terminalWidth returns how many cells a line of f has, 0 where it is no terminal.
func terminalWidth(f any) int {
	file, ok := f.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(file.Fd()) {
		return 0
	}
	width, _, err := term.GetSize(file.Fd())
	if err != nil {
		return 0
	}
	return width
}

// sender is the name of a delivery's provider, with a mark where it is a guess.
func sender(d *inspect.Summary) string {
	const most = 17
	name := ansi.Truncate(inspect.Escape(d.Provider), most, "…")
	if d.Certainty == provider.Guess {
		name += "?"
	}
	return name
}

// event is what a delivery is, in brief.
func event(d *inspect.Summary) string {
	const most = 24
	if d.Handshake != "" {
		return "handshake"
	}
	return ansi.Truncate(inspect.Escape(d.Event), most, "…")
}

// eventID is what stays the same over duplicates and retries, whole: it is copied.
func eventID(d *inspect.Summary) string {
	const most = 64 // the length of a hash in hex
	return ansi.Truncate(inspect.Escape(d.EventID), most, "…")
}

// duration is how long the latest attempt took; "" while it goes on.
func duration(d *inspect.Summary) string {
	if d.Last == nil || d.Last.State == inspect.Pending {
		return ""
	}
	return tui.FormatDuration(d.Last.Duration)
}

// result is how a delivery stands, in a word or a status.
func result(d *inspect.Summary) string {
	switch {
	case d.Waiting:
		return "held"
	case d.Disposition == inspect.Refused:
		return "refused"
	case tui.Answered(d.Disposition, &d.Facts, d.Reason):
		return "answered"
	case d.Last == nil:
		return "held"
	case d.Last.State == inspect.Answered && lost(d):
		return fmt.Sprintf("%d, lost", d.Last.Status)
	case d.Last.State == inspect.Answered:
		return fmt.Sprint(d.Last.Status)
	}
	return string(d.Last.State)
}

// lost reports whether the provider did not get the handler's answer.
func lost(d *inspect.Summary) bool {
	return strings.HasPrefix(d.Reason, inspect.LostAckReason) && d.Last.Trigger == inspect.Initial
}

// shortTime is the time of day, with the date where that is not today.
func shortTime(t time.Time) string {
	t = t.Local()
	if now := time.Now(); t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("15:04:05")
}

// queryHelp is the table of the query language: examples, and what they find.
func queryHelp() string {
	const example, width = 28, 76 // a terminal of 80 columns shows it as it is
	var b strings.Builder
	for _, k := range inspect.QueryHelp() {
		short, more, _ := strings.Cut(k.Example, " (or ")
		if more = strings.TrimSuffix(more, ")"); more != "" {
			more = "; or " + more
		}
		text := ansi.Wordwrap(k.Meaning+more, width-example, "")
		for i, line := range strings.Split(text, "\n") {
			if i > 0 {
				short = ""
			}
			_, _ = fmt.Fprintf(&b, "%-*s%s\n", example, short, line)
		}
	}
	return b.String()
}
