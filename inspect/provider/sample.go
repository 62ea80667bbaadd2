package provider

import (
	"net/http"
	"time"
)

// A Sample is a realistic event of a provider. Body and headers may hold
// {{id}}, {{s}} and the like, which Render replaces.
type Sample struct {
	Event   string            `yaml:"event"`             // as Provider.Event finds it
	Method  string            `yaml:"method,omitempty"`  // "" = POST
	Type    string            `yaml:"type,omitempty"`    // content type; "" = application/json
	Query   string            `yaml:"query,omitempty"`   // of the target
	Headers map[string]string `yaml:"headers,omitempty"` // besides the signature's
	Body    string            `yaml:"body"`
}

// Render returns the event as the provider would send it at a time, without a
// signature: new ids, new times. URL is the address it is sent to.
func (p *Provider) Render(s *Sample, url string, at time.Time) *Request {
	return &Request{Header: http.Header{}}
}
