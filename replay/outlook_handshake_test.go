package replay

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// The answer to a handshake is compared with the one that the provider wants,
// which is another where its signature or its token is wrong.
func TestOutlookOfAHandshake(t *testing.T) {
	const (
		slack   = `{"type":"url_verification","challenge":"abc"}`
		zoom    = `{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}`
		ping    = `{"type":1}`
		event   = `{"type":0,"application_id":"1"}`
		sns     = `{"Type":"SubscriptionConfirmation","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"}`
		rightGo = "/?hub.mode=subscribe&hub.challenge=abc&hub.verify_token=good"
		wrongGo = "/?hub.mode=subscribe&hub.challenge=abc&hub.verify_token=bad"
		down    = 0
	)
	for _, tt := range []struct {
		name, provider string
		body, target   string // target: of a GET
		signature      provider.Result
		status         int // down = nothing listens
		answer         string
		took           time.Duration
		want           provider.Verdict
		text           string
	}{
		{name: "any answer", provider: "slack", body: slack, signature: provider.Unverifiable, status: 200, answer: "ok", want: provider.GivesUp, text: "Slack: would not accept the URL: the answer is not the challenge"},
		{name: "the challenge", provider: "slack", body: slack, signature: provider.Valid, status: 200, answer: "abc", want: provider.Accepted, text: "Slack: accepted"},
		{name: "unsigned, any answer", provider: "slack", body: slack, signature: provider.Invalid, status: 200, answer: "ok", want: provider.GivesUp, text: "Slack: would not accept the URL: the answer is not the challenge"},
		{name: "unsigned, the challenge", provider: "slack", body: slack, signature: provider.Invalid, status: 200, answer: "abc", want: provider.Accepted, text: "Slack: accepted"},
		{name: "unsigned, refused", provider: "slack", body: slack, signature: provider.Invalid, status: 401, want: provider.GivesUp, text: "Slack: would not accept the URL: it wants 200, not 401"},
		{name: "an error", provider: "slack", body: slack, signature: provider.Valid, status: 500, want: provider.GivesUp, text: "Slack: would not accept the URL: it wants 200, not 500"},
		{name: "down", provider: "slack", body: slack, signature: provider.Valid, status: down, want: provider.GivesUp, text: "Slack: would not accept the URL: it wants 200, not 502"},
		{name: "too late", provider: "slack", body: slack, signature: provider.Valid, status: 200, answer: "abc", took: 3400 * time.Millisecond, want: provider.TooLate, text: "Slack: would not accept the URL: it took 3.4 s of 3 s"},
		{name: "unsigned, any answer", provider: "zoom", body: zoom, signature: provider.Invalid, status: 200, answer: "ok", want: provider.GivesUp, text: "Zoom: would not accept the URL: the answer is not JSON with encryptedToken and plainToken"},
		{name: "bad signature, let in", provider: "discord", body: ping, signature: provider.Invalid, status: 200, answer: ping, want: provider.Disabled, text: "Discord: 200 to a wrong signature: it would take the URL away"},
		{name: "bad signature, refused", provider: "discord", body: ping, signature: provider.Invalid, status: 401, want: provider.Accepted, text: "Discord: 401 is right, the signature is wrong"},
		{name: "bad signature, an error", provider: "discord", body: ping, signature: provider.Invalid, status: 500, want: provider.GivesUp, text: "Discord: would not accept the URL: the signature is wrong, so it wants 401, not 500"},
		{name: "bad signature of an event, let in", provider: "discord", body: event, signature: provider.Invalid, status: 204, want: provider.Disabled, text: "Discord: 204 to a wrong signature: it would take the URL away"},
		{name: "good signature", provider: "discord", body: ping, signature: provider.Valid, status: 200, answer: ping, want: provider.Accepted, text: "Discord: accepted"},
		{name: "good signature, refused", provider: "discord", body: ping, signature: provider.Valid, status: 401, want: provider.GivesUp, text: "Discord: would not accept the URL: it wants 200, not 401"},
		{name: "bad signature, down", provider: "discord", body: ping, signature: provider.Invalid, status: down, want: provider.GivesUp, text: "Discord: would not accept the URL: the signature is wrong, so it wants 401, not 502"},
		{name: "wrong token, refused", provider: "meta", target: wrongGo, status: 403, want: provider.Accepted, text: "Meta: 403 is right, the verify token is wrong"},
		{name: "wrong token, refused otherwise", provider: "meta", target: wrongGo, status: 401, want: provider.Accepted, text: "Meta: 401 is right, the verify token is wrong"},
		{name: "wrong token, let in", provider: "meta", target: wrongGo, status: 200, answer: "abc", want: provider.NotKnown, text: "Meta: 200 to a wrong verify token: the handler does not check it, 403 would be right"},
		{name: "wrong token, any answer", provider: "meta", target: wrongGo, status: 200, answer: "ok", want: provider.GivesUp, text: "Meta: would not accept the URL: the answer is not the challenge"},
		{name: "wrong token, down", provider: "meta", target: wrongGo, status: down, want: provider.GivesUp, text: "Meta: would not accept the URL: it wants 200, not 502"},
		{name: "right token", provider: "meta", target: rightGo, signature: provider.Invalid, status: 200, answer: "abc", want: provider.Accepted, text: "Meta: accepted"},
		{name: "right token, refused", provider: "meta", target: rightGo, signature: provider.Invalid, status: 403, want: provider.GivesUp, text: "Meta: would not accept the URL: it wants 200, not 403"},
		{name: "bad signature, refused", provider: "sns", body: sns, signature: provider.Invalid, status: 403, want: provider.Accepted, text: "AWS SNS: 403 is right, the signature is wrong"},
		{name: "good signature", provider: "sns", body: sns, signature: provider.Valid, status: 200, want: provider.Accepted, text: "AWS SNS: accepted"},
	} {
		t.Run(tt.provider+"/"+tt.name, func(t *testing.T) {
			method := "POST"
			if tt.target != "" {
				method = "GET"
			}
			rec := &inspect.Attempt{Trigger: inspect.Initial, Duration: tt.took}
			var err error
			if tt.status == down {
				err, rec.ErrorKind = errors.New("nothing listens"), inspect.ErrRefused
			} else {
				rec.Response = &inspect.Response{Status: tt.status, Header: http.Header{}, Body: []byte(tt.answer)}
			}
			a := &attempt{
				plan: &plan{record: rec},
				s: &Sender{Checker: &provider.Checker{
					Catalog: provider.BuiltIn(), Default: tt.provider,
					Settings: map[string]map[string]string{"meta": {"verify_token": "good"}},
				}},
				d: &inspect.Delivery{
					Method: method, Target: orDefault(tt.target, "/"), Body: []byte(tt.body),
					Facts: provider.Facts{Provider: tt.provider, Certainty: provider.Named, Signature: tt.signature},
				},
				w: httptest.NewRecorder(), r: httptest.NewRequestWithContext(t.Context(), method, "/", nil),
			}
			h := a.s.Checker.Recognize(a.d.Request()).Handshake
			if h == nil {
				t.Fatal("this is no handshake")
			}
			a.d.Facts.Handshake = h.Name
			got := a.outlook(err)
			if got == nil || got.Verdict != tt.want || got.Text != tt.text || got.RetryIn != 0 {
				t.Errorf("got %+v\nwant %s: %s", got, tt.want, tt.text)
			}
		})
	}
}
