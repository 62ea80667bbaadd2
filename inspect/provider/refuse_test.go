package provider

import (
	"strings"
	"testing"
)

// refused checks that an entry's fields are refused in their first line, and says why.
func refused(t *testing.T, fields, where, why string) {
	t.Helper()
	c := BuiltIn()
	err := c.Add([]byte("acme:\n"+fields), "hookloop.yaml", 20)
	if err == nil {
		t.Errorf("%s\nis taken, want: %s", fields, why)
	} else if got := err.Error(); !strings.HasPrefix(got, "hookloop.yaml:"+where+": ") || !strings.Contains(got, why) {
		t.Errorf("%s\ngot  %s\nwant %s … %s", fields, got, where, why)
	}
}

// taken checks that an entry's fields are not refused.
func accepted(t *testing.T, fields string) {
	t.Helper()
	if err := BuiltIn().Add([]byte("acme:\n"+fields), "hookloop.yaml", 20); err != nil {
		t.Errorf("%s\nis refused: %v", fields, err)
	}
}

// A signature cannot be part of what it signs.
func TestSchemeThatCannotHold(t *testing.T) {
	scheme := func(rest string) string { return "  schemes:\n    - {name: v1, kind: hmac-sha256, " + rest + "}" }
	for _, rest := range []string{
		`signature: "json:/sig|hex", message: "{body}"`,
		`signature: "json:/sig|hex", message: "{ts}.{body.sha256}", timestamp: "header:T|unix"`,
		`signature: "json:/sig|hex", message: "{body.crc32}"`,
		`signature: "json:/a/sig|hex", message: "{json./id}{json./a}"`,
		`signature: "json:/sig|hex", message: "{json./sig}"`,
		`signature: "json:/sig|hex", message: "{lines.id,sig}"`,
		`signature: "json:/sig|hex", message: "{hmac.sha256.hex:json./sig}"`,
		`signature: "json:/sig|hex", message: "{url}", body_hash: "query:h"`,
		`signature: "json:/sig|hex", each: "/items/*", message: "{body}"`,
		`signature: "form:sig|hex", message: "{form.sorted}"`,
		`signature: "form:sig|hex", message: "{body}"`,
		`signature: "form:sig|hex", message: "{form.sig}"`,
		`signature: "query:sig|hex", message: "{url}{body}"`,
		`signature: "query:sig|hex", message: "{query.sig}"`,
		`signature: "header:X-Sig|hex", message: "{header.x-sig}{body}"`,
		`signature: "header:X-Sig|hex", message: "{url}", body_hash: "json:/hash"`,
	} {
		refused(t, scheme(rest), "22: providers.acme.schemes[0]", "can never hold")
	}
	for _, rest := range []string{
		`signature: "json:/sig/value|hex", message: "{json./sig/token}"`,
		`signature: "json:/sig|hex", each: "/items/*", message: "{json./id}"`,
		`signature: "form:sig|hex", message: "{form.id}"`,
		`signature: "query:sig|hex", message: "{body}"`,
		`signature: "header:X-Sig|split:,|pre:v1=|hex", timestamp: "header:X-Sig|split:,|pre:t=|unix", message: "{ts}{body}"`,
		`signature: "header:X-Sig|hex", message: "{url}", body_hash: "query:h"`,
		`signature: "json:/Sig|hex", message: "{lines.Id,Type?}"`,
	} {
		accepted(t, scheme(rest))
	}
}

// Delays that count for nothing are refused, not dropped.
func TestRetryEveryWithDelays(t *testing.T) {
	retry := func(text string) string { return "  delivery:\n    retry: {" + text + "}" }
	refused(t, retry("every: 10s, attempts: 3, delays: [3s]"), "22: providers.acme.delivery.retry", "write then: 10s")
	refused(t, retry("every: 1m..2m, window: 1h, delays: [3s]"), "22: providers.acme.delivery.retry", "every and delays cannot stand together")
	accepted(t, retry("then: 10s, attempts: 3, delays: [3s]"))
	accepted(t, retry("every: 10s, attempts: 3"))
}

