package cli

import (
	"context"
	"slices"

	"hookloop/inspect"
)

// selectPage is how many deliveries of a query are read at a time.
const selectPage = 500

// resolve returns the IDs that the expressions name, each once, in the order given.
func resolve(ctx context.Context, store *inspect.Store, exprs []string) ([]int64, error) {
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

// matching returns the IDs of all deliveries that match a query, oldest first.
func matching(ctx context.Context, store *inspect.Store, query string) ([]int64, error) {
	var ids []int64
	for before := int64(0); ; {
		page, err := store.List(ctx, inspect.ListOptions{Query: query, Before: before, Limit: selectPage})
		if err != nil {
			return nil, asUsage(err)
		}
		for _, d := range page {
			ids = append(ids, d.ID)
		}
		if len(page) < selectPage {
			slices.Reverse(ids)
			return ids, nil
		}
		before = page[len(page)-1].ID
	}
}

// asUsage marks the errors of a query as the user's to mend.
func asUsage(err error) error {
	if _, ok := err.(*inspect.QueryError); ok {
		return usageError{err}
	}
	return err
}
