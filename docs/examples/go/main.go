// Command go receives the callbacks of APIXO and daglo with net/http alone.
//
//	go run ./docs/examples/go
//
// It listens on 127.0.0.1:3000 (PORT changes that). WEBHOOK_TOKEN, if set, has
// to stand in the callback URL as ?token=, since APIXO signs nothing. DAGLO_WEBHOOK_SECRET,
// if set, has to have signed the JWT in daglo's Authorization header.
//
// A task is worked on once, however often its callback comes, for as long as
// this program runs. Keep the tasks in a database with a unique key instead of
// in the map, and that holds through restarts as well.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s", l.Addr())
	server := &http.Server{Handler: routes(&orders{tasks: map[string]string{}}), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(l))
}

func routes(o *orders) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook/apixo", o.apixo)
	mux.HandleFunc("POST /webhook/daglo", o.daglo)
	mux.HandleFunc("GET /orders/count", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, o.count()) })
	return mux
}

// orders are the tasks whose callbacks have come, and what became of them.
type orders struct {
	mu    sync.Mutex
	tasks map[string]string // by the API's ID: "" = at work
	done  int
}

// claim reports whether id is new. Of several calls at once only one is told so.
func (o *orders) claim(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.tasks[id]; known {
		return false
	}
	o.tasks[id] = ""
	return true
}

// finish is where the side effect belongs: a row, a mail, a payment.
func (o *orders) finish(id, result string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tasks[id] = result
	o.done++
}

func (o *orders) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.done
}

func (o *orders) apixo(w http.ResponseWriter, r *http.Request) {
	token := os.Getenv("WEBHOOK_TOKEN")
	if subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("token")), []byte(token)) != 1 && token != "" {
		http.Error(w, "wrong token", http.StatusUnauthorized)
		return
	}
	var callback struct {
		Data struct {
			TaskID     string `json:"taskId"`
			State      string `json:"state"`
			ResultJSON string `json:"resultJson"` // JSON in a string
			FailCode   string `json:"failCode"`
			FailMsg    string `json:"failMsg"`
		} `json:"data"`
	}
	body, err := read(w, r, &callback)
	data := callback.Data
	var result struct {
		ResultURLs []string `json:"resultUrls"`
	}
	switch {
	case err != nil:
	case data.TaskID == "":
		err = errors.New("data.taskId is missing")
	case data.State == "success":
		err = json.Unmarshal([]byte(data.ResultJSON), &result)
	case data.State != "failed":
		err = fmt.Errorf("%q is no final state", data.State)
	}
	if err != nil {
		http.Error(w, "not a callback of APIXO: "+err.Error(), http.StatusBadRequest)
		return
	}
	o.take(w, r, data.TaskID, body, func() string {
		if data.State == "failed" {
			return "failed: " + data.FailCode + " " + data.FailMsg
		}
		return "made " + strings.Join(result.ResultURLs, " ")
	})
}

func (o *orders) daglo(w http.ResponseWriter, r *http.Request) {
	if secret := os.Getenv("DAGLO_WEBHOOK_SECRET"); secret != "" {
		if err := checkJWT(r.Header.Get("Authorization"), secret, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
	}
	var callback struct {
		RID        string `json:"rid"`
		Status     string `json:"status"`
		STTResults []struct {
			Transcript string `json:"transcript"`
		} `json:"sttResults"`
	}
	body, err := read(w, r, &callback)
	if err == nil && callback.RID == "" {
		err = errors.New("rid is missing")
	}
	if err != nil {
		http.Error(w, "not a callback of daglo: "+err.Error(), http.StatusBadRequest)
		return
	}
	o.take(w, r, callback.RID, body, func() string {
		text := callback.Status
		for _, result := range callback.STTResults {
			text += " " + result.Transcript
		}
		return text
	})
}

// read parses the body of r into v and returns it.
func read(w http.ResponseWriter, r *http.Request, v any) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	return body, json.Unmarshal(body, v)
}

// take answers 200 at once, and has work done unless it was begun before. It
// logs who called, with which payload, and what came of it.
func (o *orders) take(w http.ResponseWriter, r *http.Request, id string, body []byte, work func() string) {
	first := o.claim(id)
	w.WriteHeader(http.StatusOK)
	if !first {
		log.Printf("duplicate task=%q from=%s agent=%q", id, r.RemoteAddr, r.UserAgent())
		return
	}
	log.Printf("received task=%q from=%s agent=%q payload=%q", id, r.RemoteAddr, r.UserAgent(), body)
	go func() { // the answer does not wait for the work
		result := work()
		o.finish(id, result)
		log.Printf("done task=%q result=%q", id, result)
	}()
}

// checkJWT refuses a token that secret has not signed (HS256) or that is too
// old. "Bearer " may stand before it.
func checkJWT(token, secret string, now time.Time) error {
	parts := strings.Split(strings.TrimPrefix(token, "Bearer "), ".")
	if len(parts) != 3 {
		return errors.New("no JWT in Authorization")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		return errors.New("the JWT is not signed with this secret")
	}
	var header struct{ Alg string }
	var claims struct{ Exp int64 }
	if decode(parts[0], &header) != nil || header.Alg != "HS256" || decode(parts[1], &claims) != nil {
		return errors.New("the JWT is not one of HS256")
	}
	if claims.Exp != 0 && now.Unix() >= claims.Exp {
		return errors.New("the JWT has expired")
	}
	return nil
}

func decode(part string, v any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
