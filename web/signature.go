package web

import (
	"context"
	"net/http"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// fetchTimeout is how long a signature, or a confirmation, waits for what has
// to be fetched from the provider.
const fetchTimeout = 15 * time.Second

// noChecker is why signatures are not explained where nothing can check them.
const noChecker = "This inspector can't look at signatures: it was opened without the providers. Start hookloop listen, or use hookloop verify."

// An aboutView is what the catalog has to say about a delivery's provider.
type aboutView struct {
	Title        string `json:"title"`
	Docs         string `json:"docs"`
	Notes        string `json:"notes,omitempty"`
	Handshake    string `json:"handshake,omitempty"`   // what the user has to do about it, in a sentence
	Confirm      bool   `json:"confirm"`               // it is a handshake that …/confirm can answer
	ConfirmURL   string `json:"confirm_url,omitempty"` // what …/confirm would fetch
	Unanswered   string `json:"unanswered,omitempty"`  // why hookloop, which answers handshakes, could not answer this one
	AddressesURL string `json:"addresses_url,omitempty"`
}

// A signatureView is a diagnosis made now, with the secrets that are configured now.
type signatureView struct {
	Result      provider.Result  `json:"result"`
	Code        provider.Code    `json:"code"`
	Reason      string           `json:"reason"`
	Provider    string           `json:"provider"`
	Scheme      string           `json:"scheme"`
	Secret      string           `json:"secret"`    // the label of the one that matched
	SignedAt    *time.Time       `json:"signed_at"` // null without a signed time
	Notes       []string         `json:"notes"`
	Explanation *explanationView `json:"explanation"` // null when nothing was compared
}

// An explanationView is what was compared. Expected is masked unless the
// Server shows secrets.
type explanationView struct {
	Where         string   `json:"where"`
	MessageBase64 []byte   `json:"message_base64"` // null where the token itself is compared
	Message       *string  `json:"message"`        // the same as text; null when it is none
	Expected      string   `json:"expected"`
	Received      []string `json:"received"`
}

// entry returns the catalog's entry of a name, or nil.
func (s *Server) entry(name string) *provider.Provider {
	if s.Checker == nil || s.Checker.Catalog == nil || name == "" {
		return nil
	}
	return s.Checker.Catalog.Provider(name)
}

// about returns what is known of the provider of d, and its limit in
// milliseconds. A guess has no limit: nothing is decided by it.
func (s *Server) about(d *inspect.Delivery) (*aboutView, *int64) {
	f := &d.Facts
	p := s.entry(f.Provider)
	if p == nil {
		return nil, nil
	}
	v := &aboutView{Title: p.Title, Docs: p.Docs, Notes: p.Notes, AddressesURL: p.Delivery.AddressesURL}
	for i := range p.Handshakes {
		if h := &p.Handshakes[i]; f.Handshake != "" && h.Name == f.Handshake {
			v.Handshake, v.Confirm = h.Notes, !h.Confirm.IsZero()
		}
	}
	if v.Confirm {
		v.ConfirmURL, _ = s.Checker.ConfirmURL(d.Request()) // without one …/confirm says why
	}
	if s.AnswerHandshakes && f.Handshake != "" && d.Disposition == inspect.Forwarded {
		r := d.Request()
		if _, err := s.Checker.Answer(r, s.Checker.Recognize(r)); err != nil {
			v.Unanswered = "hookloop could not answer it: " + err.Error()
		}
	}
	if f.Certainty == provider.Guess {
		return v, nil
	}
	return v, inMS(p.Limit(d.Request()))
}

// inMS returns a limit in milliseconds; nil where there is none.
func inMS(limit time.Duration) *int64 {
	ms := limit.Milliseconds()
	if ms == 0 {
		return nil
	}
	return &ms
}

// signature explains whether the signature of a delivery holds. It stores nothing.
func (s *Server) signature(w http.ResponseWriter, r *http.Request) error {
	d, err := s.delivery(r)
	if err != nil {
		return err
	}
	if s.Checker == nil {
		return problemf(http.StatusConflict, "%s", noChecker)
	}
	ctx, cancel := context.WithTimeout(r.Context(), fetchTimeout)
	defer cancel()
	g := s.Checker.Verify(ctx, d.Request())
	v := signatureView{
		Result: g.Result, Code: g.Code, Reason: g.Reason, Provider: g.Provider, Scheme: g.Scheme, Secret: g.Secret,
		SignedAt: timeOf(g.SignedAt), Notes: append([]string{}, g.Notes...),
	}
	if e := g.Explain; e != nil {
		if !s.ShowSecrets {
			e = e.Masked()
		}
		v.Explanation = &explanationView{
			Where: e.Where, MessageBase64: e.Message, Expected: e.Expected, Received: append([]string{}, e.Received...),
		}
		if text := string(e.Message); e.Message != nil && isText(e.Message) {
			v.Explanation.Message = &text
		}
	}
	return writeJSON(w, http.StatusOK, v)
}

// confirm fetches the address that a handshake asks to have fetched. Only a
// user's wish comes here: no delivery can cause it.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request) error {
	d, err := s.delivery(r)
	if err != nil {
		return err
	}
	var in struct {
		Unverified bool `json:"unverified"` // the user knows that it cannot be told who sent it
	}
	if err := readJSON(w, r, maxSmallJSON, &in); err != nil {
		return err
	}
	if s.Checker == nil {
		return problemf(http.StatusConflict, "%s", noChecker)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), fetchTimeout)
	defer cancel()
	confirm := s.Checker.Confirm
	if in.Unverified {
		confirm = s.Checker.ConfirmUnverified
	}
	message, err := confirm(ctx, d.Request())
	if err != nil { // a sentence: what happened and what to do
		return problemf(http.StatusConflict, "%s", err)
	}
	return writeJSON(w, http.StatusOK, map[string]string{"message": message})
}
