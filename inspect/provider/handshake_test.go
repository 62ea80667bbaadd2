package provider

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// row reads a provider as it stands in a catalog.
func row(t *testing.T, name, text string) *Provider {
	t.Helper()
	var p Provider
	if err := yaml.UnmarshalWithOptions([]byte(text), &p, yaml.Strict()); err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	p.Name = name
	return &p
}

// handshakeRows are providers that make sure of the endpoint.
var handshakeRows = map[string]string{
	"slack": `
name: Slack
handshakes: [{name: url_verification, when: ["json:/type=url_verification"],
  reply: {status: 200, type: text/plain, body: "{json./challenge}"}}]`,
	"meta": `
name: Meta (WhatsApp, Messenger)
handshakes: [{name: hub.challenge, when: ["method=GET", "query:hub.mode=subscribe"],
  require: {value: "query:hub.verify_token", setting: verify_token},
  reply: {status: 200, type: text/plain, body: "{query.hub.challenge}"}}]`,
	"zoom": `
name: Zoom
schemes: [{name: v0, kind: hmac-sha256, key: utf8}]
handshakes: [{name: endpoint.url_validation, when: ["json:/event=endpoint.url_validation"],
  reply: {status: 200, type: application/json, body: '{{"plainToken":"{json./payload/plainToken}","encryptedToken":"{hmac.sha256.hex:json./payload/plainToken}"}}'}}]`,
	"discord": `
name: Discord
handshakes:
  - {name: interactions ping, when: ["json:/type=1", "!json:/event"], reply: {status: 200, type: application/json, body: '{{"type":1}}'}}
  - {name: events ping, when: ["json:/type=0"], reply: {status: 204, type: application/json}}`,
	"cloudevents": `
name: CloudEvents
handshakes: [{name: OPTIONS, when: ["method=OPTIONS", "header:WebHook-Request-Origin"],
  reply: {status: 200, headers: {WebHook-Allowed-Origin: "{header.WebHook-Request-Origin}", WebHook-Allowed-Rate: "{header.WebHook-Request-Rate}", Allow: POST}}}]`,
	"sns": `
name: AWS SNS
handshakes: [{name: SubscriptionConfirmation, when: ["json:/Type=SubscriptionConfirmation"],
  confirm: "json:/SubscribeURL", hosts: ["sns.*.amazonaws.com", "sns.*.amazonaws.com.cn"]}]`,
	"notion": `
name: Notion
handshakes: [{name: verification_token, when: ["json:/verification_token"], reply: {status: 200}, capture: "json:/verification_token"}]`,
	"strict": `
name: Strict
delivery: {success: [204]}
handshakes: [{name: hello, when: ["json:/hello"]}]`,
}

