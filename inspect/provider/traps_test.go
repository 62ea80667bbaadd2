package provider

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// What is easily mixed up between providers.

func TestTrapWhsecIsTextForStripeAndBase64Elsewhere(t *testing.T) {
	const secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	raw, _ := base64.StdEncoding.DecodeString(secret[6:])
	diagnose(t, checkerFor("stripe", secret), arrived("{}", "Stripe-Signature", "t=1760000000,v1="+hexMAC(secret, "1760000000.{}")), want{Valid, CodeOK, ""})
	diagnose(t, checkerFor("stripe", secret), arrived("{}", "Stripe-Signature", "t=1760000000,v1="+hexMAC(string(raw), "1760000000.{}")), want{Invalid, CodeSecretForm, "secret in the wrong form"})
	for _, name := range []string{"standardwebhooks", "svix", "clerk", "resend", "openai", "replicate"} {
		r := arrived("{}", "Webhook-Id", "m", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v1,"+base64MAC(string(raw), "m.1760000000.{}"))
		diagnose(t, checkerFor(name, secret), r, want{Valid, CodeOK, ""})
		r = arrived("{}", "Webhook-Id", "m", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v1,"+base64MAC(secret, "m.1760000000.{}"))
		diagnose(t, checkerFor(name, secret), r, want{Invalid, CodeSecretForm, "secret in the wrong form"})
	}
}

func TestTrapHubSignatureHasTwoHashes(t *testing.T) {
	sha1Header, sha256Header := "sha1="+hexSHA1MAC("k", "{}"), "sha256="+hexMAC("k", "{}")
	for _, tt := range []struct {
		provider string
		sha256   bool
	}{{"github", false}, {"intercom", false}, {"bitbucket", true}, {"jira", true}} {
		good, bad := sha1Header, sha256Header
		if tt.sha256 {
			good, bad = bad, good
		}
		diagnose(t, checkerFor(tt.provider, "k"), arrived("{}", "X-Hub-Signature", good), want{Valid, CodeOK, ""})
		diagnose(t, checkerFor(tt.provider, "k"), arrived("{}", "X-Hub-Signature", bad), want{Invalid, CodeUnknownVersion, "signs there with"})
	}
}

func TestTrapGoodSHA1DoesNotRescueBadSHA256(t *testing.T) {
	r := arrived("{}", "X-Hub-Signature-256", "sha256="+hexMAC("other", "{}"), "X-Hub-Signature", "sha1="+hexSHA1MAC("k", "{}"))
	d := diagnose(t, checkerFor("github", "k"), r, want{Invalid, CodeWrongSecret, "wrong secret"})
	if d.Scheme != "sha256" {
		t.Errorf("scheme %s decided, want sha256", d.Scheme)
	}
}

func TestTrapSeparators(t *testing.T) {
	dot, colon := hexMAC("k", "1760000000.{}"), hexMAC("k", "1760000000:{}")
	diagnose(t, checkerFor("paddle", "k"), arrived("{}", "Paddle-Signature", "ts=1760000000;h1="+colon), want{Valid, CodeOK, ""})
	diagnose(t, checkerFor("paddle", "k"), arrived("{}", "Paddle-Signature", "ts=1760000000;h1="+hexMAC("old", "")+";h1="+colon), want{Valid, CodeOK, ""})
	diagnose(t, checkerFor("paddle", "k"), arrived("{}", "Paddle-Signature", "ts=1760000000;h1="+dot), want{Invalid, CodeWrongSecret, ""})
	diagnose(t, checkerFor("paddle", "k"), arrived("{}", "Paddle-Signature", "ts=1760000000,h1="+colon), want{Invalid, CodeMalformed, ""})
	diagnose(t, checkerFor("stripe", "k"), arrived("{}", "Stripe-Signature", "t=1760000000,v1="+dot), want{Valid, CodeOK, ""})
	diagnose(t, checkerFor("stripe", "k"), arrived("{}", "Stripe-Signature", "t=1760000000,v1="+colon), want{Invalid, CodeWrongSecret, ""})
}

func TestTrapEncodingsAndHashes(t *testing.T) {
	diagnose(t, checkerFor("typeform", "k"), arrived("{}", "Typeform-Signature", "sha256="+base64MAC("k", "{}")), want{Valid, CodeOK, ""})
	diagnose(t, checkerFor("typeform", "k"), arrived("{}", "Typeform-Signature", "sha256="+hexMAC("k", "{}")), want{Invalid, CodeMalformed, "it is hex"})
	key := []byte{0, 1, 2, 255}
	h := hmac.New(sha256.New, key)
	h.Write([]byte("{}"))
	sig := base64.StdEncoding.EncodeToString(h.Sum(nil))
	diagnose(t, checkerFor("adyen", hex.EncodeToString(key)), arrived("{}", "HmacSignature", sig), want{Valid, CodeOK, ""})
	diagnose(t, checkerFor("adyen", hex.EncodeToString(key)), arrived("{}", "HmacSignature", base64MAC(hex.EncodeToString(key), "{}")), want{Invalid, CodeSecretForm, "taken as text"})
	for name, header := range map[string]string{"vercel": "X-Vercel-Signature", "intercom": "X-Hub-Signature"} {
		prefix := map[string]string{"intercom": "sha1="}[name]
		diagnose(t, checkerFor(name, "k"), arrived("{}", header, prefix+hexSHA1MAC("k", "{}")), want{Valid, CodeOK, ""})
		diagnose(t, checkerFor(name, "k"), arrived("{}", header, prefix+hexMAC("k", "{}")), want{Invalid, CodeMalformed, "32 bytes long, and hmac-sha1 makes 20"})
	}
}

func TestTrapBytesOfTheBody(t *testing.T) {
	v := vectorByID(t, "sendgrid-1")
	r := v.request(t)
	r.Body = bytes.TrimRight(r.Body, "\r\n")
	diagnose(t, v.checker(), r, want{Invalid, CodeBodyChanged, "with a trailing newline (CRLF)"})

	form := "payload=%7B%22yo%22%3Atrue%7D"
	r = arrived(form, "Content-Type", "application/x-www-form-urlencoded", "X-Hub-Signature-256", "sha256="+hexMAC("k", form))
	diagnose(t, checkerFor("github", "k"), r, want{Valid, CodeOK, ""})
	r.Body = []byte(`{"yo":true}`)
	diagnose(t, checkerFor("github", "k"), r, want{Invalid, CodeBodyChanged, "as a form (payload=…)"})
	r = arrived(form, "X-Hub-Signature-256", "sha256="+hexMAC("k", `{"yo":true}`))
	diagnose(t, checkerFor("github", "k"), r, want{Invalid, CodeBodyChanged, "the payload of the form"})

	slash := "token=x&text=a+b"
	r = arrived(slash, "X-Slack-Request-Timestamp", "1760000000", "X-Slack-Signature", "v0="+hexMAC("k", "v0:1760000000:"+slash))
	diagnose(t, checkerFor("slack", "k"), r, want{Valid, CodeOK, ""})
	r.Body = []byte("token=x&text=a b")
	diagnose(t, checkerFor("slack", "k"), r, want{Invalid, CodeWrongSecret, ""})
}

func twilioSign(key, message string) string {
	h := hmac.New(sha1.New, []byte(key))
	h.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func TestTrapTwilio(t *testing.T) {
	request := func(url, body, signed string) *Request {
		r := arrived(body, "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", twilioSign("k", signed))
		r.URL = url
		_, r.Target, _ = strings.Cut(strings.TrimPrefix(url, "https://"), "/")
		r.Target = "/" + r.Target
		return r
	}
	c := checkerFor("twilio", "k")
	tests := []struct {
		name              string
		url, body, signed string
		want
	}{
		{"repeated", "https://a.test/x", "B=2&A=9&A=1&A=9", "https://a.test/xA1A9B2", want{Valid, CodeOK, ""}},
		{"spaces and pluses", "https://a.test/x", "A=a+b%2Bc", "https://a.test/xAa b+c", want{Valid, CodeOK, ""}},
		{"port added", "https://a.test/x", "A=1", "https://a.test:443/xA1", want{Valid, CodeOK, ""}},
		{"port added, http", "http://a.test/x", "A=1", "http://a.test:80/xA1", want{Valid, CodeOK, ""}},
		{"port taken away", "https://a.test:8443/x", "A=1", "https://a.test/xA1", want{Valid, CodeOK, ""}},
		{"fragment", "https://a.test/x#rc=2", "A=1", "https://a.test/xA1", want{Valid, CodeOK, ""}},
		{"the loopback address for its name", "http://127.0.0.1:41873/x", "A=1", "http://localhost:41873/xA1", want{Invalid, CodeURLDiffers, "matches http://localhost:41873/x, not http://127.0.0.1:41873/x"}},
		{"its name for the loopback address", "http://localhost:41873/x", "A=1", "http://127.0.0.1:41873/xA1", want{Invalid, CodeURLDiffers, "matches http://127.0.0.1:41873/x, not"}},
		{"localhost", "http://localhost:3000/x", "A=1", "https://a.test/xA1", want{Invalid, CodeURLDiffers, "https://a.test/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.url, tt.body, tt.signed)
			r.Header.Set("X-Forwarded-Host", "a.test")
			diagnose(t, c, r, tt.want)
		})
	}
	body := `{"a":1}`
	sum := sha256.Sum256([]byte(body))
	url := "https://a.test/x?bodySHA256=" + hex.EncodeToString(sum[:])
	r := request(url, body, url)
	diagnose(t, c, r, want{Valid, CodeOK, "scheme json"})
	r.Body = []byte(body + "\n")
	diagnose(t, c, r, want{Invalid, CodeBodyChanged, "which matches the body without its trailing newline"})
}

func TestTrapHeaderNames(t *testing.T) {
	for _, name := range []string{"X-Docusign-Signature-1", "X-Docusign-Signature-7"} {
		diagnose(t, checkerFor("docusign", "k"), arrived("{}", "X-Docusign-Signature-3", base64MAC("other", "{}"), name, base64MAC("k", "{}")), want{Valid, CodeOK, ""})
	}
	for _, name := range []string{"X-Shopify-Hmac-Sha256", "Shopify-Hmac-Sha256"} {
		diagnose(t, checkerFor("shopify", "k"), arrived("{}", name, base64MAC("k", "{}")), want{Valid, CodeOK, ""})
	}
	for _, prefix := range []string{"Svix-", "Webhook-"} {
		r := arrived("{}", prefix+"Id", "m", prefix+"Timestamp", "1760000000", prefix+"Signature", "v1,AAAA v1,"+base64MAC("k", "m.1760000000.{}")+" v1a,x")
		diagnose(t, checkerFor("svix", "whsec_"+base64.StdEncoding.EncodeToString([]byte("k"))), r, want{Valid, CodeOK, ""})
	}
}

func TestTrapUnknownVersionsDoNotMatch(t *testing.T) {
	diagnose(t, checkerFor("slack", "k"), arrived("{}", "X-Slack-Request-Timestamp", "1760000000", "X-Slack-Signature", "v1="+hexMAC("k", "v0:1760000000:{}")), want{Invalid, CodeUnknownVersion, "only v1"})
	diagnose(t, checkerFor("paddle", "k"), arrived("{}", "Paddle-Signature", "ts=1760000000;h2="+hexMAC("k", "1760000000:{}")), want{Invalid, CodeUnknownVersion, "only h2"})
	diagnose(t, checkerFor("elevenlabs", "k"), arrived("{}", "ElevenLabs-Signature", "t=1760000000,v1="+hexMAC("k", "1760000000.{}")), want{Invalid, CodeUnknownVersion, "only v1"})
}

func TestTrapStaleUntilSignedAgain(t *testing.T) {
	for _, name := range []string{"stripe", "slack", "paddle", "linear", "calendly", "elevenlabs", "zoom", "hubspot"} {
		c := checkerFor(name, "k")
		p := c.Catalog.Provider(name)
		limit := time.Duration(p.Schemes[0].Tolerance)
		if limit == 0 {
			t.Fatalf("%s has no tolerance", name)
		}
		s, err := c.Sign(p.Render(&p.Samples[0], "https://example.test/", captured), captured, true)
		if err != nil {
			t.Fatal(name, err)
		}
		r := s.Request
		for after, code := range map[time.Duration]Code{
			limit: CodeOK, limit + time.Second: CodeTooOld, -limit: CodeOK, -limit - time.Second: CodeInFuture,
		} {
			r.Time = captured.Add(after)
			if d := c.Verify(context.Background(), &r); d.Code != code {
				t.Errorf("%s %s later: %s (%s), want %s", name, after, d.Code, d.Reason, code)
			}
		}
		r.Time = captured.Add(limit + time.Second)
		again, err := c.Sign(&r, r.Time, true)
		if err != nil {
			t.Fatal(name, err)
		}
		if d := c.Verify(context.Background(), &again.Request); d.Result != Valid {
			t.Errorf("%s signed again: %s", name, d.Reason)
		}
	}
}

func TestTrapWhatIsNotCovered(t *testing.T) {
	v := vectorByID(t, "mailgun-1")
	r := v.request(t)
	r.Body = bytes.Replace(r.Body, []byte(`"delivered"`), []byte(`"bounced"`), 1)
	d := diagnose(t, v.checker(), r, want{Valid, CodeOK, ""})
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "does not cover") {
		t.Errorf("notes %q", d.Notes)
	}
	for name, headers := range map[string][]string{
		"telegram":    {"X-Telegram-Bot-Api-Secret-Token", "k"},
		"gitlab":      {"X-Gitlab-Token", "k"},
		"assemblyai":  {"X-My", "k"},
		"cloudevents": {"Authorization", "Bearer k"},
		"deepgram":    {"Dg-Token", "k"},
	} {
		c := checkerFor(name, "k")
		c.Settings = map[string]map[string]string{name: {"header": "x-my"}}
		d := diagnose(t, c, arrived("{}", headers...), want{Valid, CodeOK, ""})
		if len(d.Notes) == 0 {
			t.Errorf("%s: no note says that the body is not covered", name)
		}
	}
}

func TestTrapSharedHeadersAreGuesses(t *testing.T) {
	for _, r := range []*Request{arrived("{}", "X-Signature", "00"), arrived("{}", "X-Hub-Signature", "sha256=00")} {
		f, _ := checkerFor("").Assess(r)
		if f.Certainty != Guess || f.Signature != Unverifiable || f.SignatureCode != CodeUnrecognized {
			t.Errorf("got %+v", f)
		}
	}
}

func TestTrapBodiesThatAreNoText(t *testing.T) {
	for _, body := range []string{"\xff\xfe\x00{", "", "{not json", "\x00"} {
		diagnose(t, checkerFor("github", "k"), arrived(body, "X-Hub-Signature-256", "sha256="+hexMAC("k", body)), want{Valid, CodeOK, ""})
		diagnose(t, checkerFor("stripe", "k"), arrived(body, "Stripe-Signature", "t=1760000000,v1="+hexMAC("k", "1760000000."+body)), want{Valid, CodeOK, ""})
	}
}

// A scheme that none of the secrets fits is passed over for one that is there, too.
func TestV1AndV1a(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	public := "whpk_" + base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	whsk := "whsk_" + base64.StdEncoding.EncodeToString(private)
	v1a := "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte("m.1760000000.{}")))
	v1 := "v1," + base64MAC("secret", "m.1760000000.{}")
	headers := func(sig string) *Request {
		return arrived("{}", "Webhook-Id", "m", "Webhook-Timestamp", "1760000000", "Webhook-Signature", sig)
	}
	for _, secret := range []string{public, whsk} {
		d := diagnose(t, checkerFor("standardwebhooks", secret), headers(v1+" "+v1a), want{Valid, CodeOK, "scheme v1a"})
		if d.Scheme != "v1a" {
			t.Errorf("scheme %s", d.Scheme)
		}
	}
	diagnose(t, checkerFor("standardwebhooks", "whsec_c2VjcmV0"), headers(v1+" "+v1a), want{Valid, CodeOK, "scheme v1,"})
	diagnose(t, checkerFor("standardwebhooks", "whsec_c2VjcmV0"), headers(v1a), want{Invalid, CodeSecretForm, ""})
	s, err := checkerFor("standardwebhooks", whsk).Sign(headers("v1a,old"), captured, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Request.Header.Get("Webhook-Signature"); got != v1a {
		t.Errorf("signed %s, want %s", got, v1a)
	}
}

// BenchmarkAssess is what every captured request costs.
func BenchmarkAssess(b *testing.B) {
	c := checkerFor("", "whsec_x")
	c.Secrets = map[string][]Secret{"stripe": {{"S", "whsec_x"}}}
	body := `{"id":"evt_1","object":"event","type":"invoice.paid","data":{"object":{"text":"` + strings.Repeat("x", 1900) + `"}}}`
	good := arrived(body, "Stripe-Signature", "t=1760000000,v1="+hexMAC("whsec_x", "1760000000."+body))
	bad := arrived(body, "Stripe-Signature", "t=1760000000,v1="+hexMAC("other", "1760000000."+body))
	for _, bb := range []struct {
		name string
		r    *Request
		code Code
	}{{"valid", good, CodeOK}, {"wrong secret", bad, CodeWrongSecret}, {"nobody", arrived(body), CodeUnrecognized}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f, _ := c.Assess(bb.r); f.SignatureCode != bb.code {
					b.Fatalf("got %+v", f)
				}
			}
		})
	}
}
