package provider

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// A vector is a row of testdata/vectors.json, as far as handshakes need it.
type handshakeVector struct {
	ID       string
	Provider string
	Request  struct {
		Method, URL, Body string
		Headers           map[string]string
	}
	PublicKey string `json:"public_key"`
	Want      *struct {
		Status  int
		Headers map[string]string
	} `json:"expect_response"`
}

// The vectors that have an answer get it.
func TestHandshakeVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []json.RawMessage }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, raw := range file.Vectors {
		var v handshakeVector
		if !strings.Contains(string(raw), "expect_response") {
			continue
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		tried++
		r := &Request{Method: v.Request.Method, Target: "/hook", URL: v.Request.URL, Header: http.Header{}, Body: []byte(v.Request.Body), Time: time.Unix(1760000001, 0)}
		for name, value := range v.Request.Headers {
			r.Header.Set(name, value)
		}
		c := &Checker{Catalog: BuiltIn(), Secrets: map[string][]Secret{}}
		if v.PublicKey != "" {
			c.Secrets[v.Provider] = []Secret{{Label: "key", Value: v.PublicKey}}
		}
		rec := c.Recognize(r)
		if rec.Provider == nil || rec.Provider.Name != v.Provider {
			t.Errorf("%s: recognised as %+v, want %s", v.ID, rec.Provider, v.Provider)
			continue
		}
		got, err := c.Answer(r, rec)
		if err != nil || got.Status != v.Want.Status {
			t.Errorf("%s: %+v, %v, want status %d", v.ID, got, err, v.Want.Status)
			continue
		}
		for name, want := range v.Want.Headers {
			if got.Header.Get(name) != want {
				t.Errorf("%s: header %s is %q, want %q", v.ID, name, got.Header.Get(name), want)
			}
		}
	}
	if tried < 2 {
		t.Errorf("%d vectors have an answer, want 2 or more", tried)
	}
}

var handshakeTime = time.Unix(1760000000, 0)

// signed sets a header to a hex HMAC as Slack and Zoom make it.
func signed(r *Request, signature, timestamp, secret string) *Request {
	stamp := fmt.Sprint(handshakeTime.Unix())
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, r.Body)
	r.Header.Set(signature, "v0="+hex.EncodeToString(mac.Sum(nil)))
	r.Header.Set(timestamp, stamp)
	return r
}

// signedPing sets a signature as Discord makes it.
func signedPing(r *Request, key ed25519.PrivateKey) *Request {
	stamp := fmt.Sprint(handshakeTime.Unix())
	r.Header.Set("X-Signature-Timestamp", stamp)
	r.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, append([]byte(stamp), r.Body...))))
	return r
}

// The handshakes of the catalog, with right and wrong signatures and with none known.
func TestBuiltInHandshakes(t *testing.T) {
	const (
		slack = `{"token":"t","challenge":"c1","type":"url_verification"}`
		zoom  = `{"payload":{"plainToken":"p1"},"event_ts":1,"event":"endpoint.url_validation"}`
		ping  = `{"application_id":"1","type":1,"version":1}`
		event = `{"version":1,"application_id":"1","type":0}`
	)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	other := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize)))
	public := hex.EncodeToString(key.Public().(ed25519.PublicKey))
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte("p1"))
	zoomBody := `{"plainToken":"p1","encryptedToken":"` + hex.EncodeToString(mac.Sum(nil)) + `"}`
	asSlack := func(secret string) *Request {
		return signed(post(slack), "X-Slack-Signature", "X-Slack-Request-Timestamp", secret)
	}
	asZoom := func(secret string) *Request {
		return signed(post(zoom), "X-Zm-Signature", "X-Zm-Request-Timestamp", secret)
	}
	tests := []struct {
		name, provider string
		r              *Request
		secret         string
		status         int
		body, why      string
	}{
		{"slack", "slack", asSlack("secret"), "secret", 200, "c1", "Slack's url_verification"},
		{"slack, forged", "slack", asSlack("other"), "secret", 401, "", "refused"},
		{"slack, no secret", "slack", asSlack("secret"), "", 200, "c1", "unverified"},
		{"zoom", "zoom", asZoom("secret"), "secret", 200, zoomBody, "Zoom's endpoint.url_validation"},
		{"zoom, forged", "zoom", asZoom("other"), "secret", 401, "", "refused"},
		{"discord", "discord", signedPing(post(ping), key), public, 200, `{"type":1}`, "Discord's interactions ping"},
		{"discord, a probe", "discord", signedPing(post(ping), other), public, 401, "", "refused"},
		{"discord, no key", "discord", signedPing(post(ping), key), "", 200, `{"type":1}`, "unverified"},
		{"discord events", "discord", signedPing(post(event), key), public, 204, "", "Discord's events ping"},
		{"meta", "meta", get("/?hub.mode=subscribe&hub.challenge=7&hub.verify_token=x"), "", 200, "7", "Meta's hub.challenge"},
		{"notion", "notion", post(`{"verification_token":"secret_x"}`), "", 200, "", "Notion's verification_token"},
		{"cloudevents", "cloudevents", options("WebHook-Request-Origin", "a.example"), "", 200, "", "CloudEvents' OPTIONS"},
		{"sns", "sns", post(snsConfirmation), "", 200, "", "AWS SNS's SubscriptionConfirmation"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.r.Time = handshakeTime
			c := &Checker{Catalog: BuiltIn(), HTTP: noNetwork(t)}
			if tt.secret != "" {
				c.Secrets = map[string][]Secret{tt.provider: {{Label: "S", Value: tt.secret}}}
			}
			rec := c.Recognize(tt.r)
			if rec.Provider == nil || rec.Provider.Name != tt.provider || rec.Handshake == nil {
				t.Fatalf("recognised as %+v", rec)
			}
			got, err := c.Answer(tt.r, rec)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != tt.status || string(got.Body) != tt.body || !strings.Contains(got.Why, tt.why) {
				t.Errorf("got  %d %q %q\nwant %d %q %q", got.Status, got.Body, got.Why, tt.status, tt.body, tt.why)
			}
			if tt.why != "unverified" && strings.Contains(got.Why, "unverified") && tt.provider != "sns" {
				t.Errorf("it was verified, and it says %q", got.Why)
			}
		})
	}
	c := &Checker{Catalog: BuiltIn()}
	r := asZoom("secret")
	if got, err := c.Answer(r, c.Recognize(r)); err == nil || !strings.Contains(err.Error(), "--secret zoom=") {
		t.Errorf("zoom without a secret: %+v, %v", got, err)
	}
}

