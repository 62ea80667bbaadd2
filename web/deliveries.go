package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxSmallJSON = 64 << 10 // of a request that carries no body to replay
)

// A deliveryView is a delivery without its body, which has its own address.
type deliveryView struct {
	ID          int64               `json:"id"`
	ReceivedAt  time.Time           `json:"received_at"`
	Method      string              `json:"method"`
	Target      string              `json:"target"`
	Path        string              `json:"path"`
	URL         string              `json:"url"`
	Host        string              `json:"host"`
	Proto       string              `json:"proto"`
	RemoteAddr  string              `json:"remote_addr"`
	Endpoint    string              `json:"endpoint"`
	Header      http.Header         `json:"header"`
	Trailer     http.Header         `json:"trailer,omitempty"`
	Size        int64               `json:"size"`
	Stored      int                 `json:"stored"` // bytes kept; less than size only when truncated
	SHA256      string              `json:"sha256"` // of the bytes kept
	Text        bool                `json:"text"`   // the body is UTF-8 without NUL, so it can be edited as text
	Truncated   bool                `json:"truncated"`
	Disposition inspect.Disposition `json:"disposition"`
	Reason      string              `json:"reason,omitempty"`
	Pinned      bool                `json:"pinned"`
	Waiting     bool                `json:"waiting,omitempty"` // held until the handler answers again
	Source      inspect.Source      `json:"source,omitempty"`  // where it came from, if it did not simply arrive

	provider.Facts
	About      *aboutView `json:"about"`       // null when the provider is not known
	DeadlineMS *int64     `json:"deadline_ms"` // how long the provider waits for an answer; null when not known
}

// An attemptView is an attempt without the bodies sent and received.
type attemptView struct {
	DeliveryID int64                `json:"delivery_id"`
	Number     int                  `json:"number"`
	Trigger    inspect.Trigger      `json:"trigger"`
	State      inspect.AttemptState `json:"state"`
	StartedAt  time.Time            `json:"started_at"`
	DurationNS int64                `json:"duration_ns"`
	URL        string               `json:"url"`
	NotSigned  string               `json:"not_signed,omitempty"` // why the signature would be refused, and was left as it was
	Sent       *sentView            `json:"sent"`                 // null when it went out as delivered
	Response   *responseView        `json:"response"`             // null without one
	Error      string               `json:"error,omitempty"`
	ErrorKind  inspect.ErrorKind    `json:"error_kind,omitempty"`
	Protocol   inspect.Protocol     `json:"protocol,omitempty"`
	Simulation int64                `json:"simulation,omitempty"` // the one that made it
	Outlook    *provider.Outlook    `json:"outlook"`              // null unless an initial attempt ended and its provider is known
}

