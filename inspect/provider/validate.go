package provider

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

var (
	certainties = []string{string(Certain), string(Likely), string(Guess)}
	confidences = []string{string(FromSource), string(Quoted), string(Hearsay), string(Unknown)}
)

// UnmarshalYAML reads c from a word.
func (c *Certainty) UnmarshalYAML(n ast.Node) error {
	return unmarshalText(n, c, func(text string) (Certainty, error) {
		if !slices.Contains(certainties, text) {
			return "", fmt.Errorf("%q is no certainty: write certain, likely or guess", text)
		}
		return Certainty(text), nil
	})
}

// UnmarshalYAML reads c from a letter.
func (c *Confidence) UnmarshalYAML(n ast.Node) error {
	return unmarshalText(n, c, func(text string) (Confidence, error) {
		if !slices.Contains(confidences, text) {
			return "", fmt.Errorf(`%q is no mark of confidence: write A, B, C or "?"`, text)
		}
		return Confidence(text), nil
	})
}

// check says what p lacks, and in which of its fields.
func (p *Provider) check() (where string, err error) {
	checks := []func() (string, error){p.checkDocs, p.checkRules, p.checkSchemes, p.checkHandshakes, p.checkDelivery, p.checkSamples}
	for _, check := range checks {
		if where, err = check(); err != nil {
			return where, err
		}
	}
	return "", nil
}

func (p *Provider) checkDocs() (string, error) {
	if p.Docs != "" && !strings.HasPrefix(p.Docs, "https://") && !strings.Contains(p.Docs, " ") {
		return "docs", fmt.Errorf("%q is neither an address nor a sentence: write https://… or say where the documentation is", p.Docs)
	}
	return "", nil
}

func (p *Provider) checkRules() (string, error) {
	for i := range p.Recognize {
		at := fmt.Sprintf("recognize[%d]", i)
		switch rule := &p.Recognize[i]; {
		case len(rule.When) == 0:
			return at, errors.New(`it has no condition: write when: ["header:NAME"]`)
		case rule.Certainty == "":
			return at, errors.New("it has no certainty: write certain, likely or guess")
		case !slices.ContainsFunc(rule.When, func(c Condition) bool { return !c.not }):
			return at + ".when", errors.New("it says only what a request has not: add what it has")
		}
	}
	for i, s := range p.Settings {
		if s.Key == "" || strings.ContainsAny(s.Key, "=}. ") {
			return fmt.Sprintf("settings[%d]", i), errors.New("it has no key: write key: webhook_id")
		}
	}
	return "", nil
}

func (p *Provider) checkSchemes() (string, error) {
	names := map[string]bool{}
	shared := slices.ContainsFunc(p.Schemes, func(s Scheme) bool { return s.Kind != Unsigned && !s.public() })
	for i := range p.Schemes {
		s := &p.Schemes[i]
		if mixed := shared && s.public(); mixed != s.mixed { // an entry that this one is like may be in use
			s.mixed = mixed
		}
		at := fmt.Sprintf("schemes[%d]", i)
		if err := s.check(); err != nil {
			return at, err
		}
		if names[s.Name] {
			return at + ".name", fmt.Errorf("there are two schemes %q: give each a name of its own", s.Name)
		}
		names[s.Name] = true
		if err := s.checkKeySource(); err != nil {
			return at + ".key_source", err
		}
	}
	return "", nil
}

func (s *Scheme) checkKeySource() error {
	k := s.KeySource
	switch {
	case k == nil:
		return nil
	case !s.public():
		return fmt.Errorf("kind %s has a shared secret, so no key is fetched: take key_source out", s.Kind)
	case k.CertURL.IsZero() == (k.JWKS == ""):
		return errors.New("write either cert_url, where the request names its certificate, or jwks, the address of a key set")
	case !k.CertURL.IsZero() && len(k.Hosts) == 0:
		return errors.New("the sender could name any certificate: add hosts, from which alone it is fetched")
	case k.JWKS != "" && !strings.HasPrefix(k.JWKS, "https://"):
		return fmt.Errorf("jwks %q is no https address", k.JWKS)
	}
	for _, h := range k.Hosts {
		if h == "" || strings.Trim(h, "*.") == "" || strings.ContainsAny(h, "/: ") {
			return fmt.Errorf("%q is no host: write a name such as *.paypal.com", h)
		}
	}
	return nil
}

