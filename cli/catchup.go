package cli

import (
	"context"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/replay"
)

func (a *app) catchUpCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "catch-up",
		Short: "Deliver in order what was held while the handler was down",
		Long: "catch-up delivers what `hookloop listen --when-down hold` has kept while the handler was down,\n" +
			"in the order of arrival. It ends when nothing waits any more, or the handler cannot be reached.",
		Example: `hookloop simulate catch-up
hookloop list is:waiting`,
		Args:              args(0, 0, "no arguments"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return notRun(a.catchUp(cmd.Context(), &f)) },
	}
	f.handlerFlags.add(cmd.Flags())
	f.providerFlags.add(a, cmd)
	set := cmd.Flags()
	set.StringVar(&f.spec.To, "to", "", "deliver to this port, host:port or URL instead of to the handler of the running listen")
	set.BoolVar(&f.asJSON, "json", false, "print the simulation as one JSON object when it has ended")
	set.StringVar(&f.junit, "junit", "", "write the verdict to this file as JUnit XML, for CI")
	return cmd
}

func (a *app) catchUp(ctx context.Context, f *simulateFlags) error {
	store, err := a.openStore(inspect.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := checkJUnit(f.junit); err != nil {
		return err
	}
	sender, err := a.replaySender(&f.handlerFlags, store)
	if err != nil {
		return err
	}
	if f.spec.To != "" {
		u, err := replay.ParseHandler(f.spec.To)
		if err != nil {
			return usageError{err}
		}
		sender.Handler = &replay.Handler{URL: u}
	}
	if sender.Handler == nil {
		return usagef("there is no running `hookloop listen` whose handler to deliver to: say where to with --to, such as --to 3000")
	}
	if sender.Checker, err = a.checker(&f.providerFlags); err != nil {
		return err
	}
	defer sender.Stop()
	var shown *timeline
	var onChange func(*inspect.Simulation)
	if !f.asJSON {
		shown = a.newTimeline()
		defer shown.close()
		onChange = shown.show
	}
	sim, err := (&replay.Backlog{Sender: sender}).CatchUp(ctx, onChange)
	if err != nil {
		return err
	}
	if sim.Deliveries == nil {
		sim.Deliveries = []int64{} // in JSON a list, too
	}
	return a.verdict(f, shown, sim)
}
