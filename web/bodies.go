package web

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"hookloop/inspect"
)

// Bodies leave with their exact bytes and never with the type they came with:
// text as text/plain, everything else, and everything with ?download=1, as an
// attachment. The policy that goes along lets nothing in them run.
//
// ?decoded=1 undoes the Content-Encoding first, within the bounds that
// inspect sets. The header Hookloop-Note, percent-encoded, then says what was
// done or why it could not be.

func (s *Server) body(w http.ResponseWriter, r *http.Request) error {
	d, err := s.delivery(r)
	if err != nil {
		return err
	}
	return writeBody(w, r, fmt.Sprintf("delivery-%d", d.ID), d.Header, d.Body)
}

// responseBody answers with what the handler answered.
func (s *Server) responseBody(w http.ResponseWriter, r *http.Request) error {
	a, err := s.attempt(r)
	if err != nil {
		return err
	}
	if a.Response == nil {
		return problemf(http.StatusNotFound, "Attempt %d of delivery %d got no response, so there is no body.", a.Number, a.DeliveryID)
	}
	return writeBody(w, r, fmt.Sprintf("delivery-%d-attempt-%d", a.DeliveryID, a.Number), a.Response.Header, a.Response.Body)
}

// sentBody answers with the body that an attempt sent, edited or not.
func (s *Server) sentBody(w http.ResponseWriter, r *http.Request) error {
	a, err := s.attempt(r)
	if err != nil {
		return err
	}
	d, err := s.Store.Delivery(r.Context(), a.DeliveryID)
	if err != nil {
		return err
	}
	header := d.Header
	if a.Sent != nil && a.Sent.Header != nil {
		header = a.Sent.Header
	}
	return writeBody(w, r, fmt.Sprintf("delivery-%d-attempt-%d-sent", a.DeliveryID, a.Number), header, a.SentBody(d))
}

func (s *Server) attempt(r *http.Request) (*inspect.Attempt, error) {
	id, err := deliveryID(r)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 {
		return nil, problemf(http.StatusNotFound, "%q is not the number of an attempt; they are counted from 1.", r.PathValue("n"))
	}
	return s.Store.Attempt(r.Context(), id, n)
}

func writeBody(w http.ResponseWriter, r *http.Request, name string, header http.Header, body []byte) error {
	q := r.URL.Query()
	h := w.Header()
	if q.Get("decoded") == "1" {
		var note string
		if body, note = inspect.Decode(header, body); note != "" {
			h.Set("Hookloop-Note", url.PathEscape(note))
		}
	}
	h.Set("Content-Security-Policy", bodyPolicy)
	text := isText(body)
	if text {
		h.Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		h.Set("Content-Type", "application/octet-stream")
	}
	if !text || q.Get("download") == "1" {
		attach(w, name+extension(header, text))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller may be gone
	return nil
}

// attach makes the answer a download. name holds only what we put together.
func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// isText reports whether b can be shown and edited as text without a loss.
func isText(b []byte) bool {
	return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0
}

// extension returns the end of a file name that fits a captured body. It is
// one that no system runs on a double click.
func extension(header http.Header, text bool) string {
	mt, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case text && (mt == "application/json" || strings.HasSuffix(mt, "+json")):
		return ".json"
	case text:
		return ".txt"
	case mt == "image/png":
		return ".png"
	case mt == "image/jpeg":
		return ".jpg"
	case mt == "application/pdf":
		return ".pdf"
	}
	return ".bin"
}