type sentView struct {
	Method string      `json:"method,omitempty"`
	Host   string      `json:"host,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Edited bool        `json:"edited"` // the body is not the delivery's; see …/attempts/{n}/sent
	Size   int         `json:"size"`   // of the edited body
	Signed string      `json:"signed,omitempty"`
}

type responseView struct {
	Status    int         `json:"status"`
	Proto     string      `json:"proto"`
	Header    http.Header `json:"header"`
	Trailer   http.Header `json:"trailer,omitempty"`
	Size      int64       `json:"size"`
	Stored    int         `json:"stored"`
	Truncated bool        `json:"truncated"`
}

func (s *Server) viewDelivery(d *inspect.Delivery) deliveryView {
	sum := sha256.Sum256(d.Body)
	v := deliveryView{
		ID: d.ID, ReceivedAt: d.ReceivedAt, Method: d.Method, Target: d.Target, Path: d.Path(), URL: d.URL(),
		Host: d.Host, Proto: d.Proto, RemoteAddr: d.RemoteAddr, Endpoint: d.Endpoint, Header: d.Header, Trailer: d.Trailer,
		Size: d.Size, Stored: len(d.Body), SHA256: hex.EncodeToString(sum[:]), Text: isText(d.Body), Truncated: d.Truncated,
		Disposition: d.Disposition, Reason: d.Reason, Pinned: d.Pinned, Waiting: d.Waiting, Source: d.Source, Facts: d.Facts,
	}
	v.About, v.DeadlineMS = s.about(d)
	return v
}

func viewAttempt(a *inspect.Attempt) attemptView {
	v := attemptView{
		DeliveryID: a.DeliveryID, Number: a.Number, Trigger: a.Trigger, State: a.State, StartedAt: a.StartedAt,
		DurationNS: int64(a.Duration), URL: a.URL, Error: a.Error, ErrorKind: a.ErrorKind, Protocol: a.Protocol,
		Simulation: a.Simulation, Outlook: a.Outlook, NotSigned: a.NotSigned,
	}
	if s := a.Sent; s != nil {
		v.Sent = &sentView{Method: s.Method, Host: s.Host, Header: s.Header, Edited: s.Edited, Size: len(s.Body), Signed: s.Signed}
	}
	if r := a.Response; r != nil {
		v.Response = &responseView{
			Status: r.Status, Proto: r.Proto, Header: r.Header, Trailer: r.Trailer,
			Size: r.Size, Stored: len(r.Body), Truncated: r.Truncated,
		}
	}
	return v
}

// list answers with summaries, newest first, and with the revision to follow
// from: what changes after the list was made comes through the live socket.
func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := number(q.Get("limit"), "limit", defaultLimit)
	if err != nil {
		return err
	}
	before, err := number(q.Get("before"), "before", 0)
	if err != nil {
		return err
	}
	if limit = min(limit, maxLimit); limit == 0 {
		limit = defaultLimit
	}
	rev, err := s.Store.Rev(r.Context())
	if err != nil {
		return err
	}
	// One more than asked for tells whether there are older ones.
	found, err := s.Store.List(r.Context(), inspect.ListOptions{Query: q.Get("q"), Before: before, Limit: int(limit) + 1})
	if err != nil {
		return err
	}
	more := len(found) > int(limit)
	if more {
		found = found[:limit]
	}
	if found == nil {
		found = []inspect.Summary{}
	}
	return writeJSON(w, http.StatusOK, struct {
		Deliveries []inspect.Summary `json:"deliveries"`
		More       bool              `json:"more"`
		Rev        int64             `json:"rev"`
	}{found, more, rev})
}

func (s *Server) detail(w http.ResponseWriter, r *http.Request) error {
	d, err := s.delivery(r)
	if err != nil {
		return err
	}
	attempts, err := s.Store.Attempts(r.Context(), d.ID)
	if err != nil {
		return err
	}
	views := make([]attemptView, len(attempts))
	for i := range attempts {
		views[i] = viewAttempt(&attempts[i])
	}
	return writeJSON(w, http.StatusOK, struct {
		Delivery deliveryView  `json:"delivery"`
		Attempts []attemptView `json:"attempts"`
	}{s.viewDelivery(d), views})
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) error {
	id, err := deliveryID(r)
	if err != nil {
		return err
	}
	n, err := s.Store.Remove(r.Context(), id)
	if err != nil {
		return err
	}
	if n == 0 {
		return inspect.ErrNotFound
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// pin keeps a delivery from retention, or lets go of it. An empty object pins.
func (s *Server) pin(w http.ResponseWriter, r *http.Request) error {
	id, err := deliveryID(r)
	if err != nil {
		return err
	}
	in := struct {
		Pinned bool `json:"pinned"`
	}{Pinned: true}
	if err := readJSON(w, r, maxSmallJSON, &in); err != nil {
		return err
	}
	if err := s.Store.Pin(r.Context(), id, in.Pinned); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, in)
}

// delivery returns the delivery that the path names.
func (s *Server) delivery(r *http.Request) (*inspect.Delivery, error) {
	id, err := deliveryID(r)
	if err != nil {
		return nil, err
	}
	return s.Store.Delivery(r.Context(), id)
}

func deliveryID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, problemf(http.StatusNotFound, "%q is not the id of a delivery; ids are numbers from 1.", r.PathValue("id"))
	}
	return id, nil
}

// number reads a query parameter that is a whole number from 0; "" is def.
func number(value, name string, def int64) (int64, error) {
	if value == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		p := problemf(http.StatusBadRequest, "%s=%q is not a whole number from 0; leave it out for the default.", name, value)
		p.Field = name
		return 0, p
	}
	return n, nil
}
