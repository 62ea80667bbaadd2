package provider

import (
	"context"
	"crypto"
	"crypto/ed25519"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A roundTripper answers requests without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func address(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestFetcherOverTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/key", http.StatusFound)
		case "/big":
			w.Write(make([]byte, fetchLimit+1))
		case "/just":
			w.Write(make([]byte, fetchLimit))
		case "/key":
			io.WriteString(w, "key")
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	f := &Fetcher{Transport: srv.Client().Transport}
	for path, want := range map[string]string{
		"/key": "", "/just": "", "/big": "more than 64 KiB", "/redirect": "302", "/none": "404",
	} {
		body, err := f.get(context.Background(), address(t, srv.URL+path), 0)
		if want == "" && (err != nil || len(body) == 0) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %d bytes, %v, want %q", path, len(body), err, want)
		}
	}
	if _, err := (&Fetcher{}).get(context.Background(), address(t, srv.URL+"/key"), 0); err == nil {
		t.Error("a server that nobody vouches for was trusted")
	}
}

func TestFetcherKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		fail := false
		f := &Fetcher{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			if fail {
				return nil, errors.New("no way")
			}
			return respond(200, "key"), nil
		})}
		u := address(t, "https://example.test/key")
		check := func(want int32) {
			t.Helper()
			if got := calls.Load(); got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
		}
		if _, err := f.have(u); !errors.Is(err, errNotFetched) {
			t.Errorf("got %v, want %v", err, errNotFetched)
		}
		check(0)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if body, err := f.get(t.Context(), u, 0); string(body) != "key" || err != nil {
					t.Errorf("got %q, %v", body, err)
				}
			})
		}
		wg.Wait()
		check(1)
		if body, err := f.have(u); string(body) != "key" || err != nil {
			t.Errorf("kept: %q, %v", body, err)
		}
		time.Sleep(24 * time.Hour)
		fail = true
		if _, err := f.get(t.Context(), u, 0); err == nil {
			t.Error("a failure was not told")
		}
		check(2)
		f.get(t.Context(), u, 0)
		check(2) // the failure is kept, too
		time.Sleep(time.Minute)
		fail = false
		if _, err := f.get(t.Context(), u, time.Hour); err != nil {
			t.Error(err)
		}
		check(3)
		time.Sleep(time.Hour)
		f.get(t.Context(), u, time.Hour)
		check(4)
	})
}

func TestFetcherTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Fetcher{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		u := address(t, "https://example.test/key")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := f.get(ctx, u, 0); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("the caller waited %s: %v", time.Since(start), err)
		}
		if _, err := f.get(t.Context(), u, 0); err == nil || time.Since(start) != fetchTimeout {
			t.Errorf("fetching took %s: %v", time.Since(start), err)
		}
	})
}

// issue makes an authority and a certificate of a key, valid for an hour from at.
func issue(t *testing.T, key crypto.Signer, at time.Time) (text string, roots *x509.CertPool) {
	t.Helper()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: at.Add(-time.Hour), NotAfter: at.Add(1e6 * time.Second),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, NotBefore: at, NotAfter: at.Add(time.Hour)}
	caKey := ed25519.NewKeyFromSeed(make([]byte, 32))
	make := func(cert, parent *x509.Certificate, public any) *x509.Certificate {
		der, err := x509.CreateCertificate(crand.Reader, cert, parent, public, caKey)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	authority := make(ca, ca, caKey.Public())
	cert := make(leaf, authority, key.Public())
	roots = x509.NewCertPool()
	roots.AddCert(authority)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})), roots
}

