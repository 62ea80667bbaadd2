package replay

import (
	"errors"
	"fmt"
	"time"

	"hookloop/inspect/provider"
)

// beyond is how far a timestamp is out of the tolerance.
const beyond = time.Minute

func (t *tampering) tolerance() time.Duration { return time.Duration(t.sch.Tolerance) }

func (t *tampering) signedAgo(*tampering) string {
	return "a delivery signed " + provider.InWords(t.tolerance()+beyond) + " ago"
}

func (t *tampering) signedAhead(*tampering) string {
	return "a delivery signed " + provider.InWords(t.tolerance()+beyond) + " ahead of time"
}

// aged says why the age of a timestamp can't be tried, or nil.
func (t *tampering) aged() error {
	switch {
	case t.sch.Timestamp.IsZero():
		return fmt.Errorf("%s signs no time, so a handler has only the event id to tell a replay", t.title())
	case t.tolerance() == 0:
		return fmt.Errorf("%s does not say how old a timestamp may be", t.title())
	}
	return nil
}

// signedAt returns the genuine delivery, signed at another time.
func (t *tampering) signedAt(at time.Time) (*provider.Request, error) {
	if err := t.aged(); err != nil {
		return nil, err
	}
	return t.dated(at)
}

func (t *tampering) dated(at time.Time) (*provider.Request, error) {
	if t.cannot != nil {
		return nil, t.cannot
	}
	return t.genuine(at), nil
}

func (t *tampering) old() (*provider.Request, error) {
	return t.signedAt(time.Now().Add(-t.tolerance() - beyond))
}

func (t *tampering) future() (*provider.Request, error) {
	return t.signedAt(time.Now().Add(t.tolerance() + beyond))
}

// longAgo is how old a delivery is that stands in for one that came long ago.
const longAgo = 24 * time.Hour

// replayedChange is the replay after the tolerance: of the delivery as it came,
// byte for byte, where it is old enough; else of one that is signed as it would
// have been a day ago.
func (t *tampering) replayedChange() change {
	const hole = "whoever has seen one can send it for ever"
	if t.outlived() {
		return change{label: "replayed as it is", what: says("an old delivery, sent again as it came"), hole: hole, make: func(t *tampering) (*provider.Request, error) {
			r := *t.base
			return &r, nil
		}}
	}
	return change{label: "from a day ago", what: says("a delivery that was signed a day ago, as if it had come then"), hole: hole, make: (*tampering).dayOld}
}

// outlived reports whether the delivery is by now too old as it came.
func (t *tampering) outlived() bool {
	if t.aged() != nil {
		return false
	}
	r := *t.base
	r.Time = time.Now()
	d := t.checker.Verify(t.r.ctx, &r)
	return d.Code == provider.CodeTooOld || d.Result == provider.Unverifiable && tooOld(t.sch, d, r.Time)
}

func (t *tampering) dayOld() (*provider.Request, error) {
	return t.signedAt(time.Now().Add(-longAgo - t.tolerance()))
}

func (t *tampering) expired() (*provider.Request, error) {
	for _, days := range []int{1, 400, 4000} {
		r, err := t.dated(time.Now().AddDate(0, 0, -days))
		if err != nil {
			return nil, err
		}
		r.Time = time.Now()
		if t.checker.Verify(t.r.ctx, r).Code == provider.CodeTooOld {
			return r, nil
		}
	}
	return nil, errors.New("the token has no expiry (exp): give it one of a few minutes")
}
