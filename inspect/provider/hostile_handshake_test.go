package provider

import (
	"net/http"
	"strings"
	"testing"
)

// A handshake that needs no signature is not valid with a wrong one.
func TestHandshakesWithAWrongSignature(t *testing.T) {
	zeros := "sha256=" + strings.Repeat("0", 64)
	notion := `{"verification_token":"secret_x","workspace_id":"w","subscription_id":"s","type":"page.created","attempt_number":1}`
	events := options("Webhook-Request-Origin", "a.test", "Authorization", "Bearer wrong")
	hub := get("/hook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=t")
	hub.Header.Set("X-Hub-Signature-256", zeros)
	for _, tt := range []struct {
		provider string
		r        *Request
		want     Result
	}{
		{"notion", arrived(notion, "X-Notion-Signature", zeros), Invalid},
		{"notion", arrived(notion), Invalid},
		{"notion", arrived(`{"verification_token":"secret_x"}`, "X-Notion-Signature", zeros), Invalid},
		{"notion", arrived(`{"verification_token":"secret_x"}`), Unverifiable},
		{"notion", arrived(`{"verification_token":"known"}`), Valid},
		{"cloudevents", events, Invalid},
		{"cloudevents", options("Webhook-Request-Origin", "a.test"), Valid},
		{"meta", hub, Invalid},
		{"meta", get("/hook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=t"), Valid},
	} {
		c := checkerFor(tt.provider, "known")
		d := c.Verify(t.Context(), tt.r)
		if d.Result != tt.want {
			t.Errorf("%s %s: %s %s, want %s", tt.provider, tt.r.Body, d.Result, d.Reason, tt.want)
		}
		rec := c.Recognize(tt.r)
		if rec.Handshake == nil || d.Result != Invalid {
			continue
		}
		if a, err := c.Answer(tt.r, rec); err != nil || a.Status != http.StatusUnauthorized {
			t.Errorf("%s: it was answered with %+v, %v", tt.provider, a, err)
		}
	}
	if d := checkerFor("notion").Verify(t.Context(), arrived(`{"verification_token":"secret_x"}`)); d.Result != Valid {
		t.Errorf("the first handshake: %s %s", d.Result, d.Reason)
	}
}

// What hookloop signs for an answer is no signature of another request.
func TestNoSigningForStrangers(t *testing.T) {
	zoom := func(token, key string) *Request {
		body := `{"event":"endpoint.url_validation","payload":{"plainToken":"` + token + `"}}`
		return arrived(body, "X-Zm-Request-Timestamp", "1760000000", "X-Zm-Signature", "v0="+hexMAC(key, "v0:1760000000:"+body))
	}
	c := checkerFor("zoom", "k")
	for _, tt := range []struct {
		r      *Request
		status int    // 0 = none
		failed string // "" = not
	}{
		{zoom("abc", "k"), 200, ""},
		{zoom("abc", "other"), 401, ""},
		{zoom("v0:1760000000:{}", "k"), 0, "begins as what Zoom signs"},
		{truncated(zoom("abc", "k")), 0, "it is not known whether Zoom sent it"},
		{truncated(zoom("v0:1760000000:{}", "other")), 0, "it is not known"},
	} {
		a, err := c.Answer(tt.r, c.Recognize(tt.r))
		if tt.failed == "" && (err != nil || a.Status != tt.status) || tt.failed != "" && (err == nil || !strings.Contains(err.Error(), tt.failed)) {
			t.Errorf("%s: %+v, %v, want %d %s", tt.r.Body, a, err, tt.status, tt.failed)
		}
	}
}
