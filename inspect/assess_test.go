package inspect

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/inspect/provider"
)

// A fakeChecker recognises what its test says. Its methods panic where they
// are not set, but for AddSecret.
type fakeChecker struct {
	assess func(*provider.Request) (provider.Facts, bool)
	verify func(context.Context) provider.Diagnosis
	// verifyOf, if not nil, stands in the place of verify.
	verifyOf func(context.Context, *provider.Request) provider.Diagnosis

	answer func() (*provider.Answer, error)

	mu      sync.Mutex
	secrets []string
}

func (c *fakeChecker) Assess(r *provider.Request) (provider.Facts, bool) { return c.assess(r) }
func (c *fakeChecker) Verify(ctx context.Context, r *provider.Request) provider.Diagnosis {
	if c.verifyOf != nil {
		return c.verifyOf(ctx, r)
	}
	return c.verify(ctx)
}

func (c *fakeChecker) Recognize(*provider.Request) provider.Recognition {
	return provider.Recognition{}
}

func (c *fakeChecker) Answer(*provider.Request, provider.Recognition) (*provider.Answer, error) {
	return c.answer()
}

func (c *fakeChecker) HasSecret(*provider.Request, string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.secrets) > 0
}

func (c *fakeChecker) AddSecret(name string, s provider.Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets = append(c.secrets, name+":"+s.Value)
}

// forwarded is a Forward that answers 201, and notes what it was given.
func forwarded(got *[]provider.Facts) func(*Delivery) (*Attempt, func(http.ResponseWriter, *http.Request)) {
	return func(d *Delivery) (*Attempt, func(http.ResponseWriter, *http.Request)) {
		*got = append(*got, d.Facts)
		return newAttempt(Initial), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }
	}
}

func serve(rc *Receiver, method, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "/hooks?x=1", strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:99"
	rc.ServeHTTP(w, r.WithContext(WithEndpoint(r.Context(), func() string { return "https://public.test" })))
	return w
}

// Every delivery is assessed as it arrived: forwarded, held and refused ones.
func TestReceiverAssesses(t *testing.T) {
	var requests []*provider.Request
	c := &fakeChecker{assess: func(r *provider.Request) (provider.Facts, bool) {
		requests = append(requests, r)
		return testFactsOf("stripe"), false
	}}
	var seen []provider.Facts
	rc := &Receiver{Store: openStore(t, t.TempDir()), checker: c, MaxBody: 4}
	defer rc.Wait()
	serve(rc, "POST", "held")
	serve(rc, "POST", "over the limit")
	rc.Forward = forwarded(&seen)
	serve(rc, "POST", "sent")

	list, err := rc.Store.List(t.Context(), ListOptions{Oldest: true})
	if err != nil || len(list) != 3 || len(requests) != 3 {
		t.Fatalf("%d deliveries, %d were assessed (%v); want 3", len(list), len(requests), err)
	}
	for i, want := range []Disposition{Held, Refused, Forwarded} {
		if list[i].Disposition != want || !reflect.DeepEqual(list[i].Facts, testFactsOf("stripe")) {
			t.Errorf("#%d is %s and %+v, want %s and stripe", i+1, list[i].Disposition, list[i].Facts, want)
		}
	}
	if len(seen) != 1 || seen[0].Provider != "stripe" {
		t.Errorf("Forward got %+v, want the facts", seen)
	}
	if r := requests[0]; r.URL != "https://public.test/hooks?x=1" || r.RemoteAddr != "192.0.2.7:99" || string(r.Body) != "held" || r.Time.IsZero() || r.Truncated {
		t.Errorf("the Checker got %+v", r)
	}
	if r := requests[1]; !r.Truncated || string(r.Body) != "over" {
		t.Errorf("of the refused one, the Checker got %+v, want that it is truncated", r)
	}
}

func testFactsOf(name string) provider.Facts {
	return provider.Facts{Provider: name, Certainty: provider.Certain, Event: "e", EventID: "1", Signature: provider.Valid, SignatureCode: provider.CodeOK}
}

