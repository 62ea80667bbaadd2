package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"hookloop/inspect"
)

func (a *app) exportCommand() *cobra.Command {
	var format, file, query string
	cmd := &cobra.Command{
		Use:   "export [ID|last|A..B …]",
		Short: "Write deliveries as curl lines, HAR, JSON Lines or CSV",
		Long: "export writes the deliveries named, or all of them, oldest first.\n" +
			"curl: a command that sends the same bytes to the address the provider called.\n" +
			"har: HAR 1.2, for browsers and other tools. jsonl: one JSON object a delivery, which loses nothing.\n" +
			"csv: one row an attempt, without bodies and headers: who sent what when, and with what result. In it,\n" +
			"what is invisible is written out, and a ' stands before a text that a spreadsheet would run as a formula.",
		Example: `hookloop export last --format curl
hookloop export --query 'is:failed since:1d' --format har -o failed.har
hookloop export --query since:1d --format csv -o today.csv
hookloop export > all.jsonl`,
		ValidArgsFunction: a.completeIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if query != "" && len(args) > 0 {
				return usagef("deliveries are named both by ID and by --query: use one of them")
			}
			write, err := exporter(format)
			if err != nil {
				return err
			}
			store, err := a.openStore(inspect.Options{})
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			ctx := cmd.Context()
			ids, err := choose(ctx, store, args, query)
			if err != nil {
				return err
			}
			return a.toFile(file, func(w io.Writer) error { return write(w, store.Records(ctx, ids)) })
		},
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "what to write: curl, har, jsonl or csv")
	cmd.Flags().StringVarP(&file, "output-file", "o", "", "write to this file instead of standard output")
	cmd.Flags().StringVar(&query, "query", "", "deliveries that match, see `hookloop list --help`")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"curl", "har", "jsonl", "csv"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func exporter(format string) (func(io.Writer, iter.Seq2[inspect.Record, error]) error, error) {
	switch format {
	case "jsonl":
		return inspect.WriteJSONL, nil
	case "csv":
		return inspect.WriteCSV, nil
	case "har":
		return func(w io.Writer, all iter.Seq2[inspect.Record, error]) error {
			return inspect.WriteHAR(w, version(), all)
		}, nil
	case "curl":
		return func(w io.Writer, all iter.Seq2[inspect.Record, error]) error {
			for r, err := range all {
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintln(w, inspect.Curl(r.Delivery.URL(), r.Delivery)); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	return nil, usagef("--format %q: give curl, har, jsonl or csv", format)
}

// toFile runs write on a new private file, or on standard output if name is "".
func (a *app) toFile(name string, write func(io.Writer) error) (err error) {
	if name == "" {
		buffered := bufio.NewWriter(a.Stdout)
		if err := write(buffered); err != nil {
			return err
		}
		return buffered.Flush()
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buffered := bufio.NewWriter(f)
	if err := write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}
