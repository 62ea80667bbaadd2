package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"
)

// A vector is a signed request whose result is known.
type vector struct {
	ID, Provider, Scheme, Expect string
	Request                      struct {
		Method, URL, Body string
		Headers           map[string]string
	}
	Secret    string
	PublicKey string `json:"public_key"`
	CertPEM   string `json:"cert_pem"`
	Config    map[string]string
	Now       *int64
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("testdata/vectors.json holds no vectors")
	}
	return file.Vectors
}

func (v *vector) request(t testing.TB) *Request {
	t.Helper()
	u, err := url.Parse(v.Request.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Method: v.Request.Method, URL: v.Request.URL, Target: u.RequestURI(), Header: http.Header{}, Body: []byte(v.Request.Body)}
	for name, value := range v.Request.Headers {
		r.Header.Add(name, value)
	}
	if v.Now != nil {
		r.Time = time.Unix(*v.Now, 0)
	}
	return r
}

func (v *vector) checker() *Checker {
	c := &Checker{Catalog: BuiltIn(), Default: v.Provider, Secrets: map[string][]Secret{}, Settings: map[string]map[string]string{v.Provider: {}}}
	if v.Secret != "" {
		c.Secrets[v.Provider] = []Secret{{Label: "S", Value: v.Secret}}
	}
	for key, value := range v.Config {
		c.Settings[v.Provider][key] = value
	}
	if v.PublicKey != "" {
		c.Settings[v.Provider]["public_key"] = v.PublicKey
	}
	if v.CertPEM != "" {
		c.Settings[v.Provider]["cert_pem"] = v.CertPEM
	}
	return c
}

// The codes of the vectors that must fail.
var wantCodes = map[string]Code{
	"standardwebhooks-v1-stale": CodeTooOld,
	"standardwebhooks-v1-bad":   CodeWrongSecret,
	"stripe-stale":              CodeTooOld,
	"twilio-form-badsort":       CodeWrongSecret,
	"twilio-json-tampered":      CodeBodyChanged,
	"paddle-ws":                 CodeBodyChanged,
	"telegram-token-bad":        CodeWrongSecret,
	"elevenlabs-stale":          CodeTooOld,
	"discord-bad":               CodeWrongSecret,
}

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			c, r := v.checker(), v.request(t)
			d := c.Verify(context.Background(), r)
			if string(d.Result) != v.Expect {
				t.Fatalf("%s: %s, want %s", d.Result, d.Reason, v.Expect)
			}
			code := CodeOK
			if d.Result == Invalid {
				code = wantCodes[v.ID]
			}
			if d.Code != code {
				t.Errorf("code %s, want %s: %s", d.Code, code, d.Reason)
			}
			if d.Scheme != v.Scheme || d.Provider != v.Provider {
				t.Errorf("%s %s, want %s %s", d.Provider, d.Scheme, v.Provider, v.Scheme)
			}
			want := Facts{}.With(d)
			f, pending := c.Assess(r)
			if pending {
				f = f.With(c.Verify(t.Context(), r))
			}
			if f.Signature != want.Signature || f.SignatureCode != want.SignatureCode {
				t.Errorf("Assess says %s %s, Verify %s %s", f.Signature, f.SignatureCode, d.Result, d.Code)
			}
		})
	}
}
