package replay

import (
	"net/http"
	"sync"
)

// A start lets requests through together: when as many have come as are awaited.
type start struct {
	next http.RoundTripper
	open chan struct{}

	mu      sync.Mutex
	awaited int
}

func newStart(next http.RoundTripper, n int) *start {
	return &start{next: next, open: make(chan struct{}), awaited: n}
}

// pass returns the transport of one of the requests that are awaited.
func (s *start) pass() *starter { return &starter{start: s} }

type starter struct {
	start *start
	once  sync.Once
}

// arrive counts the request, once: it is there, or will never be.
func (p *starter) arrive() {
	p.once.Do(func() {
		s := p.start
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.awaited--; s.awaited == 0 {
			close(s.open)
		}
	})
}

func (p *starter) RoundTrip(req *http.Request) (*http.Response, error) {
	p.arrive()
	select {
	case <-p.start.open:
	case <-req.Context().Done():
		_ = req.Body.Close()
		return nil, req.Context().Err()
	}
	return p.start.next.RoundTrip(req)
}
