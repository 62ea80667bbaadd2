package provider

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	crand "crypto/rand"
)

var captured = time.Unix(1760000000, 0)

func pemKey(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(crand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// secretFor makes a secret that a scheme can sign with.
func secretFor(t testing.TB, s *Scheme) string {
	t.Helper()
	raw := make([]byte, 32)
	crand.Read(raw)
	switch s.Kind {
	case Ed25519:
		return pemKey(t, ed25519.NewKeyFromSeed(raw))
	case ECDSASHA256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return pemKey(t, key)
	case RSASHA1, RSASHA256:
		return pemKey(t, rsaKey())
	}
	text := strings.Join(s.Key.strip, "")
	switch s.Key.coding {
	case "hex":
		return text + hex.EncodeToString(raw)
	case "base64":
		return text + base64.StdEncoding.EncodeToString(raw)
	case "base64url":
		return text + base64.RawURLEncoding.EncodeToString(raw)
	}
	return text + "s3cret-" + hex.EncodeToString(raw)
}

// catalogOf returns a catalog of one entry.
func catalogOf(p *Provider) *Catalog {
	return &Catalog{entries: map[string]*entry{p.Name: {
		name: p.Name, rules: func() []Rule { return p.Recognize }, provider: func() *Provider { return p },
	}}}
}

// only returns p with one scheme, which always applies.
func only(p *Provider, s Scheme) *Provider {
	one := *p
	s.If = nil
	one.Schemes = []Scheme{s}
	return &one
}

// freshBody returns a body that the scheme can cover: any bytes where it reads
// the body whole.
func freshBody(s *Scheme, r *Request, rnd *rand.Rand) {
	switch {
	case s.Signature.kind == "json" || s.Timestamp.kind == "json" || !s.BodyHash.IsZero():
	case s.Message.uses("form.sorted"):
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = fmt.Appendf(nil, "To=%%2B%d&From=%d&Body=a%%20%d&From=%d", rnd.Uint64(), rnd.Uint64(), rnd.Uint64(), rnd.Uint64())
	case s.Message.coversBody():
		r.Body = make([]byte, rnd.IntN(600))
		for i := range r.Body {
			r.Body[i] = byte(rnd.Uint32())
		}
	}
}

// TestSignThenVerify signs with every scheme of the catalog and verifies it,
// then changes one byte of what the scheme covers.
func TestSignThenVerify(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	signed := 0
	for _, p := range BuiltIn().All() {
		for _, scheme := range p.Schemes {
			if scheme.Kind == Unsigned {
				continue
			}
			signed++
			t.Run(p.Name+" "+scheme.Name, func(t *testing.T) {
				one := only(p, scheme)
				c := &Checker{
					Catalog: catalogOf(one), Default: p.Name,
					Secrets:  map[string][]Secret{p.Name: {{"S", secretFor(t, &scheme)}}},
					Settings: map[string]map[string]string{p.Name: {"header": "X-Token", "webhook_id": "WH-1"}},
				}
				for range 20 {
					trySigning(t, c, one, rnd)
				}
			})
		}
	}
	if signed < 45 {
		t.Errorf("only %d schemes were signed", signed)
	}
}

func trySigning(t *testing.T, c *Checker, p *Provider, rnd *rand.Rand) {
	t.Helper()
	s := &p.Schemes[0]
	r := p.Render(&p.Samples[rnd.IntN(len(p.Samples))], "https://example.test/hooks?x=1", captured)
	if s.Each != "" || s.Signature.kind != "json" {
		freshBody(s, r, rnd)
	}
	if s.Name == "query" || !s.BodyHash.IsZero() {
		r.Target = "/hooks?x=1"
	}
	fill(t, s, r)
	before := bytes.Clone(r.Body)
	out, err := c.Sign(r, captured.Add(time.Hour), true)
	if err != nil {
		t.Fatalf("sign: %v\n%s", err, r.Body)
	}
	if !bytes.Equal(before, r.Body) {
		t.Fatal("Sign changed the request's own body")
	}
	if d := c.Verify(context.Background(), &out.Request); d.Result != Valid || d.Scheme != s.Name {
		t.Fatalf("signed again it is %s: %s\n%q\n%s", d.Result, d.Reason, out.Request.Header, out.Request.Body)
	}
	if len(out.Notes) == 0 && !bytes.Equal(out.Request.Body, before) {
		t.Error("the body was changed and no note says so")
	}
	for what, change := range changes(s, &out.Request, rnd) {
		if d := c.Verify(context.Background(), change); d.Result != Invalid {
			t.Fatalf("with %s changed it is %s: %s\n%q\n%q", what, d.Result, d.Reason, out.Request.Body, change.Body)
		}
	}
}

// fill gives a request what a sample has only on its way: headers that are signed.
func fill(t *testing.T, s *Scheme, r *Request) {
	t.Helper()
	for i := range s.Message.parts {
		p := &s.Message.parts[i]
		if p.token != "header" {
			continue
		}
		if name := p.source.names[0].name; r.Header.Get(name) == "" {
			r.Header.Set(name, "msg_1")
		}
	}
}

// changes returns r with one byte changed in each thing that a scheme covers.
func changes(s *Scheme, r *Request, rnd *rand.Rand) map[string]*Request {
	all := map[string]*Request{}
	add := func(what string, change func(*Request)) {
		c := *r
		c.Header, c.Body = r.Header.Clone(), bytes.Clone(r.Body)
		change(&c)
		all[what] = &c
	}
	if s.Message.coversBody() && len(r.Body) > 0 {
		add("the body", func(c *Request) { c.Body[rnd.IntN(len(c.Body))] ^= 1 << rnd.IntN(8) })
		add("the body's end", func(c *Request) { c.Body = append(c.Body, '\n') })
	}
	if !s.BodyHash.IsZero() {
		add("the body", func(c *Request) { c.Body = append(c.Body, ' ') })
	}
	if s.Message.uses("form.sorted") {
		add("the form", func(c *Request) { c.Body = append(c.Body, '1') })
	}
	if s.Message.uses("url") {
		add("the URL", func(c *Request) { c.URL = strings.Replace(c.URL, "example", "exbmple", 1) })
	}
	if s.Message.uses("method") {
		add("the method", func(c *Request) { c.Method = "PUT" })
	}
	for i := range s.Message.parts {
		switch p := &s.Message.parts[i]; p.token {
		case "header":
			name, old := (&draft{r: *r}).header(&check{s: s}, &p.source)
			add("header "+name, func(c *Request) { c.Header.Set(name, old[:len(old)-1]+string(old[len(old)-1]^1)) })
		case "json":
			if at, ok := find(r.Body, s, p.source.names[0].pointer); ok && at.end-at.start > 2 {
				add("the body's "+p.source.text, func(c *Request) { c.Body[at.start+1] ^= 1 })
			}
		}
	}
	if s.Message.uses("ts") && s.Timestamp.kind == "header" {
		name, old := (&draft{r: *r}).header(&check{s: s}, &s.Timestamp)
		text, _ := s.Timestamp.first(&scope{r: r})
		changed := text[:len(text)-1] + string(text[len(text)-1]^1)
		add("the timestamp", func(c *Request) { c.Header.Set(name, strings.Replace(old, text, changed, 1)) })
	}
	if s.Signature.kind == "header" && len(r.Header) > 0 {
		name, old := (&draft{r: *r}).header(&check{s: s, settings: map[string]string{"header": "X-Token"}}, &s.Signature)
		add("the signature", func(c *Request) {
			at := len(old) - 4
			c.Header.Set(name, old[:at]+string(old[at]^1)+old[at+1:])
		})
	}
	return all
}

func find(body []byte, s *Scheme, p pointer) (at span, ok bool) {
	each, _ := parsePointer(s.Each)
	base, ok := nth(body, each, 0)
	if !ok {
		return base, false
	}
	d := document{text: body[base.start:base.end]}
	at, ok = d.find(p)
	return span{at.start + base.start, at.end + base.start}, ok
}

// Nothing but the signature and its timestamp moves.
func TestSignPlaces(t *testing.T) {
	secret := map[string][]Secret{}
	for _, name := range []string{"stripe", "github", "standardwebhooks", "paddle", "mailgun", "linear", "daglo", "docusign", "telegram", "slack"} {
		secret[name] = []Secret{{"S", "c2VjcmV0c2VjcmV0c2VjcmV0"}}
	}
	c := &Checker{Catalog: BuiltIn(), Secrets: secret}
	tests := []struct {
		provider string
		header   map[string]string
		body     string
		want     map[string]string // headers, * for any text
		wantBody string            // pattern; "" = as it was
	}{
		{
			"stripe",
			map[string]string{"Stripe-Signature": "t=1,v1=aa,v1=bb,v0=cc"},
			"{}",
			map[string]string{"Stripe-Signature": "t=1760000000,v1=*"},
			"",
		},
		{"paddle", nil, "{}", map[string]string{"Paddle-Signature": "ts=1760000000;h1=*"}, ""},
		{
			"github",
			map[string]string{"X-Hub-Signature-256": "sha256=aa", "X-Hub-Signature": "sha1=aa"},
			"{}",
			map[string]string{"X-Hub-Signature-256": "sha256=*", "X-Hub-Signature": "sha1=*"},
			"",
		},
		{"github", nil, "{}", map[string]string{"X-Hub-Signature-256": "sha256=*", "X-Hub-Signature": ""}, ""},
		{
			"standardwebhooks",
			map[string]string{"Webhook-Id": "m", "Webhook-Timestamp": "1", "Webhook-Signature": "v1,aa v1a,bb"},
			"{}",
			map[string]string{"Webhook-Signature": "v1,*=", "Webhook-Timestamp": "1760000000", "Webhook-Id": "m"},
			"",
		},
		{"docusign", map[string]string{"X-Docusign-Signature-2": "x"}, "{}", map[string]string{"X-Docusign-Signature-2": "*=", "X-Docusign-Signature-1": ""}, ""},
		{"docusign", nil, "{}", map[string]string{"X-Docusign-Signature-1": "*="}, ""},
		{"telegram", map[string]string{"X-Telegram-Bot-Api-Secret-Token": "old"}, "{}", map[string]string{"X-Telegram-Bot-Api-Secret-Token": "c2VjcmV0c2VjcmV0c2VjcmV0"}, ""},
		{
			"mailgun", nil, `{ "signature" : {"token":"t", "timestamp" :"1","signature":"old"}, "x": 1.50 }`, nil,
			`{ "signature" : {"token":"t", "timestamp" :"1760000000","signature":"*"}, "x": 1.50 }`,
		},
		{"linear", nil, `{ "webhookTimestamp" : 1,"a":"\u00e9"}`, map[string]string{"Linear-Signature": "*"}, `{ "webhookTimestamp" : 1760000000000,"a":"\u00e9"}`},
	}
	for _, tt := range tests {
		r := &Request{Method: "POST", Target: "/", URL: "https://example.test/", Header: http.Header{}, Body: []byte(tt.body)}
		for name, value := range tt.header {
			r.Header.Set(name, value)
		}
		c.Default = tt.provider
		s, err := c.Sign(r, captured, true)
		if err != nil {
			t.Errorf("%s: %v", tt.provider, err)
			continue
		}
		for name, want := range tt.want {
			if got := s.Request.Header.Get(name); !match(want, got) {
				t.Errorf("%s: %s is %q, want %q", tt.provider, name, got, want)
			}
		}
		if tt.wantBody == "" {
			tt.wantBody = tt.body
		}
		if !match(tt.wantBody, string(s.Request.Body)) {
			t.Errorf("%s: body %s, want %s", tt.provider, s.Request.Body, tt.wantBody)
		}
		if d := c.Verify(context.Background(), &s.Request); d.Result != Valid {
			t.Errorf("%s: %s %s", tt.provider, d.Result, d.Reason)
		}
		if !s.At.Equal(captured) && tt.provider != "linear" {
			t.Errorf("%s: signed at %v, want %v", tt.provider, s.At, captured)
		}
	}
}

func TestSignKeepsTime(t *testing.T) {
	c := &Checker{Catalog: BuiltIn(), Default: "slack", Secrets: map[string][]Secret{"slack": {{"S", "k"}}}}
	r := &Request{Header: http.Header{"X-Slack-Request-Timestamp": {"1759999999"}, "X-Slack-Signature": {"v0=aa"}}, Body: []byte("x"), Time: captured}
	s, err := c.Sign(r, captured.Add(time.Hour), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Request.Header.Get("X-Slack-Request-Timestamp"); got != "1759999999" {
		t.Errorf("timestamp %s, want it kept", got)
	}
	if d := c.Verify(context.Background(), &s.Request); d.Result != Valid {
		t.Errorf("%s: %s", d.Result, d.Reason)
	}
	if s.Secret != "S" || s.Provider != "slack" || s.Scheme != "v0" || s.At.Unix() != 1759999999 {
		t.Errorf("got %+v", s)
	}
}

// A JWT keeps its claims and its life.
func TestSignJWT(t *testing.T) {
	key := []byte("k")
	old, err := parseJWT(signJWT(&jwt{signed: b64(`{"alg":"HS256","kid":"1"}`) + "." + b64(`{"iss":"me","iat":100,"exp":160,"x":[1.0]}`)}, key, captured, false))
	if err != nil {
		t.Fatal(err)
	}
	for _, bearer := range []string{"", "Bearer "} {
		r := &Request{Header: http.Header{"Authorization": {bearer + old.signed + "." + b64(string(old.signature))}}, Time: captured}
		c := &Checker{Catalog: BuiltIn(), Default: "daglo", Secrets: map[string][]Secret{"daglo": {{"S", "k"}}}}
		if d := c.Verify(context.Background(), r); d.Code != CodeTooOld {
			t.Errorf("the old one is %s: %s", d.Code, d.Reason)
		}
		s, err := c.Sign(r, captured, true)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(s.Request.Header.Get("Authorization"), bearer)
		now, err := parseJWT(text)
		if err != nil || !ok {
			t.Fatal(err, text)
		}
		if want := `{"iss":"me","iat":1760000000,"exp":1760000060,"x":[1.0]}`; string(now.payload) != want {
			t.Errorf("claims %s, want %s", now.payload, want)
		}
		if d := c.Verify(context.Background(), &s.Request); d.Result != Valid {
			t.Errorf("%s: %s", d.Result, d.Reason)
		}
	}
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestCannotSign(t *testing.T) {
	public := hex.EncodeToString(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey))
	tests := []struct {
		provider, secret, want string
	}{
		{"stripe", "", "no secret configured for Stripe: give it with --secret stripe=env:NAME"},
		{"apixo", "x", "does not sign"},
		{"discord", public, "private key"},
		{"", "x", "name the provider with --provider"},
		{"standardwebhooks", "whsec_c2VjcmV0", "header webhook-id is missing"},
		{"mailgun", "x", "the body has no /signature/signature"},
		{"assemblyai", "x", "the setting header"},
		{"adyen", "not hex", "does not fit"},
	}
	for _, tt := range tests {
		c := &Checker{Catalog: BuiltIn(), Default: tt.provider, Secrets: map[string][]Secret{}}
		if tt.secret != "" {
			c.Secrets[tt.provider] = []Secret{{"S", tt.secret}}
		}
		body := `{"signature":{"timestamp":"1","token":"t"}}`
		ok, why := c.CanSign(&Request{Method: "POST", Target: "/", Header: http.Header{}, Body: []byte(body)})
		if ok || !strings.Contains(why, tt.want) {
			t.Errorf("%s: %v %q, want … %s …", tt.provider, ok, why, tt.want)
		}
	}
}

// A request without any headers is signed like one with none that matter.
func TestSignWithoutHeader(t *testing.T) {
	for _, p := range BuiltIn().All() {
		if signs := p.signs(); signs == "no" {
			continue
		}
		for i := range p.Schemes {
			s := &p.Schemes[i]
			if s.Kind == Unsigned {
				continue
			}
			c := checkerFor(p.Name, secretFor(t, s))
			c.Settings = map[string]map[string]string{p.Name: {"header": "X-Token", "webhook_id": "WH-1"}}
			for _, r := range []*Request{{}, {Method: "POST", Target: "/", URL: "https://a.test/", Body: []byte("{}"), Time: captured}} {
				signed, err := c.Sign(r, captured, true)
				if err == nil && signed.Request.Header == nil {
					t.Errorf("%s %s: signed, without a header", p.Name, s.Name)
				}
				c.CanSign(r)
				c.Assess(r)
			}
		}
	}
}
