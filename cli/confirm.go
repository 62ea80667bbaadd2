package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func (a *app) confirmCommand() *cobra.Command {
	var f providerFlags
	var yes, unverified bool
	cmd := &cobra.Command{
		Use:   "confirm ID|last",
		Short: "Confirm a subscription that a provider asks about",
		Long: "confirm fetches the address that a captured handshake names, as Amazon SNS wants it before it delivers\n" +
			"(SubscribeURL). It asks first, and fetches from the provider's own hosts alone.",
		Example: `hookloop confirm last
hookloop confirm 12 --yes`,
		Args:              args(1, 1, "one delivery, a number or `last`"),
		ValidArgsFunction: a.completeIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.confirmSubscription(cmd.Context(), &f, args[0], yes, unverified)
		},
	}
	f.add(a, cmd)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&unverified, "unverified", false, "confirm also where the signature cannot be checked")
	return cmd
}

func (a *app) confirmSubscription(ctx context.Context, f *providerFlags, expr string, yes, unverified bool) error {
	c, err := a.checker(f)
	if err != nil {
		return err
	}
	store, err := a.openKept()
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	d, err := one(ctx, store, expr)
	if err != nil {
		return asUsage(err)
	}
	r := d.Request()
	rec := c.Recognize(r)
	if rec.Handshake == nil || rec.Handshake.Confirm.IsZero() {
		return fmt.Errorf("delivery #%d asks for no confirmation: `hookloop list is:handshake` shows those that may", d.ID)
	}
	address, err := c.ConfirmURL(r)
	if err != nil {
		return fmt.Errorf("delivery #%d was not confirmed: %w", d.ID, err)
	}
	if !yes {
		a.sayf("delivery #%d of %s asks to have this address fetched:\n  %s", d.ID, inspect.Escape(rec.Provider.Title), inspect.Escape(address))
		if sig := c.Verify(ctx, r); sig.Result == provider.Valid {
			a.sayf("its signature is valid")
		} else {
			a.sayf("its signature is %s: %s", sig.Result, inspect.Escape(sig.Reason))
		}
	}
	if !yes && !a.confirm(fmt.Sprintf("Fetch it, and so confirm the subscription of #%d?", d.ID)) {
		return usagef("nothing was fetched: say --yes to confirm the subscription of #%d", d.ID)
	}
	line, err := c.Confirm(ctx, r)
	var stranger *provider.UnverifiedError
	if errors.As(err, &stranger) {
		question := fmt.Sprintf("It is not known who sent this: %s. Confirm %s all the same?", inspect.Escape(stranger.Reason), inspect.Escape(stranger.About()))
		if !unverified && (yes || !a.confirm(question)) {
			return fmt.Errorf("%w; --unverified confirms it all the same", err)
		}
		line, err = c.ConfirmUnverified(ctx, r)
	}
	if err != nil {
		return err
	}
	printer{a.Stdout}.linef("%s", inspect.Escape(line))
	return nil
}