// What cannot be sent is refused.
func TestRefusesWhatCannotBeSent(t *testing.T) {
	handshake := func(rest string) string {
		return "  handshakes:\n    - {name: hello, when: [\"method=GET\"], " + rest + "}"
	}
	const reply = "22: providers.acme.handshakes[0].reply"
	for rest, why := range map[string]string{
		`reply: {status: 200, headers: {"Bad Name": x}}`:              `"Bad Name" is no name of a header`,
		`reply: {status: 200, headers: {"a:b": x}}`:                   `"a:b" is no name of a header`,
		`reply: {status: 200, headers: {"": x}}`:                      `"" is no name of a header`,
		`reply: {status: 200, headers: {"Naïve": x}}`:                 `"Naïve" is no name of a header`,
		`reply: {status: 200, headers: {content-length: "5"}}`:        "content-length is set by what is sent",
		`reply: {status: 200, headers: {Transfer-Encoding: chunked}}`: "Transfer-Encoding is set by what is sent",
		`reply: {status: 200, headers: {Connection: close}}`:          "Connection is set by what is sent",
		`reply: {status: 200, headers: {X: "a\nb"}}`:                  "a line end",
		`reply: {status: 200, type: "text/plain\r\nX: y"}`:            "a line end",
		`reply: {status: 204, body: hello}`:                           "an answer with the status 204 has no body",
		`reply: {status: 304, body: "{json./c}"}`:                     "an answer with the status 304 has no body",
		`reply: {status: 100}`:                                        "write status: 200",
	} {
		refused(t, handshake(rest), reply, why)
	}
	refused(t, handshake("else: 150, reply: {status: 200}"), "22: providers.acme.handshakes[0].else", "150 is no")
	accepted(t, handshake(`reply: {status: 200, type: text/plain, headers: {X-Hook-Secret: "{header.X-Hook-Secret}"}, body: "{json./c}"}`))
	accepted(t, handshake("reply: {status: 204}"))

	delivery := func(rest string) string { return "  delivery:\n    " + rest }
	for rest, why := range map[string]string{
		`retry_headers: {"X Attempt": "{attempt}"}`: `"X Attempt" is no name of a header`,
		`retry_headers: {Content-Length: "1"}`:      "Content-Length is set by what is sent",
		`retry_headers: {Host: a}`:                  "Host is set by what is sent",
		`retry_headers: {X: "a\rb"}`:                "a line end",
		`stop_header: {"No Retry": "1"}`:            `"No Retry" is no name of a header`,
		`stop_header: {X-No-Retry: "1\n"}`:          "a line end",
	} {
		field, _, _ := strings.Cut(rest, ":")
		refused(t, delivery(rest), "22: providers.acme.delivery."+field, why)
		refused(t, delivery("variants:\n      test:\n        when: [\"json:/a\"]\n        "+rest), "25: providers.acme.delivery.variants.test."+field, why)
	}
	accepted(t, delivery(`retry_headers: {X-Attempt: "{attempt}"}`))
	refused(t, "  samples:\n    - {event: a, body: b, headers: {\"X(Y\": z}}", "22: providers.acme.samples[0].headers", `"X(Y"`)
	refused(t, "  event: header:X(Y", "21: providers.acme.event", "is no header name")
}

// A signature over nothing of the request says nothing of it.
func TestMessageCoversNothing(t *testing.T) {
	scheme := func(kind, message string) string {
		return "  settings: [{key: id, usage: an ID}]\n  schemes:\n    - {name: v1, kind: " + kind + ", signature: \"header:X|hex\", message: \"" + message + "\"}"
	}
	for kind, messages := range map[string][]string{"hmac-sha256": {"hello", "{setting.id}", "a{secret}", "{{}}"}, "sha256": {"{secret}"}, "rsa-sha1": {"x"}} {
		for _, message := range messages {
			refused(t, scheme(kind, message), "23: providers.acme.schemes[0]", "signs nothing of the request")
		}
	}
	accepted(t, scheme("hmac-sha256", "{body}"))
	accepted(t, scheme("hmac-sha256", "{header.X-Id}"))

	c := BuiltIn()
	if err := c.Add([]byte("acme:\n"+scheme("hmac-sha256", "{header.X-Id}")), "hookloop.yaml", 20); err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, line := range c.Provider("acme").Describe() {
		if line.Label == "beware" {
			found += line.Text
		}
	}
	if found != "the signature does not cover the body, so it vouches for the sender only" {
		t.Errorf("beware: %q", found)
	}
}
