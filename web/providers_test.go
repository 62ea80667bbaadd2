package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

const (
	stripeSecret = "whsec_test_of_the_page"
	snsURL       = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x"
)

// roundTrip answers without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// withChecker gives a server the built-in providers, a secret of Stripe's, and
// a network on which every address answers as SNS does. fetched gets the addresses.
func withChecker(s *Server) (fetched chan string) {
	fetched = make(chan string, 16)
	s.Checker = &provider.Checker{
		Catalog: provider.BuiltIn(),
		Secrets: map[string][]provider.Secret{"stripe": {{Label: "STRIPE_WEBHOOK_SECRET", Value: stripeSecret}}},
		HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
			fetched <- r.URL.String()
			body := "<SubscriptionArn>arn:aws:sns:eu-west-1:000000000000:demo:1</SubscriptionArn>"
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}),
	}
	return fetched
}

// stripeDelivery is a delivery as Stripe signs it at a time, and its signature.
func stripeDelivery(body string, at time.Time) (d inspect.Delivery, signature string) {
	h := hmac.New(sha256.New, []byte(stripeSecret))
	fmt.Fprintf(h, "%d.%s", at.Unix(), body)
	signature = hex.EncodeToString(h.Sum(nil))
	return inspect.Delivery{
		ReceivedAt: at, Target: "/stripe", Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/json"}, "Stripe-Signature": {fmt.Sprintf("t=%d,v1=%s", at.Unix(), signature)}},
	}, signature
}

// snsDelivery asks for a confirmation of a subscription.
func snsDelivery(url string) inspect.Delivery {
	body, _ := json.Marshal(map[string]string{
		"Type": "SubscriptionConfirmation", "MessageId": "m-1", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:demo", "SubscribeURL": url,
		"SignatureVersion": "2", "Signature": "AAAA", "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem", "Token": "x", "Timestamp": "2026-01-01T00:00:00.000Z",
	})
	return inspect.Delivery{
		Target: "/sns", Body: body,
		Header: http.Header{"Content-Type": {"text/plain"}, "X-Amz-Sns-Message-Type": {"SubscriptionConfirmation"}},
	}
}

func TestDeliveriesCarryWhatIsKnownOfTheirProvider(t *testing.T) {
	t.Parallel()
	rg := newRig(t, func(s *Server) { withChecker(s) })
	facts := provider.Facts{
		Provider: "slack", Certainty: provider.Certain, Event: "message", EventID: "Ev1", ProviderAttempt: 2,
		Signature: provider.Invalid, SignatureCode: provider.CodeTooOld, SignatureReason: "it is old", Scheme: "v0", Address: provider.NotListed,
	}
	a := answered(200, "")
	a.Outlook = &provider.Outlook{Provider: "slack", Verdict: provider.Accepted, Text: "Slack: accepted", Confidence: provider.Quoted, Limit: 3 * time.Second}
	a.Sent = &inspect.Sent{Signed: "with S"}
	slack := rg.add(inspect.Delivery{Facts: facts}, a)
	got := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(slack))
	d := got.Delivery
	if d.Provider != "slack" || d.Event != "message" || d.EventID != "Ev1" || d.ProviderAttempt != 2 || d.SignatureReason != "it is old" || d.Address != provider.NotListed {
		t.Errorf("got facts %+v, want %+v", d.Facts, facts)
	}
	if d.DeadlineMS == nil || *d.DeadlineMS != 3000 || d.About == nil || d.About.Title != "Slack" {
		t.Errorf("got deadline %v about %+v, want 3000 ms of Slack", d.DeadlineMS, d.About)
	}
	if at := got.Attempts[0]; at.Outlook == nil || at.Outlook.Text != "Slack: accepted" || at.Sent == nil || at.Sent.Signed != "with S" {
		t.Errorf("got attempt %+v, want its outlook and how it was signed", at)
	}
	if s := get[listAnswer](rg, "/api/v1/deliveries").Deliveries[0]; s.Provider != "slack" || s.Last.Outlook == nil {
		t.Errorf("got summary %+v, want slack and an outlook", s)
	}
	varied := provider.BuiltIn()
	if err := varied.Add([]byte("slow: {like: slack, name: Slow, delivery: {timeout: 3s, variants: {late: {when: [\"json:/late\"], timeout: 9s}}}}"), "t", 1); err != nil {
		t.Fatal(err)
	}
	rg.Checker.Catalog = varied
	late := rg.add(inspect.Delivery{Body: []byte(`{"late":1}`), Facts: provider.Facts{Provider: "slow", Certainty: provider.Certain}}, nil)
	if d := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(late)).Delivery; d.DeadlineMS == nil || *d.DeadlineMS != 9000 {
		t.Errorf("a variant: got deadline %v, want 9000 ms", d.DeadlineMS)
	}
	guess := rg.add(inspect.Delivery{Facts: provider.Facts{Provider: "slack", Certainty: provider.Guess}}, nil)
	if d := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(guess)).Delivery; d.About == nil || d.DeadlineMS != nil {
		t.Errorf("a guess: got deadline %v about %v, want no deadline and about", d.DeadlineMS, d.About)
	}
	for _, name := range []string{"", "nobody"} {
		id := rg.add(inspect.Delivery{Facts: provider.Facts{Provider: name}}, nil)
		if d := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(id)).Delivery; d.About != nil || d.DeadlineMS != nil {
			t.Errorf("provider %q: got deadline %v about %v, want neither", name, d.DeadlineMS, d.About)
		}
	}
}

