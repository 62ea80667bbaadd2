package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A verifier is a handler that checks signatures, with a fault or none.
type verifier func(r *http.Request, body string) (status int)

// of p with testSecret, done right.
func right(p party) verifier {
	return func(r *http.Request, body string) int {
		if p.refuse(r, body, testSecret) != "" {
			return http.StatusUnauthorized
		}
		return http.StatusOK
	}
}

// either takes what one of several takes.
func either(all ...verifier) verifier {
	return func(r *http.Request, body string) int {
		for _, v := range all {
			if status := v(r, body); status == http.StatusOK {
				return status
			}
		}
		return http.StatusUnauthorized
	}
}

// setTampering serves v, which counts what it takes, for a delivery of p.
func setTampering(t testing.TB, p party, age time.Duration, v verifier, have ...string) *stage {
	s := setStage(t, "", "{}", func(s *stage, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		status := v(r, string(body))
		if status == http.StatusOK {
			s.count.Add(1)
		}
		w.WriteHeader(status)
	})
	s.sender.Checker = secrets(p.name, have...)
	s.id = s.aged(t, p, age, testSecret, func(d *inspect.Delivery) {
		if rec := s.sender.Checker.Recognize(d.Request()); rec.Provider != nil {
			d.Facts.Provider, d.Facts.Certainty = rec.Provider.Name, rec.Certainty
		}
	})
	return s
}

// stripeJSON checks the signature over what JSON.stringify makes of the body.
func stripeJSON(r *http.Request, body string) int {
	var out bytes.Buffer
	if json.Compact(&out, []byte(body)) != nil {
		return http.StatusBadRequest
	}
	return right(stripe)(r, out.String())
}

// stripeAnyTime never looks at how old the timestamp is.
func stripeAnyTime(r *http.Request, body string) int {
	ts, sig, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Stripe-Signature"), "t="), ",v1=")
	want, _ := signStripe(parseUnix(ts), testSecret, body)
	if _, w, _ := strings.Cut(want.Get("Stripe-Signature"), ",v1="); sig == "" || sig != w {
		return http.StatusUnauthorized
	}
	return http.StatusOK
}

// stripeAnyVersion takes a signature under whatever version.
func stripeAnyVersion(r *http.Request, body string) int {
	r = r.Clone(r.Context())
	r.Header.Set("Stripe-Signature", strings.Replace(r.Header.Get("Stripe-Signature"), "v0=", "v1=", 1))
	return right(stripe)(r, body)
}

// pastOnlyTime lets the future pass, as Stripe's library does.
func stripePastOnly(r *http.Request, body string) int {
	ts, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Stripe-Signature"), "t="), ",")
	if at := parseUnix(ts); time.Until(at) > 0 {
		return stripeAnyTime(r, body)
	}
	return right(stripe)(r, body)
}

func parseUnix(ts string) time.Time {
	var n int64
	for _, c := range ts {
		n = n*10 + int64(c-'0')
	}
	return time.Unix(n, 0)
}

// whenUnsigned answers status to what has no signature, and is right else; 0 = it panics.
func whenUnsigned(status int) verifier {
	return func(r *http.Request, body string) int {
		if r.Header.Get("Stripe-Signature") != "" {
			return right(stripe)(r, body)
		}
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		return status
	}
}

// noneAllowed takes tokens with the algorithm none.
func noneAllowed(r *http.Request, _ string) int {
	head, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if b, _ := base64.RawURLEncoding.DecodeString(head); strings.Contains(string(b), `"none"`) {
		return http.StatusOK
	}
	return http.StatusUnauthorized
}

func always(status int) verifier { return func(*http.Request, string) int { return status } }

func rowsOf(sim *inspect.Simulation) [][]string {
	if sim.Table == nil {
		return nil
	}
	return sim.Table.Rows
}

