package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tui"
)

// A pollRun is a poll that runs.
type pollRun struct {
	a      *app
	f      *pollFlags
	p      *replay.Poll
	store  *inspect.Store
	sender *replay.Sender
	out    pollOutput

	untaken *untaken         // what --unless-delivered looks for; nil = nothing
	last    replay.PollEvent // the latest request
}

// A pollOutput shows what a poll does.
type pollOutput interface {
	asked(replay.PollEvent)
	elsewhere(unless string)
	delivered(*inspect.Delivery, pollTarget, *replay.PollAnswer, *inspect.Attempt) // no attempt: it is held
}

// run asks until the result was delivered, or for ever. The error is
// errGaveUp, errSilent, or says what is wrong.
func (r *pollRun) run(ctx context.Context) error {
	asking := &handlerFlags{hostHeader: "preserve", timeout: replay.DefaultTimeout, insecure: r.f.insecure, ca: r.f.ca}
	asks, err := asking.sender(r.store, replay.PollGuard(&replay.Guard{Own: ownAddresses(r.store.Dir())}))
	if err != nil {
		return err
	}
	r.p.Transport, r.p.OnEvent = asks.Transport, func(e replay.PollEvent) {
		r.last = e
		r.out.asked(e)
	}
	if idle, ok := asks.Transport.(interface{ CloseIdleConnections() }); ok {
		defer idle.CloseIdleConnections()
	}
	if r.f.cron != "" {
		err := r.p.Watch(ctx, r.lastDigest(ctx), func(answer *replay.PollAnswer) error {
			_, err := r.deliver(ctx, answer)
			return err
		})
		if ctx.Err() != nil {
			return nil // it was stopped, which is how it ends
		}
		return err
	}
	if r.f.unless != "" {
		r.untaken = newUntaken(r.store, r.f.unless)
		r.p.Elsewhere = r.untaken.taken
	}
	answer, err := r.p.Await(ctx)
	switch {
	case errors.Is(err, replay.ErrElsewhere):
		r.out.elsewhere(r.f.unless)
		return nil
	case errors.Is(err, replay.ErrPollTimeout):
		r.a.sayf("hookloop: there was no result within %s: %s", r.f.timeout, inspect.Escape(r.why()))
		return errGaveUp
	case err != nil:
		return err
	}
	at, err := r.deliver(ctx, answer)
	if err != nil {
		return err
	}
	if answer.Failed || at != nil && !at.Summary().OK() {
		return errSilent
	}
	return nil
}

// why says why there was no result in time, and what to do.
func (r *pollRun) why() string {
	switch {
	case r.last.NoValue:
		return r.last.Missing + ": is --until right?"
	case r.last.Missing != "":
		return r.last.Missing + ": give it longer with --timeout"
	case r.last.Error != "":
		return "the last request: " + r.last.Error
	}
	return "give it longer with --timeout"
}

// deliver hands an answer to the handler, or holds it without one.
func (r *pollRun) deliver(ctx context.Context, answer *replay.PollAnswer) (*inspect.Attempt, error) {
	to, err := r.target(ctx, answer)
	if err != nil {
		return nil, err
	}
	d := r.p.Delivery(answer, to.target)
	if c := r.sender.Checker; c != nil {
		d.Facts, _ = c.Assess(d.Request())
	}
	at, err := r.sender.Deliver(ctx, d)
	if err == nil {
		r.out.delivered(d, to, answer, at)
	}
	return at, err
}

// lastDigest is the digest of what was delivered last, so that it is not delivered
// again after a restart.
func (r *pollRun) lastDigest(ctx context.Context) string {
	list, err := r.store.List(ctx, inspect.ListOptions{Query: "source:poll"})
	if err != nil {
		return ""
	}
	like := r.p.Delivery(&replay.PollAnswer{}, r.f.target())
	for _, s := range list {
		if s.Target != like.Target {
			continue
		}
		if d, err := r.store.Delivery(ctx, s.ID); err == nil && d.Endpoint == like.Endpoint {
			return r.p.Digest(d.Body)
		}
	}
	return ""
}

// linesPoll shows a poll to people.
type linesPoll struct{ p printer }

