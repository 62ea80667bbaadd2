package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	fetchLimit   = 64 << 10
	keepKeys     = 24 * time.Hour  // unless the row says otherwise
	keepFailures = 1 * time.Minute // before it is tried again
	keepAtMost   = 64              // addresses
	fetchAtMost  = 8               // at a time
)

// A Fetcher fetches certificates and key sets: over https only, from hosts
// that a catalog's row names, within 5 s, at most 64 KiB, without following a
// redirect. What it has fetched it keeps, and of several calls for one address
// one fetches. The zero value is ready; it is safe for concurrent use.
type Fetcher struct {
	Transport http.RoundTripper // nil = one of its own, with the proxy of the environment
	Roots     *x509.CertPool    // who vouches for certificates; nil = whom the system trusts

	mu   sync.Mutex
	kept map[string]*fetched
}

// A fetched is what came of fetching an address. body and err are set when done is closed.
type fetched struct {
	done  chan struct{}
	body  []byte
	err   error
	until time.Time
	used  time.Time // when it was last asked for
}

// errBusy is the error for what is not fetched because too much is at once.
var errBusy = errors.New("too many addresses are being fetched: look again in a moment")

// errNotFetched is the error for what would have to be fetched first.
var errNotFetched = errors.New("it has not been fetched yet")

// get returns what stands at an address, kept or fetched.
func (f *Fetcher) get(ctx context.Context, address *url.URL, keep time.Duration) ([]byte, error) {
	f.mu.Lock()
	e := f.fresh(address)
	if e == nil {
		e = f.begin(ctx, address, keep)
	}
	f.mu.Unlock()
	if e == nil {
		return nil, errBusy
	}
	select {
	case <-e.done:
		return e.body, e.err
	case <-ctx.Done():
		return nil, &plainError{fmt.Sprintf("%s has not answered in the time there was", address.Host), context.Cause(ctx)}
	}
}

// have is get for what is kept. It never waits: where the address would have
// to be fetched, the error is errNotFetched.
func (f *Fetcher) have(address *url.URL) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.fresh(address); e != nil && e.finished() {
		return e.body, e.err
	}
	return nil, errNotFetched
}

// fresh returns what is kept of an address and not too old, or nil; f.mu is held.
func (f *Fetcher) fresh(address *url.URL) *fetched {
	e := f.kept[address.String()]
	if e == nil || e.finished() && !time.Now().Before(e.until) {
		return nil
	}
	e.used = time.Now()
	return e
}

// room makes room for one address more; f.mu is held. Failures go first, then
// what was not asked for the longest. It reports false while too many are being fetched.
func (f *Fetcher) room() bool {
	running, oldest := 0, ""
	for address, e := range f.kept {
		switch {
		case !e.finished():
			running++
		case oldest == "" || f.kept[oldest].outlives(e):
			oldest = address
		}
	}
	if running >= fetchAtMost {
		return false
	}
	if len(f.kept) >= keepAtMost {
		delete(f.kept, oldest)
	}
	return true
}

// outlives reports whether e is to be kept rather than another. Both are finished.
func (e *fetched) outlives(other *fetched) bool {
	if failed := e.err != nil; failed != (other.err != nil) {
		return !failed
	}
	return e.used.After(other.used)
}

// begin starts to fetch, unless too many are being fetched: then it returns
// nil; f.mu is held. It goes on when the caller's ctx ends, for the others who wait.
func (f *Fetcher) begin(ctx context.Context, address *url.URL, keep time.Duration) *fetched {
	if f.kept == nil {
		f.kept = map[string]*fetched{}
	}
	delete(f.kept, address.String())
	if !f.room() {
		return nil
	}
	e := &fetched{done: make(chan struct{}), used: time.Now()}
	f.kept[address.String()] = e
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		e.body, e.err = f.fetch(ctx, address)
		if e.err != nil {
			keep = keepFailures
		} else if keep == 0 {
			keep = keepKeys
		}
		e.until = time.Now().Add(keep)
		close(e.done)
	}()
	return e
}

func (e *fetched) finished() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

func (f *Fetcher) fetch(ctx context.Context, address *url.URL) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{
		Transport:     f.transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s did not answer within %s", address.Host, seconds(fetchTimeout))
		}
		return nil, unreachable(address.Host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", address.Host, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, fetchLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s broke off: %w", address.Host, err)
	case len(body) > fetchLimit:
		return nil, fmt.Errorf("%s sent more than %d KiB", address.Host, fetchLimit>>10)
	}
	return body, nil
}

var fetchTransport = sync.OnceValue(func() http.RoundTripper {
	return &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: fetchTimeout,
		MaxIdleConnsPerHost: 1, IdleConnTimeout: 10 * time.Second, MaxResponseHeaderBytes: fetchLimit,
	}
})

func (f *Fetcher) transport() http.RoundTripper {
	if f.Transport != nil {
		return f.Transport
	}
	return fetchTransport()
}
