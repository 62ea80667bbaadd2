package inspect

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hookloop/inspect/provider"
)

// This file exports and imports deliveries without losing anything. One line
// is one JSON object: a delivery with its attempts. In it
//
//   - a body is "body" where it is UTF-8, else "body_base64", and always has
//     its "body_sha256"; a nil body has none of them;
//   - headers are lists by name, in order: {"X-A": ["1", "2"]};
//   - text that is not UTF-8, which JSON cannot carry, is {"base64": "…"} in
//     place of a string, and as a name "base64:…";
//   - "facts" is what was known of the sender and the signature, and "outlook"
//     what the provider would do after an attempt: what hookloop made of the
//     bytes, which is always UTF-8.

// A Record is a delivery with its attempts, in the order of their numbers.
type Record struct {
	Delivery *Delivery
	Attempts []Attempt
	Verdict  string // of its latest simulation, see [Store.Verdicts]; "" = there is none. It is not read.
}

type jsonRecord struct {
	ID          int64       `json:"id"`
	ReceivedAt  time.Time   `json:"received_at"`
	Method      exactText   `json:"method"`
	Target      exactText   `json:"target"`
	Host        exactText   `json:"host"`
	Proto       exactText   `json:"proto"`
	RemoteAddr  exactText   `json:"remote_addr"`
	Endpoint    exactText   `json:"endpoint"`
	Disposition Disposition `json:"disposition"`
	Reason      exactText   `json:"reason,omitzero"`
	Pinned      bool        `json:"pinned,omitzero"`
	Source      Source      `json:"source,omitzero"`
	jsonMessage
	Facts    provider.Facts `json:"facts,omitzero"`
	Attempts []jsonAttempt  `json:"attempts"`
	Verdict  string         `json:"verdict,omitzero"`
}

type jsonAttempt struct {
	Number     int           `json:"number"`
	Trigger    Trigger       `json:"trigger"`
	State      AttemptState  `json:"state"`
	StartedAt  time.Time     `json:"started_at"`
	DurationNS int64         `json:"duration_ns"`
	URL        exactText     `json:"url"`
	Sent       *jsonSent     `json:"sent,omitzero"`
	NotSigned  exactText     `json:"not_signed,omitzero"` // why the signature would be refused and was left as it was
	Response   *jsonResponse `json:"response"`
	Error      exactText     `json:"error,omitzero"`
	ErrorKind  ErrorKind     `json:"error_kind,omitzero"`
	Protocol   Protocol      `json:"protocol,omitzero"`

	Outlook    *provider.Outlook `json:"outlook,omitzero"`
	Simulation int64             `json:"simulation,omitzero"` // its number, which means nothing in another store: it is not read
}

type jsonSent struct {
	Method exactText  `json:"method,omitzero"`
	Host   exactText  `json:"host,omitzero"`
	Header jsonHeader `json:"headers,omitzero"`
	Edited bool       `json:"edited,omitzero"`
	Signed exactText  `json:"signed,omitzero"`
	jsonBody
}

type jsonResponse struct {
	Status int       `json:"status"`
	Proto  exactText `json:"proto"`
	jsonMessage
}

// jsonMessage is what a request and a response have in common.
type jsonMessage struct {
	Header    jsonHeader `json:"headers"`
	Trailer   jsonHeader `json:"trailers,omitzero"`
	Size      int64      `json:"size"`
	Truncated bool       `json:"truncated,omitzero"`
	jsonBody
}

type jsonBody struct {
	Text   *string `json:"body,omitzero"`
	Base64 *string `json:"body_base64,omitzero"`
	SHA256 string  `json:"body_sha256,omitzero"`
}

