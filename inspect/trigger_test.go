package inspect

import (
	"fmt"
	"net/http"
	"testing"
)

func TestReceiverMarksTriggers(t *testing.T) {
	token := TriggerToken("secret")
	rc := &Receiver{
		TriggerToken: token,
		Refuse:       func(*http.Request) (int, string) { return http.StatusForbidden, "not from there" },
	}
	addr := serveReceiver(t, rc)
	for i, tc := range []struct {
		header       string
		source       Source
		endpoint     string
		left, status int
	}{
		{token + " https://other.test", FromTrigger, "https://other.test", 0, 200},
		{token, FromTrigger, "https://public.test", 0, 200},
		{"x" + token[1:] + " https://other.test", FromProvider, "https://public.test", 1, 403},
		{"", FromProvider, "https://public.test", 1, 403},
		{token + "\r\nHookloop-Trigger: " + token, FromProvider, "https://public.test", 2, 403},
	} {
		resp := sendRaw(t, addr, fmt.Sprintf("POST /x HTTP/1.1\r\nHost: h\r\nHookloop-Trigger: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", tc.header))
		d, err := rc.Store.Delivery(t.Context(), int64(i+1))
		if err != nil {
			t.Fatal(err)
		}
		if d.Source != tc.source || d.Endpoint != tc.endpoint || len(d.Header[TriggerHeader]) != tc.left || resp.StatusCode != tc.status {
			t.Errorf("%q: got %d, source %q, endpoint %s, header %q", tc.header, resp.StatusCode, d.Source, d.Endpoint, d.Header)
		}
	}
}
