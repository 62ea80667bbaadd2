package mockapi

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxBody = 1 << 20
	maxKey  = 512
)

// A problem is an error answer.
type problem struct {
	status int
	detail string
	header http.Header // besides the usual ones
}

func (p *problem) Error() string { return p.detail }

func badRequest(format string, args ...any) error {
	return &problem{status: http.StatusBadRequest, detail: fmt.Sprintf(format, args...)}
}

func notFound(detail string) error {
	return &problem{status: http.StatusNotFound, detail: detail}
}

func tooMany(detail string, wait time.Duration) error {
	seconds := strconv.FormatInt(max(1, int64(math.Ceil(wait.Seconds()))), 10)
	return &problem{http.StatusTooManyRequests, detail, http.Header{"Retry-After": {seconds}}}
}

// allow refuses methods other than method.
func allow(r *http.Request, method string) error {
	if r.Method == method {
		return nil
	}
	return &problem{http.StatusMethodNotAllowed, "use " + method + " here", http.Header{"Allow": {method}}}
}

// key returns the key of a request that may be served.
func (e *engine) key(r *http.Request) (string, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return "", unauthorized("send your key as Authorization: Bearer KEY")
	}
	if len(key) > maxKey || !e.accepted(key) {
		return "", unauthorized("the key is not known")
	}
	if wait := e.limiter.take(key, time.Now()); wait > 0 {
		return "", tooMany("too many requests with this key", wait)
	}
	return key, nil
}

func unauthorized(detail string) error {
	return &problem{http.StatusUnauthorized, detail, http.Header{"Www-Authenticate": {"Bearer"}}}
}

func (e *engine) accepted(key string) bool {
	found := len(e.config.Keys) == 0
	for _, known := range e.config.Keys {
		if subtle.ConstantTimeCompare([]byte(known), []byte(key)) == 1 {
			found = true
		}
	}
	return found
}

// decode reads the JSON body of r into v. Fields that v does not have are let
// pass, as real APIs do.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return &problem{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("the body is larger than %d bytes", maxBody)}
	case err != nil:
		return badRequest("the body broke off")
	}
	err = json.Unmarshal(body, v)
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return badRequest("Invalid field: %s must not be a JSON %s", wrongType.Field, wrongType.Value)
	case errors.As(err, &wrongType):
		return badRequest("the body must be a JSON object")
	case err != nil:
		return badRequest("the body is not valid JSON")
	}
	return nil
}

// start submits t and turns what stands against it into an answer.
func (e *engine) start(t *task) error {
	switch err := e.submit(t); {
	case errors.Is(err, errBusy):
		return tooMany(err.Error()+": wait until some are done", e.config.scaled(e.config.Latency.Of(t.kind)))
	case err != nil:
		return &problem{status: http.StatusServiceUnavailable, detail: err.Error()}
	}
	return nil
}

// answer writes v, or the error in the API's shape.
func (e *engine) answer(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		p := &problem{status: http.StatusInternalServerError, detail: err.Error()}
		errors.As(err, &p)
		for name, values := range p.header {
			w.Header()[name] = values
		}
		status, v = p.status, e.protocol.problem(p.status, p.detail)
	}
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// baseURL is the URL under which the client of r reached the API.
func baseURL(r *http.Request) string {
	if len(r.Host) > 255 { // no name is longer, and each task keeps it
		return ""
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// A limiter lets each key make rate requests a second, and that many (at least
// one) at once. 0 = no limit.
type limiter struct {
	rate float64

	mu   sync.Mutex
	free map[string]time.Time // when a key will have all of its burst again
}

const maxLimited = 10_000

// take returns 0 if key may make a request now, or else how long it has to wait.
func (l *limiter) take(key string, now time.Time) time.Duration {
	if l.rate <= 0 {
		return 0
	}
	interval := min(duration(float64(time.Second)/l.rate), time.Hour)
	burst := max(interval, min(time.Second, duration(math.Floor(l.rate)*float64(interval))))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free == nil {
		l.free = map[string]time.Time{}
	}
	free := l.free[key]
	if free.Before(now) {
		free = now
	}
	if next := free.Add(interval); next.Sub(now) <= burst {
		l.forget(now)
		l.free[key] = next
		return 0
	}
	return free.Add(interval).Sub(now) - burst
}

// forget makes room for another key.
func (l *limiter) forget(now time.Time) {
	if len(l.free) < maxLimited {
		return
	}
	for key, free := range l.free {
		if free.Before(now) {
			delete(l.free, key)
		}
	}
	if len(l.free) >= maxLimited {
		clear(l.free)
	}
}
