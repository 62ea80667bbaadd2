package provider

import (
	"net/http"
	"strings"
	"testing"
)

func TestConfirmURL(t *testing.T) {
	c := &Checker{Catalog: BuiltIn()}
	for _, test := range []struct{ url, want, fault string }{
		{"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t", "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t", ""},
		{"https://evil.example/", "", "evil.example"},
		{"http://sns.us-east-1.amazonaws.com/", "", "no plain https"},
	} {
		r := &Request{
			Method: "POST", Target: "/", Header: http.Header{"X-Amz-Sns-Message-Type": {"SubscriptionConfirmation"}},
			Body: []byte(`{"Type":"SubscriptionConfirmation","SubscribeURL":"` + test.url + `"}`),
		}
		got, err := c.ConfirmURL(r)
		if got != test.want || (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: got %q, %v", test.url, got, err)
		}
	}
	if got, err := c.ConfirmURL(&Request{Method: "POST", Target: "/"}); got != "" || err == nil {
		t.Errorf("no handshake: got %q, %v", got, err)
	}
}
