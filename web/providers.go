package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"hookloop/inspect/provider"
)

// A providerView is a catalog's entry in brief.
type providerView struct {
	Name       string              `json:"name"`
	Title      string              `json:"title"`
	Docs       string              `json:"docs"`
	Confidence provider.Confidence `json:"confidence"` // of what follows: A, B, C or ?
	LimitMS    *int64              `json:"limit_ms"`   // how long it waits for an answer; null when not published
	Success    string              `json:"success"`    // what counts as success, in words
	Retries    bool                `json:"retries"`    // it delivers again, as far as is published
	Verify     []provider.Kind     `json:"verify"`     // how it signs, the strongest first; "none" when it does not
	Handshakes []string            `json:"handshakes"` // the names of those that it makes
	Settings   []string            `json:"settings"`   // what the receiver has to know besides the secret
	Secrets    int                 `json:"secrets"`    // how many are configured for it
	Events     []string            `json:"events"`     // of which there are samples
}

func (s *Server) viewProvider(p *provider.Provider) providerView {
	d := &p.Delivery
	v := providerView{
		Name: p.Name, Title: p.Title, Docs: p.Docs, Confidence: d.Confidence, LimitMS: inMS(time.Duration(d.Timeout)), Success: d.Success.String(),
		Retries: d.Retry != nil && !d.Retry.Never, Secrets: len(s.Checker.Secrets[p.Name]),
		Verify: []provider.Kind{}, Handshakes: []string{}, Settings: []string{}, Events: []string{},
	}
	if v.Confidence == "" {
		v.Confidence = provider.Unknown
	}
	for i := range p.Schemes {
		if k := p.Schemes[i].Kind; !slices.Contains(v.Verify, k) {
			v.Verify = append(v.Verify, k)
		}
	}
	for i := range p.Handshakes {
		v.Handshakes = append(v.Handshakes, p.Handshakes[i].Name)
	}
	for _, set := range p.Settings {
		v.Settings = append(v.Settings, set.Key)
	}
	for i := range p.Samples {
		v.Events = append(v.Events, p.Samples[i].Event)
	}
	return v
}

// providers lists the catalog by name.
func (s *Server) providers(w http.ResponseWriter, _ *http.Request) error {
	if s.Checker == nil || s.Checker.Catalog == nil {
		return problemf(http.StatusConflict, "%s", noChecker)
	}
	views := []providerView{}
	for _, p := range s.Checker.Catalog.All() {
		views = append(views, s.viewProvider(p))
	}
	return writeJSON(w, http.StatusOK, map[string]any{"providers": views})
}

// provider answers with one entry, and with what a developer should know of it in words.
func (s *Server) provider(w http.ResponseWriter, r *http.Request) error {
	if s.Checker == nil || s.Checker.Catalog == nil {
		return problemf(http.StatusConflict, "%s", noChecker)
	}
	name := r.PathValue("name")
	p := s.entry(name)
	if p == nil {
		hint := "/api/v1/providers lists those there are."
		if near := s.Checker.Catalog.Nearest(name); near != "" {
			hint = "did you mean " + near + "?"
		}
		return problemf(http.StatusNotFound, "There is no provider %q; %s", name, hint)
	}
	return writeJSON(w, http.StatusOK, struct {
		providerView
		Text string `json:"text"`
	}{s.viewProvider(p), providerText(p)})
}

// providerText says what a developer should know of p, one fact a line.
func providerText(p *provider.Provider) string {
	var b strings.Builder
	for _, line := range p.Describe() {
		fmt.Fprintf(&b, "%s: %s\n", line.Label, line.Text)
	}
	return b.String()
}
