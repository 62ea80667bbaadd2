package livetest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-github/v84/github"
	"github.com/sendgrid/sendgrid-go/helpers/eventwebhook"
	"github.com/slack-go/slack"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stripe/stripe-go/v85/webhook"
	svix "github.com/svix/svix-webhooks/go"
	twilio "github.com/twilio/twilio-go/client"
)

// A live case is a provider and a handler that is written as its library's
// documentation has it.
type live struct {
	provider string
	secret   string // what hookloop is told
	aged     bool   // the library refuses an old timestamp
	accept   func(r *http.Request, body []byte) error
}

const svixSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

func cases(t *testing.T) []live {
	private, public := ecdsaPair(t)
	return []live{
		{provider: "stripe", secret: "whsec_stripe_demo", aged: true, accept: func(r *http.Request, body []byte) error {
			// The sample's API version is not the one that this release of the library is pinned to.
			_, err := webhook.ConstructEventWithOptions(body, r.Header.Get("Stripe-Signature"), "whsec_stripe_demo",
				webhook.ConstructEventOptions{IgnoreAPIVersionMismatch: true})
			return err
		}},
		{provider: "github", secret: "github demo", accept: func(r *http.Request, _ []byte) error {
			payload, err := github.ValidatePayload(r, []byte("github demo"))
			if err != nil {
				return err
			}
			_, err = github.ParseWebHook(github.WebHookType(r), payload)
			return err
		}},
		{provider: "slack", secret: "8f742231b10e8888abcd99yyyzzz85a5", aged: true, accept: func(r *http.Request, body []byte) error {
			// slack-go measures ages to time.Now, so it can't check a delivery
			// that was captured more than 5 minutes ago: hookloop signs it again.
			v, err := slack.NewSecretsVerifier(r.Header, "8f742231b10e8888abcd99yyyzzz85a5")
			if err != nil {
				return err
			}
			_, _ = v.Write(body)
			return v.Ensure()
		}},
		{provider: "standardwebhooks", secret: svixSecret, aged: true, accept: func(r *http.Request, body []byte) error {
			wh, err := standardwebhooks.NewWebhook(svixSecret)
			if err != nil {
				return err
			}
			return wh.Verify(body, r.Header)
		}},
		{provider: "svix", secret: svixSecret, aged: true, accept: func(r *http.Request, body []byte) error {
			wh, err := svix.NewWebhook(svixSecret)
			if err != nil {
				return err
			}
			return wh.Verify(body, r.Header)
		}},
		{provider: "twilio", secret: "12345", accept: func(r *http.Request, body []byte) error {
			// The library takes one value a name: it refuses what Twilio signs
			// when a parameter is repeated, so the sample repeats none. It has
			// to be told the URL that Twilio called, here the receiver's, whose
			// Host the handler still sees.
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return err
			}
			params := map[string]string{}
			for name, values := range form {
				if len(values) != 1 {
					return fmt.Errorf("%s is repeated", name)
				}
				params[name] = values[0]
			}
			v := twilio.NewRequestValidator("12345")
			if !v.Validate("http://"+r.Host+r.URL.RequestURI(), params, r.Header.Get("X-Twilio-Signature")) {
				return errors.New("bad signature")
			}
			return nil
		}},
		{provider: "sendgrid", secret: private, accept: func(r *http.Request, body []byte) error {
			key, err := eventwebhook.ConvertPublicKeyBase64ToECDSA(public)
			if err != nil {
				return err
			}
			ok, err := eventwebhook.VerifySignature(key, body,
				r.Header.Get(eventwebhook.VerificationHTTPHeader), r.Header.Get(eventwebhook.TimestampHTTPHeader))
			if err == nil && !ok {
				err = errors.New("bad signature")
			}
			return err
		}},
	}
}

// handler answers 200 to what the library accepts and 400 with its reason to all else.
func (l live) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
			err = l.accept(r, body)
		}
		if err == nil && !json.Valid(body) && r.Header.Get("Content-Type") == "application/json" {
			err = errors.New("the body is not JSON")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
}

// ecdsaPair returns a private key in PEM form and its public key as SendGrid's page shows it.
func ecdsaPair(t *testing.T) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), base64.StdEncoding.EncodeToString(spki)
}
