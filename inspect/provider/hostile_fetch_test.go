package provider

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHostsThatOnlyLookRight(t *testing.T) {
	source := BuiltIn().Provider("sns").Schemes[0].KeySource
	for host, want := range map[string]bool{
		"sns.eu-west-1.amazonaws.com": true, "SNS.us-gov-east-1.AmazonAWS.com": true, "sns.cn-north-1.amazonaws.com.cn": true,
		"sns.ｓ3.amazonaws.com": false, "sns.\u017f3.amazonaws.com": false, "sns.s\u00ad3.amazonaws.com": false, "sns。eu-west-1。amazonaws。com": false,
		"sns.s3.amazonaws.com": false, "sns.s3-eu-west-1.amazonaws.com": false, "sns.execute-api.amazonaws.com": false, "sns.x.amazonaws.com": false,
		"sns.%73%33.amazonaws.com": false,
	} {
		if u, err := pinned("https://"+host+"/SimpleNotificationService-1.pem", source.Hosts); (err == nil) != want {
			t.Errorf("%s: %v, %v, want trusted: %t", host, u, err, want)
		}
	}
}

func TestPathsOfCertificates(t *testing.T) {
	sns, paypal := BuiltIn().Provider("sns").Schemes[0].KeySource, BuiltIn().Provider("paypal").Schemes[0].KeySource
	for _, tt := range []struct {
		source    *KeySource
		url, want string // "" = none
	}{
		{sns, "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem?x=1", "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"},
		{sns, "https://sns.EU-west-1.amazonaws.com/SimpleNotificationService-1.pem", "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"},
		{sns, "https://sns.eu-west-1.amazonaws.com/x.pem", ""},
		{sns, "https://sns.eu-west-1.amazonaws.com/a/SimpleNotificationService-1.pem", ""},
		{paypal, "https://api.paypal.com/v1/notifications/certs/CERT-1?q", "https://api.paypal.com/v1/notifications/certs/CERT-1"},
		{paypal, "https://api.paypal.com/v1/notifications/certs/..%2fx", ""},
		{paypal, "https://api.paypal.com/v1/notifications/certs/a/b", ""},
		{paypal, "https://api.paypal.com/redirect", ""},
	} {
		got := ""
		if u, err := tt.source.plain(address(t, tt.url)); err == nil {
			got = u.String()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.url, got, tt.want)
		}
	}
}

func TestCertificateOfSomebodyElse(t *testing.T) {
	sns, paypal := BuiltIn().Provider("sns").Schemes[0].KeySource, BuiltIn().Provider("paypal").Schemes[0].KeySource
	for _, tt := range []struct {
		source *KeySource
		cn     string
		want   bool
	}{
		{sns, "sns.amazonaws.com", true},
		{sns, "sns-signing.af-south-1.amazonaws.com", true},
		{sns, "sns-cn-north-1.amazonaws.com.cn", true},
		{sns, "evil.test", false},
		{sns, "sns.amazonaws.com.evil.test", false},
		{sns, "", false},
		{paypal, "messageverificationcerts.paypal.com", true},
		{paypal, "messageverificationcerts.sandbox.paypal.com", true},
		{paypal, "paypal.evil.test", false},
	} {
		if got := tt.source.isOf(&x509.Certificate{Subject: pkix.Name{CommonName: tt.cn}}); got != tt.want {
			t.Errorf("%q: %t, want %t", tt.cn, got, tt.want)
		}
	}
}

// Whoever names many addresses neither pushes out the good ones nor has many fetched at once.
func TestFetcherUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hang chan struct{}
		var calls atomic.Int32
		f := &Fetcher{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			calls.Add(1)
			if r.URL.Path == "/good" {
				return respond(200, "key"), nil
			}
			if hang != nil {
				<-hang
			}
			return nil, errors.New("no way")
		})}
		good := address(t, "https://example.test/good")
		if _, err := f.get(t.Context(), good, 0); err != nil {
			t.Fatal(err)
		}
		for i := range 3 * keepAtMost {
			time.Sleep(time.Millisecond)
			f.get(t.Context(), address(t, fmt.Sprintf("https://example.test/%d", i)), 0)
		}
		if len(f.kept) > keepAtMost {
			t.Errorf("%d are kept, want %d", len(f.kept), keepAtMost)
		}
		if body, err := f.have(good); string(body) != "key" || err != nil {
			t.Errorf("the good one: %q, %v", body, err)
		}
		hang = make(chan struct{})
		calls.Store(0)
		for i := range 3 * fetchAtMost {
			go f.get(t.Context(), address(t, fmt.Sprintf("https://example.test/slow/%d", i)), 0)
		}
		synctest.Wait()
		if got := calls.Load(); got != fetchAtMost {
			t.Errorf("%d at a time, want %d", got, fetchAtMost)
		}
		if _, err := f.get(t.Context(), address(t, "https://example.test/more"), 0); !errors.Is(err, errBusy) {
			t.Errorf("got %v, want %v", err, errBusy)
		}
		close(hang)
		synctest.Wait()
	})
}