func TestTamper(t *testing.T) {
	const old = 2 * time.Hour
	for _, tt := range []struct {
		name   string
		p      party
		age    time.Duration
		v      verifier
		have   []string // the secrets that hookloop has; nil = the right one
		want   inspect.Verdict
		says   []string // reasons for the verdict: all that there are where it is FAIL
		rows   []string // of the table, as "what: what it did"
		probed int64    // how often it acts
	}{
		{
			name: "right", p: stripe, v: right(stripe), want: inspect.Pass, says: []string{"each of the 9 that were changed", "from 0 to 1"}, probed: 1,
			rows: []string{"nothing: answered 200 OK", "old timestamp: answered 401", "from a day ago: answered 401", "wrong scheme version: answered 401"},
		},
		{name: "right, and old", p: stripe, age: old, v: right(stripe), want: inspect.Pass, says: []string{"each of the 9 "}, probed: 1, rows: []string{"replayed as it is: answered 401"}},
		{name: "right, of Slack", p: slack, v: right(slack), want: inspect.Pass, says: []string{"each of the 9 "}, probed: 1},
		{
			name: "right, of GitHub", p: github, v: right(github), want: inspect.Pass, says: []string{"each of the 5 "}, probed: 1,
			rows: []string{"old timestamp: not sent: GitHub signs no time", "wrong scheme version: not sent: GitHub's signature names no version"},
		},
		{name: "right, without a secret here", p: github, have: []string{}, v: right(github), want: inspect.Pass, says: []string{"each of the 5 "}, probed: 1},
		{
			name: "fresh, without a secret here", p: stripe, have: []string{}, v: right(stripe), want: inspect.Inconclusive, probed: 1,
			says: []string{"old timestamp, future timestamp, from a day ago: not sent, so it is not known what the handler does: no secret configured for Stripe"},
			rows: []string{"old timestamp: not sent: no secret configured for Stripe: give it with --secret stripe=env:NAME"},
		},
		{
			name: "right, a token", p: daglo, v: right(daglo), want: inspect.Pass, says: []string{"each of the 4 "}, probed: 1,
			rows: []string{"body plus one byte: not sent: daglo's signature does not cover this", "algorithm none: answered 401", "expired token: answered 401"},
		},
		{name: "as Stripe's library", p: stripe, v: stripePastOnly, want: inspect.Pass, says: []string{"note: the handler accepted a delivery signed 6 min ahead of time, which Stripe's own library does too"}, probed: 2},

		{name: "verifies nothing", p: stripe, v: always(200), want: inspect.Fail, probed: 10, says: []string{
			"the handler accepted a delivery signed with another secret: it does not check the signature", "without a signature", "a byte longer", "written anew",
			"half of the body", "another version", "signed 6 min ago: it does not check the timestamp", "signed a day ago, as if it had come then", "from 0 to",
		}},
		{name: "ignores timestamps", p: stripe, v: stripeAnyTime, want: inspect.Fail, probed: 4, says: []string{
			"the handler accepted a delivery signed 6 min ago: it does not check the timestamp", "a delivery that was signed a day ago, as if it had come then: whoever", "from 0 to",
		}},
		{name: "ignores timestamps, of an old delivery", p: stripe, age: old, v: stripeAnyTime, want: inspect.Fail, probed: 4, says: []string{
			"signed 6 min ago", "an old delivery, sent again as it came", "from 0 to",
		}},
		{name: "checks what it parsed", p: stripe, v: stripeJSON, want: inspect.Fail, probed: 3, says: []string{
			"a byte longer", "the handler accepted a body that was written anew: it checks what it parsed, not the bytes that came", "from 0 to",
		}},
		{name: "takes any version", p: stripe, v: stripeAnyVersion, want: inspect.Fail, probed: 2, says: []string{"under another version", "from 0 to"}},
		{name: "takes what is unsigned", p: stripe, v: whenUnsigned(200), want: inspect.Fail, probed: 2, says: []string{"without a signature: anybody can send it one", "from 0 to"}},
		{name: "fails where there is none", p: stripe, v: whenUnsigned(500), want: inspect.Fail, probed: 1, says: []string{"missing signature: the handler crashes instead of refusing: it answered 500"}},
		{name: "crashes where there is none", p: stripe, v: whenUnsigned(0), want: inspect.Fail, probed: 1, says: []string{"missing signature: the handler crashes instead of refusing"}},
		{name: "takes algorithm none", p: daglo, v: either(right(daglo), noneAllowed), want: inspect.Fail, probed: 2, says: []string{"alg none", "from 0 to"}},

		{name: "has another secret", p: stripe, v: func(r *http.Request, body string) int {
			if stripe.refuse(r, body, "whsec_other") != "" {
				return http.StatusUnauthorized
			}
			return http.StatusOK
		}, want: inspect.Inconclusive, says: []string{"the genuine delivery was not accepted (answered 401 Unauthorized)"}},
		{name: "refuses all", p: stripe, v: always(400), want: inspect.Inconclusive, says: []string{"so refusals say nothing"}},
		{name: "busy", p: github, v: func(r *http.Request, body string) int {
			if status := right(github)(r, body); status == http.StatusOK {
				return status
			}
			return http.StatusTooManyRequests
		}, want: inspect.Inconclusive, says: []string{"wrong secret: the handler answered 429 Too Many Requests, which neither accepts nor refuses"}, probed: 1},
		{name: "old, without a secret here", p: stripe, age: old, have: []string{}, v: right(stripe), want: inspect.Inconclusive, says: []string{"--secret stripe=env:NAME"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.have == nil {
				tt.have = []string{testSecret}
			}
			s := setTampering(t, tt.p, tt.age, tt.v, tt.have...)
			sim := s.run(t, Spec{Kind: "tamper", Probe: s.probe()}, tt.want, tt.says...)
			if got := s.count.Load(); got != tt.probed {
				t.Errorf("the handler acted %d times, want %d", got, tt.probed)
			}
			for i, row := range rowsOf(sim) {
				if i > 0 && tt.want == inspect.Pass && strings.HasPrefix(row[1], "answered 200") && row[2] != "tolerated" {
					t.Errorf("a forgery was accepted, and the row says %q", row)
				}
				if strings.HasPrefix(row[1], "not sent: no secret") && row[2] != "not sent" {
					t.Errorf("the row says %q", row)
				}
			}
			failed := 0
			for _, reason := range sim.Reasons {
				if reason.Verdict == inspect.Fail {
					failed++
				}
				if tt.want != inspect.Pass && len(tt.have) > 0 && strings.Contains(reason.Text, "refused each") {
					t.Errorf("it is not true that %q", reason.Text)
				}
				if strings.Contains(reason.Text, testSecret) {
					t.Errorf("the secret stands in %q", reason.Text)
				}
			}
			if tt.want == inspect.Fail && failed != len(tt.says) {
				t.Errorf("%d reasons to fail, want %d: %+v", failed, len(tt.says), sim.Reasons)
			}
			for _, want := range tt.rows {
				what, do, _ := strings.Cut(want, ": ")
				if !slices.ContainsFunc(sim.Table.Rows, func(row []string) bool { return row[0] == what && strings.HasPrefix(row[1], do) }) {
					t.Errorf("no row says %q: %q", want, sim.Table.Rows)
				}
			}
		})
	}
}

