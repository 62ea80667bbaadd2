package provider

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPinned(t *testing.T) {
	hosts := []string{"sns.*.amazonaws.com", "sns.*.amazonaws.com.cn"}
	for address, want := range map[string]string{
		"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x": "",
		"https://SNS.EU-WEST-1.AMAZONAWS.COM/?Action=x":                           "",
		"https://sns.cn-north-1.amazonaws.com.cn/":                                "",
		"":                                    "it names no address",
		"http://sns.eu-west-1.amazonaws.com/": "no plain https address",
		"https://user@sns.eu-west-1.amazonaws.com/":         "no plain https address",
		"https://user:pw@sns.eu-west-1.amazonaws.com/":      "no plain https address",
		"https://sns.eu-west-1.amazonaws.com/#x":            "no plain https address",
		"https:sns.eu-west-1.amazonaws.com":                 "no plain https address",
		"/latest/meta-data":                                 "no plain https address",
		"https://sns.eu-west-1.amazonaws.com:8443/":         "has a port",
		"https://sns.eu-west-1.amazonaws.com:443/":          "has a port",
		"https://sns.eu-west-1.amazonaws.com:/":             "has a port",
		"https://example.test/":                             `on "example.test", not on sns.*.amazonaws.com or sns.*.amazonaws.com.cn`,
		"https://sns.eu-west-1.amazonaws.com.example.test/": "not on sns.*",
		"https://sns.a.b.amazonaws.com/":                    "not on sns.*",
		"https://sns..amazonaws.com/":                       "not on sns.*",
		"https://sns.amazonaws.com/":                        "not on sns.*",
		"https://xsns.eu-west-1.amazonaws.com/":             "not on sns.*",
		"https://sns.s3.amazonaws.com/":                     "not on sns.*",
		"https://sns.s3-eu-west-1.amazonaws.com/":           "not on sns.*",
		"https://evil.test\\@sns.eu-west-1.amazonaws.com/":  "no plain https address",
		"https://169.254.169.254/":                          "not on sns.*",
	} {
		u, err := pinned(address, hosts)
		if want == "" && (err != nil || u.Scheme != "https") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, error %v, want %q", address, u, err, want)
		}
	}
}

// A * is one label, so the sandbox of PayPal has a pattern of its own.
func TestPinnedPayPal(t *testing.T) {
	hosts := BuiltIn().Provider("paypal").Schemes[0].KeySource.Hosts
	for address, want := range map[string]bool{
		"https://api.paypal.com/v1/notifications/certs/CERT-1":                      true,
		"https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1":              true,
		"https://api.live.paypal.com/v1/notifications/certs/CERT-1":                 false,
		"https://paypal.com.evil.example/v1/notifications/certs/CERT-1":             false,
		"https://api.sandbox.paypal.com.evil.example/v1/notifications/certs/CERT-1": false,
	} {
		if _, err := pinned(address, hosts); (err == nil) != want {
			t.Errorf("%s: %v, want trusted: %t", address, err, want)
		}
	}
}

// roundTrip answers requests without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const subscribeURL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=demo"

func subscribe(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(subscribeURL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// towards returns a transport that takes every address for the server's.
func towards(server *httptest.Server) http.RoundTripper {
	transport := server.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.ServerName = "example.com" // the one of httptest's certificate
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return transport
}

func TestVisit(t *testing.T) {
	tests := []struct {
		name         string
		status       int
		location     string
		body         string
		want, failed string
	}{
		{
			name: "confirmed", status: 200,
			body: "<ConfirmSubscriptionResponse><ConfirmSubscriptionResult><SubscriptionArn>arn:aws:sns:eu-west-1:000000000000:demo:1</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>",
			want: "confirmed: arn:aws:sns:eu-west-1:000000000000:demo:1",
		},
		{name: "other body", status: 200, body: "ok", want: "sns.eu-west-1.amazonaws.com answered 200 OK, no ARN: look whether it is confirmed"},
		{name: "hostile body", status: 200, body: "<SubscriptionArn>arn:\x1b[2J</SubscriptionArn>", want: "sns.eu-west-1.amazonaws.com answered 200 OK, no ARN: look whether it is confirmed"},
		{name: "endless body", status: 200, body: strings.Repeat("x", 4*confirmBody) + "<SubscriptionArn>arn:a</SubscriptionArn>", want: "sns.eu-west-1.amazonaws.com answered 200 OK, no ARN: look whether it is confirmed"},
		{name: "refused", status: 403, failed: "sns.eu-west-1.amazonaws.com answered 403 Forbidden"},
		{name: "redirect", status: 302, location: "https://sns.eu-west-1.amazonaws.com/elsewhere", failed: "sns.eu-west-1.amazonaws.com answered 302 Found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Method+" https://"+r.Host+r.URL.String())
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			c := &Checker{HTTP: towards(server)}
			got, err := c.visit(t.Context(), subscribe(t))
			if got != tt.want || tt.failed == "" && err != nil || tt.failed != "" && (err == nil || err.Error() != tt.failed) {
				t.Errorf("got %q, %v, want %q, %s", got, err, tt.want, tt.failed)
			}
			if len(asked) != 1 || asked[0] != "GET "+subscribeURL {
				t.Errorf("it asked %q, want one GET", asked)
			}
		})
	}
}

func TestVisitFaults(t *testing.T) {
	broken := &Checker{HTTP: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no such host") })}
	_, err := broken.visit(t.Context(), subscribe(t))
	if err == nil || err.Error() != "sns.eu-west-1.amazonaws.com cannot be reached: the connection failed (no such host)" {
		t.Errorf("error %v, want one without the token", err)
	}
	synctest.Test(t, func(t *testing.T) {
		hanging := &Checker{HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		start := time.Now()
		_, err := hanging.visit(t.Context(), subscribe(t))
		if err == nil || time.Since(start) != confirmTimeout || strings.Contains(err.Error(), "Token") {
			t.Errorf("after %s: error %v, want one after %s", time.Since(start), err, confirmTimeout)
		}
	})
}

func TestConfirmOfNothing(t *testing.T) {
	c := &Checker{HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s was asked", r.URL)
		return nil, errors.New("not reached")
	})}
	if line, err := c.Confirm(t.Context(), post(`{"Type":"Notification"}`)); err == nil {
		t.Errorf("got %q, want an error", line)
	}
}