// Whatever happens while a delivery is looked at, it is stored and forwarded.
func TestReceiverSurvivesItsChecker(t *testing.T) {
	facts := testFactsOf("slack")
	facts.Handshake = "url_verification"
	for name, c := range map[string]*fakeChecker{
		"assess": {assess: func(*provider.Request) (provider.Facts, bool) { panic("broken") }},
		"answer": {
			assess: func(*provider.Request) (provider.Facts, bool) { return facts, false },
			answer: func() (*provider.Answer, error) { panic("broken") },
		},
		"verify": {
			assess: func(*provider.Request) (provider.Facts, bool) { return testFactsOf("sns"), true },
			verify: func(context.Context) provider.Diagnosis { panic("broken") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []provider.Facts
			failed := make(chan error, 10)
			rc := &Receiver{
				Store: openStore(t, t.TempDir()), checker: c, Forward: forwarded(&seen), AnswerHandshakes: true,
				OnError: func(err error) { failed <- err },
			}
			defer rc.Wait()
			if w := serve(rc, "POST", "x"); w.Code != http.StatusCreated {
				t.Errorf("got %d, want the handler's 201", w.Code)
			}
			select {
			case err := <-failed:
				if !strings.Contains(err.Error(), "broken") {
					t.Errorf("OnError got %v, want the panic", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("OnError got nothing")
			}
			if c, err := rc.Store.Counters(t.Context()); err != nil || c.Forwarded != 1 {
				t.Errorf("counters: %+v %v, want it forwarded", c, err)
			}
		})
	}
}

// A signature that waits for a key is checked beside the traffic, of a few
// deliveries at a time, for a limited time.
func TestReceiverRechecks(t *testing.T) {
	waiting := testFactsOf("sns")
	waiting.Signature, waiting.SignatureCode, waiting.Scheme = provider.Unverifiable, provider.CodeNoKey, ""
	begun, release := make(chan time.Time, 100), make(chan struct{})
	c := &fakeChecker{
		assess: func(*provider.Request) (provider.Facts, bool) { return waiting, true },
		verify: func(ctx context.Context) provider.Diagnosis {
			deadline, _ := ctx.Deadline()
			begun <- deadline
			select {
			case <-release:
			case <-ctx.Done():
			}
			return provider.Diagnosis{Result: provider.Valid, Code: provider.CodeOK, Reason: "valid", Scheme: "v2", Secret: "key", Provider: "sns"}
		},
	}
	var seen []provider.Facts
	rc := &Receiver{Store: openStore(t, t.TempDir()), checker: c, Forward: forwarded(&seen)}
	for range maxFetches + 2 {
		if w := serve(rc, "POST", "x"); w.Code != http.StatusCreated {
			t.Fatalf("got %d, want the handler's 201 without waiting", w.Code)
		}
	}
	for range maxFetches {
		if left := time.Until(<-begun); left <= 0 || left > recheckTimeout {
			t.Errorf("a check may take %s, want at most %s", left, recheckTimeout)
		}
	}
	if len(begun) != 0 {
		t.Errorf("%d more are checked at once, want %d", len(begun), maxFetches)
	}
	signal, cancel := rc.Store.Watch()
	defer cancel()
	close(release)
	want := waiting
	want.Signature, want.SignatureCode, want.SignatureReason, want.Scheme, want.Secret = provider.Valid, provider.CodeOK, "valid", "v2", "key"
	late := time.After(20 * time.Second)
	for {
		list, err := rc.Store.List(t.Context(), ListOptions{Query: "signature:valid"})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == maxFetches+2 {
			if !reflect.DeepEqual(list[0].Facts, want) {
				t.Errorf("got %+v, want %+v", list[0].Facts, want)
			}
			break
		}
		select {
		case <-signal:
		case <-late:
			t.Fatalf("%d are checked, want %d", len(list), maxFetches+2)
		}
	}
	rc.Wait()
	if len(begun) != 2 {
		t.Errorf("%d more were checked, want all", len(begun))
	}
}

// Those whose keys are slow to come do not keep the reason of a wrong signature
// from being found, and what is found is of the delivery as it is stored.
func TestReceiverFindsReasons(t *testing.T) {
	release := make(chan struct{})
	c := &fakeChecker{
		assess: func(r *provider.Request) (provider.Facts, bool) {
			f := testFactsOf("sns")
			f.Signature, f.SignatureCode = provider.Unverifiable, provider.CodeNoKey
			if string(r.Body) == "wrong" {
				f.Signature, f.SignatureCode, f.SignatureReason = provider.Invalid, provider.CodeWrongSecret, "looking why"
			}
			return f, true
		},
		verifyOf: func(ctx context.Context, r *provider.Request) provider.Diagnosis {
			if string(r.Body) != "wrong" {
				<-release
			}
			return provider.Diagnosis{Result: provider.Invalid, Code: provider.CodeBodyChanged, Reason: "changed: " + string(r.Body)}
		},
	}
	rc := &Receiver{Store: openStore(t, t.TempDir()), checker: c, OnError: func(err error) { t.Error(err) }}
	defer rc.Wait()
	defer close(release)
	signal, cancel := rc.Store.Watch()
	defer cancel()
	for range maxFetches + 1 {
		serve(rc, "POST", "slow")
	}
	serve(rc, "POST", "wrong")
	late := time.After(20 * time.Second)
	for {
		d, err := rc.Store.Delivery(t.Context(), maxFetches+2)
		if err != nil {
			t.Fatal(err)
		}
		if d.Facts.SignatureReason == "changed: wrong" && d.Facts.SignatureCode == provider.CodeBodyChanged && d.Facts.Provider == "sns" {
			return
		}
		select {
		case <-signal:
		case <-late:
			t.Fatalf("got %+v, want the reason", d.Facts)
		}
	}
}

// A queue is worked off in order, by so many workers, and has a bound.
func TestRecheckQueue(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := recheckQueue{workers: 1}
	rc := &Receiver{}
	for id := range int64(maxRechecks + 5) {
		q.add(rc, id, 1)
	}
	for want := range int64(maxRechecks) {
		if id, ok := q.next(ctx); id != want || !ok {
			t.Fatalf("got %d %t, want %d", id, ok, want)
		}
	}
	if id, ok := q.next(ctx); ok || q.workers != 0 {
		t.Errorf("got %d and %d workers, want none of those over the bound", id, q.workers)
	}
	q = recheckQueue{workers: 1, ids: []int64{1}}
	cancel()
	if id, ok := q.next(ctx); ok {
		t.Errorf("got %d, want nothing after the end", id)
	}
}

// Few large bodies are looked at at a time, and small ones do not wait for them.
func TestReceiverLargeBodies(t *testing.T) {
	const extra = 3
	begun, release := make(chan struct{}, 10), make(chan struct{})
	c := &fakeChecker{assess: func(r *provider.Request) (provider.Facts, bool) {
		if len(r.Body) >= large {
			begun <- struct{}{}
			<-release
		}
		return testFactsOf("stripe"), false
	}}
	rc := &Receiver{Store: openStore(t, t.TempDir()), checker: c}
	body := strings.Repeat("x", large)
	var wg sync.WaitGroup
	for range maxLarge + extra {
		wg.Go(func() { serve(rc, "POST", body) })
	}
	for range maxLarge {
		<-begun
	}
	if w := serve(rc, "POST", body[1:]); w.Code != http.StatusOK {
		t.Errorf("got %d, want a small body stored meanwhile", w.Code)
	}
	if len(begun) != 0 {
		t.Errorf("%d more large bodies are looked at at once, want %d", len(begun), maxLarge)
	}
	close(release)
	wg.Wait()
	rc.Wait()
	if c, err := rc.Store.Counters(t.Context()); err != nil || c.Held != maxLarge+extra+1 {
		t.Errorf("counters: %+v %v, want all stored", c, err)
	}
}

// Wait gives up the checks, which then say nothing.
func TestReceiverWaitEndsRechecks(t *testing.T) {
	begun := make(chan struct{}, 1)
	c := &fakeChecker{
		assess: func(*provider.Request) (provider.Facts, bool) { return testFactsOf("sns"), true },
		verify: func(ctx context.Context) provider.Diagnosis {
			begun <- struct{}{}
			<-ctx.Done()
			return provider.Diagnosis{Result: provider.Unverifiable, Reason: "cut short"}
		},
	}
	rc := &Receiver{Store: openStore(t, t.TempDir()), checker: c, OnError: func(err error) { t.Error(err) }}
	serve(rc, "POST", "x")
	<-begun
	start := time.Now()
	rc.Wait()
	if took := time.Since(start); took > recheckTimeout/2 {
		t.Errorf("Wait took %s", took)
	}
	if d, err := rc.Store.Delivery(t.Context(), 1); err != nil || !reflect.DeepEqual(d.Facts, testFactsOf("sns")) {
		t.Errorf("got %+v %v, want what was known before", d.Facts, err)
	}
}

func TestReceiverAnswersHandshakes(t *testing.T) {
	body := []byte("\x00<b>\xff\r\n")
	good := &provider.Answer{Status: 200, Header: http.Header{"X-A": {"1", "2"}}, Body: body, Why: "Slack's url_verification"}
	bad := &provider.Answer{Status: 403, Header: http.Header{}, Why: "Meta's hub.challenge, refused: its token is wrong"}
	noSecret := errors.New("no secret is known")
	tests := []struct {
		name      string
		method    string
		on        bool // AnswerHandshakes
		handshake string
		answer    *provider.Answer
		err       error
		handler   bool
		status    int
		want      Disposition
		body      []byte
		reported  bool
	}{
		{"with a handler", "POST", true, "h", good, nil, true, 200, Held, body, false},
		{"without one", "POST", true, "h", good, nil, false, 200, Held, body, false},
		{"GET", "GET", true, "h", good, nil, true, 200, Held, body, false},
		{"OPTIONS", "OPTIONS", true, "h", good, nil, true, 200, Held, body, false},
		{"HEAD", "HEAD", true, "h", good, nil, true, 200, Held, []byte{}, false},
		{"a wrong token", "GET", true, "h", bad, nil, true, 403, Refused, []byte{}, false},
		{"off", "POST", false, "h", good, nil, true, 201, Forwarded, []byte{}, false},
		{"off, and no secret", "POST", false, "h", nil, noSecret, true, 201, Forwarded, []byte{}, false},
		{"no secret", "POST", true, "h", nil, noSecret, true, 201, Forwarded, []byte{}, true},
		{"no secret and no handler", "POST", true, "h", nil, noSecret, false, 200, Held, []byte{}, true},
		{"no handshake", "POST", true, "", good, nil, true, 201, Forwarded, []byte{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts := testFactsOf("slack")
			facts.Handshake = tt.handshake
			c := &fakeChecker{
				assess: func(*provider.Request) (provider.Facts, bool) { return facts, false },
				answer: func() (*provider.Answer, error) { return tt.answer, tt.err },
			}
			var seen []provider.Facts
			reported := false
			rc := &Receiver{
				checker: c, AnswerHandshakes: tt.on,
				OnError:  func(err error) { t.Errorf("told that it could not be stored: %v", err) },
				OnNotice: func(err error) { reported = errors.Is(err, noSecret) },
			}
			if tt.handler {
				rc.Forward = forwarded(&seen)
			}
			addr := serveReceiver(t, rc)
			resp := sendRaw(t, addr, tt.method+" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			if got := text(resp); resp.StatusCode != tt.status || got != string(tt.body) {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, got, tt.status, tt.body)
			}
			answered := tt.want == Held && tt.answer == good && tt.on
			if got := resp.Header["X-A"]; answered != slices.Equal(got, []string{"1", "2"}) {
				t.Errorf("X-A is %q; want it of answers only", got)
			}
			if got := resp.Header["Content-Type"]; answered && got != nil {
				t.Errorf("a Content-Type was added: %q", got)
			}
			d, err := rc.Store.Delivery(t.Context(), 1)
			if err != nil || d.Disposition != tt.want {
				t.Fatalf("got %s %v, want %s", d.Disposition, err, tt.want)
			}
			reason := ""
			if status := tt.status; tt.answer != nil && status == tt.answer.Status {
				reason = "hookloop answered the handshake: " + tt.answer.Why
			}
			if d.Reason != reason {
				t.Errorf("the reason is %q, want %q", d.Reason, reason)
			}
			if reported != tt.reported {
				t.Errorf("OnNotice was told %t, want %t", reported, tt.reported)
			}
		})
	}
}

// A handshake is answered only once it is stored.
func TestReceiverStoresHandshakesFirst(t *testing.T) {
	facts := testFactsOf("slack")
	facts.Handshake = "url_verification"
	c := &fakeChecker{
		assess: func(*provider.Request) (provider.Facts, bool) { return facts, false },
		answer: func() (*provider.Answer, error) { return &provider.Answer{Status: 200}, nil },
	}
	rc := &Receiver{Store: openStore(t, t.TempDir()), checker: c, AnswerHandshakes: true}
	if err := rc.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if w := serve(rc, "POST", "x"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", w.Code)
	}
}

// A secret that a handshake hands over is kept, whoever answers it: the first
// one only, of a handshake that was not refused.
func TestReceiverKeepsSecrets(t *testing.T) {
	facts := testFactsOf("notion")
	facts.Handshake = "verification_token"
	for _, on := range []bool{false, true} {
		value := "first"
		c := &fakeChecker{
			assess: func(*provider.Request) (provider.Facts, bool) { return facts, false },
			answer: func() (*provider.Answer, error) {
				return &provider.Answer{Status: 200, Secret: &provider.Secret{Label: "l", Value: value}}, nil
			},
		}
		rc := &Receiver{Store: openStore(t, t.TempDir()), checker: c, AnswerHandshakes: on}
		refused := true
		rc.Refuse = func(*http.Request) (int, string) {
			if refused {
				return 401, "no"
			}
			return 0, ""
		}
		serve(rc, "POST", "x")
		if len(c.secrets) > 0 {
			t.Errorf("on=%t: %q is kept of a request that was refused", on, c.secrets)
		}
		refused = false
		serve(rc, "POST", "x")
		value = "somebody else's"
		serve(rc, "POST", "x")
		if want := []string{"notion:first"}; !slices.Equal(c.secrets, want) {
			t.Errorf("on=%t: got %q, want %q", on, c.secrets, want)
		}
		c.secrets = []string{"notion:configured"}
		serve(rc, "POST", "x")
		if want := []string{"notion:configured"}; !slices.Equal(c.secrets, want) {
			t.Errorf("on=%t, with a secret that is configured: got %q, want %q", on, c.secrets, want)
		}
		rc.Wait()
	}
}

// With the catalog that is built in: a signed event, a wrong signature, a
// handshake that is answered and one that hands over its secret.
func TestReceiverKnowsProviders(t *testing.T) {
	var seen []provider.Facts
	rc := &Receiver{
		Checker: &provider.Checker{
			Catalog: provider.BuiltIn(),
			Secrets: map[string][]provider.Secret{"stripe": {{Label: "STRIPE", Value: "whsec_1"}}},
		},
		AnswerHandshakes: true, Forward: forwarded(&seen),
		OnError:  func(err error) { t.Error(err) },
		OnNotice: func(error) {}, // of the second secret
	}
	addr := serveReceiver(t, rc)
	sign := func(secret, message string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = mac.Write([]byte(message))
		return hex.EncodeToString(mac.Sum(nil))
	}
	post := func(header, body string) string {
		t.Helper()
		resp := sendRaw(t, addr, fmt.Sprintf("POST /hooks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", header, len(body), body))
		return fmt.Sprint(resp.StatusCode, " ", text(resp))
	}
	last := func() *Delivery {
		t.Helper()
		list, err := rc.Store.List(t.Context(), ListOptions{Limit: 1})
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		d, err := rc.Store.Delivery(t.Context(), list[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	now := time.Now().Unix()
	event := `{"id":"evt_1","object":"event","type":"charge.failed","data":{"object":{"id":"ch_1"}}}`
	for secret, want := range map[string]provider.Result{"whsec_1": provider.Valid, "another": provider.Invalid} {
		post(fmt.Sprintf("Stripe-Signature: t=%d,v1=%s\r\n", now, sign(secret, fmt.Sprintf("%d.%s", now, event))), event)
		if f := last().Facts; f.Provider != "stripe" || f.Event != "charge.failed" || f.EventID != "evt_1" || f.Signature != want {
			t.Errorf("signed with %s: got %+v, want %s", secret, f, want)
		}
	}
	if got := post("", `{"type":"url_verification","challenge":"3eZ<b>","token":"x"}`); got != "200 3eZ<b>" {
		t.Errorf("Slack's handshake is answered with %s, want its challenge", got)
	}
	if d := last(); d.Facts.Provider != "slack" || d.Facts.Handshake != "url_verification" || d.Disposition != Held || !strings.Contains(d.Reason, "url_verification") {
		t.Errorf("Slack's handshake is kept as %s, %q, %+v", d.Disposition, d.Reason, d.Facts)
	}
	for _, token := range []string{"secret_1", "secret_2"} {
		if got := post("", `{"verification_token":"`+token+`"}`); got != "200 " {
			t.Errorf("Notion's handshake is answered with %q, want 200", got)
		}
	}
	page := `{"id":"n1","type":"page.created","attempt_number":1}`
	for token, want := range map[string]provider.Result{"secret_1": provider.Valid, "secret_2": provider.Invalid} {
		post("X-Notion-Signature: sha256="+sign(token, page)+"\r\n", page)
		if f := last().Facts; f.Provider != "notion" || f.Signature != want {
			t.Errorf("Notion's event, signed with %s: got %+v, want %s", token, f, want)
		}
	}
	if len(seen) != 4 {
		t.Errorf("the handler got %d deliveries, want the 4 events", len(seen))
	}
}

func TestRequestURL(t *testing.T) {
	for _, tt := range []struct{ endpoint, target, want string }{
		{"https://public.test", "/hooks?x=1", "https://public.test/hooks?x=1"},
		{"", "/hooks?x=1", ""},
		{"", "http://public.test/hooks", ""},
		{"https://public.test", "http://other.test/hooks", "https://public.test/hooks"},
		{"https://public.test", "https://other.test?x=1", "https://public.test/?x=1"},
		{"https://public.test", "/hooks?u=http://other.test/y", "https://public.test/hooks?u=http://other.test/y"},
	} {
		d := &Delivery{Endpoint: tt.endpoint, Target: tt.target}
		if got := d.Request().URL; got != tt.want {
			t.Errorf("%q behind %q: got %q, want %q", tt.target, tt.endpoint, got, tt.want)
		}
	}
}
