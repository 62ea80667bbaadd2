package cli

import (
	"context"
	"errors"
	"slices"

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

// asUsage marks errors in the words of a query, or in what should name a
// delivery, as the user's to mend.
func asUsage(err error) error {
	if _, ok := err.(*inspect.QueryError); ok || errors.Is(err, inspect.ErrBadID) {
		return usageError{err}
	}
	return err
}
