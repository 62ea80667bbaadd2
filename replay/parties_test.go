package replay

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parties of these tests sign and check for themselves, as the providers'
// pages say; nothing of the catalog's engine is in them.

const (
	testSecret = "whsec_test_0123456789"
	publicURL  = "https://hooks.example.test"
)

func mac(h func() hash.Hash, secret, message string) []byte {
	m := hmac.New(h, []byte(secret))
	_, _ = io.WriteString(m, message)
	return m.Sum(nil)
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// fresh says what is wrong with a timestamp, "" if nothing.
func fresh(ts string) string {
	n, err := strconv.ParseInt(ts, 10, 64)
	if age := time.Since(time.Unix(n, 0)); err != nil || age > 5*time.Minute || age < -5*time.Minute {
		return "the timestamp " + ts + " is stale"
	}
	return ""
}

// A party is a provider and a handler of its webhooks.
type party struct {
	name   string
	target string // "" = /hook
	body   string
	sign   func(at time.Time, secret, body string) (http.Header, string)
	refuse func(r *http.Request, body, secret string) string // why not; "" = it is right
}

func signStripe(at time.Time, secret, body string) (http.Header, string) {
	sig := hex.EncodeToString(mac(sha256.New, secret, unix(at)+"."+body))
	return http.Header{"Stripe-Signature": {"t=" + unix(at) + ",v1=" + sig}, "Content-Type": {"application/json"}}, body
}

var stripe = party{
	name: "stripe", body: `{"id":"evt_1","object":"event","type":"invoice.paid"}`, sign: signStripe,
	refuse: func(r *http.Request, body, secret string) string {
		ts, sigs := "", []string{}
		for part := range strings.SplitSeq(r.Header.Get("Stripe-Signature"), ",") {
			switch k, v, _ := strings.Cut(part, "="); k {
			case "t":
				ts = v
			case "v1":
				sigs = append(sigs, v)
			}
		}
		if !slices.Contains(sigs, hex.EncodeToString(mac(sha256.New, secret, ts+"."+body))) {
			return "the signature is wrong"
		}
		return fresh(ts)
	},
}

var slack = party{
	name: "slack", body: `{"type":"event_callback","team_id":"T1","event_id":"Ev1"}`,
	sign: func(at time.Time, secret, body string) (http.Header, string) {
		return http.Header{
			"X-Slack-Request-Timestamp": {unix(at)},
			"X-Slack-Signature":         {"v0=" + hex.EncodeToString(mac(sha256.New, secret, "v0:"+unix(at)+":"+body))},
		}, body
	},
	refuse: func(r *http.Request, body, secret string) string {
		ts := r.Header.Get("X-Slack-Request-Timestamp")
		if r.Header.Get("X-Slack-Signature") != "v0="+hex.EncodeToString(mac(sha256.New, secret, "v0:"+ts+":"+body)) {
			return "the signature is wrong"
		}
		return fresh(ts)
	},
}

var github = party{
	name: "github", body: `{"ref":"refs/heads/main"}`,
	sign: func(_ time.Time, secret, body string) (http.Header, string) {
		return http.Header{
			"X-Github-Event": {"push"}, "X-Github-Delivery": {"72d3162e"},
			"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac(sha256.New, secret, body))},
		}, body
	},
	refuse: func(r *http.Request, body, secret string) string {
		if r.Header.Get("X-Hub-Signature-256") != "sha256="+hex.EncodeToString(mac(sha256.New, secret, body)) {
			return "the signature is wrong"
		}
		return ""
	},
}

// bitbucket's one header is also that of others.
var bitbucket = party{
	name: "bitbucket", body: "{}",
	sign: func(_ time.Time, secret, body string) (http.Header, string) {
		return http.Header{"X-Hub-Signature": {"sha256=" + hex.EncodeToString(mac(sha256.New, secret, body))}}, body
	},
	refuse: func(r *http.Request, body, secret string) string {
		if r.Header.Get("X-Hub-Signature") != "sha256="+hex.EncodeToString(mac(sha256.New, secret, body)) {
			return "the signature is wrong"
		}
		return ""
	},
}

func signTwilio(secret, address, body string) string {
	form, _ := url.ParseQuery(body)
	text := address
	for _, k := range slices.Sorted(func(yield func(string) bool) {
		for k := range form {
			if !yield(k) {
				return
			}
		}
	}) {
		text += k + form.Get(k)
	}
	return base64.StdEncoding.EncodeToString(mac(sha1.New, secret, text))
}

// twilio's handler rebuilds the URL from the Host, as frameworks do.
var twilio = party{
	name: "twilio", target: "/sms?a=1", body: "SmsStatus=delivered&AccountSid=AC1&To=%2B1555",
	sign: func(_ time.Time, secret, body string) (http.Header, string) {
		return http.Header{
			"Content-Type":       {"application/x-www-form-urlencoded"},
			"X-Twilio-Signature": {signTwilio(secret, publicURL+"/sms?a=1", body)},
		}, body
	},
	refuse: func(r *http.Request, body, secret string) string {
		scheme := "http://"
		if "https://"+r.Host == publicURL {
			scheme = "https://" // as X-Forwarded-Proto has it
		}
		if r.Header.Get("X-Twilio-Signature") != signTwilio(secret, scheme+r.Host+r.RequestURI, body) {
			return "the signature is wrong for " + scheme + r.Host + r.RequestURI
		}
		return ""
	},
}

// twilioJSON has the hash of its body in the query, and signs the URL alone.
var twilioJSON = party{
	name: "twilio", target: "/voice?bodySHA256=" + sha("{}") + "&a=b;c", body: "{}",
	sign: func(_ time.Time, secret, body string) (http.Header, string) {
		return http.Header{
			"Content-Type":       {"application/json"},
			"X-Twilio-Signature": {signTwilio(secret, publicURL+"/voice?bodySHA256="+sha("{}")+"&a=b;c", "")},
		}, body
	},
	refuse: func(r *http.Request, body, secret string) string {
		if r.Header.Get("X-Twilio-Signature") != signTwilio(secret, publicURL+r.RequestURI, "") {
			return "the signature is wrong for " + r.RequestURI
		}
		if r.RequestURI != "/voice?bodySHA256="+sha(body)+"&a=b;c" {
			return "the hash of the body is wrong: " + r.RequestURI
		}
		return ""
	},
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

var mailgun = party{
	name: "mailgun", body: `{"signature": {"timestamp":"TS", "token":"tok", "signature":"SIG"}, "event-data":{"id":"1","event":"delivered"}} `,
	sign: func(at time.Time, secret, body string) (http.Header, string) {
		body = strings.Replace(body, "TS", unix(at), 1)
		body = strings.Replace(body, "SIG", hex.EncodeToString(mac(sha256.New, secret, unix(at)+"tok")), 1)
		return http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(body))}}, body
	},
	refuse: func(r *http.Request, body, secret string) string {
		var in struct {
			Signature struct{ Timestamp, Token, Signature string }
		}
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			return err.Error()
		}
		s := in.Signature
		if s.Signature != hex.EncodeToString(mac(sha256.New, secret, s.Timestamp+s.Token)) {
			return "the signature is wrong"
		}
		if r.ContentLength != int64(len(body)) {
			return "the length is wrong"
		}
		return fresh(s.Timestamp)
	},
}