func TestSignatureIsExplained(t *testing.T) {
	t.Parallel()
	const body = "{\"id\":\"evt_1\",\n\"object\":\"event\"}"
	for _, show := range []bool{false, true} {
		rg := newRig(t, func(s *Server) { withChecker(s); s.ShowSecrets = show })
		d, signature := stripeDelivery(body, time.Now().Add(-time.Hour))
		path := "/api/v1/deliveries/" + itoa(rg.add(d, nil)) + "/signature"
		before, _ := rg.Store.Rev(t.Context())
		got := get[signatureView](rg, path)
		if after, _ := rg.Store.Rev(t.Context()); after != before {
			t.Errorf("the store went from revision %d to %d by a GET", before, after)
		}
		message := fmt.Sprintf("%d.%s", d.ReceivedAt.Unix(), body)
		e := got.Explanation
		if got.Result != provider.Valid || got.Secret != "STRIPE_WEBHOOK_SECRET" || got.Scheme != "v1" || got.SignedAt == nil || e == nil {
			t.Fatalf("got %+v, want valid, by v1 with the secret, explained", got)
		}
		if string(e.MessageBase64) != message || e.Message == nil || *e.Message != message || !slices.Equal(e.Received, []string{"v1=" + signature}) {
			t.Errorf("got %q %v received %q, want %q received %s", e.MessageBase64, e.Message, e.Received, message, signature)
		}
		if e.Expected == "" || strings.Contains(e.Expected, signature) != show {
			t.Errorf("secrets shown %v: got expected %q", show, e.Expected)
		}
		d.Body = append(d.Body, 0xff)
		got = get[signatureView](rg, "/api/v1/deliveries/"+itoa(rg.add(d, nil))+"/signature")
		if got.Result != provider.Invalid || got.Reason == "" || got.Explanation == nil || got.Explanation.Message != nil {
			t.Errorf("another, binary body: got %+v, want invalid, without a text", got)
		}
		resp, text := rg.do("GET", "/api/v1/deliveries/99/signature", "")
		wantProblem(t, resp, text, http.StatusNotFound, "no such delivery")
	}
	plain := newRig(t, nil)
	plain.add(inspect.Delivery{}, nil)
	resp, text := plain.do("GET", "/api/v1/deliveries/1/signature", "")
	wantProblem(t, resp, text, http.StatusConflict, "without the providers")
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	var fetched chan string
	rg := newRig(t, func(s *Server) { fetched = withChecker(s) })
	good, evil, other := rg.add(snsDelivery(snsURL), nil), rg.add(snsDelivery("https://evil.example/"), nil), rg.add(inspect.Delivery{}, nil)
	confirm := func(id int64, in string) (*http.Response, string) {
		return rg.do("POST", "/api/v1/deliveries/"+itoa(id)+"/confirm", in)
	}
	for _, tc := range []struct {
		id     int64
		in     string
		status int
		part   string
	}{
		{evil, `{}`, 409, "evil.example"},
		{other, `{}`, 409, "nothing to confirm"},
		{99, `{}`, 404, "no such delivery"},
		{good, ``, 400, "empty"},
		{good, `{"url":"x"}`, 400, "url"},
		{good, `{}`, 409, "it is not known who sent it"},
	} {
		resp, body := confirm(tc.id, tc.in)
		wantProblem(t, resp, body, tc.status, tc.part)
	}
	resp, body := rg.do("GET", "/api/v1/deliveries/"+itoa(good)+"/confirm", "")
	wantProblem(t, resp, body, http.StatusMethodNotAllowed, "POST")
	if len(fetched) != 0 {
		t.Errorf("fetched %s without having been asked to", <-fetched)
	}
	if resp, body := confirm(good, `{"unverified":true}`); resp.StatusCode != 200 || !strings.Contains(body, `"message":"confirmed: arn:aws:sns`) {
		t.Errorf("got %d %s, want that it is confirmed", resp.StatusCode, body)
	}
	close(fetched)
	if got := <-fetched; got != snsURL {
		t.Errorf("fetched %q, want %s", got, snsURL)
	}
	plain := newRig(t, nil)
	plain.add(snsDelivery(snsURL), nil)
	resp, body = plain.do("POST", "/api/v1/deliveries/1/confirm", `{}`)
	wantProblem(t, resp, body, http.StatusConflict, "without the providers")
}

