package replay

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A check is what a handler got and thought of it.
type check struct {
	refused string
	header  http.Header
	body    string
	host    string
}

// serve runs the party's handler: 200 for what it takes, else 401.
func (p party) serve(t testing.TB, secret string) (addr string, got chan check) {
	t.Helper()
	got = make(chan check, 10)
	addr = serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		c := check{p.refuse(r, string(b), secret), r.Header, string(b), r.Host}
		got <- c
		if c.refused != "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	return addr, got
}

// aged stores a delivery of p's as it came that long ago.
func (r *rig) aged(t testing.TB, p party, age time.Duration, secret string, edit func(*inspect.Delivery)) int64 {
	t.Helper()
	at := time.Now().Add(-age)
	header, body := p.sign(at, secret, p.body)
	d := &inspect.Delivery{
		ReceivedAt: at, Method: "POST", Target: orDefault(p.target, "/hook"), Host: strings.TrimPrefix(publicURL, "https://"), Proto: "HTTP/1.1",
		Endpoint: publicURL, Header: header, Body: []byte(body), Size: int64(len(body)), Disposition: inspect.Held,
	}
	if edit != nil {
		edit(d)
	}
	if err := r.store.Add(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func secrets(name string, values ...string) *provider.Checker {
	c := &provider.Checker{Catalog: provider.BuiltIn(), Secrets: map[string][]provider.Secret{}}
	for i, v := range values {
		c.Secrets[name] = append(c.Secrets[name], provider.Secret{Label: strings.ToUpper(name) + "_" + strconv.Itoa(i+1), Value: v})
	}
	return c
}

func TestReplaySignsAgain(t *testing.T) {
	const old = 2*time.Hour + 5*time.Minute
	edited := func(body string) Options { return Options{Edited: true, Body: []byte(body)} }
	with := func(o Options, s Signing) Options { o.Signing = s; return o }
	for _, tt := range []struct {
		name    string
		p       party
		age     time.Duration
		o       Options
		secret  string   // the handler's; "" = testSecret
		have    []string // the Checker's; nil = testSecret
		edit    func(*inspect.Delivery)
		refused string // in the handler's words; "" = it takes it
		told    string // of the forecast's Refused; "" = nothing is refused
		signed  string // how Sent.Signed begins; "" = it is not
		body    string // what arrives; "" = as captured
	}{
		{name: "fresh", p: stripe},
		{name: "fresh, asked to", p: stripe, o: Options{Signing: SignAgain}, signed: "stripe v1 with STRIPE_1, timestamp 20"},
		{name: "aged", p: stripe, age: old, told: "the signed timestamp is 2 h 5 min old and Stripe accepts 5 min", signed: "stripe v1 with STRIPE_1, timestamp 20"},
		{name: "aged, as received", p: stripe, age: old, o: Options{Signing: AsReceived}, refused: "stale", told: "2 h 5 min old"},
		{name: "aged, without a secret", p: stripe, age: old, have: []string{}, refused: "stale", told: "the signed timestamp is 2 h 5 min old and Stripe accepts 5 min"},
		{name: "edited", p: stripe, o: edited(`{"id":"evt_2"}`), told: "the body was edited, so Stripe's signature no longer holds", signed: "stripe v1", body: `{"id":"evt_2"}`},
		{name: "aged and edited", p: slack, age: old, o: edited(`{"x":1}`), told: "Slack", signed: "slack v0 with SLACK_1, timestamp", body: `{"x":1}`},
		{name: "the second secret", p: stripe, age: old, have: []string{"whsec_new", testSecret}, told: "2 h 5 min", signed: "stripe v1 with STRIPE_2"},
		{name: "the second secret, edited", p: github, o: edited("{}"), have: []string{"new", testSecret}, told: "the body was edited", signed: "github sha256 with GITHUB_2", body: "{}"},
		{name: "a second secret that is not it", p: stripe, age: old, have: []string{testSecret, "whsec_new"}, told: "2 h 5 min", signed: "stripe v1 with STRIPE_1"},
		{name: "GitHub never ages", p: github, age: 300 * time.Hour},
		{name: "GitHub edited", p: github, o: edited("{}"), told: "the body was edited, so GitHub's", signed: "github sha256 with GITHUB_1", body: "{}"},
		{name: "GitHub edited, without a secret", p: github, o: edited("{}"), have: []string{}, refused: "wrong", told: "the body was edited", body: "{}"},
		{name: "daglo edited, without a secret", p: daglo, o: edited(`{"rid":"r2","status":"x"}`), have: []string{}, body: `{"rid":"r2","status":"x"}`},
		{name: "GitHub edited, as received", p: github, o: with(edited("{}"), AsReceived), refused: "wrong", told: "the body was edited", body: "{}"},
		{name: "Twilio", p: twilio, age: old},
		{name: "Twilio edited", p: twilio, o: edited("SmsStatus=failed&AccountSid=AC1"), told: "the body was edited, so Twilio's", signed: "twilio form with TWILIO_1", body: "SmsStatus=failed&AccountSid=AC1"},
		{name: "Twilio with JSON", p: twilioJSON},
		{name: "Twilio with JSON, edited", p: twilioJSON, o: edited(`{"a":1}`), told: "the body was edited, so Twilio's", signed: "twilio json with TWILIO_1", body: `{"a":1}`},
		{name: "Mailgun", p: mailgun, age: old, o: Options{Signing: SignAgain}, signed: "mailgun ", body: "-"},
		{name: "daglo", p: daglo, age: old, told: "expired", signed: "daglo jwt with DAGLO_1"},
		{
			name: "too old as it came", p: stripe, age: old, edit: func(d *inspect.Delivery) { d.ReceivedAt = time.Now() },
			told: "the signed timestamp is 2 h 5 min old and Stripe accepts 5 min", signed: "stripe v1",
		},
		{
			name: "bad as it came", p: stripe, age: old, edit: func(d *inspect.Delivery) { d.Body[10] ^= 1 },
			refused: "wrong", told: "did not hold when it arrived",
		},
		{
			name: "bad as it came, asked to", p: stripe, age: old, o: Options{Signing: SignAgain}, edit: func(d *inspect.Delivery) { d.Body[10] ^= 1 },
			told: "did not hold when it arrived", signed: "stripe v1",
		},
		{
			name: "bad as it came, and edited", p: github, o: edited("{}"), edit: func(d *inspect.Delivery) { d.Body[0] ^= 1 },
			refused: "wrong", told: "did not hold when it arrived", body: "{}",
		},
		{
			name: "good once, with a secret that has gone", p: github, have: []string{"new"}, secret: "new",
			edit: func(d *inspect.Delivery) { d.Facts.Signature = provider.Valid }, told: "wrong secret", signed: "github sha256 with GITHUB_1",
		},
		{
			name: "cut short, and edited", p: github, o: edited("{}"), edit: func(d *inspect.Delivery) { d.Truncated, d.Body, d.Size = true, d.Body[:3], 99 },
			told: "the body was edited", signed: "github sha256", body: "{}",
		},
		{name: "edited so that nothing tells whose it is", p: daglo, age: old, o: with(edited("{}"), SignAgain), told: "expired", signed: "daglo jwt", body: "{}"},
		{name: "edited, and only its secret had told whose it is", p: bitbucket, o: edited("[]"), told: "the body was edited, so Bitbucket", signed: "bitbucket sha256", body: "[]"},
		{name: "nobody's", p: party{body: "{}", sign: func(_ time.Time, _, b string) (http.Header, string) { return http.Header{}, b }, refuse: func(*http.Request, string, string) string { return "" }}, age: old, o: edited("[]"), body: "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr, got := tt.p.serve(t, orDefault(tt.secret, testSecret))
			r := new(rig).start(t, addr)
			if tt.have == nil {
				tt.have = []string{testSecret}
			}
			r.sender.Checker = secrets(tt.p.name, tt.have...)
			id := r.aged(t, tt.p, tt.age, testSecret, tt.edit)
			d := must(r.store.Delivery(t.Context(), id))

			f := must(r.sender.Forecast(t.Context(), id, tt.o))
			if !strings.Contains(f.Refused, tt.told) || tt.told == "" && f.Refused != "" {
				t.Errorf("forecast: got %q, want %q", f.Refused, tt.told)
			}
			if f.Sign != (tt.signed != "") {
				t.Errorf("forecast: got %+v, want sign %t", f, tt.signed != "")
			}
			at := r.replay(t, id, tt.o)
			c := <-got
			if (c.refused == "") != (tt.refused == "") || !strings.Contains(c.refused, tt.refused) {
				t.Errorf("the handler says %q, want %q\n%v", c.refused, tt.refused, c.header)
			}
			want := orDefault(tt.body, string(d.Body))
			if want != "-" && c.body != want {
				t.Errorf("body: got %q, want %q", c.body, want)
			}
			if at.Sent == nil {
				at.Sent = &inspect.Sent{}
			}
			if s := at.Sent.Signed; !strings.HasPrefix(s, tt.signed) || (s == "") != (tt.signed == "") {
				t.Errorf("recorded %q, want %q", s, tt.signed)
			}
			kept := f.Refused
			if tt.signed != "" {
				kept = ""
			}
			if stored := r.attempt(t, id, at.Number); at.NotSigned != kept || stored.NotSigned != kept {
				t.Errorf("recorded as not signed: got %q, stored %q, want %q", at.NotSigned, stored.NotSigned, kept)
			}
			if len(tt.have) == 0 && f.Refused != "" && !strings.Contains(f.Why, "--secret "+tt.p.name+"=") {
				t.Errorf("without a secret: got %q, want what to do", f.Why)
			}
			if strings.Contains(at.Sent.Signed+f.Refused+f.Why, testSecret) {
				t.Error("the secret stands in what users are told")
			}
			recorded(t, d, at, c)
		})
	}
}

// recorded checks that what the handler got is what the record of the attempt makes of d.
func recorded(t testing.TB, d *inspect.Delivery, at *inspect.Attempt, c check) {
	t.Helper()
	if got := string(at.SentBody(d)); got != c.body {
		t.Errorf("recorded body: got %q, sent %q", got, c.body)
	}
	header := d.Header
	if at.Sent.Header != nil {
		header = at.Sent.Header
	}
	for name, values := range header {
		if name != "Content-Length" && !slices.Equal(c.header[name], values) {
			t.Errorf("recorded %s: %q, sent %q", name, values, c.header[name])
		}
	}
	stored := header["Content-Length"]
	if len(stored) > 0 && stored[0] != strconv.Itoa(len(c.body)) {
		t.Errorf("recorded Content-Length %s for %d bytes", stored, len(c.body))
	}
}

// Without a Checker, or told to, a replay sends every byte as it came, and records no difference.
func TestReplayAsReceived(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	r.sender.Checker = secrets("stripe", testSecret)
	id := r.aged(t, stripe, time.Hour, testSecret, nil)
	d := must(r.store.Delivery(t.Context(), id))
	for range 2 {
		at := r.replay(t, id, Options{Signing: AsReceived})
		m := h.next(t)
		if at.Sent != nil || !bytes.Equal(m.body, d.Body) || !reflect.DeepEqual(m.header("Stripe-Signature"), d.Header["Stripe-Signature"]) {
			t.Errorf("got %+v %q %q", at.Sent, m.body, m.lines)
		}
		if at.Sent != nil {
			break
		}
	}
	r.sender.Checker = nil
	if at := r.replay(t, id, Options{}); at.Sent != nil {
		t.Errorf("without a Checker: got %+v", at.Sent)
	}
}

// A provider's own request is handed on with the signature it has, however old.
func TestForwardsAreNeverSigned(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	r.sender.Checker = secrets("stripe", testSecret)
	header, body := stripe.sign(time.Now().Add(-time.Hour), testSecret, stripe.body)
	exchange(t, r.addr, post("/", body, "Stripe-Signature: "+header.Get("Stripe-Signature")))
	if m := h.next(t); m.header("Stripe-Signature")[0] != header.Get("Stripe-Signature") {
		t.Errorf("got %q, want %q", m.header("Stripe-Signature"), header)
	}
	if a := r.attempt(t, 1, 1); a.Sent != nil {
		t.Errorf("recorded %+v", a.Sent)
	}
}

func TestSignAgainCanNot(t *testing.T) {
	addr, got := stripe.serve(t, testSecret)
	r := new(rig).start(t, addr)
	id := r.aged(t, stripe, time.Hour, testSecret, nil)
	for _, tt := range []struct {
		name string
		c    *provider.Checker
		o    Options
		want string
	}{
		{"no Checker", nil, Options{}, "can't be signed again: nothing here knows"},
		{"no secret", secrets("stripe"), Options{}, "secret"},
		{"another's secret", secrets("github", testSecret), Options{}, "secret"},
		{"its header set by hand", secrets("stripe", testSecret), Options{Header: http.Header{"stripe-signature": {"t=1,v1=00"}}}, "Stripe-Signature, where the signature stands, is set by hand"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.sender.Checker = tt.c
			tt.o.Signing = SignAgain
			_, err := r.sender.Replay(t.Context(), id, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			f, ferr := r.sender.Forecast(t.Context(), id, tt.o)
			if ferr != nil || f.CanSign || f.Sign || f.Why == "" || !strings.HasSuffix(err.Error(), f.Why) {
				t.Errorf("forecast: got %+v %v, want why as in %v", f, ferr, err)
			}
		})
	}
	if len(got) > 0 {
		t.Errorf("the handler got %+v", <-got)
	}
	if n := must(r.store.Attempts(t.Context(), id)); len(n) > 0 {
		t.Errorf("attempts were begun: %+v", n)
	}
}

// What the user sets stays: a timestamp is signed as it is, a signature is left alone.
func TestSignAgainKeepsUsersHeaders(t *testing.T) {
	addr, got := slack.serve(t, testSecret)
	r := new(rig).start(t, addr)
	r.sender.Checker = secrets("slack", testSecret)
	id := r.aged(t, slack, time.Hour, testSecret, nil)
	then := unix(time.Now().Add(-10 * time.Minute))
	r.replay(t, id, Options{Signing: SignAgain, Header: http.Header{"x-slack-request-timestamp": {then}}})
	if c := <-got; c.header.Get("X-Slack-Request-Timestamp") != then || !strings.Contains(c.refused, "stale") {
		t.Errorf("a timestamp set by hand: got %+v, want %s, rightly signed and stale", c, then)
	}
	r.replay(t, id, Options{Header: http.Header{"X-Slack-Signature": {"v0=mine"}}})
	if c := <-got; c.header.Get("X-Slack-Signature") != "v0=mine" {
		t.Errorf("a signature set by hand: got %q", c.header)
	}
	r.replay(t, id, Options{Header: http.Header{"X-Slack-Signature": nil}})
	if c := <-got; c.header["X-Slack-Signature"] != nil {
		t.Errorf("a signature taken out: got %q", c.header)
	}
	r.sender.Header = http.Header{"X-Other": {"1"}}
	at := r.replay(t, id, Options{})
	if c := <-got; c.refused != "" || c.header.Get("X-Other") != "1" || at.Sent.Signed == "" {
		t.Errorf("another header: got %+v %+v", c, at.Sent)
	}
}

// The URL that is signed is the provider's as long as the handler gets the Host
// it got then; a handler elsewhere under another Host sees another URL.
func TestSignAgainURL(t *testing.T) {
	addr, got := twilio.serve(t, testSecret)
	const body = "SmsStatus=failed"
	for _, tt := range []struct {
		name   string
		host   string // the Sender's HostHeader
		own    string // path of the Sender's handler; "" = the delivery's
		first  string // HostHeader of a first attempt; "-" = there was none
		edit   func(*inspect.Delivery)
		o      Options
		signed bool
		wrong  bool   // for a handler that rebuilds the URL from the Host
		told   string // of the forecast's Refused
		no     bool   // secret is configured
	}{
		{name: "preserved", first: "-"},
		{name: "preserved, elsewhere", first: "", o: Options{To: addr}},
		{name: "another path", first: "", o: Options{To: addr + "/other"}, signed: true, told: "Twilio signs the URL, and the handler will see https://hooks.example.test/other?a=1"},
		{name: "another path, never sent before", first: "-", o: Options{To: addr + "/other"}, signed: true, told: "https://hooks.example.test/other?a=1"},
		{name: "another query", first: "", o: Options{To: addr + "?b=2"}, signed: true, told: "https://hooks.example.test/sms?b=2&a=1"},
		{name: "another path, as received", first: "", o: Options{To: addr + "/other", Signing: AsReceived}, wrong: true, told: "https://hooks.example.test/other?a=1"},
		{name: "another path, without a secret", first: "", no: true, o: Options{To: addr + "/other"}, wrong: true, told: "https://hooks.example.test/other?a=1"},
		{name: "another path and rewritten", first: "", host: "rewrite", o: Options{To: addr + "/other"}, signed: true, told: "/other?a=1"},
		{name: "the handler's own path", first: "", own: "/other", wrong: true},                              // such a handler knows its public URL
		{name: "the handler's own path, held till now", first: "-", own: "/other", wrong: true},              // the same
		{name: "the public path, at a handler with its own", first: "", own: "/other", o: Options{To: addr}}, // which rebuilds it
		{name: "a third path", first: "", own: "/other", o: Options{To: addr + "/third"}, signed: true, told: "https://hooks.example.test/third?a=1"},
		{name: "preserved and edited", first: "", o: Options{Edited: true, Body: []byte(body)}, signed: true},
		{name: "rewritten", first: "-", host: "rewrite", signed: true},
		{name: "rewritten and elsewhere", first: "", host: "rewrite", o: Options{To: addr}, signed: true},
		{name: "another", first: "-", host: "other.test", signed: true},
		{name: "rewritten, as at first", first: "rewrite", host: "rewrite", wrong: true}, // such a handler knows its public URL
		{name: "no endpoint", first: "-", edit: func(d *inspect.Delivery) { d.Endpoint, d.Host = "", "localhost:1" }, o: Options{Signing: SignAgain}, signed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := new(rig).start(t, addr+tt.own)
			if r.sender.Checker = secrets("twilio", testSecret); tt.no {
				r.sender.Checker = secrets("twilio")
			}
			id := r.aged(t, twilio, 0, testSecret, tt.edit)
			if tt.first != "-" {
				r.sender.HostHeader = tt.first
				d := must(r.store.Delivery(t.Context(), id))
				p := r.sender.plan(d, r.sender.Handler.target(d.Target), Options{Trigger: inspect.Initial})
				p.record.DeliveryID = id
				if err := r.store.Begin(t.Context(), p.record); err != nil {
					t.Fatal(err)
				}
			}
			r.sender.HostHeader = tt.host
			f := must(r.sender.Forecast(t.Context(), id, tt.o))
			if !strings.Contains(f.Refused, tt.told) || f.Sign != tt.signed {
				t.Errorf("forecast: got %+v, want %q, signed %t", f, tt.told, tt.signed)
			}
			at := r.replay(t, id, tt.o)
			c := <-got
			if (c.refused != "") != tt.wrong {
				t.Errorf("the handler under Host %s says %q, want refused %t", c.host, c.refused, tt.wrong)
			}
			if signed := at.Sent != nil && at.Sent.Signed != ""; signed != tt.signed {
				t.Errorf("signed again: got %t, want %t: %+v", signed, tt.signed, at.Sent)
			}
		})
	}
}

