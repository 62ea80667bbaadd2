package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"hookloop/inspect/provider"
)

func TestFault(t *testing.T) {
	c := &provider.Checker{Catalog: provider.BuiltIn(), Secrets: map[string][]provider.Secret{"zoom": {{Label: "Z", Value: "key"}}}}
	bare := &provider.Checker{Catalog: provider.BuiltIn()}
	slack := &provider.Request{Method: "POST", Target: "/", Body: []byte(`{"type":"url_verification","challenge":"abc"}`)}
	meta := &provider.Request{Method: "GET", Target: "/?hub.mode=subscribe&hub.challenge=77&hub.verify_token=t"}
	zoom := &provider.Request{Method: "POST", Target: "/", Body: []byte(`{"event":"endpoint.url_validation","payload":{"plainToken":"p"}}`)}
	ping := &provider.Request{Method: "POST", Target: "/", Body: []byte(`{"type":1}`)}
	events := &provider.Request{Method: "POST", Target: "/", Body: []byte(`{"type":0}`)}
	options := &provider.Request{Method: "OPTIONS", Target: "/", Header: http.Header{"Webhook-Request-Origin": {"example.com"}, "Webhook-Request-Rate": {"120"}}}
	allowed := func(origin, rate string) http.Header {
		return http.Header{"Webhook-Allowed-Origin": {origin}, "Webhook-Allowed-Rate": {rate}}
	}
	const hash = "00ff" // of another key
	for _, tt := range []struct {
		name, who string
		c         *provider.Checker
		r         *provider.Request
		status    int
		header    http.Header
		body      string
		want      string // part of it; "" = none
	}{
		{"Slack", "slack", c, slack, 200, nil, "ok", "the answer is not the challenge"},
		{"Slack, as text", "slack", c, slack, 200, nil, "abc\n", ""},
		{"Slack, as JSON", "slack", c, slack, 200, nil, `{"challenge":"abc"}`, ""},
		{"Slack, another in JSON", "slack", c, slack, 200, nil, `{"challenge":"abd"}`, "not the challenge"},
		{"Slack, as a form", "slack", c, slack, 200, nil, "challenge=abc", ""},
		{"Slack, 500", "slack", c, slack, 500, nil, "abc", "it wants 200, not 500"},
		{"Slack, compressed", "slack", c, slack, 200, http.Header{"Content-Encoding": {"gzip"}}, "\x1f\x8b", ""},
		{"Meta", "meta", c, meta, 200, nil, "ok", "not the challenge"},
		{"Meta, bare", "meta", c, meta, 200, nil, "77", ""},
		{"Meta, in JSON", "meta", c, meta, 200, nil, `{"hub.challenge":"77"}`, "not the challenge"},
		{"Zoom", "zoom", c, zoom, 200, nil, "ok", "not JSON with encryptedToken and plainToken"},
		{"Zoom, another hash", "zoom", c, zoom, 200, nil, `{"plainToken":"p","encryptedToken":"` + hash + `"}`, "encryptedToken is not the one"},
		{"Zoom, no secret here", "zoom", bare, zoom, 200, nil, `{"plainToken":"p","encryptedToken":"` + hash + `"}`, ""},
		{"Zoom, no secret and no token", "zoom", bare, zoom, 200, nil, `{}`, "not JSON with"},
		{"Discord", "discord", c, ping, 200, nil, "ok", "not JSON with type"},
		{"Discord, another type", "discord", c, ping, 200, nil, `{"type":4}`, "type is not the one"},
		{"Discord, right", "discord", c, ping, 200, nil, `{ "type": 1 }`, ""},
		{"Discord's events", "discord", c, events, 200, nil, "", "it wants 204, not 200"},
		{"Discord's events, right", "discord", c, events, 204, nil, "", ""},
		{"CloudEvents", "cloudevents", c, options, 200, nil, "", "lacks the header WebHook-Allowed-Origin"},
		{"CloudEvents, another", "cloudevents", c, options, 200, allowed("example.org", "100"), "", "WebHook-Allowed-Origin is not what"},
		{"CloudEvents, right", "cloudevents", c, options, 204, allowed("example.com", "100"), "", ""},
		{"CloudEvents, all", "cloudevents", c, options, 200, allowed("*", "*"), "", ""},
		{"no handshake", "slack", c, &provider.Request{Method: "POST", Body: []byte(`{}`)}, 500, nil, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := tt.c.Catalog.Recognize(tt.r, tt.who)
			got := tt.c.Fault(tt.r, rec, tt.status, tt.header, []byte(tt.body))
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.want != "" {
				out := rec.Provider.Outlook(provider.Outcome{Status: tt.status, Fault: got})
				if out.Verdict != provider.GivesUp || !strings.Contains(out.Text, ": would not accept the URL: ") {
					t.Errorf("outlook: got %+v", out)
				}
			}
		})
	}
	// What hookloop answers by itself is right.
	for _, r := range []*provider.Request{slack, meta, zoom, ping, options} {
		for _, who := range []string{"slack", "meta", "zoom", "discord", "cloudevents"} {
			rec := c.Catalog.Recognize(r, who)
			rec.Provider = c.Catalog.Provider(who)
			if rec.Handshake == nil {
				continue
			}
			unsigned := *rec.Handshake
			unsigned.Signed = false
			rec.Handshake = &unsigned
			a, err := c.Answer(r, rec)
			if err != nil {
				t.Fatalf("%s: %v", who, err)
			}
			if got := c.Fault(r, rec, a.Status, a.Header, a.Body); got != "" {
				t.Errorf("%s: our own answer has the fault %q", who, got)
			}
		}
	}
}
