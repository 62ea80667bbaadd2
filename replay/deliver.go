package replay

import (
	"context"
	"net/http"

	"hookloop/inspect"
)

// Deliver stores a delivery that hookloop made itself, hands it to the handler
// and returns the attempt when it has ended, however it ended, and is in the
// store. Without a handler the delivery is held, as it is where the Backlog has
// it wait, and the attempt nil. When ctx ends, the attempt is cut.
func (s *Sender) Deliver(ctx context.Context, d *inspect.Delivery) (*inspect.Attempt, error) {
	first, send := s.Forward(d)
	d.Disposition = inspect.Forwarded
	if first == nil {
		d.Disposition = inspect.Held
	} else if s.Backlog != nil {
		if stored, hold := s.Backlog.Hold(d); hold {
			defer stored()
			d.Disposition, d.Waiting, d.Reason = inspect.Held, true, inspect.HeldReason
			first = nil
		}
	}
	if err := s.Store.Add(ctx, d, first); err != nil || first == nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", nil) // carries ctx, and is not sent
	if err != nil {
		return nil, err
	}
	send(nil, r)
	_ = s.Store.Flush(context.WithoutCancel(ctx)) // fails only when the store is closed, as Finish does
	return first, nil
}
