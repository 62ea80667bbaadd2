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