func TestProviders(t *testing.T) {
	t.Parallel()
	rg := newRig(t, func(s *Server) { withChecker(s) })
	type oneAnswer struct {
		providerView
		Text string
	}
	list := get[struct{ Providers []providerView }](rg, "/api/v1/providers").Providers
	at := slices.IndexFunc(list, func(v providerView) bool { return v.Name == "stripe" })
	if at < 0 {
		t.Fatalf("got %+v, want stripe among them", list)
	}
	if v := list[at]; v.Title != "Stripe" || v.Docs == "" || v.Secrets != 1 || !v.Retries || !slices.Contains(v.Verify, provider.HMACSHA256) || len(v.Events) == 0 || v.Confidence == "" {
		t.Errorf("got %+v", v)
	}
	if !slices.IsSortedFunc(list, func(a, b providerView) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("they are not sorted by name")
	}
	for name, parts := range map[string][]string{
		"stripe": {"HMAC-SHA256", "5 min", "https://docs.stripe.com/webhooks"},
		"slack":  {"3 s", "url_verification"},
		"apixo":  {"exactly 200", "30 s, 2 min 30 s and 12 min 30 s"},
	} {
		got := get[oneAnswer](rg, "/api/v1/providers/"+name)
		for _, part := range parts {
			if got.Name != name || !strings.Contains(got.Text, part) {
				t.Errorf("%s: got %q, want %q in it", got.Name, got.Text, part)
			}
		}
	}
	resp, body := rg.do("GET", "/api/v1/providers/strpe", "")
	wantProblem(t, resp, body, http.StatusNotFound, "did you mean stripe")
	resp, body = rg.do("GET", "/api/v1/providers/zzzzzzzz", "")
	wantProblem(t, resp, body, http.StatusNotFound, "/api/v1/providers")
	plain := newRig(t, nil)
	for _, path := range []string{"/api/v1/providers", "/api/v1/providers/stripe"} {
		resp, body := plain.do("GET", path, "")
		wantProblem(t, resp, body, http.StatusConflict, "without the providers")
	}
}
