package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hookloop/inspect"
)

func TestLoseAcksAPI(t *testing.T) {
	rc := &inspect.Receiver{}
	s := &Server{Token: "token", Receiver: rc}
	defer func() { _ = s.Close() }()
	h := s.Handler()
	ask := func(body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4040/api/v1/lost-acks", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer token")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := ask(`{"n":2,"how":"reset"}`); w.Code != http.StatusOK || rc.LosingAcks() != 2 || s.view().LosingAcks != 2 || !strings.Contains(w.Body.String(), `{"n":2,"how":"reset"}`) {
		t.Errorf("got %d %s, %d are lost", w.Code, w.Body, rc.LosingAcks())
	}
	if w := ask(`{"n":1,"how":"500"}`); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "2 answers are being lost already") || rc.LosingAcks() != 2 {
		t.Errorf("a second: got %d %s, %d are lost", w.Code, w.Body, rc.LosingAcks())
	}
	if w := ask(`{"n":0,"how":"500"}`); w.Code != http.StatusOK || rc.LosingAcks() != 0 {
		t.Errorf("the end: got %d %s, %d are lost", w.Code, w.Body, rc.LosingAcks())
	}
	if w := ask(`{"n":2,"how":"x"}`); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "cannot be lost by") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(`{"m":2}`); w.Code != http.StatusBadRequest {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	none := &Server{Token: "token"}
	defer func() { _ = none.Close() }()
	h = none.Handler()
	if w := ask(`{"n":1,"how":"reset"}`); w.Code != http.StatusConflict {
		t.Errorf("without a receiver: got %d %s", w.Code, w.Body)
	}
}
