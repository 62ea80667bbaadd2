package provider

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// withSignature puts something where p's signature stands in a header, as a
// request that p sends has it.
func withSignature(p *Provider, r *Request) *Request {
	for i := range p.Schemes {
		s := &p.Schemes[i]
		if s.Signature.kind != "header" || s.Signature.names[0].setting != "" || s.Kind == Token {
			continue
		}
		for _, source := range []Source{s.Signature, s.Timestamp} {
			if source.kind == "header" && len(r.Header[source.names[0].name]) == 0 {
				r.Header[strings.Replace(source.names[0].name, "*", "1", 1)] = []string{"x"}
			}
		}
		break
	}
	return r
}

func TestSamples(t *testing.T) {
	c := BuiltIn()
	least := map[string]int{
		"stripe": 3, "github": 3, "slack": 3, "shopify": 3, "twilio": 3, "telegram": 3, "meta": 3, "discord": 3,
		"paypal": 3, "square": 3, "custom": 9, "apixo": 2, "daglo": 2,
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, p := range c.All() {
		if len(p.Samples) < max(1, least[p.Name]) {
			t.Errorf("%s: got %d samples, want %d", p.Name, len(p.Samples), max(1, least[p.Name]))
		}
		for i := range p.Samples {
			s := &p.Samples[i]
			t.Run(p.Name+"/"+s.Event, func(t *testing.T) {
				r := p.Render(s, "https://demo.example.test/hooks?x=1", at)
				if r.Target != "/hooks?x=1" || r.Method != "POST" || !r.Time.Equal(at) {
					t.Errorf("got %s %s at %v", r.Method, r.Target, r.Time)
				}
				checkBody(t, r)
				rec := c.Recognize(withSignature(p, r), "")
				checkRecognized(t, p, s, rec)
				other := c.Recognize(p.Render(s, "", at), p.Name)
				if other.Certainty != Named || other.Event != rec.Event {
					t.Errorf("named: got %v %q", other.Certainty, other.Event)
				}
				if other.EventID == rec.EventID && rec.EventID != "" {
					t.Errorf("rendered twice, the event ID is %q both times", rec.EventID)
				}
			})
		}
	}
}

func checkBody(t *testing.T, r *Request) {
	t.Helper()
	body := string(r.Body)
	if strings.Contains(r.Header.Get("Content-Type"), "form") {
		if values, err := url.ParseQuery(body); err != nil || len(values) < 3 && !json.Valid([]byte(values.Get("payload"))) {
			t.Errorf("body is no form: %v: %s", err, body)
		}
	} else if !json.Valid(r.Body) {
		t.Errorf("body is no JSON: %s", body)
	}
	for name, values := range r.Header {
		body += "\n" + name + ": " + strings.Join(values, ",")
	}
	if left := regexp.MustCompile(`\{\{\w+\}\}`).FindString(body); left != "" {
		t.Errorf("%s is left in\n%s", left, body)
	}
}

func checkRecognized(t *testing.T, p *Provider, s *Sample, rec Recognition) {
	t.Helper()
	if rec.Provider == nil || rec.Provider.Name != p.Name {
		t.Fatalf("recognised as %+v", rec)
	}
	want := Likely
	if p.Name == "custom" || p.Name == "daglo" {
		want = Guess
	}
	if rec.Certainty.rank() < want.rank() {
		t.Errorf("certainty: got %s, want %s at least", rec.Certainty, want)
	}
	if len(p.Event.list) > 0 && rec.Event != s.Event {
		t.Errorf("event: got %q, want %q", rec.Event, s.Event)
	}
	if rec.EventID == "" && !(p.Name == "discord" && s.Event == "APPLICATION_AUTHORIZED") {
		t.Error("no event ID was found")
	}
	if rec.Handshake != nil {
		t.Errorf("it is taken for the handshake %s", rec.Handshake.Name)
	}
}

func TestRender(t *testing.T) {
	s := &Sample{Event: "x", Method: "PUT", Query: "n={{n}}", Headers: map[string]string{"x-one": "{{id}}", "content-type": "text/x"}, Body: "{{id}} {{id}} {{s}} {{ms}} {{rfc3339}} {{rfc3339ms}} {{attempt}} {{attempt0}} {{uuid}} {{sha}} {{hex50}} {{hex32}}"}
	r := new(Provider).Render(s, "http://h.example.test?a=b#f", time.UnixMilli(1700000000123))
	id := r.Header.Get("X-One")
	want := regexp.MustCompile(`^` + id + ` ` + id + ` 1700000000 1700000000123 2023-11-14T22:13:20Z 2023-11-14T22:13:20.123Z 1 0 [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12} [0-9a-f]{40} [0-9a-f]{50} [0-9a-f]{32}$`)
	if len(id) != 24 || !want.Match(r.Body) {
		t.Errorf("got %s\nwant %s", r.Body, want)
	}
	if !regexp.MustCompile(`^http://h\.example\.test\?a=b&n=\d{12}$`).MatchString(r.URL) || r.Method != "PUT" {
		t.Errorf("got %s %s", r.Method, r.URL)
	}
	if _, query, _ := strings.Cut(r.URL, "?"); r.Target != "/?"+query {
		t.Errorf("target: got %s", r.Target)
	}
	if got := r.Header["Content-Type"]; len(got) != 1 || got[0] != "text/x" {
		t.Errorf("content type: got %q", got)
	}
}