func jwt(secret string, claims map[string]any) string {
	enc := base64.RawURLEncoding
	b, _ := json.Marshal(claims)
	text := enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString(b)
	return text + "." + enc.EncodeToString(mac(sha256.New, secret, text))
}

var daglo = party{
	name: "daglo", body: `{"rid":"r1","status":"transcribed","sttResults":[]}`,
	sign: func(at time.Time, secret, body string) (http.Header, string) {
		return http.Header{
			"Authorization": {jwt(secret, map[string]any{"sub": "job-7", "iat": at.Unix(), "exp": at.Add(10 * time.Minute).Unix()})},
			"X-Job":         {"7"}, // the caller's own
		}, body
	},
	refuse: func(r *http.Request, _, secret string) string {
		token := r.Header.Get("Authorization")
		text, sig := token[:max(0, strings.LastIndex(token, "."))], token[strings.LastIndex(token, ".")+1:]
		if sig != base64.RawURLEncoding.EncodeToString(mac(sha256.New, secret, text)) {
			return "the JWT is wrong"
		}
		_, payload, _ := strings.Cut(text, ".")
		b, err := base64.RawURLEncoding.DecodeString(payload)
		var claims struct {
			Sub string
			Exp int64
		}
		if err != nil || json.Unmarshal(b, &claims) != nil || claims.Sub != "job-7" || r.Header.Get("X-Job") != "7" {
			return "not the job's: " + string(b)
		}
		if time.Now().Unix() > claims.Exp {
			return "the JWT has expired"
		}
		return ""
	},
}
