package cli

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"hookloop/inspect"
	"hookloop/replay"
)

// A pollTarget is the path that a result is delivered to, with its query.
type pollTarget struct {
	target string
	like   *inspect.Delivery // that it was chosen after; nil = it was not
	chosen bool              // nobody named it
}

// target chooses where a result goes: to the path that the user named, else to
// that of the callback in whose place it comes, which the handler did not take,
// else to where callbacks of the same provider went.
func (r *pollRun) target(ctx context.Context, answer *replay.PollAnswer) (pollTarget, error) {
	named := r.f.target()
	if r.f.path != "" || r.f.name != "" || r.f.cron != "" {
		return pollTarget{target: named}, nil
	}
	like, err := r.untaken.latest(ctx)
	if like == nil && err == nil {
		like, err = r.sameProvider(ctx, r.p.Delivery(answer, named))
	}
	if like == nil || err != nil || !strings.HasPrefix(like.Target, "/") {
		return pollTarget{target: named, chosen: true}, err
	}
	return pollTarget{like.Target, like, true}, nil
}

// sameProvider returns the latest delivery of the provider whose answer d is,
// one that the handler took before others; nil for none.
func (r *pollRun) sameProvider(ctx context.Context, d *inspect.Delivery) (*inspect.Delivery, error) {
	if r.sender.Checker == nil {
		return nil, nil
	}
	facts, _ := r.sender.Checker.Assess(d.Request())
	if facts.Provider == "" {
		return nil, nil
	}
	for _, query := range []string{" -is:failed", ""} {
		list, err := r.store.List(ctx, inspect.ListOptions{
			Query: "provider:" + facts.Provider + " -source:mock -source:poll -is:handshake -is:refused" + query, Limit: 1,
		})
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			like, err := r.store.Delivery(ctx, list[0].ID)
			if !errors.Is(err, inspect.ErrNotFound) {
				return like, err
			}
		}
	}
	return nil, nil
}

// target is the path that results are delivered to, without a look at what
// was delivered before.
func (f *pollFlags) target() string {
	if f.name != "" {
		return cmp.Or(f.path, "/poll/"+url.PathEscape(f.name))
	}
	return cmp.Or(f.path, "/poll")
}

// An untaken looks for a delivery that has a value in its body.
type untaken struct {
	store       *inspect.Store
	path, value string
	looked      int64          // up to this one, none has it
	found       map[int64]bool // has it, and was not taken yet
}

func newUntaken(store *inspect.Store, unless string) *untaken {
	path, value, _ := strings.Cut(unless, "=")
	return &untaken{store: store, path: path, value: value, found: map[int64]bool{}}
}

// latest returns the latest delivery that has the value and was not taken when
// it was last looked for; nil for none.
func (u *untaken) latest(ctx context.Context) (*inspect.Delivery, error) {
	if u == nil {
		return nil, nil
	}
	last := int64(0)
	for id := range u.found {
		last = max(last, id)
	}
	d, err := u.store.Delivery(ctx, last)
	if errors.Is(err, inspect.ErrNotFound) {
		return nil, nil
	}
	return d, err
}

// taken reports whether there is a delivery with the value that the handler has
// taken, or is about to be sent again because it waits. One that the handler did
// not take is no reason not to ask.
func (u *untaken) taken(ctx context.Context) (bool, error) {
	const page = 200
	newest := u.looked
	for id := range u.found {
		if ok, err := taken(ctx, u.store, id); ok || err != nil {
			return ok, err
		}
	}
	for before := int64(0); ; {
		// The value is compared below: in a query it may mean something else.
		list, err := u.store.List(ctx, inspect.ListOptions{Before: before, Limit: page})
		if err != nil {
			return false, err
		}
		for _, s := range list {
			before, newest = s.ID, max(newest, s.ID)
			if s.ID <= u.looked {
				break
			}
			if ok, err := u.look(ctx, &s); ok || err != nil {
				return ok, err
			}
		}
		if len(list) < page || before <= u.looked {
			u.looked = newest
			return false, nil
		}
	}
}

// look reports whether one delivery has the value and was taken.
func (u *untaken) look(ctx context.Context, s *inspect.Summary) (bool, error) {
	if s.Size == 0 || s.Disposition == inspect.Refused || s.Source == inspect.FromMock && s.Reason != callbackReason {
		return false, nil
	}
	d, err := u.store.Delivery(ctx, s.ID)
	if errors.Is(err, inspect.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if got, ok := replay.ValueAt(d.Body, u.path); !ok || got != u.value {
		return false, nil
	}
	if ok, err := taken(ctx, u.store, s.ID); ok || err != nil {
		return ok, err
	}
	u.found[s.ID] = true
	return false, nil
}

// taken reports whether a delivery waits for the handler, or was answered by it
// with success.
func taken(ctx context.Context, store *inspect.Store, id int64) (bool, error) {
	attempts, err := store.Attempts(ctx, id)
	if errors.Is(err, inspect.ErrNotFound) {
		return false, nil
	}
	for i := range attempts {
		if attempts[i].Summary().OK() {
			return true, err
		}
	}
	if err != nil {
		return false, err
	}
	ids, err := store.Waiting(ctx)
	return slices.Contains(ids, id), err
}
