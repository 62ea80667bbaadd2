package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/tui"
)

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:     "list [QUERY]",
		Aliases: []string{"ls"},
		Short:   "List the deliveries that were kept",
		Long:    "list prints the newest deliveries, the newest last.\n\nThe query language, which the terminal UI and the page share:\n\n" + queryHelp(),
		Example: `hookloop list
hookloop list is:failed since:1h
hookloop list 'path:/stripe/* status:>=500' --json`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := a.openStore(inspect.Options{})
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			list, err := store.List(cmd.Context(), inspect.ListOptions{Query: strings.Join(args, " "), Limit: limit})
			if err != nil {
				return asUsage(err)
			}
			slices.Reverse(list)
			if asJSON {
				enc := inspect.NewJSONEncoder(a.Stdout)
				for _, d := range list {
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
			return printList(a.Stdout, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many at most")
	return cmd
}

// printList prints a table. The path stands last, so that a long one moves no other column.
func printList(w io.Writer, list []inspect.Summary) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tTIME\tMETHOD\tRESULT\tDURATION\tSIZE\tATTEMPTS\tPATH")
	for _, d := range list {
		duration := ""
		if d.Last != nil && d.Last.State != inspect.Pending {
			duration = tui.FormatDuration(d.Last.Duration)
		}
		_, _ = fmt.Fprintf(table, "#%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", d.ID, shortTime(d.ReceivedAt), inspect.Escape(d.Method),
			result(&d), duration, tui.FormatSize(d.Size), d.Attempts, inspect.Escape(d.Path))
	}
	return table.Flush()
}

// result is how a delivery stands, in a word or a status.
func result(d *inspect.Summary) string {
	switch {
	case d.Disposition == inspect.Refused:
		return "refused"
	case d.Last == nil:
		return "held"
	case d.Last.State == inspect.Answered:
		return fmt.Sprint(d.Last.Status)
	}
	return string(d.Last.State)
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