func post(body string) *Request {
	return &Request{Method: "POST", Target: "/hook", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
}

func get(target string) *Request {
	return &Request{Method: "GET", Target: target, Header: http.Header{}}
}

func options(header ...string) *Request {
	r := &Request{Method: "OPTIONS", Target: "/hook", Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// answer answers r as p's handshake, if it is one.
func answer(c *Checker, p *Provider, r *Request) (*Answer, error) {
	h := p.matchHandshake(&scope{r: r, settings: c.Settings[p.Name]})
	return c.Answer(r, Recognition{Provider: p, Handshake: h})
}

func TestAnswer(t *testing.T) {
	challenge := "/hook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock"
	tests := []struct {
		name, provider string
		r              *Request
		settings       map[string]string
		secret         string
		status         int
		kind           string // content type
		body, why      string
	}{
		{
			name: "slack", provider: "slack", r: post(`{"type":"url_verification","token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}`),
			status: 200, kind: "text/plain", body: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", why: "Slack's url_verification",
		},
		{
			name: "meta, token not set", provider: "meta", r: get(challenge),
			status: 200, kind: "text/plain", body: "1158201444",
			why: "Meta's hub.challenge (its token was not checked: set verify_token to have it checked)",
		},
		{
			name: "meta, right token", provider: "meta", r: get(challenge), settings: map[string]string{"verify_token": "meatyhamhock"},
			status: 200, kind: "text/plain", body: "1158201444", why: "Meta's hub.challenge",
		},
		{
			name: "meta, wrong token", provider: "meta", r: get(challenge), settings: map[string]string{"verify_token": "other"},
			status: 403, why: "Meta's hub.challenge, refused: its token is not the setting verify_token",
		},
		{
			name: "meta, no token", provider: "meta", r: get("/hook?hub.mode=subscribe&hub.challenge=1"), settings: map[string]string{"verify_token": "other"},
			status: 403, why: "Meta's hub.challenge, refused: its token is not the setting verify_token",
		},
		{
			name: "zoom", provider: "zoom", r: post(`{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}`), secret: "secret",
			status: 200, kind: "application/json",
			// printf qgg8vlvZRS6UYooatFL8Aw | openssl dgst -sha256 -hmac secret
			body: `{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"72cef096bfd47c0b8664df30d07721641e4abd7e885ba432204260db477a9a3e"}`, why: "Zoom's endpoint.url_validation",
		},
		{
			name: "discord interactions", provider: "discord", r: post(`{"application_id":"1","type":1,"version":1}`),
			status: 200, kind: "application/json", body: `{"type":1}`, why: "Discord's interactions ping",
		},
		{
			name: "discord events", provider: "discord", r: post(`{"version":1,"application_id":"1","type":0}`),
			status: 204, kind: "application/json", why: "Discord's events ping",
		},
		{name: "sns", provider: "sns", r: post(`{"Type":"SubscriptionConfirmation","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/"}`), status: 200, why: "AWS SNS's SubscriptionConfirmation, not confirmed yet"},
		{name: "notion", provider: "notion", r: post(`{"verification_token":"secret_x"}`), status: 200, why: "Notion's verification_token"},
		{name: "no reply, its success", provider: "strict", r: post(`{"hello":1}`), status: 204, why: "Strict's hello"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &Checker{Settings: map[string]map[string]string{tt.provider: tt.settings}}
			if tt.secret != "" {
				c.Secrets = map[string][]Secret{tt.provider: {{Label: "S", Value: tt.secret}}}
			}
			got, err := answer(c, row(t, tt.provider, handshakeRows[tt.provider]), tt.r)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != tt.status || got.Header.Get("Content-Type") != tt.kind || string(got.Body) != tt.body || got.Why != tt.why {
				t.Errorf("got  %d %q %q %q\nwant %d %q %q %q", got.Status, got.Header.Get("Content-Type"), got.Body, got.Why, tt.status, tt.kind, tt.body, tt.why)
			}
		})
	}
}

func TestAnswerCloudEvents(t *testing.T) {
	p := row(t, "cloudevents", handshakeRows["cloudevents"])
	got, err := answer(&Checker{}, p, options("WebHook-Request-Origin", "eventemitter.example.com", "WebHook-Request-Rate", "120"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != 200 || got.Header.Get("WebHook-Allowed-Origin") != "eventemitter.example.com" ||
		got.Header.Get("WebHook-Allowed-Rate") != "120" || got.Header.Get("Allow") != "POST" {
		t.Errorf("got %+v", got)
	}
	got, err = answer(&Checker{}, p, options("WebHook-Request-Origin", "eventemitter.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if _, there := got.Header["Webhook-Allowed-Rate"]; there {
		t.Errorf("no rate was asked for, and the answer is %+v", got.Header)
	}
}

// What a request puts into an answer cannot break out of its place.
func TestAnswerHostile(t *testing.T) {
	secrets := map[string][]Secret{"zoom": {{Label: "S", Value: "secret"}}}
	zoom := row(t, "zoom", handshakeRows["zoom"])
	token := "a\",\"plainToken\":\"b\\\n\u2028</script>"
	quoted, _ := json.Marshal(token)
	got, err := answer(&Checker{Secrets: secrets}, zoom, post(`{"event":"endpoint.url_validation","payload":{"plainToken":`+string(quoted)+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]string
	if err := json.Unmarshal(got.Body, &said); err != nil || len(said) != 2 || said["plainToken"] != token {
		t.Errorf("body %s: %v, want the plain token %q", got.Body, err, token)
	}

	events := row(t, "cloudevents", handshakeRows["cloudevents"])
	for _, origin := range []string{"a\r\nSet-Cookie: x=1", "a\nb", "a\x00b", "a\x7fb", strings.Repeat("a", maxAnswerHeader+1)} {
		got, err := answer(&Checker{}, events, options("WebHook-Request-Origin", origin))
		if err == nil || !strings.Contains(err.Error(), "is no header value") {
			t.Errorf("origin %.20q: answer %+v, error %v", origin, got, err)
		}
	}
	slack := row(t, "slack", handshakeRows["slack"])
	got, err = answer(&Checker{}, slack, post(`{"type":"url_verification","challenge":"<script>alert(1)</script>"}`))
	if err != nil || got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %+v, %v, want a text that no browser takes for a page", got, err)
	}
	if got, err := answer(&Checker{}, slack, post(`{"type":"url_verification","challenge":"`+strings.Repeat("a", maxAnswerBody+1)+`"}`)); err == nil {
		t.Errorf("a challenge of %d bytes was answered", len(got.Body))
	}
}

func TestAnswerFaults(t *testing.T) {
	zoom := row(t, "zoom", handshakeRows["zoom"])
	r := post(`{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}`)
	const want = "Zoom's endpoint.url_validation cannot be answered: the answer is signed and no secret is known: give it with --secret zoom=env:NAME"
	if _, err := answer(&Checker{}, zoom, r); err == nil || err.Error() != want {
		t.Errorf("without a secret: %v", err)
	}
	var none *Checker
	if _, err := none.Answer(r, Recognition{Provider: zoom, Handshake: &zoom.Handshakes[0]}); err == nil {
		t.Error("a nil Checker answered")
	}
	if _, err := answer(&Checker{}, zoom, post(`{"event":"meeting.started"}`)); err == nil {
		t.Error("what is no handshake was answered")
	}
}

// A secret of the route counts instead of the provider's.
func TestAnswerRouteSecret(t *testing.T) {
	zoom := row(t, "zoom", handshakeRows["zoom"])
	r := post(`{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}`)
	byProvider := &Checker{Secrets: map[string][]Secret{"zoom": {{Value: "one"}}}}
	byRoute := &Checker{Secrets: map[string][]Secret{"zoom": {{Value: "two"}}}, Routes: []Route{{Prefix: "/hook", Secrets: []Secret{{Value: "one"}}}}}
	a, err1 := answer(byProvider, zoom, r)
	b, err2 := answer(byRoute, zoom, r)
	if err1 != nil || err2 != nil || string(a.Body) != string(b.Body) {
		t.Errorf("got %s, %v and %s, %v, want the same", a.Body, err1, b.Body, err2)
	}
}

func TestAnswerCaptures(t *testing.T) {
	notion := row(t, "notion", handshakeRows["notion"])
	got, err := answer(&Checker{}, notion, post(`{"verification_token":"secret_abc"}`))
	if err != nil || got.Secret == nil || got.Secret.Value != "secret_abc" || strings.Contains(got.Secret.Label+got.Why, "secret_abc") {
		t.Errorf("got %+v, %v, want the secret, and not in its label", got, err)
	}
	for _, body := range []string{`{"verification_token":""}`, `{"verification_token":"` + strings.Repeat("a", maxCaptured+1) + `"}`} {
		if got, err := answer(&Checker{}, notion, post(body)); err != nil || got.Secret != nil {
			t.Errorf("%.40s: got %+v, %v, want an answer without a secret", body, got, err)
		}
	}
}
