package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hookloop/inspect"
)

// removePage is how many deliveries are removed at a time, so that none that
// arrives waits long.
const removePage = 500

func (a *app) rmCommand() *cobra.Command {
	var all, yes bool
	var query string
	cmd := &cobra.Command{
		Use:   "rm ID|last|A..B …",
		Short: "Remove deliveries and their attempts",
		Long: "rm removes deliveries, and all that was kept of them, for good. Those named by ID or as a range go at once;\n" +
			"with --query or --all it asks first, and without a terminal to ask on it wants --yes.",
		Example: `hookloop rm 12
hookloop rm --query 'path:/health'
hookloop rm --all --yes`,
		ValidArgsFunction: a.completeIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			named := 0
			for _, given := range []bool{len(args) > 0, query != "", all} {
				if given {
					named++
				}
			}
			switch {
			case named == 0:
				return usagef("remove what? Name deliveries by ID, or use --query or --all")
			case named > 1:
				return usagef("deliveries are named in more than one way: use IDs, --query or --all")
			}
			store, err := a.openStore(inspect.Options{})
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			ids, err := choose(ctx, store, args, query)
			if err != nil {
				return err
			}
			if len(args) == 0 && !yes && len(ids) > 0 && !a.confirm(fmt.Sprintf("Remove %s for good?", deliveries(len(ids)))) {
				return usagef("nothing was removed: say --yes to remove the %s", deliveries(len(ids)))
			}
			n := 0
			for chunk := ids; len(chunk) > 0; {
				some := chunk[:min(len(chunk), removePage)]
				chunk = chunk[len(some):]
				removed, err := store.Remove(ctx, some...)
				if err != nil {
					return err
				}
				n += removed
			}
			_, err = fmt.Fprintf(a.Stdout, "removed %d\n", n)
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all deliveries")
	cmd.Flags().StringVar(&query, "query", "", "deliveries that match, see `hookloop list --help`")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask, where --query or --all would")
	return cmd
}

func deliveries(n int) string {
	if n == 1 {
		return "1 delivery that matches"
	}
	return fmt.Sprintf("%d deliveries that match", n)
}

// confirm asks a person; without one the answer is no.
func (a *app) confirm(question string) bool {
	if !isTerminal(a.Stdin) || !isTerminal(a.Stderr) {
		return false
	}
	_, _ = fmt.Fprintf(a.Stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(a.Stdin).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(answer), "y")
}
