package provider

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// request makes a request of "GET /path", header lines and a body after an empty line.
func request(text string) *Request {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	r := &Request{Header: make(http.Header), Body: []byte(body)}
	r.Method, r.Target, _ = strings.Cut(lines[0], " ")
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestRecognize(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // provider, certainty, others
		event, id  string
		attempt    int
		handshake  string
	}{
		{name: "X-Hub-Signature-256 alone", text: "POST /\nX-Hub-Signature-256: sha256=00\n\n{\"a\":1}", want: "github guess custom,meta"},
		{name: "X-Hub-Signature with SHA-1", text: "POST /\nX-Hub-Signature: sha1=00\n\n{\"a\":1}", want: "github guess intercom"},
		{name: "X-Hub-Signature with SHA-256", text: "POST /\nX-Hub-Signature: sha256=00\n\n{\"a\":1}", want: "bitbucket guess custom,jira"},
		{name: "X-Signature alone", text: "POST /\nX-Signature: 00\n\n{\"event\":\"bet.won\",\"id\":7}", want: "custom guess lemonsqueezy", event: "bet.won", id: "7"},
		{name: "X-Signature and the event", text: "POST /\nX-Signature: 00\nX-Event-Name: order_created\n\n{}", want: "lemonsqueezy likely", event: "order_created", id: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
		{name: "a body is not looked at where headers decide", text: "POST /\nX-Signature: 00\nX-Event-Name: a\n\n{\"signature\":{\"token\":\"a\",\"signature\":\"b\"},\"event-data\":{}}", want: "lemonsqueezy likely", event: "a", id: "c"},
		{name: "a body counts where headers are a guess", text: "POST /\nX-Signature: 00\n\n{\"signature\":{\"token\":\"a\",\"signature\":\"b\"},\"event-data\":{\"event\":\"e\",\"id\":\"i\"}}", want: "mailgun certain", event: "e", id: "i"},
		{name: "nobody", text: "POST /\nContent-Type: application/json\n\n{\"hello\":1}", want: ""},
		{name: "empty", text: "POST /\n\n", want: ""},
		{name: "garbage", text: "POST /\n\n{\"a\":", want: ""},
		{name: "svix", text: "POST /\nSvix-Id: m\nSvix-Signature: v1,x\n\n{\"type\":\"a.b\"}", want: "svix likely", event: "a.b", id: "m"},
		{name: "clerk", text: "POST /\nSvix-Id: m\nSvix-Signature: v1,x\n\n{\"type\":\"user.created\",\"object\":\"event\",\"instance_id\":\"ins_1\"}", want: "clerk likely", event: "user.created", id: "m"},
		{name: "resend", text: "POST /\nSvix-Id: m\nSvix-Signature: v1,x\n\n{\"type\":\"email.sent\",\"data\":{\"email_id\":\"e\"}}", want: "resend likely", event: "email.sent", id: "m"},
		{name: "standard webhooks", text: "POST /\nWebhook-Id: m\nWebhook-Signature: v1,x\n\n{\"type\":\"a.b\"}", want: "standardwebhooks likely", event: "a.b", id: "m"},
		{name: "openai", text: "POST /\nWebhook-Id: m\nWebhook-Signature: v1,x\n\n{\"type\":\"batch.completed\",\"object\":\"event\",\"data\":{\"id\":\"b\"}}", want: "openai likely", event: "batch.completed", id: "m"},
		{name: "replicate", text: "POST /\nWebhook-Id: m\nWebhook-Signature: v1,x\n\n{\"status\":\"succeeded\",\"input\":{}}", want: "replicate likely", event: "succeeded", id: "m"},
		{name: "gitlab, signed", text: "POST /\nWebhook-Id: m\nWebhook-Signature: v1,x\nX-Gitlab-Event: Push Hook\nIdempotency-Key: m\n\n{}", want: "gitlab certain", event: "Push Hook", id: "m"},
		{name: "meta", text: "POST /\nX-Hub-Signature-256: sha256=00\n\n{\"object\":\"page\",\"entry\":[]}", want: "meta certain", event: "page"},
		{name: "meta's challenge", text: "GET /hooks?hub.mode=subscribe&hub.challenge=1&hub.verify_token=t", want: "meta likely", handshake: "hub.challenge"},
		{name: "websub is not meta", text: "GET /hooks?hub.mode=subscribe&hub.challenge=1&hub.topic=t", want: ""},
		{name: "slack's verification", text: "POST /\nX-Slack-Signature: v0=0\n\n{\"type\":\"url_verification\",\"challenge\":\"c\",\"token\":\"t\"}", want: "slack certain", event: "url_verification", handshake: "url_verification"},
		{name: "slack's retry", text: "POST /\nX-Slack-Signature: v0=0\nX-Slack-Retry-Num: 1\n\n{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event\":{\"type\":\"message\"}}", want: "slack certain", event: "message", id: "Ev1", attempt: 2},
		{name: "slack's command", text: "POST /\nX-Slack-Signature: v0=0\nContent-Type: application/x-www-form-urlencoded\n\ncommand=%2Fdemo&text=hi", want: "slack certain", event: "/demo"},
		{name: "slack's button", text: "POST /\nX-Slack-Signature: v0=0\nContent-Type: application/x-www-form-urlencoded\n\npayload=%7B%22type%22%3A%22block_actions%22%2C%22user%22%3A%7B%22id%22%3A%22U1%22%7D%7D", want: "slack certain", event: "block_actions"},
		{name: "slack's button, no JSON", text: "POST /\nX-Slack-Signature: v0=0\nContent-Type: application/x-www-form-urlencoded\n\npayload=%7B%22type", want: "slack certain"},
		{name: "discord's ping", text: "POST /\nX-Signature-Ed25519: 0\nX-Signature-Timestamp: 1\n\n{\"type\":1}", want: "discord certain", event: "1", handshake: "interactions ping"},
		{name: "discord's events ping", text: "POST /\nX-Signature-Ed25519: 0\nX-Signature-Timestamp: 1\n\n{\"type\":0}", want: "discord certain", event: "0", handshake: "events ping"},
		{name: "zoom's validation", text: "POST /\nX-Zm-Signature: v0=0\n\n{\"event\":\"endpoint.url_validation\"}", want: "zoom certain", event: "endpoint.url_validation", id: "28c5cb", handshake: "endpoint.url_validation"},
		{name: "notion's token", text: "POST /\n\n{\"verification_token\":\"secret_x\"}", want: "notion likely", handshake: "verification_token"},
		{name: "sns confirmation", text: "POST /\nX-Amz-Sns-Message-Type: SubscriptionConfirmation\n\n{\"Type\":\"SubscriptionConfirmation\",\"MessageId\":\"m\"}", want: "sns certain", event: "SubscriptionConfirmation", id: "m", handshake: "SubscriptionConfirmation"},
		{name: "cloudevents options", text: "OPTIONS /\nWebHook-Request-Origin: e.test", want: "cloudevents certain", handshake: "OPTIONS"},
		{name: "cloudevents structured", text: "POST /\nContent-Type: application/cloudevents+json\n\n{\"id\":\"1\",\"type\":\"t\"}", want: "cloudevents certain", event: "t", id: "1"},
		{name: "intercom's attempt", text: "POST /\nX-Hub-Signature: sha1=0\n\n{\"type\":\"notification_event\",\"topic\":\"t\",\"id\":\"n\",\"delivery_attempts\":2}", want: "intercom certain", event: "t", id: "n", attempt: 2},
		{name: "hubspot's attempt", text: "POST /\nX-Hubspot-Signature-V3: 0\n\n[{\"eventId\":1,\"subscriptionType\":\"t\",\"attemptNumber\":0}]", want: "hubspot certain", event: "t", id: "1", attempt: 1},
		{name: "mollie, classic", text: "POST /\nContent-Type: application/x-www-form-urlencoded\n\nid=tr_1", want: "mollie likely"},
		{name: "shopify without X-", text: "POST /\nShopify-Topic: orders/paid\nShopify-Event-Id: e\n\n{}", want: "shopify certain", event: "orders/paid", id: "e"},
		{name: "an object is no event", text: "POST /\nX-Webhook-Signature: 0\n\n{\"event\":{\"a\":1},\"type\":\"t\"}", want: "custom guess", event: "t"},
	}
	c := BuiltIn()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 5 { // headers come in any order
				rec := c.Recognize(request(tt.text), "")
				if got := describe(rec); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				handshake := ""
				if rec.Handshake != nil {
					handshake = rec.Handshake.Name
				}
				if rec.Event != tt.event || !strings.HasPrefix(rec.EventID, tt.id) || (tt.id == "") != (rec.EventID == "") || rec.Attempt != tt.attempt || handshake != tt.handshake {
					t.Errorf("got event %q, id %q, attempt %d, handshake %q", rec.Event, rec.EventID, rec.Attempt, handshake)
				}
			}
		})
	}
}