// snsMessage is a notification, signed with a key and naming a certificate.
func snsMessage(t *testing.T, certURL string) []byte {
	t.Helper()
	const text = "Message\nhello\nMessageId\nm-1\nTimestamp\n2025-10-09T08:53:20.000Z\nTopicArn\narn\nType\nNotification\n"
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"Type":"Notification","MessageId":"m-1","TopicArn":"arn","Message":"hello","Timestamp":"2025-10-09T08:53:20.000Z","SignatureVersion":"2","Signature":%q,"SigningCertURL":%q}`,
		base64.StdEncoding.EncodeToString(sig), certURL)
}

func TestFetchedCertificate(t *testing.T) {
	cert, roots := issue(t, rsaKey(), captured)
	const good = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
	tests := []struct {
		name, url string
		at        time.Time
		roots     *x509.CertPool
		body      string
		result    Result
		code      Code
		reason    string
	}{
		{"good", good, captured, roots, cert, Valid, CodeOK, "holds"},
		{"another host", "https://sns.eu-west-1.amazonaws.com.evil.test/x.pem", captured, roots, cert, Invalid, CodeNoKey, "evil.test"},
		{"host in the user", "https://sns.eu-west-1.amazonaws.com@evil.test/x.pem", captured, roots, cert, Invalid, CodeNoKey, "no plain https"},
		{"a dot for the star", "https://sns.a.b.amazonaws.com/x.pem", captured, roots, cert, Invalid, CodeNoKey, "not on"},
		{"port", "https://sns.eu-west-1.amazonaws.com:8443/x.pem", captured, roots, cert, Invalid, CodeNoKey, "port"},
		{"http", "http://sns.eu-west-1.amazonaws.com/x.pem", captured, roots, cert, Invalid, CodeNoKey, "no plain https"},
		{"expired", good, captured.Add(2 * time.Hour), roots, cert, Unverifiable, CodeNoKey, "it was valid from"},
		{"not yet valid", good, captured.Add(-time.Minute), roots, cert, Unverifiable, CodeNoKey, "it was valid from"},
		{"nobody vouches", good, captured, x509.NewCertPool(), cert, Unverifiable, CodeNoKey, "no authority"},
		{"no certificate", good, captured, roots, "<html>", Unverifiable, CodeNoKey, "no certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			f := &Fetcher{Roots: tt.roots, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				calls++
				return respond(200, tt.body), nil
			})}
			c := &Checker{Catalog: BuiltIn(), Default: "sns", Keys: f}
			r := &Request{Method: "POST", Target: "/", Header: http.Header{}, Body: snsMessage(t, tt.url), Time: tt.at}
			facts, pending := c.Assess(r)
			if wantPending := tt.code == CodeOK || tt.result == Unverifiable; pending != wantPending || facts.Signature == Valid || calls != 0 {
				t.Errorf("before: pending %v, %s, %d calls", pending, facts.Signature, calls)
			}
			d := c.Verify(context.Background(), r)
			if d.Result != tt.result || d.Code != tt.code || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("got %s %s %q, want %s %s … %s …", d.Result, d.Code, d.Reason, tt.result, tt.code, tt.reason)
			}
			facts, pending = c.Assess(r)
			if pending || facts.Signature != tt.result {
				t.Errorf("after: pending %v, %s: %s", pending, facts.Signature, facts.SignatureReason)
			}
			if tt.result == Invalid && calls != 0 {
				t.Error("a foreign address was called")
			}
		})
	}
	c := &Checker{Catalog: BuiltIn(), Default: "sns", Settings: map[string]map[string]string{"sns": {"cert_pem": cert}}}
	r := &Request{Method: "POST", Target: "/", Header: http.Header{}, Body: snsMessage(t, good), Time: captured.Add(1000 * time.Hour)}
	if d := c.Verify(context.Background(), r); d.Result != Valid || d.Secret != "the setting cert_pem" {
		t.Errorf("offline: %s %s", d.Result, d.Reason)
	}
	c.Settings = nil
	if d := c.Verify(context.Background(), r); d.Code != CodeNoKey || !strings.Contains(d.Reason, "--set cert_pem=@FILE") {
		t.Errorf("nothing to fetch with: %s %s", d.Code, d.Reason)
	}
}

func TestFetchedKeySet(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	r := &Request{Method: "POST", Target: "/", Header: http.Header{}, Body: []byte("\xff\x00"), Time: captured}
	sum := sha256.Sum256(r.Body)
	r.Header.Set("X-Fal-Webhook-Request-Id", "r")
	r.Header.Set("X-Fal-Webhook-User-Id", "u")
	r.Header.Set("X-Fal-Webhook-Timestamp", "1760000000")
	sig := ed25519.Sign(private, []byte("r\nu\n1760000000\n"+hex.EncodeToString(sum[:])))
	r.Header.Set("X-Fal-Webhook-Signature", hex.EncodeToString(sig))
	set := fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"x"},{"kty":"OKP","crv":"Ed25519","kid":"old","x":%q},{"kty":"OKP","crv":"Ed25519","kid":"new","x":%q}]}`,
		b64(strings.Repeat("x", 32)), b64(string(private.Public().(ed25519.PublicKey))))
	for body, want := range map[string]Code{set: CodeOK, `{"keys":[]}`: CodeNoKey, "nonsense": CodeNoKey} {
		var called string
		c := &Checker{Catalog: BuiltIn(), Default: "fal", Keys: &Fetcher{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			called = r.URL.String()
			return respond(200, body), nil
		})}}
		d := c.Verify(context.Background(), r)
		if d.Code != want || called != "https://rest.fal.ai/.well-known/jwks.json" {
			t.Errorf("%s: %s %s (called %s)", body, d.Code, d.Reason, called)
		}
		if want == CodeOK && d.Secret != "the key new of the key set" {
			t.Errorf("held under %q", d.Secret)
		}
	}
}
