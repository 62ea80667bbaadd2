package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"hookloop/inspect"
)

// This file is the error policy of the API: every failure is one problem with
// a sentence for people. What a person can't do anything about is logged, and
// the caller only reads that it happened.

// A problem is an error as the API answers it (RFC 9457).
type problem struct {
	Title  string `json:"title"`  // the status in words
	Status int    `json:"status"` // the HTTP status
	Detail string `json:"detail"` // what happened, and what to do
	Field  string `json:"field,omitempty"`
}

func (p *problem) Error() string { return p.Detail }

// problemf returns a problem with a status and a sentence.
func problemf(status int, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// fail answers with the problem that err is.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the caller has left
	}
	p := s.problemOf(r, err)
	h := w.Header()
	h.Del("Content-Length")
	h.Del("Content-Disposition")
	writeProblem(w, p)
}

func (s *Server) problemOf(r *http.Request, err error) *problem {
	var p *problem
	var query *inspect.QueryError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &query):
		p = problemf(http.StatusBadRequest, "%s", query.Msg)
		p.Field = "q"
		return p
	case errors.Is(err, inspect.ErrNotFound):
		return problemf(http.StatusNotFound, "There is no such delivery or attempt; it may have been removed since.")
	case errors.As(err, &tooLarge):
		return problemf(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes; send less.", tooLarge.Limit)
	}
	s.logger().Error("inspector request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	return problemf(http.StatusInternalServerError, "The inspector could not answer; hookloop's log says why.")
}

func writeProblem(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone; nothing is left to tell it
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
	return nil
}

// wantJSON refuses a body that a form or a plain script of another page could
// have sent: only application/json gets through.
func wantJSON(r *http.Request) error {
	mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mt != "application/json" {
		return problemf(http.StatusUnsupportedMediaType, "The body must be JSON; send Content-Type: application/json.")
	}
	return nil
}

// readJSON decodes the body into v. It reads at most limit bytes, and refuses
// unknown fields and anything after the value.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("there is more after the JSON value")
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	if errors.Is(err, io.EOF) {
		return problemf(http.StatusBadRequest, "The body is empty; send at least {}.")
	}
	return problemf(http.StatusBadRequest, "The body could not be read as JSON: %s.", err)
}