func describe(rec Recognition) string {
	if rec.Provider == nil {
		return string(rec.Certainty) + strings.Join(rec.Others, ",")
	}
	return strings.TrimSpace(rec.Provider.Name + " " + string(rec.Certainty) + " " + strings.Join(rec.Others, ","))
}

func TestRecognizeNamed(t *testing.T) {
	c := BuiltIn()
	r := request("POST /\nStripe-Signature: t=1\n\n{\"type\":\"a\",\"id\":\"1\"}")
	if got := describe(c.Recognize(r, "square")); got != "square named" {
		t.Errorf("got %q", got)
	}
	if got := describe(c.Recognize(r, "nobody")); got != "" {
		t.Errorf("got %q of a name that there is not", got)
	}
	for _, c := range []*Catalog{nil, {}} {
		if got := describe(c.Recognize(r, "")); got != "" {
			t.Errorf("got %q of an empty catalog", got)
		}
	}
	if got := describe(c.Recognize(nil, "")); got != "" {
		t.Errorf("got %q of no request", got)
	}
	if got := describe(c.Recognize(&Request{}, "")); got != "" {
		t.Errorf("got %q of an empty request", got)
	}
}

// TestRecognizeOwn tells a user's own provider, also from one built in that it stands beside.
func TestRecognizeOwn(t *testing.T) {
	c := BuiltIn()
	first := c.Recognize(request("POST /\nX-Acme: 1\n\n"), "")
	err := c.Add([]byte("acme:\n  recognize:\n    - {when: [\"header:X-Acme\"], certainty: certain}\n    - {when: [\"header:X-Signature\"], certainty: guess}\nzz-stripe:\n  like: stripe\n  recognize:\n    - {when: [\"header:Stripe-Signature\"], certainty: certain}\n"), "hookloop.yaml", 1)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"POST /\nX-Acme: 1\n\n":           "acme certain",
		"POST /\nX-Signature: 1\n\n":      "acme guess custom,lemonsqueezy",
		"POST /\nStripe-Signature: 1\n\n": "zz-stripe certain",
	} {
		if got := describe(c.Recognize(request(text), "")); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if first.Provider != nil {
		t.Errorf("it was known before it was added: %s", describe(first))
	}
}

