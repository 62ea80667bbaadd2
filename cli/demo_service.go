package cli

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An orderService is the demo's handler: it checks signatures as a real one
// would, and its database is not ready for the first delivery.
type orderService struct {
	url    *url.URL
	secret string
	srv    *http.Server
	mu     sync.Mutex
	ready  bool
}

func startOrderService() (*orderService, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &orderService{secret: "whsec_" + rand.Text(), url: &url.URL{Scheme: "http", Host: ln.Addr().String()}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/stripe", o.stripe)
	mux.HandleFunc("POST /webhooks/github", o.github)
	mux.HandleFunc("POST /webhooks/apixo", o.apixo)
	o.srv = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = o.srv.Serve(ln) }()
	return o, nil
}

func (o *orderService) close() { _ = o.srv.Close() }

// stripe takes payments. The signature covers time and body:
// https://docs.stripe.com/webhooks#verify-manually
func (o *orderService) stripe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var at, sig string
	for part := range strings.SplitSeq(r.Header.Get("Stripe-Signature"), ",") {
		if v, ok := strings.CutPrefix(part, "t="); ok {
			at = v
		}
		if v, ok := strings.CutPrefix(part, "v1="); ok {
			sig = v
		}
	}
	if !equalHMAC(o.secret, at+"."+string(body), sig) {
		answer(w, http.StatusBadRequest, `{"error":"the signature does not hold"}`)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ready {
		o.ready = true
		answer(w, http.StatusInternalServerError, `{"error":"the order database is still starting"}`)
		return
	}
	answer(w, http.StatusOK, `{"received":true,"order":"ord_1042","status":"paid"}`)
}

// github takes pushes:
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func (o *orderService) github(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if sig, ok := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="); !ok || !equalHMAC(o.secret, string(body), sig) {
		answer(w, http.StatusUnauthorized, `{"error":"the signature does not hold"}`)
		return
	}
	answer(w, http.StatusAccepted, `{"queued":"deploy of 7f3c2a1"}`)
}

func (o *orderService) apixo(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	answer(w, http.StatusOK, `{"received":true}`)
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body+"\n")
}

func hexHMAC(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func equalHMAC(secret, text, sig string) bool {
	return hmac.Equal([]byte(hexHMAC(secret, text)), []byte(sig))
}

// A sample is a delivery that the demo sends.
type sample struct {
	story string
	path  string
	body  string
	sign  func(secret string) http.Header // all the headers
}

func samples() []sample {
	payment := fmt.Sprintf(`{
  "id": "evt_1Q2w3E4r5T6y7U8i",
  "object": "event",
  "type": "payment_intent.succeeded",
  "created": %d,
  "livemode": false,
  "data": {
    "object": {
      "id": "pi_3Q2w3E4r5T6y7U8i",
      "object": "payment_intent",
      "amount": 4200,
      "currency": "eur",
      "status": "succeeded",
      "metadata": { "order": "ord_1042" }
    }
  }
}`, time.Now().Unix())
	push := `{"ref":"refs/heads/main","after":"7f3c2a1b9d8e","repository":{"full_name":"acme/shop"},"pusher":{"name":"ada"},"commits":[{"id":"7f3c2a1b9d8e","message":"Fix the rounding of totals"}]}`
	image := `{"code":200,"message":"success","data":{"taskId":"task_9b1deb4d","state":"success","resultJson":"{\"resultUrls\":[\"https://cdn.example.com/9b1deb4d.png\"]}","costTime":8421}}`
	return []sample{
		{
			story: "Stripe reports a payment, signed.", path: "/webhooks/stripe", body: payment,
			sign: func(secret string) http.Header {
				at := strconv.FormatInt(time.Now().Unix(), 10)
				return http.Header{
					"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"Stripe/1.0 (+https://stripe.com/docs/webhooks)"},
					"Stripe-Signature": {"t=" + at + ",v1=" + hexHMAC(secret, at+"."+payment)},
				}
			},
		},
		{
			story: "GitHub reports a push, signed.", path: "/webhooks/github", body: push,
			sign: func(secret string) http.Header {
				return http.Header{
					"Content-Type": {"application/json"}, "User-Agent": {"GitHub-Hookshot/7f3c2a1"}, "X-Github-Event": {"push"},
					"X-Github-Delivery": {"72d3162e-cc78-11e3-81ab-4c9367dc0958"}, "X-Hub-Signature-256": {"sha256=" + hexHMAC(secret, push)},
				}
			},
		},
		{
			story: "APIXO hands over a finished image.", path: "/webhooks/apixo", body: image,
			sign: func(string) http.Header {
				return http.Header{"Content-Type": {"application/json"}, "User-Agent": {"apixo-callback/1.0"}}
			},
		},
	}
}