// What is changed stands in the attempts, and nothing else.
func TestTamperRecords(t *testing.T) {
	s := setTampering(t, stripe, 0, right(stripe), testSecret)
	sim := s.run(t, Spec{Kind: "tamper", Header: http.Header{"X-Mine": {"1"}}}, inspect.Pass, "each of the 9 ")
	d := must(s.store.Delivery(t.Context(), s.id))
	for _, step := range sim.Steps {
		a := must(s.store.Attempt(t.Context(), s.id, step.Attempt))
		if a.Simulation != sim.ID || a.Trigger != inspect.Simulated || a.Sent.Header.Get("X-Mine") != "1" {
			t.Errorf("%s: %+v", step.Label, a)
		}
		body := a.SentBody(d)
		switch step.Label {
		case "truncated body":
			if json.Valid(body) {
				t.Errorf("%s: %q", step.Label, body)
			}
		case "missing signature":
			if _, ok := a.Sent.Header["Stripe-Signature"]; ok {
				t.Errorf("%s: %v", step.Label, a.Sent.Header)
			}
		case "wrong secret", "as it should be":
			r := &provider.Request{Method: "POST", Target: "/hook", Header: a.Sent.Header, Body: body, Time: a.StartedAt}
			want := map[string]provider.Result{"wrong secret": provider.Invalid, "as it should be": provider.Valid}[step.Label]
			if got := s.sender.Checker.Verify(t.Context(), r); got.Result != want {
				t.Errorf("%s: %+v, want %s", step.Label, got, want)
			}
		}
	}
}

// What came too long ago is sent again as it came; for what came just now, one
// that says so stands in.
func TestTamperReplayed(t *testing.T) {
	for age, want := range map[time.Duration]string{0: "from a day ago", 2 * time.Hour: "replayed as it is"} {
		s := setTampering(t, stripe, age, right(stripe), testSecret)
		note := "note: each delivery has a new event id, signed for it, so that none is taken for a duplicate"
		if age > 0 {
			note += ", but for the one that is replayed as it is"
		}
		sim := s.run(t, Spec{Kind: "tamper"}, inspect.Pass, "each of the 9 ", note)
		last := sim.Steps[len(sim.Steps)-1]
		a := must(s.store.Attempt(t.Context(), s.id, last.Attempt))
		if last.Label != want || (a.Sent == nil) != (age > 0) {
			t.Errorf("%s old: %q sent %+v, want %q", age, last.Label, a.Sent, want)
		}
	}
}
