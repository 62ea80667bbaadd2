package replay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Poll asks a status URL until a result is there, or again and again for
// what changed. It follows no redirects, and keeps no cookies. Its fields must
// not be changed while it runs.
type Poll struct {
	URL       string
	Header    http.Header       // of each request; it may hold secrets, and is stored nowhere
	Transport http.RoundTripper // see NewTransport and PollGuard

	WaitFirst time.Duration // before the first request
	Every     time.Duration // between requests; 0 = 3 s
	Backoff   float64       // Await: each interval is so many times the one before, up to a day; below 1 = 1
	Max       time.Duration // Await: the longest interval; 0 = no bound
	Timeout   time.Duration // for all of Await; 0 = 5 min
	MaxBody   int64         // of an answer; 0 = inspect.DefaultMaxBody

	Until  []Match // all must hold of the result; none = any answer is one
	FailOn []Match // a result that has failed: one of them is enough

	// Elsewhere, if not nil, reports whether the result came another way, as in
	// a callback: it is asked before each request and before a result is returned.
	Elsewhere func(context.Context) (bool, error)

	Schedule *Cron  // Watch asks by it instead of by Every; nil = Every
	Changed  string // path of the value in which answers differ, see ValueAt; "" = the whole body

	OnEvent func(PollEvent) // if not nil, called after each request
}

// The defaults of a Poll.
const (
	DefaultPollEvery   = 3 * time.Second
	DefaultPollTimeout = 5 * time.Minute
	askLimit           = 30 * time.Second // for one whole answer
	maxBackoff         = 24 * time.Hour   // the longest interval that Backoff comes to
)

// A PollEvent is how one request went.
type PollEvent struct {
	At     time.Time
	Asked  int           // how many requests there were
	Status int           // 0 without an answer
	Error  string        // why it is asked again; "" where it was answered well
	Next   time.Duration // until the next request; 0 = there is none

	// Missing is, after an answer that Await does not end with, what Until wants and
	// the answer does not have, in words; NoValue is whether that is a value at all.
	Missing string
	NoValue bool
}

// A PollAnswer is an answer that a Poll was to find.
type PollAnswer struct {
	Header http.Header
	Body   []byte
	At     time.Time
	Failed bool // FailOn holds of it
	Asked  int  // how many requests it took
	Errors int  // how many of them were not answered well
}

// The ways in which a Poll ends without an answer.
var (
	ErrElsewhere   = errors.New("the result came another way")
	ErrPollTimeout = errors.New("there was no result in time")
)

// A Match is a value that a JSON text may have.
type Match struct {
	Path   string // see ValueAt
	Values []string
}

// ParseMatch reads PATH=VALUE, or PATH=VALUE|VALUE.
func ParseMatch(text string) (Match, error) {
	path, value, ok := strings.Cut(text, "=")
	if !ok || path == "" {
		return Match{}, fmt.Errorf("%q: give PATH=VALUE, such as data.state=success", text)
	}
	return Match{path, strings.Split(value, "|")}, nil
}

func (m Match) holds(body []byte) bool {
	value, ok := ValueAt(body, m.Path)
	return ok && slices.Contains(m.Values, value)
}

// PollGuard returns a Guard for a Poll: any machine may be asked, but for
// hookloop itself, link-local and metadata addresses.
func PollGuard(own *Guard) *Guard {
	g := &Guard{Allow: []string{"*"}}
	if own != nil {
		g.Own = own.Own
	}
	return g
}

// Check says what is wrong with p, in a sentence, or nil.
func (p *Poll) Check() error {
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("what is to be asked is no URL: give one that begins with http:// or https://")
	case u.User != nil:
		return errors.New("the URL holds a user name: send an Authorization header with -H instead")
	case p.Every < 0 || p.Max < 0 || p.WaitFirst < 0 || p.Timeout < 0:
		return errors.New("a time is below 0: give one such as 3s")
	}
	if err := PollGuard(nil).check(u.Host); err != nil {
		return err
	}
	return CheckHeader(p.Header)
}

