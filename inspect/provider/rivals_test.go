package provider

import (
	"strings"
	"testing"
)

const stripeBody = `{"id":"evt_1","object":"event","type":"invoice.paid"}`

func stripeHeader(key string) string {
	return "t=1760000000,v1=" + hexMAC(key, "1760000000."+stripeBody)
}

// Where the headers of several providers are there, the one whose signature is
// there sent it.
func TestRecognizeStrayHeader(t *testing.T) {
	c := checkerFor("")
	c.Secrets = map[string][]Secret{"stripe": {{"S", "k"}}}
	for _, stray := range []string{
		"X-GitHub-Event: push", "X-GitHub-Delivery: 1", "X-Shopify-Topic: a", "Linear-Event: a", "X-Gitlab-Event: a",
		"X-Slack-Request-Timestamp: 1760000000", "x-amz-sns-message-type: Notification", "Paypal-Transmission-Id: 1",
		"X-Event-Key: a\nX-Hook-Uuid: b", "X-Hub-Signature-256: sha256=00", "Ce-Id: 1\nCe-Specversion: 1.0", "X-Signature: 00",
		"I-Twilio-Idempotency-Token: a", "X-Event-Name: a",
	} {
		r := request("POST /\nStripe-Signature: " + stripeHeader("k") + "\n" + stray + "\n\n" + stripeBody)
		r.Time = captured
		for range 5 {
			rec := c.Catalog.Recognize(r, "")
			if got := describe(rec); got != "stripe certain" || rec.Event != "invoice.paid" {
				t.Errorf("%s: got %s %s", stray, got, rec.Event)
			}
		}
		if f, _ := c.Assess(r); f.Signature != Valid {
			t.Errorf("%s: got %+v", stray, f)
		}
	}
	// What is no provider's own is as it was.
	for text, want := range map[string]string{
		"POST /\nX-GitHub-Event: push\n\n{}":                                                                         "github certain",
		"POST /\nX-Gitlab-Event: a\nWebhook-Id: m\nWebhook-Signature: v1,x\n\n{}":                                    "gitlab certain",
		"POST /\nX-GitHub-Event: push\nWebhook-Id: m\nWebhook-Signature: v1,x\n\n{\"type\":\"a.b\"}":                 "standardwebhooks likely",
		"POST /\nX-GitHub-Event: push\nX-Hub-Signature-256: sha256=00\nWebhook-Id: m\nWebhook-Signature: v1,x\n\n{}": "github certain",
		"POST /\nX-GitHub-Event: push\nX-Gitlab-Event: a\n\n{}":                                                      "github guess gitlab",
	} {
		for range 5 {
			if got := describe(c.Catalog.Recognize(request(text), "")); got != want {
				t.Errorf("%q: got %s, want %s", text, got, want)
			}
		}
	}
}

// Of several whose signatures are there nothing is decided, unless one holds.
func TestRecognizeSeveralSigned(t *testing.T) {
	c := checkerFor("")
	c.Secrets = map[string][]Secret{}
	for more, want := range map[string]string{
		"Paddle-Signature: ts=1;h1=00": "paddle guess stripe",
		"X-GitHub-Event: push\nX-Hub-Signature-256: sha256=00\nX-Slack-Signature: v0=00\nX-Slack-Request-Timestamp: 1": "github guess custom,meta,slack,stripe",
		"X-Hub-Signature-256: sha256=00\nX-Slack-Signature: v0=00\nX-Slack-Request-Timestamp: 1":                       "slack guess custom,github,meta,stripe",
	} {
		r := request("POST /\nStripe-Signature: " + stripeHeader("k") + "\n" + more + "\n\n" + stripeBody)
		r.Time = captured
		c.Secrets = map[string][]Secret{"slack": {{"O", "other"}}}
		for range 5 {
			if got := describe(c.Recognize(r)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		c.Secrets["stripe"] = []Secret{{"S", "k"}}
		if f, _ := c.Assess(r); f.Provider != "stripe" || f.Certainty != Certain || f.Signature != Valid {
			t.Errorf("%s: got %+v", strings.ReplaceAll(more, "\n", ", "), f)
		}
	}
}

// An entry of the user's that has the same header as one built in comes before it.
func TestRecognizeOwnBesideOthers(t *testing.T) {
	c := BuiltIn()
	if err := c.Add([]byte("my-stripe:\n  like: stripe\n  recognize:\n    - {when: [\"header:Stripe-Signature\"], certainty: certain}\nacme:\n  like: github\n  recognize:\n    - {when: [\"header:X-Acme\"], certainty: certain}\n"), "hookloop.yaml", 1); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"POST /\nStripe-Signature: t=1,v1=0\n\n":                                            "my-stripe certain",
		"POST /\nStripe-Signature: t=1,v1=0\nX-GitHub-Event: a\n\n":                         "my-stripe certain",
		"POST /\nStripe-Signature: t=1,v1=0\nX-Acme: a\n\n":                                 "my-stripe certain",
		"POST /\nPaddle-Signature: ts=1;h1=0\nX-Acme: a\nX-Hub-Signature-256: sha256=0\n\n": "acme certain",
	} {
		for range 5 {
			if got := describe(c.Recognize(request(text), "")); got != want {
				t.Errorf("%q: got %s, want %s", text, got, want)
			}
		}
	}
}
