package cli

import (
	"context"
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
			return nil, err
		}
		for _, id := range found {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// asUsage marks the errors of a query as the user's to mend.
func asUsage(err error) error {
	if _, ok := err.(*inspect.QueryError); ok {
		return usageError{err}
	}
	return err
}
