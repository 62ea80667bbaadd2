package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"hookloop/inspect"
	"hookloop/replay"
)

// maxReplayJSON holds the largest body that is kept (32 MiB) as base64 or as
// escaped text, and its headers.
const maxReplayJSON = 72 << 20

// A replayRequest is how another attempt may differ from the delivery. The
// zero value sends it again as it arrived.
type replayRequest struct {
	To         string               `json:"to"`          // base URL or whole; "" = the handler
	Headers    map[string]headerSet `json:"headers"`     // overrides; [] or null removes a header
	Body       *string              `json:"body"`        // replaces the body
	BodyBase64 *[]byte              `json:"body_base64"` // the same, for any bytes
	Trigger    inspect.Trigger      `json:"trigger"`     // "" = replay
	Signing    replay.Signing       `json:"signing"`     // "" = signed again where the signature would be refused
}

// A headerSet is a header's values: a list, one string, or null for none.
type headerSet []string

func (h *headerSet) UnmarshalJSON(b []byte) error {
	var one string
	if len(b) > 0 && b[0] == '"' {
		err := json.Unmarshal(b, &one)
		*h = headerSet{one}
		return err
	}
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return errors.New("a header's values must be a list of strings, one string, or null to leave it out")
	}
	*h = list
	return nil
}

// replay makes another attempt and answers with it when it has ended. The
// attempt is carried through even if the caller leaves.
func (s *Server) replay(w http.ResponseWriter, r *http.Request) error {
	id, opts, err := s.replayOptions(w, r)
	if err != nil {
		return err
	}
	a, err := s.Sender.Replay(context.WithoutCancel(r.Context()), id, opts)
	if errors.Is(err, inspect.ErrNotFound) {
		return err
	}
	if err != nil { // a sentence of the Sender's: what happened and what to do
		return problemf(http.StatusConflict, "%s", err)
	}
	return writeJSON(w, http.StatusOK, viewAttempt(a))
}

// A forecastAnswer says what a replay would do about the signature.
type forecastAnswer struct {
	Refused string `json:"refused"`          // why the original one would be refused; "" = it would not, or there is none
	Sign    bool   `json:"sign"`             // the replay would be signed again
	CanSign bool   `json:"can_sign"`         // it could be
	Secret  string `json:"secret,omitempty"` // label of the secret it could be signed with
	Why     string `json:"why"`              // why it can't, and what to do; "" if it can or need not
}

// forecast says what a replay with the same body would do about the signature.
func (s *Server) forecast(w http.ResponseWriter, r *http.Request) error {
	id, opts, err := s.replayOptions(w, r)
	if err != nil {
		return err
	}
	f, err := s.Sender.Forecast(r.Context(), id, opts)
	if errors.Is(err, inspect.ErrNotFound) {
		return err
	}
	if err != nil {
		return problemf(http.StatusConflict, "%s", err)
	}
	return writeJSON(w, http.StatusOK, forecastAnswer(*f))
}

// replayOptions reads which delivery a request asks to replay, and how.
func (s *Server) replayOptions(w http.ResponseWriter, r *http.Request) (id int64, o replay.Options, err error) {
	if id, err = deliveryID(r); err != nil {
		return 0, o, err
	}
	var in replayRequest
	if err := readJSON(w, r, maxReplayJSON, &in); err != nil {
		return 0, o, err
	}
	if o, err = in.options(); err != nil {
		return 0, o, err
	}
	if s.Sender == nil {
		return 0, o, problemf(http.StatusConflict, "%s", noSender)
	}
	return id, o, nil
}

func (in *replayRequest) options() (replay.Options, error) {
	o := replay.Options{To: in.To, Trigger: in.Trigger, Signing: in.Signing}
	switch in.Trigger {
	case "":
		o.Trigger = inspect.Replay
	case inspect.Replay, inspect.Duplicate, inspect.Retry, inspect.Simulated:
	default:
		return o, fieldProblem("trigger", "The trigger %q is not one of replay, duplicate, retry, simulation; leave it out for replay.", in.Trigger)
	}
	switch in.Signing {
	case replay.SignIfNeeded, replay.SignAgain, replay.AsReceived:
	default:
		return o, fieldProblem("signing", "The signing %q is not one of %q, %q; leave it out to sign again where it is needed.", in.Signing, replay.SignAgain, replay.AsReceived)
	}
	for name, values := range in.Headers {
		if name == "" || strings.ContainsAny(name, " \t\r\n\x00:") {
			return o, fieldProblem("headers", "%q is not a header name; use letters, digits and dashes.", name)
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return o, fieldProblem("headers", "The header %s holds a line break or a NUL byte, which could smuggle in another header; take it out.", name)
			}
		}
		if o.Header == nil {
			o.Header = http.Header{}
		}
		key := http.CanonicalHeaderKey(name)
		if _, twice := o.Header[key]; twice {
			return o, fieldProblem("headers", "The header %s is given twice; give its values as one list.", key)
		}
		o.Header[key] = append([]string{}, values...)
	}
	switch {
	case in.Body != nil && in.BodyBase64 != nil:
		return o, fieldProblem("body", "Both body and body_base64 are given; send one of them.")
	case in.Body != nil:
		o.Edited, o.Body = true, []byte(*in.Body)
	case in.BodyBase64 != nil:
		o.Edited, o.Body = true, *in.BodyBase64
	}
	return o, nil
}

func fieldProblem(field, format string, args ...any) *problem {
	p := problemf(http.StatusBadRequest, format, args...)
	p.Field = field
	return p
}