// The hash of the body, which stands in the query, gets to the other path, too.
func TestSignAgainAtAnotherPath(t *testing.T) {
	got := make(chan *http.Request, 1)
	addr := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) { got <- r })
	r := new(rig).start(t, addr)
	r.sender.Checker = secrets("twilio", testSecret)
	id := r.aged(t, twilioJSON, 0, testSecret, nil)
	r.replay(t, id, Options{To: addr + "/other?k=v", Edited: true, Body: []byte(`{"a":1}`)})
	req, want := <-got, "/other?k=v&bodySHA256="+sha(`{"a":1}`)+"&a=b;c"
	if req.RequestURI != want || req.Header.Get("X-Twilio-Signature") != signTwilio(testSecret, publicURL+want, "") {
		t.Errorf("got %s, want %s, signed for it", req.RequestURI, want)
	}
}

func TestOtherQuery(t *testing.T) {
	for _, tt := range []struct{ uri, from, to, want string }{
		{"/a?x=1&y=2", "/a?x=1&y=2", "/a?x=3&y=2", "/a?x=3&y=2"},
		{"/base?k=v&x=1", "/a?x=1", "/a?x=3", "/base?k=v&x=3"},
		{"/a", "/a", "/a?x=3", "/a?x=3"},
		{"/base?k=v", "/a", "/a?x=3", "/base?k=v&x=3"},
	} {
		if got, ok := otherQuery(tt.uri, tt.from, tt.to); got != tt.want || !ok {
			t.Errorf("%s, %s to %s: got %s %t, want %s", tt.uri, tt.from, tt.to, got, ok, tt.want)
		}
	}
	if got, ok := otherQuery("/a?x=1", "/a?x=1", "/a?x=1"); ok {
		t.Errorf("nothing changed: got %s", got)
	}
}
