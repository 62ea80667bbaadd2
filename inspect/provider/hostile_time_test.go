package provider

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A time that is far away is neither in time nor one that JSON cannot hold.
func TestFarTimes(t *testing.T) {
	for _, tt := range []struct {
		ts   string
		code Code
	}{
		{"253402300799", CodeInFuture},
		{"99999999999", CodeInFuture},
		{"11013225636", CodeInFuture},
		{"0", CodeTooOld},
		{"253402300800", CodeMalformed},
		{"1099511627775", CodeMalformed},
		{"9223372036854775807", CodeMalformed},
	} {
		header := "t=" + tt.ts + ",v1=" + hexMAC("k", tt.ts+".{}")
		d := diagnose(t, checkerFor("stripe", "k"), arrived("{}", "Stripe-Signature", header), want{Invalid, tt.code, ""})
		if _, err := json.Marshal(d); err != nil || strings.Contains(d.Reason, "by -") {
			t.Errorf("%s: %v, %s", tt.ts, err, d.Reason)
		}
	}
	if at, ok := parseTime("unixms", "253402300799999"); !ok || at.UTC().Year() != 9999 {
		t.Errorf("got %s, %t", at, ok)
	}
	if at, ok := parseTime("unixms", "9223372036854775807"); ok {
		t.Errorf("got %s", at)
	}
	for _, claims := range []string{`{"iat":1e300}`, `{"iat":1099511627776}`} {
		d := diagnose(t, checkerFor("daglo", "k"), arrived("", "Authorization", bearer(`{"alg":"HS256"}`, claims)), want{Valid, CodeOK, ""})
		if _, err := json.Marshal(d); err != nil {
			t.Errorf("%s: %v", claims, err)
		}
	}
	if got := seconds(time.Duration(1<<63 - 1)); got != "9223372037 s" {
		t.Errorf("got %s", got)
	}
}

// bearer is a token signed with the key k.
func bearer(head, claims string) string {
	signed := b64(head) + "." + b64(claims)
	return "Bearer " + signed + "." + b64(string(jwtMAC(signed, []byte("k"))))
}

func TestOneTokenInTimeIsEnough(t *testing.T) {
	const head = `{"alg":"HS256"}`
	old, good, early := bearer(head, `{"exp":1759999990}`), bearer(head, `{"exp":1760000010}`), bearer(head, `{"nbf":1760000010}`)
	for _, tt := range []struct {
		tokens []string
		want
	}{
		{[]string{old, good}, want{Valid, CodeOK, ""}},
		{[]string{good, old}, want{Valid, CodeOK, ""}},
		{[]string{old, early}, want{Invalid, CodeInFuture, "nbf"}},
		{[]string{old}, want{Invalid, CodeTooOld, "exp"}},
	} {
		r := arrived("")
		r.Header["Authorization"] = tt.tokens
		diagnose(t, checkerFor("daglo", "k"), r, tt.want)
	}
}

// Programs differ in which of several names counts, so none does.
func TestOddTokens(t *testing.T) {
	const head = `{"alg":"HS256","typ":"JWT"}`
	for _, tt := range []struct {
		head, claims string
		want
	}{
		{head, `{}`, want{Valid, CodeOK, ""}},
		{head, `{"EXP":1}`, want{Valid, CodeOK, ""}}, // no claim that has a meaning
		{`{"ALG":"HS256"}`, `{}`, want{Invalid, CodeMalformed, "not signed with HS256"}},
		{`{"alg":"none","alg":"HS256"}`, `{}`, want{Invalid, CodeMalformed, "has a name twice"}},
		{`{"alg":"HS256","Alg":"none"}`, `{}`, want{Invalid, CodeMalformed, "has a name twice"}},
		{`{"alg":"HS256","b64":false}`, `{}`, want{Invalid, CodeMalformed, "not signed with HS256"}},
		{`{"alg":"HS256","crit":null}`, `{}`, want{Invalid, CodeMalformed, "not signed with HS256"}},
		{head, `{"exp":1,"Exp":1760000010}`, want{Invalid, CodeMalformed, "have a name twice"}},
		{head, `{"exp":1,"\u0065xp":1760000010}`, want{Invalid, CodeMalformed, "have a name twice"}},
		{head, `null`, want{Invalid, CodeMalformed, "no JSON object"}},
		{head, `[]`, want{Invalid, CodeMalformed, "no JSON object"}},
		{head, `{"exp":null}`, want{Invalid, CodeMalformed, "exp is no number"}},
		{head, `{"nbf":"1"}`, want{Invalid, CodeMalformed, "nbf is no number"}},
	} {
		diagnose(t, checkerFor("daglo", "k"), arrived("", "Authorization", bearer(tt.head, tt.claims)), tt.want)
	}
}