// TestRecognizeVectors finds no vector to be another provider's, unless as a guess.
func TestRecognizeVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Provider string
			Request      struct {
				Method, URL string
				Headers     map[string]string
				Body        string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	c := BuiltIn()
	for _, v := range file.Vectors {
		r := &Request{Method: v.Request.Method, URL: v.Request.URL, Target: targetOf(v.Request.URL), Header: make(http.Header), Body: []byte(v.Request.Body)}
		for name, value := range v.Request.Headers {
			r.Header.Set(name, value)
		}
		rec := c.Recognize(r, "")
		switch {
		case rec.Provider == nil && v.ID == "jwt-hs256-rfc7515-a1": // a JWT without a body, as anyone may send
		case rec.Provider == nil:
			t.Errorf("%s: not recognised", v.ID)
		case rec.Provider.Name == v.Provider, rec.Certainty == Guess && slices.Contains(rec.Others, v.Provider):
		case v.ID == "replicate-1" && rec.Provider.Name == "standardwebhooks": // its body is not one of Replicate's
		default:
			t.Errorf("%s: got %s, want %s", v.ID, describe(rec), v.Provider)
		}
	}
}

func TestCatalogAtOnce(t *testing.T) {
	c := BuiltIn()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := describe(c.Recognize(request("POST /\nStripe-Signature: 1\n\n"), "")); got != "stripe certain" {
				t.Errorf("got %q", got)
			}
			if n := len(BuiltIn().All()); n != 45 {
				t.Errorf("got %d entries", n)
			}
		})
	}
	wg.Wait()
}

