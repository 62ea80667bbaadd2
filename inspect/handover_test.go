package inspect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/inspect/provider"
)

// notionEvent is one of Notion's, signed with a token.
func notionEvent(token string) *http.Request {
	const body = `{"id":"n1","type":"page.created","attempt_number":1}`
	mac := hmac.New(sha256.New, []byte(token))
	_, _ = io.WriteString(mac, body)
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Notion-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func notionHandshake(token string) *http.Request {
	return httptest.NewRequest("POST", "/", strings.NewReader(`{"verification_token":"`+token+`"}`))
}

// Another secret than the first one is not used, and told: when it arrives,
// and where a signature does not hold, in this session and in the next.
func TestOtherSecret(t *testing.T) {
	store := openStore(t, t.TempDir())
	for session := range 2 {
		var mu sync.Mutex
		var notices []string
		checker := &provider.Checker{Catalog: provider.BuiltIn()}
		rc := &Receiver{
			Store: store, Checker: checker,
			OnError: func(err error) { t.Error(err) },
			OnNotice: func(err error) {
				mu.Lock()
				defer mu.Unlock()
				notices = append(notices, err.Error())
			},
		}
		defer rc.Wait()
		send := func(r *http.Request) { rc.ServeHTTP(httptest.NewRecorder(), r) }
		if session == 0 {
			for _, token := range []string{"secret_1", "secret_1", "secret_2"} {
				send(notionHandshake(token))
			}
			want := []string{"delivery #3, a handshake of notion, hands over another secret than the one that is known, and it is not used: " +
				"if that subscription is yours, give its secret with --secret notion=…, which `hookloop show 3` shows"}
			if fmt.Sprint(notices) != fmt.Sprint(want) {
				t.Errorf("got %q, want %q", notices, want)
			}
		} else {
			checker.AddSecret("notion", provider.Secret{Label: "l", Value: "secret_1"})
		}
		send(notionEvent("secret_2"))
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			list, err := store.List(t.Context(), ListOptions{Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			if f := list[0].Facts; f.SignatureCode == provider.CodeWrongSecret && strings.Contains(f.SignatureReason, "; another secret arrived in #3: if that subscription is yours") {
				break
			} else if time.Now().After(end) {
				t.Fatalf("session %d: got %+v, want to be told where the other secret is", session, f)
			}
		}
		if words, err := OtherSecret(t.Context(), store, checker, "notion"); err != nil || !strings.Contains(words, "#3") {
			t.Errorf("got %q %v, want #3 named", words, err)
		}
		checker.AddSecret("notion", provider.Secret{Label: "l", Value: "secret_2"})
		for _, name := range []string{"notion", "stripe", "nobody"} {
			if words, err := OtherSecret(t.Context(), store, checker, name); err != nil || words != "" {
				t.Errorf("%s: got %q %v, want nothing", name, words, err)
			}
		}
	}
}