func (o linesPoll) asked(e replay.PollEvent) {
	text := e.Error
	if text == "" {
		text = fmt.Sprintf("answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Missing != "" {
		text += ", " + e.Missing
	}
	next := ""
	if e.Next > 0 {
		next = "; again in " + e.Next.Round(100*time.Millisecond).String()
	}
	o.p.linef("%s request %d: %s%s", shortTime(e.At), e.Asked, inspect.Escape(text), next)
}

func (o linesPoll) elsewhere(unless string) {
	o.p.linef("a delivery with %s is there, so there is nothing to catch up", inspect.Escape(unless))
}

func (o linesPoll) delivered(d *inspect.Delivery, to pollTarget, answer *replay.PollAnswer, at *inspect.Attempt) {
	what := "the result"
	if answer.Failed {
		what = "the failure"
	}
	like := ""
	if to.like != nil {
		like = fmt.Sprintf(", as #%d was,", to.like.ID)
	}
	switch {
	case at == nil && d.Reason != "":
		o.p.linef("#%d %s for %s is held: %s", d.ID, what, shownPath(to.target), d.Reason)
	case at == nil:
		o.p.linef("#%d %s for %s is held: there is no handler to deliver it to. `hookloop replay %d --to 3000` sends it to one", d.ID, what, shownPath(to.target), d.ID)
	case at.Error != "" || at.Response == nil:
		o.p.linef("#%d %s was not delivered to %s: %s", d.ID, what, shownPath(to.target), inspect.Escape(at.Error))
	default:
		o.p.linef("#%d %s was delivered to %s%s → %d %s in %s", d.ID, what, shownPath(to.target), like,
			at.Response.Status, http.StatusText(at.Response.Status), tui.FormatDuration(at.Duration))
		if s := at.Response.Status; to.chosen && to.like == nil && (s == http.StatusNotFound || s == http.StatusMethodNotAllowed) {
			o.p.linef("the handler may have nothing at %s: --path names where it takes callbacks", shownPath(to.target))
		}
	}
}

// shownPath is a target without its query, which may hold a secret.
func shownPath(target string) string {
	path, _, query := strings.Cut(target, "?")
	if query {
		path += "?…"
	}
	return inspect.Escape(path)
}

// jsonPoll shows a poll to programs.
type jsonPoll struct{ enc *json.Encoder }

func (o jsonPoll) asked(e replay.PollEvent) {
	_ = o.enc.Encode(struct {
		Type   string    `json:"type"` // "poll"
		Time   time.Time `json:"time"`
		Asked  int       `json:"asked"`
		Status int       `json:"status"`
		Error  string    `json:"error,omitempty"`
		NextMS int64     `json:"next_ms,omitempty"`

		Missing string `json:"missing,omitempty"` // what --until wants and the answer does not have, in words
	}{"poll", e.At, e.Asked, e.Status, e.Error, e.Next.Milliseconds(), e.Missing})
}

func (o jsonPoll) elsewhere(unless string) {
	_ = o.enc.Encode(struct {
		Type   string `json:"type"` // "elsewhere"
		Unless string `json:"unless_delivered"`
	}{"elsewhere", unless})
}

func (o jsonPoll) delivered(d *inspect.Delivery, to pollTarget, answer *replay.PollAnswer, at *inspect.Attempt) {
	v := struct {
		Type       string `json:"type"` // "delivered", or "held"
		DeliveryID int64  `json:"delivery_id"`
		Failed     bool   `json:"failed"` // the result is a failure
		Asked      int    `json:"asked"`
		Errors     int    `json:"errors"`
		Path       string `json:"path"`              // that it is delivered to
		Like       int64  `json:"path_of,omitempty"` // the delivery after which that was chosen
		*inspect.AttemptSummary
	}{"held", d.ID, answer.Failed, answer.Asked, answer.Errors, d.Path(), 0, nil}
	if to.like != nil {
		v.Like = to.like.ID
	}
	if at != nil {
		v.Type, v.AttemptSummary = "delivered", at.Summary()
	}
	_ = o.enc.Encode(v)
}

// quietPoll shows a poll of a running listen, whose viewers show the deliveries.
type quietPoll struct{}

func (quietPoll) asked(replay.PollEvent)                                                        {}
func (quietPoll) elsewhere(string)                                                              {}
func (quietPoll) delivered(*inspect.Delivery, pollTarget, *replay.PollAnswer, *inspect.Attempt) {}

// host is what may be said of a status URL, whose query may hold a key.
func (r *pollRun) host() string {
	if u, err := url.Parse(r.p.URL); err == nil {
		return u.Scheme + "://" + u.Host + u.EscapedPath()
	}
	return "the status URL"
}
