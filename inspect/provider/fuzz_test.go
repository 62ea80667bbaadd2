package provider

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// FuzzVerify shows that no request breaks the engine, and that none is valid
// that nobody has signed.
func FuzzVerify(f *testing.F) {
	f.Add("stripe", "Stripe-Signature", "t=1,v1=00", "/?x=1", []byte(`{"a":"\u00e9\ud800"}`))
	f.Add("twilio", "X-Twilio-Signature", "AA==", "/?bodySHA256=0", []byte("a=%zz&b"))
	f.Add("adyen", "HmacSignature", "", "/", []byte(`{"notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"x"}}}]}`))
	f.Add("daglo", "Authorization", "Bearer eyJ.e30.", "*", []byte(nil))
	f.Add("sns", "X", "", "", []byte(`{"SignatureVersion":"2","Signature":"AA==","SigningCertURL":"https://sns.a.amazonaws.com/x"}`))
	f.Add("hubspot", "X-Hubspot-Signature", "zz", "/", []byte("\xff"))
	catalog := BuiltIn()
	f.Fuzz(func(t *testing.T, name, header, value, target string, body []byte) {
		c := &Checker{Catalog: catalog, Default: name, Secrets: map[string][]Secret{
			name: {{"A", "0123456789abcdef0123456789abcdef"}, {"B", "whsec_c2VjcmV0"}},
		}}
		r := &Request{Method: "POST", Target: target, URL: "https://example.test" + target, Header: http.Header{}, Body: body, Time: time.Unix(1, 0)}
		r.Header.Set(header, value)
		d := c.Verify(context.Background(), r)
		if d.Result == Valid && d.Scheme != "handshake" && value != "0123456789abcdef0123456789abcdef" && value != "whsec_c2VjcmV0" {
			t.Errorf("%s is valid: %s", name, d.Reason)
		}
		if d.Reason == "" || d.Code == "" {
			t.Errorf("%+v says nothing", d)
		}
		if s, err := c.Sign(r, time.Unix(2, 0), true); err == nil {
			if d := c.Verify(context.Background(), &s.Request); d.Result == Invalid {
				t.Errorf("signed again: %s %s", d.Code, d.Reason)
			}
		}
	})
}
