package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookloop/inspect"
)

// A pollReply is how one request went.
type pollReply struct {
	status  int
	header  http.Header
	body    []byte
	trouble string        // why it is asked again; "" = it was answered well
	after   time.Duration // no sooner than that
}

// ask makes one request. The error says why there is no sense in asking again.
func (p *Poll) ask(ctx context.Context) (*pollReply, error) {
	asking, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(asking, http.MethodGet, p.URL, nil)
	if err != nil {
		return nil, errors.New("what is to be asked is no URL")
	}
	for name, values := range p.Header {
		if req.Header[name] = values; name == "Host" && len(values) > 0 {
			req.Host = values[0]
		}
	}
	resp, err := p.Transport.RoundTrip(req)
	if err != nil {
		return p.unanswered(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	limit := p.MaxBody
	if limit <= 0 {
		limit = inspect.DefaultMaxBody
	}
	r := &pollReply{status: resp.StatusCode, header: resp.Header}
	if r.body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1)); err != nil {
		return p.unanswered(ctx, err)
	}
	switch {
	case resp.StatusCode/100 == 2 && int64(len(r.body)) > limit:
		return nil, fmt.Errorf("the answer is larger than %d bytes", limit)
	case resp.StatusCode/100 == 2:
	case resp.StatusCode/100 == 5, slices.Contains([]int{http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusTooEarly}, resp.StatusCode):
		r.trouble = fmt.Sprintf("answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
		r.after = retryAfter(resp.Header, time.Now())
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("the status URL answers %d: is the key that -H sends right?", resp.StatusCode)
	case resp.StatusCode/100 == 3:
		return nil, fmt.Errorf("the status URL answers %d, a redirect, which is not followed: name the address that it leads to", resp.StatusCode)
	default:
		return nil, fmt.Errorf("the status URL answers %d: is it the right one?", resp.StatusCode)
	}
	return r, nil
}

func (p *Poll) unanswered(ctx context.Context, err error) (*pollReply, error) {
	var target *TargetError
	switch {
	case ctx.Err() != nil:
		return nil, cause(ctx, ctx.Err())
	case errors.As(err, &target):
		return nil, target
	}
	u, _ := url.Parse(p.URL) // which Check has parsed
	_, why := explain(err, destination{scheme: u.Scheme, host: u.Host})
	return &pollReply{trouble: strings.ReplaceAll(why, "the handler", "the service")}, nil
}

// cause is why ctx ended, where it has, else err.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); err != nil && c != nil && !errors.Is(err, ErrElsewhere) {
		return c
	}
	return err
}

// maxRetryAfter bounds what a Retry-After can ask for.
const maxRetryAfter = time.Hour

// retryAfter is how long an answer asks to wait: seconds, or a date; 0 = it does not.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// keptOfAnswer are the headers of an answer that a delivery of it has.
var keptOfAnswer = []string{"Content-Type", "Content-Encoding", "Content-Language", "Etag", "Last-Modified"}

// Delivery returns an answer as a delivery to a path. Nothing of the request
// is in it but the host that was asked.
func (p *Poll) Delivery(a *PollAnswer, target string) *inspect.Delivery {
	d := &inspect.Delivery{
		ReceivedAt: a.At.Truncate(time.Microsecond), Method: http.MethodPost, Target: target, Proto: "HTTP/1.1",
		Header: http.Header{}, Body: a.Body, Size: int64(len(a.Body)), Source: inspect.FromPoll,
	}
	if u, err := url.Parse(p.URL); err == nil {
		d.Endpoint = u.Scheme + "://" + u.Host
	}
	for _, name := range keptOfAnswer {
		if values := a.Header[name]; len(values) > 0 {
			d.Header[name] = values
		}
	}
	return d
}