// Await asks until the result is there, and returns it. The error is
// ErrElsewhere, ErrPollTimeout, ctx's, or says in a sentence what is wrong.
func (p *Poll) Await(ctx context.Context) (*PollAnswer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout(), ErrPollTimeout)
	defer cancel()
	interval := p.every()
	errs := 0
	wait := p.WaitFirst
	for asked := 1; ; asked++ {
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		if err := p.elsewhere(ctx); err != nil {
			return nil, err
		}
		reply, err := p.ask(ctx)
		if err != nil {
			return nil, err
		}
		if reply.trouble != "" {
			errs++
		} else if done, failed := p.judge(reply.body); done {
			p.tell(reply, asked, 0)
			if err := p.elsewhere(ctx); err != nil {
				return nil, err
			}
			return &PollAnswer{reply.header, reply.body, time.Now().UTC(), failed, asked, errs}, nil
		}
		wait = max(interval, reply.after)
		p.tell(reply, asked, wait)
		interval = p.longer(interval)
	}
}

// Watch asks until ctx ends, and calls found with each answer that differs from
// the one before; last is the digest of an earlier one, "" = none. It returns
// ctx's error, or says in a sentence what is wrong.
func (p *Poll) Watch(ctx context.Context, last string, found func(*PollAnswer) error) error {
	wait := p.WaitFirst
	errs := 0
	if p.Schedule != nil {
		wait = p.pause(time.Now())
	}
	for asked := 1; ; asked++ {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		reply, err := p.ask(ctx)
		if err != nil {
			return err
		}
		if reply.trouble != "" {
			errs++
		} else if done, failed := p.judge(reply.body); done {
			if digest := p.Digest(reply.body); digest != last {
				last = digest
				if err := found(&PollAnswer{reply.header, reply.body, time.Now().UTC(), failed, asked, errs}); err != nil {
					return err
				}
			}
		}
		wait = p.pause(time.Now())
		if reply.after > wait {
			wait = p.pause(time.Now().Add(reply.after)) + reply.after
		}
		p.tell(reply, asked, wait)
	}
}

// pause is how long it is from now until Watch asks again.
func (p *Poll) pause(now time.Time) time.Duration {
	if p.Schedule == nil {
		return p.every()
	}
	return p.Schedule.Next(now).Sub(now)
}

// Digest is what an answer has in common with those that do not differ from it.
func (p *Poll) Digest(body []byte) string {
	if p.Changed != "" {
		if value, ok := ValueAt(body, p.Changed); ok {
			return "value " + value
		}
		return "no value"
	}
	return fmt.Sprintf("%x", sha256.Sum256(body))
}

// judge reports whether a body is the result, and whether that has failed.
func (p *Poll) judge(body []byte) (done, failed bool) {
	for _, m := range p.FailOn {
		if m.holds(body) {
			return true, true
		}
	}
	for _, m := range p.Until {
		if !m.holds(body) {
			return false, false
		}
	}
	return true, false
}

func (p *Poll) elsewhere(ctx context.Context) error {
	if p.Elsewhere == nil {
		return nil
	}
	came, err := p.Elsewhere(ctx)
	if err == nil && came {
		err = ErrElsewhere
	}
	return cause(ctx, err)
}

func (p *Poll) every() time.Duration {
	if p.Every <= 0 {
		return DefaultPollEvery
	}
	return p.Every
}

func (p *Poll) timeout() time.Duration {
	if p.Timeout <= 0 {
		return DefaultPollTimeout
	}
	return p.Timeout
}

// longer returns the interval after one.
func (p *Poll) longer(interval time.Duration) time.Duration {
	if p.Backoff > 1 {
		next := float64(interval) * p.Backoff
		interval = max(interval, time.Duration(min(next, float64(maxBackoff))))
	}
	if p.Max > 0 {
		interval = min(interval, p.Max)
	}
	return interval
}

func (p *Poll) tell(r *pollReply, asked int, next time.Duration) {
	if p.OnEvent != nil {
		e := PollEvent{At: time.Now().UTC(), Asked: asked, Status: r.status, Error: r.trouble, Next: next}
		if r.trouble == "" && next > 0 {
			e.Missing, e.NoValue = p.missing(r.body)
		}
		p.OnEvent(e)
	}
}
