package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/tui"
	"hookloop/web"
)

// A sendFunc sends an event and returns how it was answered. The error says
// why it could not be sent at all.
type sendFunc func(context.Context, *provider.Request) (*outcome, error)

// sender returns what sends: to --to, else into the running listen. It sets
// the address that the provider calls.
func (t *trigger) sender(ctx context.Context, store *inspect.Store) (sendFunc, error) {
	if t.f.to != "" {
		return t.straight(ctx, store)
	}
	running := readLive(store.Dir())
	if len(running) == 0 {
		return nil, usagef("there is no running `hookloop listen` to send to: start one, or say where to with --to, such as --to http://localhost:3000%s", t.path)
	}
	l := running[len(running)-1]
	token, err := triggerToken(store.Dir())
	if err != nil {
		return nil, err
	}
	t.base = strings.TrimSuffix(l.ReceiverURL, "/")
	if l.PublicURL != "" {
		t.base = strings.TrimSuffix(l.PublicURL, "/")
	}
	return t.through(store, strings.TrimSuffix(l.ReceiverURL, "/"), token), nil
}

// triggerToken returns what makes a receiver of the data folder know its own.
func triggerToken(dir string) (string, error) {
	token, err := web.LoadToken(dir)
	return inspect.TriggerToken(token), err
}

// through sends as a provider does, to the receiver of a running listen.
func (t *trigger) through(store *inspect.Store, receiver, token string) sendFunc {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true} // and no proxy
	return func(ctx context.Context, r *provider.Request) (*outcome, error) {
		ctx, cancel := context.WithTimeout(ctx, t.f.timeout)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, r.Method, receiver+r.Target, bytes.NewReader(r.Body))
		if err != nil {
			return nil, err
		}
		req.Header = r.Header.Clone()
		if req.Header.Get("User-Agent") == "" {
			req.Header["User-Agent"] = []string{""} // or the transport would add its own
		}
		req.Header.Set(inspect.TriggerHeader, token+" "+t.base)
		if u, err := url.Parse(t.base); err == nil {
			req.Host = u.Host
		}
		before, err := newest(ctx, store)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		o := &outcome{}
		resp, err := transport.RoundTrip(req)
		if err == nil {
			o.status, o.header = resp.StatusCode, resp.Header
			o.body, err = io.ReadAll(io.LimitReader(resp.Body, inspect.DefaultMaxBody))
			_ = resp.Body.Close()
		}
		o.duration = time.Since(start)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			o.status, o.err = 0, fmt.Sprintf("no whole answer within %s", t.f.timeout)
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			o.status, o.err = 0, "the receiver did not answer: "+err.Error()
		}
		o.id = stored(context.WithoutCancel(ctx), store, before, r)
		return o, nil
	}
}

// newest returns the ID of the newest delivery; 0 without any.
func newest(ctx context.Context, store *inspect.Store) (int64, error) {
	list, err := store.List(ctx, inspect.ListOptions{Limit: 1})
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].ID, nil
}

// stored returns the ID of the triggered delivery that r became, which is newer
// than another; 0 where it cannot be found.
func stored(ctx context.Context, store *inspect.Store, after int64, r *provider.Request) int64 {
	list, err := store.List(ctx, inspect.ListOptions{Limit: 200})
	if err != nil {
		return 0
	}
	for _, s := range list {
		if s.ID <= after || s.Source != inspect.FromTrigger || s.Size != int64(len(r.Body)) {
			continue
		}
		if d, err := store.Delivery(ctx, s.ID); err == nil && d.Target == r.Target && bytes.Equal(d.Body, r.Body) {
			return d.ID
		}
	}
	return 0
}

// straight delivers to --to and keeps it as a receiver would.
func (t *trigger) straight(ctx context.Context, store *inspect.Store) (sendFunc, error) {
	u, err := replay.ParseHandler(t.f.to)
	if err != nil {
		return nil, usageError{err}
	}
	guard := &replay.Guard{Own: ownAddresses(store.Dir())}
	sender, err := t.f.handlerFlags.sender(store, guard)
	if err != nil {
		return nil, err
	}
	sender.Header = nil // it is part of the event
	if t.base = u.Scheme + "://" + u.Host; u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		if t.f.path != "" {
			return nil, usagef("both --to %s and --path %s name a path: give it once", t.f.to, t.f.path)
		}
		t.path = u.RequestURI()
	}
	sender.Handler, sender.Checker = &replay.Handler{URL: &url.URL{Scheme: u.Scheme, Host: u.Host}}, t.checker
	return func(ctx context.Context, r *provider.Request) (*outcome, error) {
		d := &inspect.Delivery{
			ReceivedAt: r.Time.UTC().Truncate(time.Microsecond), Method: r.Method, Target: r.Target, Host: u.Host, Proto: "HTTP/1.1",
			Endpoint: t.base, Header: r.Header, Body: r.Body, Size: int64(len(r.Body)), Source: inspect.FromTrigger,
		}
		d.Facts, _ = t.checker.Assess(d.Request())
		at, err := sender.Deliver(ctx, d)
		if err != nil {
			return nil, err
		}
		return outcomeOf(at), nil
	}, nil
}

// outcomeOf returns the outcome of an attempt.
func outcomeOf(at *inspect.Attempt) *outcome {
	o := &outcome{id: at.DeliveryID, duration: at.Duration, err: at.Error}
	if at.Response != nil && at.Error == "" {
		o.status, o.header, o.body = at.Response.Status, at.Response.Header, at.Response.Body
	}
	return o
}

// A triggeredView is what --json prints of an event.
type triggeredView struct {
	Type       string           `json:"type"` // "trigger"
	DeliveryID int64            `json:"delivery_id,omitempty"`
	Provider   string           `json:"provider"`
	Event      string           `json:"event_type"`
	EventID    string           `json:"event_id"`
	URL        string           `json:"url"` // that the provider would have called
	Status     int              `json:"status"`
	Error      string           `json:"error,omitempty"`
	DurationMS float64          `json:"duration_ms"`
	Accepted   bool             `json:"accepted"` // as the provider sees it
	Outlook    provider.Outlook `json:"outlook"`
}

func (a *app) printTriggered(f *triggerFlags, p *provider.Provider, r *provider.Request, o *outcome) error {
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	rec := catalog.Recognize(r, p.Name)
	outlook := o.outlook(p, r)
	if f.asJSON {
		return inspect.NewJSONEncoder(a.Stdout).Encode(triggeredView{
			"trigger", o.id, p.Name, rec.Event, rec.EventID, r.URL, o.status, o.err,
			float64(o.duration.Microseconds()) / 1000, o.accepted(p, r), outlook,
		})
	}
	name, answer := "", o.err
	if o.id != 0 {
		name = fmt.Sprintf("#%d ", o.id)
	}
	if o.status != 0 {
		answer = fmt.Sprintf("%d %s", o.status, http.StatusText(o.status))
	}
	what := strings.TrimSpace(rec.Event + " " + rec.EventID)
	if what == "" {
		what = fmt.Sprintf("%s (%d bytes, in which there is no event to read)", r.Target, len(r.Body))
	}
	how := "%s%s %s → %s in %s. %s"
	if o.status == 0 {
		how = "%s%s %s → %s (after %s). %s"
	}
	out := printer{a.Stdout}
	out.linef(how, name, p.Title, inspect.Escape(what),
		inspect.Escape(strings.TrimSpace(answer)), tui.FormatDuration(o.duration), inspect.Escape(outlook.Text))
	if f.count == 1 && o.status != 0 {
		out.linef("")
		out.message(o.header, nil, o.body, false)
	}
	return nil
}
