package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
)

func TestUnreachable(t *testing.T) {
	for want, err := range map[string]error{
		"its host name does not resolve":                       &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "keys.test", IsNotFound: true}},
		"its host name could not be looked up":                 &net.DNSError{Err: "server misbehaving", Name: "keys.test", Server: "192.0.2.53:53"},
		"the proxy that the environment names does not answer": &net.OpError{Op: "proxyconnect", Err: &net.DNSError{Err: "no such host", IsNotFound: true}},
		"its certificate is not trusted here":                  &tls.CertificateVerificationError{Err: errors.New("unknown authority")},
		"it did not answer in time":                            os.ErrDeadlineExceeded,
		"the connection failed (EOF)":                          errors.New("EOF"),
	} {
		got := unreachable("keys.test", &url.Error{Op: "Get", URL: "https://keys.test/?Token=t", Err: err})
		if got.Error() != "keys.test cannot be reached: "+want || !errors.Is(got, err) {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}

// What a developer reads about a key that cannot be fetched is a sentence.
func TestUnreachableKeySet(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	c := &Checker{Catalog: BuiltIn(), Default: "fal", Keys: &Fetcher{Transport: &http.Transport{
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("tcp", closed.Listener.Addr().String())
		},
	}}}
	r := arrived("{}", "X-Fal-Webhook-Request-Id", "r", "X-Fal-Webhook-User-Id", "u", "X-Fal-Webhook-Timestamp", "1760000000",
		"X-Fal-Webhook-Signature", strings.Repeat("00", 64))
	want := "the key set of fal.ai could not be had: rest.fal.ai cannot be reached: it refuses the connection; give it with --set public_key=KEY"
	if d := c.Verify(t.Context(), r); d.Code != CodeNoKey || d.Reason != want {
		t.Errorf("got %s %q, want %q", d.Code, d.Reason, want)
	}
}

func TestFetcherProxy(t *testing.T) {
	if transport := (&Fetcher{}).transport().(*http.Transport); transport.Proxy == nil {
		t.Error("the environment's proxy is not asked for")
	}
}
