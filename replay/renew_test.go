package replay

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

// standard signs the event's id, which is a header.
var standard = party{
	name: "standardwebhooks", body: `{"type":"user.created"}`,
	sign: func(at time.Time, secret, body string) (http.Header, string) {
		sig := base64.StdEncoding.EncodeToString(mac(sha256.New, secret, "msg_1."+unix(at)+"."+body))
		return http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {unix(at)}, "Webhook-Signature": {"v1," + sig}}, body
	},
	refuse: func(r *http.Request, body, secret string) string {
		ts := r.Header.Get("Webhook-Timestamp")
		sig := base64.StdEncoding.EncodeToString(mac(sha256.New, secret, r.Header.Get("Webhook-Id")+"."+ts+"."+body))
		if r.Header.Get("Webhook-Signature") != "v1,"+sig {
			return "the signature is wrong"
		}
		return fresh(ts)
	},
}

func TestRenewal(t *testing.T) {
	encoded := "whsec_" + base64.StdEncoding.EncodeToString([]byte(testSecret))
	for _, tt := range []struct {
		name string
		p    party
		have []string
		age  time.Duration
		why  string // why it can't be; "" = it can, and the handler takes it
	}{
		{name: "in the body, signed", p: stripe, have: []string{testSecret}},
		{name: "in the body, signed, old", p: stripe, have: []string{testSecret}, age: time.Hour},
		{name: "in the body, no secret", p: stripe, why: "no secret configured for Stripe"},
		{name: "in a header", p: github},
		{name: "in a header that is signed", p: standard, have: []string{encoded}},
		{name: "in a header that is signed, no secret", p: standard, why: "the signature covers it"},
		{name: "in the body, and the token does not cover it", p: daglo, have: []string{testSecret}},
		{name: "nobody's", p: bitbucket, why: "nothing tells which event it is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids := map[string]int{}
			s := setTampering(t, tt.p, tt.age, func(r *http.Request, body string) int {
				req := (&inspect.Delivery{Method: r.Method, Target: r.RequestURI, Header: r.Header, Body: []byte(body)}).Request()
				ids[secrets(tt.p.name).Catalog.Recognize(req, tt.p.name).EventID]++
				return right(tt.p)(r, body)
			}, tt.have...)
			sim := s.run(t, Spec{Kind: "burst", Count: 4, Concurrency: 1}, inspect.Pass, "none of 4 failed")
			told := ""
			for _, reason := range sim.Reasons {
				if _, why, ok := strings.Cut(reason.Text, "could not be replaced: "); ok {
					told = why
				}
			}
			if (told == "") != (tt.why == "") || !strings.HasPrefix(told, tt.why) {
				t.Errorf("got %q, want %q", told, tt.why)
			}
			if want := map[bool]int{true: 3, false: 1}[tt.why == ""]; len(ids) != want {
				t.Errorf("events %v, want %d different", ids, want)
			}
		})
	}
}
