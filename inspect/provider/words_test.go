package provider

import (
	"strings"
	"testing"
	"time"
)

func describeText(p *Provider) string {
	var b strings.Builder
	for _, line := range p.Describe() {
		b.WriteString(line.Label + ": " + line.Text + "\n")
	}
	return b.String()
}

func TestDescribe(t *testing.T) {
	tests := []struct {
		provider string
		want     []string
	}{
		{"apixo", []string{
			"verify: none: not signed\n", "limit: answer within 30 s\n", "success: exactly 200\n",
			"retries: after 30 s, 2 min 30 s and 12 min 30 s\n", "facts: A: ", "sign again: there is nothing to sign\n",
		}},
		{"stripe", []string{
			"limit: not published\n", "secret: --secret stripe=env:STRIPE_WEBHOOK_SECRET, or under secrets: in hookloop.yaml\n", "of {ts}.{body}; the time is in the header Stripe-Signature after \"t=\", in seconds, and may differ by 5 min. The key is the secret as it is shown, as text: nothing of it is decoded.\n",
			"retries: the intervals are not published (it says: exponential, within 3 days); hookloop's guess is after ",
			"retries, sandbox: the intervals are not published (it says: over a few hours, 3 times); hookloop's guess is after 15 min, 1 h and 3 h\n", "sign again: yes, with the same secret\n", "duplicates: the body's /id\n",
		}},
		{"slack", []string{
			"retries: after 0 s (at once), 1 min and 6 min\n", "redirects: up to 2 are followed\n", "stop: an answer with the header X-Slack-No-Retry: 1 ends the retries\n",
			"handshake: url_verification wants status 200 with {json./challenge} as the body. With --answer-handshakes hookloop answers it. ", "retry headers: X-Slack-Retry-Num, X-Slack-Retry-Reason\n", "retries, commands: never\n",
		}},
		{"standardwebhooks", []string{
			"stop: 410 means: endpoint disabled\n", "Retry-After: is honoured\n", "The key is the secret without whsec_, decoded from base64.\n",
			"retries: after 5 s, 5 min 5 s, 35 min 5 s, 2 h 35 min, 7 h 35 min, 17 h 35 min, 31 h 35 min, 2 days 3 h and 3 days 3 h, each a little more or less\n",
		}},
		{"telegram", []string{"Retry-After: is honoured, up to 1 h\n", "verify: token: the secret itself, in the header X-Telegram-Bot-Api-Secret-Token\n", "; until 24 h have passed\n"}},
		{"twilio", []string{"limit: answer within 15 s, and take the connection within 5 s\n", "; only after connection failures\n", "the body's SHA-256 is in the query parameter bodySHA256"}},
		{"discord", []string{"sign again: only with a private key of your own", "retries: never\n", "success, events: exactly 204\n", `{"type":1} as the body`}},
		{"assemblyai", []string{"retries: every 10 s, 9 times\n", "stop: any 4xx means: do not deliver this again\n", "setting: header is the name of the header that you gave as webhook_auth_header_name: --set assemblyai.header=VALUE\n"}},
		{"typeform", []string{"; after 429, 408, 503 or 423: every 2 min to 3 min, for 10 h\n"}},
		{"meta", []string{"retries: first after 0 s (at once); then the intervals are not published (it says: with decreasing frequency, within 36 h)", "if the query parameter hub.verify_token is the setting verify_token."}},
		{"github", []string{"retries: never\n", "redeliver: redeliver it by hand or through the API, within 3 days\n"}},
		{"replicate", []string{"limit: not published\nsuccess: not published; any 2xx is assumed\nretries: not published\nfacts: ?"}},
		{"square", []string{"; the last ones every 1 h, until 3 days have passed\n"}},
		{"fal", []string{"The public key is fetched from https://rest.fal.ai/.well-known/jwks.json."}},
	}
	c := BuiltIn()
	for _, tt := range tests {
		got := describeText(c.Provider(tt.provider))
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", tt.provider, want, got)
			}
		}
	}
}

// TestWordsAreWhole looks for what was not put in words.
func TestWordsAreWhole(t *testing.T) {
	for _, p := range BuiltIn().All() {
		text := describeText(p)
		for _, bad := range []string{"%!", "()", "  ", " ,", " .\n", "..\n", "after \n", "in , "} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q in\n%s", p.Name, bad, text)
			}
		}
	}
}

func TestTable(t *testing.T) {
	rows := BuiltIn().Table()
	if len(rows) != 46 {
		t.Fatalf("got %d rows", len(rows))
	}
	want := map[string]string{
		"apixo":  "apixo|APIXO|none|no|30 s|exactly 200|3 in 12 min 30 s||2|A",
		"stripe": "stripe|Stripe|hmac-sha256|yes|?|any 2xx|for 3 days, intervals not published||4|B",
		"slack":  "slack|Slack|hmac-sha256|yes|3 s|any 2xx|3 in 6 min|url_verification|4|B",
		"github": "github|GitHub|hmac-sha256, hmac-sha1|yes|10 s|any 2xx|never||4|A",
		"paypal": "paypal|PayPal|rsa-sha256|private key|?|any 2xx|25 in 3 days, intervals not published||3|B",
		"daglo":  "daglo|daglo|jwt-hs256, token|yes|?|?|not published||3|?",
	}
	for _, row := range rows[1:] {
		if w := want[row[0]]; w != "" && strings.Join(row, "|") != w {
			t.Errorf("got  %s\nwant %s", strings.Join(row, "|"), w)
		}
	}
}

// checkVerifies renders the first sample of an entry, signs it, and verifies it, also after one byte is changed.
func checkVerifies(t *testing.T, c *Catalog, p *Provider) {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	checker := &Checker{Catalog: c, Secrets: map[string][]Secret{p.Name: {{Label: "ACME", Value: "it is a secret"}}}, Default: p.Name}
	signed, err := checker.Sign(p.Render(&p.Samples[0], "https://demo.example.test/hooks", at), at, true)
	if err != nil {
		t.Fatal(err)
	}
	checker.Default = ""
	if got := checker.Verify(t.Context(), &signed.Request); got.Result != Valid || got.Provider != p.Name || !got.SignedAt.Equal(at) {
		t.Errorf("got %+v, want valid", got)
	}
	tampered := signed.Request
	tampered.Body = append([]byte(nil), tampered.Body...)
	tampered.Body[10] ^= 1
	if got := checker.Verify(t.Context(), &tampered); got.Result != Invalid || got.Code != CodeWrongSecret {
		t.Errorf("tampered: got %+v, want invalid", got)
	}
	late := signed.Request
	late.Time = at.Add(5*time.Minute + time.Second)
	if got := checker.Verify(t.Context(), &late); got.Code != CodeTooOld {
		t.Errorf("late: got %+v, want too old", got)
	}
}

// What follows from an unsigned request is said once.
func TestUnsignedWords(t *testing.T) {
	for notes, want := range map[string]string{"": "none: not signed, so anyone could have sent it", "Anyone can.": "none: not signed"} {
		s := &Scheme{Name: "none", Kind: Unsigned, Notes: notes}
		if got := s.words(); got != want {
			t.Errorf("notes %q: got %q, want %q", notes, got, want)
		}
	}
}