// FuzzRecognize finds no request that makes recognition panic or contradict itself.
func FuzzRecognize(f *testing.F) {
	f.Add("X-Signature", "v", "", []byte(`{"event":{"a":[1]},"id":null}`))
	f.Add("Content-Type", "application/x-www-form-urlencoded", "/?hub.mode=subscribe&%zz", []byte("id=tr_1&a=%"))
	f.Add("Svix-Id", "m", "/", []byte(`[{"sg_event_id":"x"}]`))
	f.Add("Stripe-Signature", "t=", "", []byte(`{"object":"event","api_version":"1","id":"evt_1","id":2`))
	c := BuiltIn()
	f.Fuzz(func(t *testing.T, name, value, target string, body []byte) {
		r := &Request{Method: "POST", Target: target, Header: http.Header{name: {value}}, Body: body}
		rec := c.Recognize(r, "")
		if (rec.Provider == nil) != (rec.Certainty == "") || rec.Certainty != Guess && rec.Others != nil || slices.Contains(rec.Others, "") {
			t.Errorf("got %+v", rec)
		}
		if again := c.Recognize(r, ""); describe(again) != describe(rec) || again.Event != rec.Event || again.EventID != rec.EventID {
			t.Errorf("got %s, then %s", describe(rec), describe(again))
		}
	})
}

func BenchmarkRecognize(b *testing.B) {
	c := BuiltIn()
	filler := "\n\n{\"hello\":\"" + strings.Repeat("x", 1000) + "\",\"type\":\"t\",\"id\":1,\"object\":\"o\",\"items\":[" + strings.Repeat(`{"a":1,"b":"two"},`, 55) + "1]}"
	headers := "POST /\nHost: a\nUser-Agent: b\nAccept: c\nAccept-Encoding: d\nContent-Type: application/json\nContent-Length: 1\nX-Forwarded-For: e\nX-Forwarded-Proto: f\nX-Forwarded-Host: g\nTraceparent: h\nX-Request-Id: i\nCf-Ray: j\nVia: k\nX-One: l"
	for name, text := range map[string]string{
		"unknown": headers + "\nX-Two: m" + filler,
		"stripe":  headers + "\nStripe-Signature: t=1,v1=0" + filler,
	} {
		r := request(text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				c.Recognize(r, "")
			}
		})
	}
}

func BenchmarkBuiltIn(b *testing.B) {
	names := BuiltIn().Names()
	b.Run("rules", func(b *testing.B) {
		for range b.N {
			for _, name := range names {
				readRules("catalog/" + name + ".yaml")
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for range b.N {
			for _, name := range names {
				readProvider(name, "catalog/"+name+".yaml")
			}
		}
	})
	b.Run("one", func(b *testing.B) {
		for range b.N {
			readProvider("stripe", "catalog/stripe.yaml")
		}
	})
}

// An ID that is a hash of the body can be told from one that the provider gave.
func TestEventIDHash(t *testing.T) {
	c := &Checker{Catalog: BuiltIn()}
	for _, tt := range []struct {
		body string
		hash bool
	}{
		{`{"event":"meeting.started","event_ts":1760000000000,"payload":{"account_id":"A","object":{}}}`, true},
		{`{"id":"evt_1","object":"event","type":"charge.failed","data":{}}`, false},
		{``, false},
	} {
		r := arrived(tt.body)
		c.Default = "stripe"
		if tt.hash {
			c.Default = "zoom"
		}
		f, _ := c.Assess(r)
		if f.EventIDHash != tt.hash || tt.hash && len(f.EventID) != 64 {
			t.Errorf("%s: got %v, %q, want %v", tt.body, f.EventIDHash, f.EventID, tt.hash)
		}
	}
}
