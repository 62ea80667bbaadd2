package provider

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func hexMAC(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

func hexSHA1MAC(key, message string) string {
	h := hmac.New(sha1.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

func base64MAC(key, message string) string {
	raw, _ := hex.DecodeString(hexMAC(key, message))
	return base64.StdEncoding.EncodeToString(raw)
}

// want is what a diagnosis is to say.
type want struct {
	result Result
	code   Code
	reason string // part of it
}

func diagnose(t *testing.T, c *Checker, r *Request, w want) Diagnosis {
	t.Helper()
	d := c.Verify(context.Background(), r)
	if d.Result != w.result || d.Code != w.code || !strings.Contains(d.Reason, w.reason) {
		t.Errorf("got %s %s %q, want %s %s … %s …", d.Result, d.Code, d.Reason, w.result, w.code, w.reason)
	}
	if strings.HasSuffix(d.Reason, ".") || d.Reason == "" {
		t.Errorf("reason %q is empty or ends with a dot", d.Reason)
	}
	for _, secrets := range c.Secrets {
		for _, s := range secrets {
			if len(s.Value) > 6 && strings.Contains(d.Reason, s.Value) {
				t.Errorf("the reason tells the secret: %s", d.Reason)
			}
		}
	}
	return d
}

func checkerFor(name string, secrets ...string) *Checker {
	c := &Checker{Catalog: BuiltIn(), Default: name, Secrets: map[string][]Secret{}}
	for i, s := range secrets {
		c.Secrets[name] = append(c.Secrets[name], Secret{"S" + string(rune('1'+i)), s})
	}
	return c
}

// arrived is a delivery that arrived at the time of captured; headers are pairs.
func arrived(body string, headers ...string) *Request {
	r := &Request{Method: "POST", Target: "/hook", URL: "https://example.test/hook", Header: http.Header{}, Body: []byte(body), Time: captured}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestStripeDiagnoses(t *testing.T) {
	const key = "whsec_dGVzdHRlc3R0ZXN0"
	sign := func(ts, body string) string { return "t=" + ts + ",v1=" + hexMAC(key, ts+"."+body) }
	tests := []struct {
		name, header, body string
		want
	}{
		{"good", sign("1760000000", "{}"), "{}", want{Valid, CodeOK, "scheme v1, with S1"}},
		{"exactly at the tolerance", sign("1759999700", "{}"), "{}", want{Valid, CodeOK, ""}},
		{"one over", sign("1759999699", "{}"), "{}", want{Invalid, CodeTooOld, "timestamp too old by 1 s"}},
		{"12 over", sign("1759999688", "{}"), "{}", want{Invalid, CodeTooOld, "timestamp too old by 12 s: it was signed 312 s before it arrived, and Stripe takes at most 300 s"}},
		{"ahead", sign("1760000300", "{}"), "{}", want{Valid, CodeOK, ""}},
		{"too far ahead", sign("1760000301", "{}"), "{}", want{Invalid, CodeInFuture, "timestamp in the future by 1 s"}},
		{"unknown version", "t=1760000000,v2=" + hexMAC(key, "1760000000.{}"), "{}", want{Invalid, CodeUnknownVersion, "unknown version: header Stripe-Signature has only v2"}},
		{"v0 only", "t=1760000000,v0=" + hexMAC(key, "1760000000.{}"), "{}", want{Invalid, CodeUnknownVersion, "only v0"}},
		{"no header", "", "{}", want{Invalid, CodeMissing, "header missing: Stripe signs in header Stripe-Signature"}},
		{"nonsense", "nonsense", "{}", want{Invalid, CodeMalformed, "header malformed: header Stripe-Signature has no v1="}},
		{"sha256=", "sha256=aa", "{}", want{Invalid, CodeMalformed, "begins with sha256="}},
		{"too short", "t=1760000000,v1=aabb", "{}", want{Invalid, CodeMalformed, "2 bytes long, and hmac-sha256 makes 32"}},
		{"no hex", "t=1760000000,v1=zz", "{}", want{Invalid, CodeMalformed, "is not hex"}},
		{"base64", "t=1760000000,v1=" + base64MAC(key, "1760000000.{}"), "{}", want{Invalid, CodeMalformed, "it is base64, and would hold"}},
		{"no timestamp", "v1=" + hexMAC(key, "1760000000.{}"), "{}", want{Invalid, CodeMissing, "the timestamp is missing: t= is expected in header Stripe-Signature"}},
		{"odd timestamp", "t=now,v1=" + hexMAC(key, "now.{}"), "{}", want{Invalid, CodeMalformed, `"now"`}},
		{"other secret", "t=1760000000,v1=" + hexMAC("other", "1760000000.{}"), "{}", want{Invalid, CodeWrongSecret, "wrong secret, or the body or the timestamp was changed"}},
		{"second of two", "t=1760000000,v1=" + hexMAC("old", "1760000000.{}") + "," + sign("1760000000", "{}"), "{}", want{Valid, CodeOK, ""}},
		{"secret decoded", "t=1760000000,v1=" + hexMAC("testtesttest", "1760000000.{}"), "{}", want{Invalid, CodeSecretForm, "secret in the wrong form: S1 would match if it were decoded from base64, without whsec_; Stripe takes it as text, as it is shown: change the program that signs, or give the secret as Stripe shows it"}},
		{"newline lost", sign("1760000000", "{}\n"), "{}", want{Invalid, CodeBodyChanged, "body changed: the signature matches the body with a trailing newline (LF)"}},
		{"newline added", sign("1760000000", "{}"), "{}\n", want{Invalid, CodeBodyChanged, "without its trailing newline"}},
		{"line endings", sign("1760000000", "{\r\n}"), "{\n}", want{Invalid, CodeBodyChanged, "CRLF line endings"}},
		{"line endings back", sign("1760000000", "{\n}"), "{\r\n}", want{Invalid, CodeBodyChanged, "LF line endings"}},
		{"mark", sign("1760000000", "{}"), "\ufeff{}", want{Invalid, CodeBodyChanged, "without its byte order mark"}},
		{"compact", sign("1760000000", `{"b":1,"a":[1.0]}`), `{ "b" : 1, "a":[ 1.0 ] }`, want{Invalid, CodeBodyChanged, "re-serialised JSON (compact)"}},
		{"python", sign("1760000000", `{"b": 1, "a": "x, y"}`), `{"b":1,"a":"x, y"}`, want{Invalid, CodeBodyChanged, "as Python writes it"}},
		{"indented", sign("1760000000", "{\n  \"b\": 1\n}"), `{"b":1}`, want{Invalid, CodeBodyChanged, "indented by 2"}},
		{"sorted", sign("1760000000", `{"a":2,"b":1}`), `{"b":1,"a":2}`, want{Invalid, CodeBodyChanged, "sorted keys"}},
		{"ascii", sign("1760000000", `{"b":"\u00e9\ud83d\ude00"}`), `{"b":"é😀"}`, want{Invalid, CodeBodyChanged, `non-ASCII as \u escapes`}},
		{"unicode", sign("1760000000", `{"b":"é😀","c":"\n"}`), `{"b":"\u00e9\ud83d\ude00","c":"\n"}`, want{Invalid, CodeBodyChanged, `\u escapes as the characters`}},
		{"html", sign("1760000000", `{"b":"\u003ca\u003e"}`), `{"b":"<a>"}`, want{Invalid, CodeBodyChanged, "HTML escapes"}},
		{"php", sign("1760000000", `{"b":"a\/b"}`), `{"b": "a/b"}`, want{Invalid, CodeBodyChanged, `/ as \/`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := arrived(tt.body)
			if tt.header != "" {
				r.Header.Set("Stripe-Signature", tt.header)
			}
			d := diagnose(t, checkerFor("stripe", key), r, tt.want)
			if d.Scheme != "v1" && tt.code != CodeMissing {
				t.Errorf("scheme %q, want v1", d.Scheme)
			}
		})
	}
}

func TestOtherDiagnoses(t *testing.T) {
	const github = "X-Hub-Signature-256"
	good := "sha256=" + hexMAC("secret", "{}")
	tests := []struct {
		name string
		c    *Checker
		r    *Request
		want
	}{
		{"a broken SHA-256 beside a good SHA-1", checkerFor("github", "secret"), arrived("{}", github, "sha1=abc", "X-Hub-Signature", "sha1="+hexSHA1MAC("secret", "{}")), want{Invalid, CodeUnknownVersion, "unknown version: header X-Hub-Signature-256 has only sha1, and GitHub signs there with sha256"}},
		{"an empty SHA-256 beside a good SHA-1", checkerFor("github", "secret"), arrived("{}", github, "", "X-Hub-Signature", "sha1="+hexSHA1MAC("secret", "{}")), want{Valid, CodeOK, "scheme sha1"}},
		{"no secret", checkerFor("github"), arrived("{}", github, good), want{Unverifiable, CodeNoSecret, "no secret configured for GitHub: give it with --secret github=env:NAME"}},
		{"no secret, not signed", checkerFor("github"), arrived("{}"), want{Unverifiable, CodeMissing, "header missing"}},
		{"rotation", checkerFor("github", "new", "secret"), arrived("{}", github, good), want{Valid, CodeOK, "with S2"}},
		{"several lines", checkerFor("github", "secret"), arrived("{}", github, "sha256="+hexMAC("x", "{}"), github, good), want{Valid, CodeOK, ""}},
		{"sha1 for sha256", checkerFor("bitbucket", "secret"), arrived("{}", "X-Hub-Signature", "sha1="+hexSHA1MAC("secret", "{}")), want{Invalid, CodeUnknownVersion, "has only sha1, and Bitbucket Cloud signs there with sha256"}},
		{"sha512 for sha256", checkerFor("github", "secret"), arrived("{}", github, "sha512="+strings.Repeat("0", 128)), want{Invalid, CodeUnknownVersion, "has only sha512, and GitHub signs there with sha256"}},
		{"md5 for sha1", checkerFor("intercom", "secret"), arrived("{}", "X-Hub-Signature", "md5=00"), want{Invalid, CodeUnknownVersion, "has only md5"}},
		{"another word", checkerFor("github", "secret"), arrived("{}", github, "signature="+strings.Repeat("0", 64)), want{Invalid, CodeMalformed, "begins with signature=, and sha256= is expected"}},
		{"mailgun", checkerFor("mailgun", "secret"), arrived(`{"signature":{"timestamp":"1760000000","token":"t","signature":"` + strings.Repeat("0", 64) + `"},"event-data":{}}`), want{Invalid, CodeWrongSecret, "wrong secret, or the body's /signature/timestamp or /signature/token was changed on the way: the signature does not match with S1"}},
		{"adyen", checkerFor("adyen", "aabb"), arrived(`{"notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"` + base64MAC("x", "") + `"}}}]}`), want{Invalid, CodeWrongSecret, "wrong secret, or a signed field of the body was changed on the way"}},
		{"linear", checkerFor("linear", "k"), arrived(`{"webhookTimestamp":1760000000000}`, "Linear-Signature", strings.Repeat("0", 64)), want{Invalid, CodeWrongSecret, "wrong secret, or the body was changed on the way: "}},
		{"assemblyai", setting(checkerFor("assemblyai", "k"), "x-my-token"), arrived(`{}`), want{Invalid, CodeMissing, "AssemblyAI signs in header X-My-Token, and nothing is there"}},
		{"assemblyai, wrong", setting(checkerFor("assemblyai", "k"), "x-my-token"), arrived(`{}`, "X-My-Token", "no"), want{Invalid, CodeWrongSecret, "wrong secret: the token in header X-My-Token is none that is configured"}},
		{"quotes", checkerFor("github", `"secret"`), arrived("{}", github, good), want{Invalid, CodeSecretForm, "would match without the quotes, spaces or line ends around it; give it so"}},
		{"newline", checkerFor("github", "secret\n"), arrived("{}", github, good), want{Invalid, CodeSecretForm, "secret in the wrong form"}},
		{"hex", checkerFor("github", "736563726574"), arrived("{}", github, good), want{Invalid, CodeSecretForm, "decoded from hex"}},
		{"truncated", checkerFor("github", "secret"), truncated(arrived("{}", github, good)), want{Unverifiable, CodeTruncated, "not kept whole"}},
		{"truncated, token", checkerFor("telegram", "tok"), truncated(arrived("{", "X-Telegram-Bot-Api-Secret-Token", "tok")), want{Valid, CodeOK, ""}},
		{"token", checkerFor("telegram", "tok"), arrived("{}", "X-Telegram-Bot-Api-Secret-Token", "tik"), want{Invalid, CodeWrongSecret, "wrong secret"}},
		{"not signed", checkerFor("apixo", "x"), arrived("{}"), want{Unverifiable, CodeNotSigned, "APIXO does not sign"}},
		{"classic mollie", checkerFor("mollie", "x"), arrived("id=tr_1"), want{Unverifiable, CodeNotSigned, "does not sign this"}},
		{"unknown name", checkerFor("strype"), arrived("{}"), want{Unverifiable, CodeUnrecognized, "no provider is called strype"}},
		{"nobody", checkerFor(""), arrived("{}"), want{Unverifiable, CodeUnrecognized, "--provider"}},
		{"no setting", checkerFor("assemblyai", "x"), arrived("{}"), want{Unverifiable, CodeNoSetting, "--set header=VALUE"}},
		{"no webhook-id", checkerFor("standardwebhooks", "whsec_c2VjcmV0"), arrived("{}", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v1,"+base64MAC("secret", "x")), want{Invalid, CodeMissing, "header missing: what is signed needs header webhook-id"}},
		{"v2 of standard webhooks", checkerFor("standardwebhooks", "whsec_c2VjcmV0"), arrived("{}", "Webhook-Id", "m", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v2,"+base64MAC("secret", "m.1760000000.{}")), want{Invalid, CodeUnknownVersion, "unknown version"}},
		{"no whsec", checkerFor("standardwebhooks", "whsec_c2VjcmV0"), arrived("{}", "Webhook-Id", "m", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v1,"+base64MAC("whsec_c2VjcmV0", "m.1760000000.{}")), want{Invalid, CodeSecretForm, "taken as text, as it stands; Standard Webhooks takes it decoded from base64, without whsec_: change the program"}},
		{"no base64", checkerFor("standardwebhooks", "whsec_!"), arrived("{}", "Webhook-Id", "m", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v1,"+base64MAC("k", "")), want{Invalid, CodeSecretForm, "secret in the wrong form: S1 does not fit: it is not base64, with or without whsec_"}},
		{"no public key", checkerFor("discord", "zz"), arrived("{}", "X-Signature-Ed25519", strings.Repeat("00", 64), "X-Signature-Timestamp", "1760000000"), want{Invalid, CodeSecretForm, "S1 does not fit: it is no Ed25519 key; give the public key that Discord shows"}},
		{"key not hex", checkerFor("adyen", "zz"), arrived("{}", "HmacSignature", base64MAC("k", "{}")), want{Invalid, CodeSecretForm, "secret in the wrong form: S1 does not fit: it is not hex"}},
		{"alg none", checkerFor("daglo", "k"), arrived("", "Authorization", b64(`{"alg":"none"}`)+"."+b64(`{}`)+"."), want{Invalid, CodeMalformed, "not signed with HS256"}},
		{"another's jwt", checkerFor("daglo", "k"), arrived("", "Authorization", "Bearer "+signJWT(nil, []byte("other"), captured, true)), want{Invalid, CodeWrongSecret, "wrong secret, or the JWT was changed on the way: the signature does not match with S1"}},
		{"no jwt", checkerFor("daglo", "k"), arrived("", "Authorization", "Bearer abc"), want{Invalid, CodeMalformed, "a JWT is expected"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { diagnose(t, tt.c, tt.r, tt.want) })
	}
}

// setting sets the one of a header's name.
func setting(c *Checker, header string) *Checker {
	c.Settings = map[string]map[string]string{c.Default: {"header": header}}
	return c
}

func truncated(r *Request) *Request {
	r.Truncated = true
	return r
}

func TestSwappedSecret(t *testing.T) {
	c := checkerFor("github", "secret")
	c.Secrets["stripe"] = []Secret{{"STRIPE_WEBHOOK_SECRET", "whsec_x"}}
	diagnose(t, c, arrived("{}", "X-Hub-Signature-256", "sha256="+hexMAC("whsec_x", "{}")),
		want{Invalid, CodeWrongSecret, "wrong secret: the one configured for stripe (STRIPE_WEBHOOK_SECRET) would match"})
}

func TestURLDiffers(t *testing.T) {
	sign := func(url string) *Request {
		return arrived("{}", "X-Square-Hmacsha256-Signature", base64MAC("key", url+"{}"))
	}
	for _, url := range []string{
		"http://example.test/hook", "https://example.test/hook/", "https://example.test:443/hook", "https://pub.example/hook", "http://localhost:3000/hook",
	} {
		r := sign(url)
		r.Header.Set("X-Forwarded-Host", "pub.example")
		diagnose(t, checkerFor("square", "key"), r, want{Invalid, CodeURLDiffers, "URL differs: the signature matches " + url + ", not https://example.test/hook"})
	}
	r := sign("https://pub.example/hook")
	r.URL = ""
	r.Header.Set("X-Forwarded-Host", "pub.example")
	diagnose(t, checkerFor("square", "key"), r, want{Unverifiable, CodeURLDiffers, "it would match https://pub.example/hook: give it with --url"})
	r.Header.Del("X-Forwarded-Host")
	diagnose(t, checkerFor("square", "key"), r, want{Unverifiable, CodeURLDiffers, "give it with --url"})
	r = sign("https://example.test/hook?a=1")
	r.URL, r.Target = "https://example.test/hook?a=1", "/hook?a=1"
	diagnose(t, checkerFor("square", "key"), r, want{Valid, CodeOK, ""})
	r = sign("https://example.test/hook")
	r.URL, r.Target = "https://example.test/hook?a=1", "/hook?a=1"
	diagnose(t, checkerFor("square", "key"), r, want{Invalid, CodeURLDiffers, "https://example.test/hook, not"})
}

// When it arrived is not known, so it is old now.
func TestAgeNow(t *testing.T) {
	for _, tt := range []struct {
		by time.Duration
		want
	}{
		{-400 * time.Second, want{Invalid, CodeTooOld, "too old by 100 s: it was signed 400 s before now, and Stripe takes at most 300 s; --at gives the time when it arrived"}},
		{400 * time.Second, want{Invalid, CodeInFuture, " ahead of now, and Stripe takes at most 300 s; --at gives"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ts := strconv.FormatInt(time.Now().Add(tt.by).Unix(), 10)
			r := arrived("{}", "Stripe-Signature", "t="+ts+",v1="+hexMAC("key", ts+".{}"))
			r.Time = time.Time{}
			diagnose(t, checkerFor("stripe", "key"), r, tt.want)
		})
	}
}

func TestWhose(t *testing.T) {
	for name, want := range map[string]string{"slack": "Slack's", "cloudevents": "CloudEvents'", "meta": "Meta's"} {
		if got := BuiltIn().Provider(name).Whose(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestHandshakeDiagnosis(t *testing.T) {
	get := &Request{Method: "GET", Target: "/?hub.mode=subscribe&hub.challenge=1&hub.verify_token=tok", Header: http.Header{}, Time: captured}
	c := checkerFor("meta", "x")
	d := diagnose(t, c, get, want{Valid, CodeOK, "no signature is involved"})
	if d.Scheme != "handshake" || len(d.Notes) != 1 {
		t.Errorf("scheme %q, notes %q", d.Scheme, d.Notes)
	}
	c.Settings = map[string]map[string]string{"meta": {"verify_token": "tok"}}
	diagnose(t, c, get, want{Valid, CodeOK, "its token is the one set as verify_token"})
	c.Settings["meta"]["verify_token"] = "other"
	diagnose(t, c, get, want{Invalid, CodeHandshakeRefused, "is to be refused"})
	if f, _ := c.Assess(get); f.Signature != Invalid || f.SignatureCode != CodeHandshakeRefused {
		t.Errorf("assessed %+v, want it invalid", f)
	}
	c.Settings["meta"]["verify_token"] = "tok"
	if f, _ := c.Assess(get); f.Signature != Unverifiable || f.SignatureCode != CodeNotSigned || f.Scheme != "handshake" {
		t.Errorf("assessed %+v, want a handshake that is not signed", f)
	}
	// Slack signs its own.
	slack := arrived(`{"type":"url_verification","challenge":"c"}`, "X-Slack-Request-Timestamp", "1760000000", "X-Slack-Signature", "v0=00")
	diagnose(t, checkerFor("slack", "x"), slack, want{Invalid, CodeMalformed, "1 bytes long"})
}

func TestExplanation(t *testing.T) {
	header := "t=1760000000,v1=" + hexMAC("other", "1760000000.{}")
	d := checkerFor("stripe", "whsec_1", "whsec_2").Verify(context.Background(), arrived("{}", "Stripe-Signature", header))
	e := d.Explain
	expected := "v1=" + hexMAC("whsec_1", "1760000000.{}")
	if string(e.Message) != "1760000000.{}" || e.Expected != expected || len(e.Received) != 1 || "t=1760000000,"+e.Received[0] != header || e.Where != "header Stripe-Signature" {
		t.Errorf("got %+v", e)
	}
	if got := e.Masked().Expected; got != expected[:7]+"…" {
		t.Errorf("masked %q", got)
	}
	if e.Expected != expected {
		t.Error("Masked changed the explanation itself")
	}
	// HubSpot's signed string begins with the secret.
	d = checkerFor("hubspot", "hub-secret").Verify(context.Background(), arrived("[]", "X-Hubspot-Signature", strings.Repeat("0", 64), "X-Hubspot-Signature-Version", "v1"))
	if !bytes.Contains(d.Explain.Message, []byte("hub-secret")) || string(d.Explain.Masked().Message) != "…[]" || d.Explain.Size != len("hub-secret[]") || d.Explain.Masked().Size != len("…[]") {
		t.Errorf("message %q, masked %q", d.Explain.Message, d.Explain.Masked().Message)
	}
	// A token is the secret.
	d = checkerFor("telegram", "tok-secret-tok-secret").Verify(context.Background(), arrived("{}", "X-Telegram-Bot-Api-Secret-Token", "x"))
	if d.Explain.Message != nil || d.Explain.Expected != "tok-secret-tok-secret" || d.Explain.Masked().Expected != "…" || d.Explain.Received[0] != "x" || d.Explain.Masked().Received[0] != "…" {
		t.Errorf("got %+v, masked %+v", d.Explain, d.Explain.Masked())
	}
	// Of a public key nothing is expected.
	v := vectorByID(t, "discord-bad")
	d = v.checker().Verify(context.Background(), v.request(t))
	if d.Explain == nil || d.Explain.Expected != "" || !bytes.HasPrefix(d.Explain.Message, []byte("1760000001{")) {
		t.Errorf("got %+v", d.Explain)
	}
	if d.Explain.Masked().Expected != "" || (*Explanation)(nil).Masked() != nil {
		t.Error("nothing was masked into something")
	}
}

func vectorByID(t *testing.T, id string) *vector {
	t.Helper()
	for _, v := range readVectors(t) {
		if v.ID == id {
			return &v
		}
	}
	t.Fatalf("no vector is called %s", id)
	return nil
}

// A secret that comes at run time counts at once.
func TestAddSecret(t *testing.T) {
	c := checkerFor("notion")
	r := arrived("{}", "X-Notion-Signature", "sha256="+hexMAC("tok", "{}"))
	diagnose(t, c, r, want{Unverifiable, CodeNoSecret, "no secret configured"})
	c.AddSecret("notion", Secret{"handshake", "tok"})
	diagnose(t, c, r, want{Valid, CodeOK, "handshake"})
}

func TestRoutes(t *testing.T) {
	c := checkerFor("", "unused")
	c.Routes = []Route{{Prefix: "/a/b", Provider: "github", Secrets: []Secret{{"ROUTE", "r"}}}, {Prefix: "/a", Provider: "stripe"}}
	c.Secrets = map[string][]Secret{"github": {{"G", "g"}}}
	for target, secret := range map[string]string{"/a/b": "r", "/a/b/c?x=1": "r"} {
		r := arrived("{}", "X-Hub-Signature-256", "sha256="+hexMAC(secret, "{}"))
		r.Target = target
		diagnose(t, c, r, want{Valid, CodeOK, "ROUTE"})
	}
	r := arrived("{}", "X-Hub-Signature-256", "sha256="+hexMAC("g", "{}"))
	for target, provider := range map[string]string{"/a/b": "github", "/a/bc": "stripe", "/ab": ""} {
		r.Target = target
		d := c.Verify(context.Background(), r)
		if provider != "" && d.Provider != provider || d.Result == Valid && target != "/ab" {
			t.Errorf("%s: %s %s %s", target, d.Provider, d.Result, d.Reason)
		}
	}
}

// A guess becomes certain where a configured secret fits, and decides nothing else.
func TestGuess(t *testing.T) {
	c := checkerFor("")
	r := arrived(`{"x":1}`, "X-Signature", hexMAC("ls", `{"x":1}`))
	d := diagnose(t, c, r, want{Unverifiable, CodeUnrecognized, "nothing is decided by a guess: name the provider with --provider"})
	if !strings.Contains(d.Reason, "lemonsqueezy") && !strings.Contains(d.Reason, "custom") {
		t.Errorf("the guess is not told: %s", d.Reason)
	}
	c.Secrets["lemonsqueezy"] = []Secret{{"LS", "wrong"}}
	diagnose(t, c, r, want{Unverifiable, CodeUnrecognized, "guess"})
	c.Secrets["lemonsqueezy"] = []Secret{{"LS", "ls"}}
	d = diagnose(t, c, r, want{Valid, CodeOK, "LS"})
	if f, _ := c.Assess(r); d.Provider != "lemonsqueezy" || f.Certainty != Certain || f.Provider != "lemonsqueezy" {
		t.Errorf("provider %s, facts %+v", d.Provider, f)
	}
}

func TestNilChecker(t *testing.T) {
	var c *Checker
	r := arrived("{}")
	if f, pending := c.Assess(r); f.Provider != "" || pending || f.Signature != Unverifiable {
		t.Errorf("got %+v", f)
	}
	if d := c.Verify(context.Background(), r); d.Code != CodeUnrecognized {
		t.Errorf("got %+v", d)
	}
	if ok, why := c.CanSign(r); ok || why == "" {
		t.Errorf("got %v %q", ok, why)
	}
}

// Without a time of capture it is now.
func TestNow(t *testing.T) {
	r := arrived("{}")
	r.Time = time.Time{}
	c := checkerFor("stripe", "k")
	s, err := c.Sign(r, time.Now(), true)
	if err != nil {
		t.Fatal(err)
	}
	s.Request.Time = time.Time{}
	diagnose(t, c, &s.Request, want{Valid, CodeOK, ""})
}

// The timestamp is told of a signature that cannot be checked, too.
func TestSignedAtUnchecked(t *testing.T) {
	paypal := []string{
		"Paypal-Transmission-Sig", "AAAA", "Paypal-Transmission-Id", "i", "Paypal-Transmission-Time", captured.UTC().Format(time.RFC3339),
		"Paypal-Cert-Url", "https://api.paypal.com/v1/notifications/certs/CERT-1",
	}
	for _, tt := range []struct {
		c *Checker
		r *Request
		want
		at time.Time
	}{
		{checkerFor("stripe"), arrived("{}", "Stripe-Signature", "t=1760000000,v1="+strings.Repeat("00", 32)), want{Unverifiable, CodeNoSecret, ""}, captured},
		{checkerFor("paypal"), arrived("{}", paypal...), want{Unverifiable, CodeNoKey, ""}, captured},
		{checkerFor("paypal", pemKey(t, rsaKey())), arrived("{}", paypal...), want{Unverifiable, CodeNoSetting, ""}, captured},
		{checkerFor("github"), arrived("{}", "X-Hub-Signature-256", "sha256="+strings.Repeat("00", 32)), want{Unverifiable, CodeNoSecret, ""}, time.Time{}},
		{checkerFor("stripe", "k"), arrived("{}", "Stripe-Signature", "t=1760000000,v1="+strings.Repeat("00", 32)), want{Invalid, CodeWrongSecret, ""}, time.Time{}},
	} {
		d := diagnose(t, tt.c, tt.r, tt.want)
		if !d.SignedAt.Equal(tt.at) {
			t.Errorf("%s, %s: signed at %v, want %v", d.Provider, d.Code, d.SignedAt, tt.at)
		}
	}
}
