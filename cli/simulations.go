package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hookloop/inspect"
)

// simulationListCommand lists the simulations that were kept.
func (a *app) simulationListCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the simulations that were kept, with their verdicts",
		Long:              "list prints the newest simulations, the newest last.",
		Example:           "hookloop simulate list\nhookloop simulate list --json",
		Args:              args(0, 0, "no arguments"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return usagef("-n is %d: at least 1 is needed", limit)
			}
			store, err := a.openStore(inspect.Options{})
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			list, err := store.Simulations(cmd.Context(), 0, limit)
			if err != nil {
				return err
			}
			if len(list) == 0 && !asJSON {
				a.sayf("no simulations yet: `hookloop simulate --help` has them")
			}
			p, enc := printer{a.Stdout}, inspect.NewJSONEncoder(a.Stdout)
			for i := range list {
				sim := &list[len(list)-1-i]
				if !asJSON {
					p.linef("%-4d %s  %-12s  %-10s  %s", sim.ID, shortTime(sim.StartedAt), verdictWord(sim), sim.Kind, inspect.Escape(sim.Title))
				} else if err := enc.Encode(sim); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many at most")
	return cmd
}

// simulationShowCommand shows one simulation as it was shown when it ended.
func (a *app) simulationShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show N|last", Short: "Show one simulation: its steps, its verdict, and why",
		Example:           "hookloop simulate show last\nhookloop simulate show 3 --json",
		Args:              args(1, 1, "the number of one simulation"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(strings.TrimPrefix(args[0], "#"), 10, 64)
			if last := args[0] == "last"; !last && (err != nil || id < 1) {
				return usagef("%q is no simulation: give a number, as `hookloop simulate list` has them, or last", args[0])
			}
			store, err := a.openStore(inspect.Options{})
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			sim, err := simulation(cmd.Context(), store, id)
			if err != nil {
				return asUsage(err)
			}
			if asJSON {
				return inspect.NewJSONEncoder(a.Stdout).Encode(sim)
			}
			(&timeline{p: printer{a.Stdout}}).end(sim)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// simulation returns one simulation, 0 being the latest.
func simulation(ctx context.Context, store *inspect.Store, id int64) (*inspect.Simulation, error) {
	if id > 0 {
		return store.Simulation(ctx, id)
	}
	list, err := store.Simulations(ctx, 0, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, usagef("there is no simulation yet: `hookloop simulate --help` has them")
	}
	return &list[0], nil
}

// verdictWord is what a simulation came to, or that it runs.
func verdictWord(sim *inspect.Simulation) string {
	if sim.Verdict == "" {
		return string(sim.State)
	}
	return string(sim.Verdict)
}

// simulations prints what the simulations of a delivery came to, oldest first.
func (s *shower) simulations(ctx context.Context, id int64) error {
	list, err := s.store.Simulations(ctx, id, 0)
	if err != nil {
		return err
	}
	for i := range list {
		sim := &list[len(list)-1-i]
		s.linef("── simulation %d, %s, %s → %s", sim.ID, sim.Kind, shortTime(sim.StartedAt), verdictWord(sim))
		s.linef("   %s", inspect.Escape(sim.Title))
		printReasons(s.printer, sim)
	}
	return nil
}

// writeRecord writes a delivery as JSON, with its attempts and simulations.
func writeRecord(ctx context.Context, w io.Writer, store *inspect.Store, id int64) error {
	var record, added bytes.Buffer
	if err := inspect.WriteJSONL(&record, store.Records(ctx, []int64{id})); err != nil {
		return err
	}
	list, err := store.Simulations(ctx, id, 0)
	if err != nil {
		return err
	}
	text := bytes.TrimSpace(record.Bytes())
	if list == nil {
		list = []inspect.Simulation{}
	}
	if err := inspect.NewJSONEncoder(&added).Encode(list); err != nil {
		return err
	}
	if !bytes.HasSuffix(text, []byte("}")) || !json.Valid(text) {
		return fmt.Errorf("delivery #%d cannot be written as JSON", id)
	}
	_, err = fmt.Fprintf(w, "%s,\"simulations\":%s}\n", text[:len(text)-1], bytes.TrimSpace(added.Bytes()))
	return err
}
