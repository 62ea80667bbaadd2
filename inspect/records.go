package inspect

import (
	"context"
	"errors"
	"iter"
	"slices"
)

// matchPage is how many deliveries of a query are read at a time.
const matchPage = 500

// Matching returns the IDs of all deliveries that match a query, ascending; ""
// matches all. The error is a [*QueryError] where the query is at fault.
func (s *Store) Matching(ctx context.Context, query string) ([]int64, error) {
	var ids []int64
	for before := int64(0); ; {
		page, err := s.List(ctx, ListOptions{Query: query, Before: before, Limit: matchPage})
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			ids = append(ids, d.ID)
		}
		if len(page) < matchPage {
			slices.Reverse(ids)
			return ids, nil
		}
		before = page[len(page)-1].ID
	}
}

// Records yields deliveries with their attempts, one at a time. Those that
// have been removed meanwhile are left out. An error is the last it yields.
func (s *Store) Records(ctx context.Context, ids []int64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		verdicts, err := s.Verdicts(ctx, ids)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for _, id := range ids {
			r := Record{Verdict: verdicts[id]}
			var err error
			if r.Delivery, err = s.Delivery(ctx, id); errors.Is(err, ErrNotFound) {
				continue
			}
			if err == nil {
				r.Attempts, err = s.Attempts(ctx, id)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