func (p *Provider) checkHandshakes() (string, error) {
	for i := range p.Handshakes {
		at := fmt.Sprintf("handshakes[%d]", i)
		switch h := &p.Handshakes[i]; {
		case h.Name == "":
			return at, errors.New("it has no name: write name: verification")
		case len(h.When) == 0:
			return at, errors.New(`it does not say which requests are it: write when: ["json:/type=ping"]`)
		case h.Else != 0 && (h.Else < 200 || h.Else > 599):
			return at + ".else", fmt.Errorf("%d is no HTTP status: write such as 403", h.Else)
		case h.Require != nil && !slices.ContainsFunc(p.Settings, func(s Setting) bool { return s.Key == h.Require.Setting }):
			return at + ".require", fmt.Errorf("there is no setting %q: add it to settings, with its usage", h.Require.Setting)
		case !h.Confirm.IsZero() && len(h.Hosts) == 0:
			return at + ".confirm", errors.New("the sender could name any address: add hosts, from which alone it is fetched")
		case h.Reply != nil:
			if err := h.Reply.check(); err != nil {
				return at + ".reply", err
			}
		}
	}
	return "", nil
}

func (p *Provider) checkDelivery() (string, error) {
	if where, err := p.Delivery.check(); err != nil {
		return "delivery" + where, err
	}
	for name, d := range p.Delivery.Variants {
		at := ".variants." + name
		switch {
		case d == nil:
			return "delivery" + at, errors.New("it is empty: write what differs")
		case len(d.Variants) > 0:
			return "delivery" + at + ".variants", errors.New("a variant has no variants")
		}
		if where, err := d.check(); err != nil {
			return "delivery" + at + where, err
		}
	}
	return "", nil
}

func (d *Delivery) check() (string, error) {
	if d.Redirects < 0 {
		return ".redirects", fmt.Errorf("%d is less than none: write how many are followed", d.Redirects)
	}
	if err := checkHeaders(d.RetryHeaders, Template.String); err != nil {
		return ".retry_headers", err
	}
	if err := checkHeaders(d.StopHeader, func(value string) string { return value }); err != nil {
		return ".stop_header", err
	}
	for i, text := range d.Addresses {
		if _, err := parsePrefix(text); err != nil {
			return fmt.Sprintf(".addresses[%d]", i), err
		}
	}
	if d.AddressesURL != "" && !strings.HasPrefix(d.AddressesURL, "https://") {
		return ".addresses_url", fmt.Errorf("%q is no https address", d.AddressesURL)
	}
	return "", nil
}

func (p *Provider) checkSamples() (string, error) {
	for i := range p.Samples {
		at := fmt.Sprintf("samples[%d]", i)
		s := &p.Samples[i]
		switch {
		case s.Event == "":
			return at, errors.New("it has no event: write the event type that it is a sample of")
		case s.Body == "" && (s.Method == "" || s.Method == http.MethodPost):
			return at, errors.New("it has no body: write what the provider sends")
		}
		for name, value := range s.Headers {
			if !isToken(name) || strings.ContainsFunc(value, unfit) {
				return at + ".headers", fmt.Errorf("%q cannot be sent as a header: correct its name or its value", name)
			}
			if err := checkPlaceholders(value); err != nil {
				return at + ".headers", err
			}
		}
		if err := checkPlaceholders(s.Body); err != nil {
			return at + ".body", err
		}
		if err := checkPlaceholders(s.Query); err != nil {
			return at + ".query", err
		}
	}
	return "", nil
}
