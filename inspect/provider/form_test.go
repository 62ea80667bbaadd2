package provider

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkAssessForm is what a large form costs, from somebody and from nobody.
func BenchmarkAssessForm(b *testing.B) {
	c := checkerFor("", "k")
	c.Secrets = map[string][]Secret{"twilio": {{"S", "k"}}, "slack": {{"S", "k"}}}
	many := strings.Repeat("name=a%20value&x=1&", 32<<20/19)
	one := "payload=" + strings.Repeat("%7B%22a%22%3A1%7D", 32<<20/17)
	for _, bb := range []struct{ name, body, header, signature string }{
		{"many, nobody", many, "X-None", ""},
		{"one, nobody", one, "X-None", ""},
		{"many, twilio", many, "X-Twilio-Signature", base64.StdEncoding.EncodeToString(make([]byte, 20))},
		{"one, twilio", one, "X-Twilio-Signature", base64.StdEncoding.EncodeToString(make([]byte, 20))},
		{"one, slack", one, "X-Slack-Signature", "v0=" + strings.Repeat("00", 32)},
	} {
		r := arrived(bb.body, "Content-Type", "application/x-www-form-urlencoded", bb.header, bb.signature)
		if bb.header == "X-Slack-Signature" {
			r.Header.Set("X-Slack-Request-Timestamp", "1760000000")
		}
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Assess(r)
			}
		})
	}
}

// What has more fields than anybody sends is not sorted.
func TestManyFields(t *testing.T) {
	for fields, want := range map[int]want{
		1000:      {Valid, CodeOK, ""},
		maxFields: {Invalid, CodeMalformed, "the form has 65536 fields or more"},
	} {
		body := strings.Repeat("a=1&", fields)
		mac := hmac.New(sha1.New, []byte("k"))
		io.WriteString(mac, "https://example.test/hooka1")
		signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		diagnose(t, checkerFor("twilio", "k"), arrived(body, "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", signature), want)
	}
	names := make([]string, 0, maxFields)
	for i := range maxFields {
		names = append(names, strconv.Itoa(i)+"=x")
	}
	sc := &scope{r: arrived(strings.Join(append(names, "last=y"), "&"), "Content-Type", "application/x-www-form-urlencoded")}
	for name, want := range map[string]string{"0": "x", strconv.Itoa(maxFields - 1): "x", "last": ""} {
		s, err := parseSource("form:" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := s.first(sc); got != want {
			t.Errorf("form:%s: got %q, want %q", name, got, want)
		}
	}
}
