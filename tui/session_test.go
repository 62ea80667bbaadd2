package tui

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func stripeChecker() *provider.Checker {
	return &provider.Checker{Catalog: provider.BuiltIn(), Secrets: map[string][]provider.Secret{"stripe": {{Label: "STRIPE_SECRET", Value: "whsec_test"}}}}
}

func stripeSignature(body string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte("whsec_test"))
	_, _ = fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), mac.Sum(nil))
}

const invoicePaid = `{"id":"evt_7","object":"event","type":"invoice.paid","order":7}`

// aged adds a delivery that was valid when it arrived, two hours ago.
func (a *app) aged(t *testing.T, c *provider.Checker) {
	t.Helper()
	at := time.Now().UTC().Add(-2 * time.Hour)
	d := &inspect.Delivery{
		ReceivedAt: at, Method: "POST", Target: "/hooks/stripe", Host: "blue-fox.example", Proto: "HTTP/1.1", Endpoint: "https://blue-fox.example",
		Header: http.Header{"Content-Type": {"application/json"}, "Stripe-Signature": {stripeSignature(invoicePaid, at)}},
		Body:   []byte(invoicePaid), Size: int64(len(invoicePaid)), Disposition: inspect.Held,
	}
	d.Facts, _ = c.Assess(d.Request())
	if err := a.store.Add(context.Background(), d, nil); err != nil {
		t.Fatal(err)
	}
}

// signed returns how attempt n of delivery 1 was signed again.
func (a *app) signed(t *testing.T, n int) string {
	t.Helper()
	got, err := a.store.Attempt(context.Background(), 1, n)
	if err != nil {
		t.Fatal(err)
	}
	if got.Sent == nil {
		return ""
	}
	return got.Sent.Signed
}

func TestSessionSignsAgain(t *testing.T) {
	c := stripeChecker()
	a := startApp(t, func(cfg *Config) { cfg.Checker = c })
	a.aged(t, c)
	a.sees(t, "stripe invoice.paid")
	a.press("r")
	a.sees(t, "#1 with its old signature would be refused:")
	a.sees(t, "↵ sign again")
	a.press("esc")
	a.sees(t, "Nothing was sent.")
	a.press("r")
	a.sees(t, "↵ sign again")
	a.press("enter")
	a.sees(t, "attempt 1: 200")
	a.sees(t, "signed again")
	a.press("r")
	a.sees(t, "↵ sign again")
	a.press("a")
	a.sees(t, "attempt 2: 200")
	a.press("enter", "]", "]")
	a.sees(t, "  signed again")
	a.end(t)
	if got := a.signed(t, 1); !strings.Contains(got, "STRIPE_SECRET") || strings.Contains(got, "whsec_test") {
		t.Errorf("attempt 1 was signed %q, want it again with STRIPE_SECRET", got)
	}
	if got := a.signed(t, 2); got != "" {
		t.Errorf("attempt 2 was signed %q, want it as received", got)
	}
}

func TestSessionSendsAtOnceWhatHolds(t *testing.T) {
	a := startApp(t, func(cfg *Config) { cfg.Checker = stripeChecker() })
	req, err := http.NewRequest("POST", a.receiver+"/hooks/stripe", strings.NewReader(invoicePaid))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Stripe-Signature", stripeSignature(invoicePaid, time.Now()))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	a.sees(t, "✓  200")
	a.press("r")
	a.sees(t, "attempt 2: 200")
	a.press("v")
	a.sees(t, "✓ valid")
	a.sees(t, "STRIPE_SECRET")
	a.sees(t, "header Stripe-Signature")
	a.sees(t, "Stripe: accepted")
	a.end(t)
	if got := a.signed(t, 2); got != "" {
		t.Errorf("the replay was signed %q, want it as received", got)
	}
}

func TestSessionSignsAnEditedBody(t *testing.T) {
	c := stripeChecker()
	a := startApp(t, func(cfg *Config) {
		cfg.Checker = c
		cfg.Editor = writeEditor(t, `sed s/:7/:8/ "$1" >"$1.new"; mv "$1.new" "$1"`)
	})
	a.aged(t, c)
	a.sees(t, "stripe invoice.paid")
	a.press("e")
	a.sees(t, "↵ sign again")
	a.press("enter")
	a.sees(t, "attempt 1: 200")
	a.end(t)
	want := strings.Replace(invoicePaid, "7}", "8}", 1)
	if got := <-a.bodies; got != want {
		t.Errorf("the handler got %s, want %s", got, want)
	}
	sent, err := a.store.Attempt(context.Background(), 1, 1)
	if err != nil || sent.Sent == nil {
		t.Fatalf("got %+v, %v", sent, err)
	}
	d := c.Verify(context.Background(), &provider.Request{Method: "POST", Target: "/hooks/stripe", Header: sent.Sent.Header, Body: []byte(want), Time: time.Now()})
	if d.Result != provider.Valid {
		t.Errorf("what was sent is %s: %s", d.Result, d.Reason)
	}
}

func TestSessionReplaysFailedSignedAgain(t *testing.T) {
	c := stripeChecker()
	a := startApp(t, func(cfg *Config) { cfg.Checker = c })
	a.status.Store(500)
	a.aged(t, c)
	a.sees(t, "stripe invoice.paid")
	a.press("r")
	a.sees(t, "↵ sign again")
	a.press("a")
	a.sees(t, "attempt 1: 500")
	a.status.Store(200)
	a.press("R")
	a.sees(t, "Replay 1 failed delivery, signed again where needed?")
	a.press("y")
	a.sees(t, "Replayed 1 delivery: 1 accepted, 0 failed again. 1 of them signed again.")
	a.end(t)
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSessionConfirms(t *testing.T) {
	fetched := make(chan string, 10)
	a := startApp(t, func(cfg *Config) {
		cfg.Checker = &provider.Checker{
			Catalog: userCatalog(t, confirmable),
			HTTP: transport(func(r *http.Request) (*http.Response, error) {
				fetched <- r.URL.String()
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("done"))}, nil
			}),
		}
	})
	req, err := http.NewRequest("POST", a.receiver+"/queue", strings.NewReader(`{"Type":"SubscriptionConfirmation","SubscribeURL":"https://queue.example/?token=7"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Queue", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	a.sees(t, "queue handshake")
	a.press("enter")
	a.sees(t, "Handshake  SubscriptionConfirmation: c confirms it")
	a.press("c")
	a.sees(t, "Its signature could not be checked: anybody could have sent it. Confirm Queue's")
	a.press("n")
	a.sees(t, "Nothing was done.")
	if len(fetched) > 0 {
		t.Fatalf("%s was fetched without a yes", <-fetched)
	}
	a.press("c", "y")
	a.sees(t, "#1: queue.example answered 200 OK, no ARN: look whether it is confirmed")
	a.end(t)
	if got, want := <-fetched, "https://queue.example/?token=7"; got != want {
		t.Errorf("%s was fetched, want %s", got, want)
	}
}