const snsConfirmation = `{"Type":"SubscriptionConfirmation","MessageId":"1","Token":"demo","TopicArn":"arn:aws:sns:eu-west-1:000000000000:demo",` +
	`"Message":"m","SubscribeURL":"` + subscribeURL + `","Timestamp":"2026-01-01T00:00:00.000Z","SignatureVersion":"1","Signature":"x",` +
	`"SigningCertURL":"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"}`

// noNetwork refuses whatever is fetched: answering is not confirming.
func noNetwork(t *testing.T) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s was fetched", r.URL)
		return nil, errors.New("no network")
	})
}

func TestConfirm(t *testing.T) {
	asked := ""
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = "https://" + r.Host + r.URL.String()
		fmt.Fprint(w, "<SubscriptionArn>arn:aws:sns:eu-west-1:000000000000:demo:1</SubscriptionArn>")
	}))
	defer server.Close()
	c := &Checker{Catalog: BuiltIn(), HTTP: towards(server)}
	unverified := post(strings.Replace(snsConfirmation, `"Signature":"x"`, `"Signature":"eA=="`, 1))
	line, err := c.Confirm(t.Context(), unverified)
	var stranger *UnverifiedError
	if !errors.As(err, &stranger) || stranger.About() != "arn:aws:sns:eu-west-1:000000000000:demo at sns.eu-west-1.amazonaws.com" || asked != "" {
		t.Errorf("unverified: got %q, %v after asking %s", line, err, asked)
	}
	line, err = c.ConfirmUnverified(t.Context(), unverified)
	if err != nil || line != "confirmed: arn:aws:sns:eu-west-1:000000000000:demo:1" || asked != subscribeURL {
		t.Errorf("got %q, %v after asking %s", line, err, asked)
	}
	for _, host := range []string{"example.test", "sns.eu-west-1.amazonaws.com.example.test", "user@sns.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com:444"} {
		c := &Checker{Catalog: BuiltIn(), HTTP: noNetwork(t)}
		body := strings.Replace(snsConfirmation, subscribeURL, "https://"+host+"/?Token=demo", 1)
		if line, err := c.Confirm(t.Context(), post(body)); err == nil || strings.Contains(err.Error(), "demo") {
			t.Errorf("%s: %q, %v, want an error without the token", host, line, err)
		}
	}
}

// What is forged is not fetched.
func TestConfirmForged(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID   string
			Cert string `json:"cert_pem"`
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		if v.ID != "sns-notification-v1" {
			continue
		}
		c := &Checker{
			Catalog: BuiltIn(), HTTP: noNetwork(t),
			Settings: map[string]map[string]string{"sns": {"cert_pem": v.Cert}},
		}
		r := post(strings.Replace(snsConfirmation, `"Signature":"x"`, `"Signature":"eA=="`, 1))
		if line, err := c.Confirm(t.Context(), r); err == nil || !strings.Contains(err.Error(), "was not confirmed") {
			t.Errorf("got %q, %v, want a refusal", line, err)
		}
		return
	}
	t.Error("there is no vector sns-notification-v1")
}
