package cli

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/replay"
)

// simulateFlags are what every simulation has.
type simulateFlags struct {
	handlerFlags
	providerFlags
	probeFlags
	spec   replay.Spec
	query  string
	asJSON bool
	junit  string
}

func (a *app) simulateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "simulate",
		Aliases: []string{"sim", "rehearse"},
		Short:   "Rehearse duplicates, retries, tampering and more, and get a verdict",
		Long: "simulate delivers what was captured as a provider does on a bad day, to your handler, and says whether it coped:\n" +
			"PASS, FAIL or INCONCLUSIVE, with the reasons. A probe shows whether the side effect happened exactly once:\n" +
			"a command or an address that gives a count. The exit status is 0 for PASS, 1 for FAIL, 3 for INCONCLUSIVE,\n" +
			"and 2 where nothing could be rehearsed.",
		Example: `hookloop simulate duplicates last -n 3 --mode overlap --probe 'psql -tAc "select count(*) from orders"'
hookloop simulate retries last --policy apixo --speed 60x
hookloop simulate tamper last --secret stripe=env:STRIPE_WEBHOOK_SECRET
hookloop simulate reorder 3..5 --all-orders --probe http://localhost:3000/orders/1/state`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no simulation %q: see `hookloop simulate --help`", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.rehearsalCommand("duplicates ID|last", "Deliver the same event several times", `hookloop simulate duplicates last -n 3
hookloop simulate duplicates 12 --mode concurrent
hookloop simulate duplicates 12 --mode overlap --deadline 3s --probe http://localhost:3000/orders/count`),
		a.rehearsalCommand("retries ID|last", "Deliver by a provider's schedule until it is accepted", `hookloop simulate retries last --speed 60x
hookloop simulate retries 12 --policy apixo --fail-first 2
hookloop simulate retries 12 --policy custom:30s,2m,10m --step`),
		a.rehearsalCommand("reorder ID ID …", "Deliver related events in other orders", `hookloop simulate reorder 3 5 8
hookloop simulate reorder 3..6 --all-orders --probe http://localhost:3000/orders/1/state`),
		a.rehearsalCommand("burst ID|last", "Deliver many at once, the same event and new ones", `hookloop simulate burst last
hookloop simulate burst last -n 500 -c 50`),
		a.rehearsalCommand("slow ID|last", "Trickle the body, cut the connection, ignore the answer", `hookloop simulate slow last
hookloop simulate slow last --how cut`),
		a.rehearsalCommand("tamper ID|last", "Deliver with signatures that do not hold, which the handler must refuse",
			`hookloop simulate tamper last --secret stripe=env:STRIPE_WEBHOOK_SECRET`),
		a.lostAckCommand(), a.catchUpCommand(), a.simulationListCommand(), a.simulationShowCommand(),
	)
	return cmd
}

// rehearsalCommand returns the command of one kind of simulation.
func (a *app) rehearsalCommand(use, short, example string) *cobra.Command {
	var f simulateFlags
	f.spec.Kind, _, _ = strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, ValidArgsFunction: a.completeIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkNumbers(cmd.Flags(), &f.spec); err != nil {
				return err
			}
			return notRun(a.simulate(cmd.Context(), &f, args))
		},
	}
	specFlags[f.spec.Kind](cmd.Flags(), &f.spec)
	f.handlerFlags.add(cmd.Flags())
	f.providerFlags.add(a, cmd)
	set := cmd.Flags()
	set.StringVar(&f.spec.To, "to", "", "send to this port, host:port or URL instead of to the handler")
	set.StringVar(&f.query, "query", "", "the deliveries that match, see `hookloop list --help`")
	f.probeFlags.add(set)
	set.BoolVar(&f.asJSON, "json", false, "print the simulation as one JSON object when it has ended")
	set.StringVar(&f.junit, "junit", "", "write the verdict to this file as JUnit XML, for CI")
	return cmd
}

// simulate runs one simulation and says how it went.
func (a *app) simulate(ctx context.Context, f *simulateFlags, exprs []string) error {
	store, err := a.openStore(inspect.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := checkJUnit(f.junit); err != nil {
		return err
	}
	r := replayFlags{query: f.query}
	if len(exprs) == 0 && f.query == "" {
		return usagef("simulate %s with what? Name a delivery, as in `hookloop simulate %s last`, or use --query", f.spec.Kind, f.spec.Kind)
	}
	if f.spec.Deliveries, err = r.choose(ctx, store, exprs); err != nil {
		return err
	}
	if f.spec.Probe, err = f.newProbe(); err != nil {
		return err
	}
	if err := f.spec.Check(); err != nil {
		return usageError{err}
	}
	sender, err := a.replaySender(&f.handlerFlags, store)
	if err != nil {
		return err
	}
	if sender.Checker, err = a.checker(&f.providerFlags); err != nil {
		return err
	}
	a.saySecretsElsewhere(ctx, store, sender.Checker, f.spec.Deliveries)
	defer sender.Stop()
	sim := &replay.Simulator{Sender: sender}
	var shown *timeline
	if !f.asJSON {
		shown = a.newTimeline()
		defer shown.close()
		sim.OnChange = shown.show
	}
	if f.spec.Step {
		a.sayf("hookloop: press Enter for each attempt")
		sim.Next = a.enterKeys(ctx)
	}
	result, err := sim.Run(ctx, f.spec)
	if err != nil {
		return err
	}
	return a.verdict(f, shown, result)
}

// notRun has the exit status 1 mean the verdict FAIL alone: what kept a
// simulation from its verdict is the user's to mend.
func notRun(err error) error {
	if err == nil || errors.Is(err, errSilent) || errors.Is(err, errGaveUp) || errors.Is(err, context.Canceled) {
		return err
	}
	if usage := (usageError{}); errors.As(err, &usage) {
		return err
	}
	return settingError{err}
}

// verdict prints and writes what came out, and makes the exit status of it.
func (a *app) verdict(f *simulateFlags, shown *timeline, sim *inspect.Simulation) error {
	if f.asJSON {
		if err := inspect.NewJSONEncoder(a.Stdout).Encode(sim); err != nil {
			return err
		}
	} else {
		shown.close()
		shown.end(sim)
	}
	if f.junit != "" {
		if err := os.WriteFile(f.junit, junitReport(sim), 0o644); err != nil {
			return notWritten(f.junit, err)
		}
	}
	switch sim.Verdict {
	case inspect.Pass:
		return nil
	case inspect.Fail:
		return errSilent
	}
	return errGaveUp
}

// enterKeys sends for each line that the user enters, until ctx ends, and
// closes the channel when there are no more.
func (a *app) enterKeys(ctx context.Context) <-chan struct{} {
	next := make(chan struct{})
	go func() {
		defer close(next)
		lines := bufio.NewScanner(a.Stdin)
		for lines.Scan() {
			select {
			case next <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return next
}
