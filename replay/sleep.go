package replay

import (
	"context"
	"time"
)

// sleep waits for d, and returns the cause of ctx's end if that comes first; nil
// where it does not.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return cause(ctx, ctx.Err())
	}
}
