package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hookloop/inspect"
)

// choose returns the deliveries that the expressions name, each once, in the
// order given, or, without any, those that match the query, oldest first.
func choose(ctx context.Context, store *inspect.Store, exprs []string, query string) ([]int64, error) {
	if len(exprs) == 0 {
		ids, err := store.Matching(ctx, query)
		return ids, asUsage(err)
	}
	var ids []int64
	for _, expr := range exprs {
		found, err := store.Resolve(ctx, expr)
		if err != nil {
			return nil, asUsage(err)
		}
		for _, id := range found {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// completeIDs offers the newest deliveries to a shell.
func (a *app) completeIDs(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const most = 20
	if err := a.configure(cmd); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	store, err := a.openKept()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer func() { _ = store.Close() }()
	list, err := store.List(cmd.Context(), inspect.ListOptions{Limit: most})
	if err != nil || len(list) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words := []cobra.Completion{cobra.CompletionWithDesc("last", "the newest delivery")}
	for _, d := range list {
		what := fmt.Sprintf("%s %s %s %s", shortTime(d.ReceivedAt), inspect.Escape(d.Method), inspect.Escape(d.Path), result(&d))
		words = append(words, cobra.CompletionWithDesc(fmt.Sprint(d.ID), what))
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// asUsage marks errors in the words of a query, or in what should name a
// delivery, as the user's to mend.
func asUsage(err error) error {
	if _, ok := err.(*inspect.QueryError); ok || errors.Is(err, inspect.ErrBadID) {
		return usageError{err}
	}
	return err
}