// WriteJSONL writes one line for each record, as they come, and holds no more
// than one of them.
func WriteJSONL(w io.Writer, records iter.Seq2[Record, error]) error {
	enc := NewJSONEncoder(w)
	for r, err := range records {
		if err != nil {
			return err
		}
		d := r.Delivery
		line := jsonRecord{
			ID: d.ID, ReceivedAt: d.ReceivedAt.UTC(), Method: exactText(d.Method), Target: exactText(d.Target), Host: exactText(d.Host),
			Proto: exactText(d.Proto), RemoteAddr: exactText(d.RemoteAddr), Endpoint: exactText(d.Endpoint),
			Disposition: d.Disposition, Reason: exactText(d.Reason), Pinned: d.Pinned, Source: d.Source,
			jsonMessage: jsonMessage{jsonHeader(d.Header), jsonHeader(d.Trailer), d.Size, d.Truncated, bodyToJSON(d.Body)},
			Facts:       d.Facts,
			Attempts:    make([]jsonAttempt, 0, len(r.Attempts)),
			Verdict:     r.Verdict,
		}
		for i := range r.Attempts {
			line.Attempts = append(line.Attempts, attemptToJSON(&r.Attempts[i]))
		}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func attemptToJSON(a *Attempt) jsonAttempt {
	j := jsonAttempt{
		Number: a.Number, Trigger: a.Trigger, State: a.State, StartedAt: a.StartedAt.UTC(), DurationNS: int64(a.Duration),
		URL: exactText(a.URL), NotSigned: exactText(a.NotSigned), Error: exactText(a.Error), ErrorKind: a.ErrorKind, Protocol: a.Protocol, Outlook: a.Outlook,
		Simulation: a.Simulation,
	}
	if s := a.Sent; s != nil {
		j.Sent = &jsonSent{exactText(s.Method), exactText(s.Host), jsonHeader(s.Header), s.Edited, exactText(s.Signed), bodyToJSON(s.Body)}
	}
	if r := a.Response; r != nil {
		j.Response = &jsonResponse{
			r.Status, exactText(r.Proto),
			jsonMessage{jsonHeader(r.Header), jsonHeader(r.Trailer), r.Size, r.Truncated, bodyToJSON(r.Body)},
		}
	}
	return j
}

// ReadJSONL yields the records that [WriteJSONL] wrote. It ends at the first
// line that is not one, with an error that says which and why: a body that
// does not have its sha256, a header with a line end in it.
func ReadJSONL(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines := bufio.NewReader(r)
		for n := 1; ; n++ {
			line, err := lines.ReadBytes('\n')
			if err != nil && err != io.EOF {
				yield(Record{}, err)
				return
			}
			if len(bytes.TrimSpace(line)) > 0 {
				record, lineErr := parseRecord(line)
				if lineErr != nil {
					yield(Record{}, fmt.Errorf("line %d: %w", n, lineErr))
					return
				}
				if !yield(record, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}
}

func parseRecord(line []byte) (Record, error) {
	var j jsonRecord
	if err := json.Unmarshal(line, &j); err != nil {
		return Record{}, fmt.Errorf("it is no delivery: %w", err)
	}
	body, err := j.check()
	if err != nil {
		return Record{}, err
	}
	if j.Source != FromProvider && !slices.Contains(sourceNames, string(j.Source)) {
		return Record{}, fmt.Errorf("its source is %q, not %s", j.Source, strings.Join(sourceNames, ", "))
	}
	if !slices.Contains([]Disposition{Forwarded, Held, Refused}, j.Disposition) {
		return Record{}, fmt.Errorf("its disposition is %q, not forwarded, held or refused", j.Disposition)
	}
	record := Record{Delivery: &Delivery{
		ID: j.ID, ReceivedAt: j.ReceivedAt.UTC(), Method: string(j.Method), Target: string(j.Target), Host: string(j.Host), Proto: string(j.Proto),
		RemoteAddr: string(j.RemoteAddr), Endpoint: string(j.Endpoint), Header: http.Header(j.Header), Trailer: http.Header(j.Trailer),
		Body: body, Size: j.Size, Truncated: j.Truncated, Disposition: j.Disposition, Reason: string(j.Reason), Pinned: j.Pinned, Source: j.Source,
		Facts: j.Facts,
	}}
	for _, ja := range j.Attempts {
		a, err := ja.attempt(j.ID)
		if err != nil {
			return Record{}, fmt.Errorf("attempt %d: %w", ja.Number, err)
		}
		record.Attempts = append(record.Attempts, a)
	}
	return record, nil
}

func (j *jsonAttempt) attempt(delivery int64) (Attempt, error) {
	a := Attempt{
		DeliveryID: delivery, Number: j.Number, Trigger: j.Trigger, State: j.State, StartedAt: j.StartedAt.UTC(), Duration: time.Duration(j.DurationNS),
		URL: string(j.URL), NotSigned: string(j.NotSigned), Error: string(j.Error), ErrorKind: j.ErrorKind, Protocol: j.Protocol, Outlook: j.Outlook,
	}
	if !slices.Contains([]Trigger{Initial, Replay, Duplicate, Retry, Simulated}, a.Trigger) {
		return a, fmt.Errorf("there is no trigger %q", a.Trigger)
	}
	if !slices.Contains([]AttemptState{Pending, Answered, Errored, Interrupted}, a.State) {
		return a, fmt.Errorf("there is no state %q", a.State)
	}
	if s := j.Sent; s != nil {
		body, err := s.bytes()
		if err := errors.Join(err, s.Header.check()); err != nil {
			return a, err
		}
		a.Sent = &Sent{Method: string(s.Method), Host: string(s.Host), Header: http.Header(s.Header), Edited: s.Edited, Body: body, Signed: string(s.Signed)}
	}
	if r := j.Response; r != nil {
		body, err := r.check()
		if err != nil {
			return a, err
		}
		a.Response = &Response{
			Status: r.Status, Proto: string(r.Proto), Header: http.Header(r.Header), Trailer: http.Header(r.Trailer),
			Body: body, Size: r.Size, Truncated: r.Truncated,
		}
	}
	return a, nil
}

// check returns the body of m, or what is wrong with m.
func (m *jsonMessage) check() ([]byte, error) {
	body, err := m.bytes()
	return body, errors.Join(err, m.Header.check(), m.Trailer.check())
}

func bodyToJSON(body []byte) jsonBody {
	if body == nil {
		return jsonBody{}
	}
	sum := sha256.Sum256(body)
	j := jsonBody{SHA256: hex.EncodeToString(sum[:])}
	if utf8.Valid(body) {
		text := string(body)
		j.Text = &text
	} else {
		text := base64.StdEncoding.EncodeToString(body)
		j.Base64 = &text
	}
	return j
}

// bytes is the inverse of bodyToJSON.
func (j jsonBody) bytes() ([]byte, error) {
	var body []byte
	switch {
	case j.Text != nil && j.Base64 != nil:
		return nil, errors.New("it has both a body and a body_base64")
	case j.Text != nil:
		body = []byte(*j.Text)
	case j.Base64 != nil:
		var err error
		if body, err = base64.StdEncoding.DecodeString(*j.Base64); err != nil {
			return nil, fmt.Errorf("its body_base64 is damaged: %w", err)
		}
	}
	sum := sha256.Sum256(body)
	if j.SHA256 != "" && !strings.EqualFold(j.SHA256, hex.EncodeToString(sum[:])) {
		return nil, errors.New("its body was changed: the sha256 differs")
	}
	return body, nil
}
