package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
	"time"
)

// A signature of the URL alone vouches for no body.
func TestTwilioBodyThatIsNotCovered(t *testing.T) {
	const url, form = "https://example.test/hook", "application/x-www-form-urlencoded"
	c, sig := checkerFor("twilio", "k"), twilioSign("k", "https://example.test/hook")
	missing := want{Invalid, CodeMissing, "the body is not covered: it is no form, and the hash of it in query parameter bodySHA256 is missing"}
	for kind, body := range map[string]string{"application/json": `{"evil":1}`, "text/plain": "Body=evil", "multipart/form-data; boundary=x": "evil", "": "[1]"} {
		r := arrived(body, "X-Twilio-Signature", sig)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		diagnose(t, c, r, missing)
	}
	diagnose(t, c, arrived("", "X-Twilio-Signature", sig, "Content-Type", "application/json"), want{Valid, CodeOK, ""})
	diagnose(t, c, arrived("A=1", "X-Twilio-Signature", twilioSign("k", url+"A1"), "Content-Type", form), want{Valid, CodeOK, ""})
}

// The hash counts that is signed, not one in another request line.
func TestQueryThatIsNotSigned(t *testing.T) {
	hash := func(body string) string {
		sum := sha256.Sum256([]byte(body))
		return hex.EncodeToString(sum[:])
	}
	r := arrived(`{"evil":1}`, "Content-Type", "application/json")
	r.URL, r.Target = "https://example.test/hook?bodySHA256="+hash(`{"good":1}`), "/hook?bodySHA256="+hash(`{"evil":1}`)
	r.Header.Set("X-Twilio-Signature", twilioSign("k", r.URL))
	diagnose(t, checkerFor("twilio", "k"), r, want{Invalid, CodeURLDiffers, "the query is not covered"})
	r.URL = "https://example.test/hook?bodySHA256=" + hash(`{"evil":1}`) + "#rc=2"
	r.Header.Set("X-Twilio-Signature", twilioSign("k", "https://example.test/hook?bodySHA256="+hash(`{"evil":1}`)))
	diagnose(t, checkerFor("twilio", "k"), r, want{Valid, CodeOK, ""})
}

// Programs write the query of one URL in several ways.
func TestQueryWrittenOtherwise(t *testing.T) {
	for target, result := range map[string]Result{
		"/x?a=it's&b=1+2": Valid, "/x?a=it%27s&b=1%202": Valid, "/x?a=it%27s&b=1%2B2": Invalid, "/x?b=1+2&a=it's": Invalid, "/x?a=it's&b=1+2&c": Invalid, "/x": Invalid,
	} {
		r := arrived("", "X-Twilio-Signature", twilioSign("k", "https://example.test/x?a=it's&b=1+2"))
		r.URL, r.Target = "https://example.test/x?a=it's&b=1+2", target
		if got := checkerFor("twilio", "k").Verify(t.Context(), r); got.Result != result {
			t.Errorf("%s: got %s %s, want %s", target, got.Result, got.Reason, result)
		}
	}
}

// What Twilio sends that is no form has the hash of its body in the URL.
func TestTwilioSignsBody(t *testing.T) {
	for _, headers := range [][]string{{"Content-Type", "application/json"}, {"Content-Type", "application/json", "X-Twilio-Signature", "old"}, {"Content-Type", "text/plain"}} {
		r := arrived(`{"a":"ü"}`, headers...)
		r.URL, r.Target = "https://example.test/hook?x=1", "/hook?x=1"
		s, err := checkerFor("twilio", "k").Sign(r, captured.Add(time.Hour), true)
		if err != nil {
			t.Fatal(err)
		}
		if want := len("/hook?x=1&bodySHA256=") + 64; len(s.Request.Target) != want || s.Scheme != "json" {
			t.Errorf("%v: got %s with scheme %s", headers, s.Request.Target, s.Scheme)
		}
		diagnose(t, checkerFor("twilio", "k"), &s.Request, want{Valid, CodeOK, "scheme json"})
	}
	r := arrived("A=1", "Content-Type", "application/x-www-form-urlencoded")
	s, err := checkerFor("twilio", "k").Sign(r, captured, true)
	if err != nil || s.Scheme != "form" || s.Request.Target != "/hook" {
		t.Errorf("a form: got %+v %v", s, err)
	}
	r = arrived("", "Content-Type", "application/json")
	r.Method = http.MethodGet
	if s, err := checkerFor("twilio", "k").Sign(r, captured, true); err != nil || s.Scheme != "form" || s.Request.Target != "/hook" {
		t.Errorf("no body: got %+v %v", s, err)
	}
}

// A user and a password in a URL are no port: the vectors are twilio-node's.
func TestURLVariants(t *testing.T) {
	const body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
	tests := []struct{ url, sig string }{
		{"https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", "CukzLTc1tT5dXEDIHm/tKBanW10="},
		{"https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="},
		{"https://user@mycompany.com/myapp.php?foo=1&bar=2", "2YRLlVAflCqxaNicjMpJcSTgzSs="},
		{"http://mycompany.com/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="},
		{"http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
		{"https://mycompany.com:1234/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
	}
	for _, tt := range tests {
		r := arrived(body, "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", tt.sig)
		r.URL, r.Target = tt.url, "/myapp.php?foo=1&bar=2"
		if got := checkerFor("twilio", "12345").Verify(t.Context(), r); got.Result != Valid {
			t.Errorf("%s: got %s %s, want valid", tt.url, got.Result, got.Reason)
		}
	}
	variants := []struct{ url, port, noPort, root string }{
		{"https://u:p@a.test/x", "https://u:p@a.test:443/x", "https://u:p@a.test/x", "https://u:p@a.test/x"},
		{"http://u@a.test:8080?q", "http://u@a.test:8080?q", "http://u@a.test?q", "http://u@a.test:8080/?q"},
		{"http://[::1]/", "http://[::1]:80/", "http://[::1]/", "http://[::1]"},
		{"https://[::1]:443#f", "https://[::1]:443#f", "https://[::1]#f", "https://[::1]:443/#f"},
		{"a.test/x", "a.test/x", "a.test/x", "a.test/x"},
	}
	for _, tt := range variants {
		if got := withPort(tt.url); got != tt.port {
			t.Errorf("%s with a port: got %s, want %s", tt.url, got, tt.port)
		}
		if got := withoutPort(tt.url); got != tt.noPort {
			t.Errorf("%s without a port: got %s, want %s", tt.url, got, tt.noPort)
		}
		if got := withOtherRoot(tt.url); got != tt.root {
			t.Errorf("%s with another root: got %s, want %s", tt.url, got, tt.root)
		}
	}
}
