package cli

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"hookloop/replay"
)

// An imageService is the demo's handler. It saves the images whose callbacks
// it gets: at first it cannot, then once for each callback, however often one
// comes, and when it is mended once for each task.
type imageService struct {
	url    *url.URL
	secret string
	srv    *http.Server

	mu     sync.Mutex
	ready  bool
	mended bool
	done   map[string]bool // tasks
	images int
}

func startImageService() (*imageService, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &imageService{
		secret: "whsec_" + rand.Text(), url: &url.URL{Scheme: "http", Host: ln.Addr().String()}, done: map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/stripe", s.stripe)
	mux.HandleFunc("POST /webhooks/apixo", s.apixo)
	mux.HandleFunc("GET /images/count", s.count)
	s.srv = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.srv.Serve(ln) }()
	return s, nil
}

// probe reads how many images were saved.
func (s *imageService) probe() *replay.Probe {
	return &replay.Probe{URL: s.url.JoinPath("images", "count").String(), Settle: 300 * time.Millisecond} // it saves before it answers
}

func (s *imageService) close() { _ = s.srv.Close() }

// mend makes the service remember the tasks that it has done.
func (s *imageService) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mended = true
}

// stripe takes payments. The signature covers time and body:
// https://docs.stripe.com/webhooks#verify-manually
func (s *imageService) stripe(w http.ResponseWriter, r *http.Request) {
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
	mac := hmac.New(sha256.New, []byte(s.secret))
	_, _ = io.WriteString(mac, at+"."+string(body))
	if want := hex.EncodeToString(mac.Sum(nil)); !hmac.Equal([]byte(want), []byte(sig)) {
		answer(w, http.StatusBadRequest, `{"error":"the signature does not hold"}`)
		return
	}
	answer(w, http.StatusOK, `{"received":true,"credits":100}`)
}

// apixo takes finished images.
func (s *imageService) apixo(w http.ResponseWriter, r *http.Request) {
	var callback struct {
		Data struct {
			TaskID string `json:"taskId"`
		} `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&callback); err != nil {
		answer(w, http.StatusBadRequest, `{"error":"the callback is not JSON"}`)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready {
		s.ready = true
		answer(w, http.StatusInternalServerError, `{"error":"the disk is full"}`)
		return
	}
	if !s.mended || !s.done[callback.Data.TaskID] {
		s.images++
	}
	s.done[callback.Data.TaskID] = true
	answer(w, http.StatusOK, `{"received":true}`)
}

// count tells how many images were saved.
func (s *imageService) count(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintln(w, s.images)
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body+"\n")
}
