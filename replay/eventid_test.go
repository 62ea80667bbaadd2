package replay

import (
	"net/http"
	"regexp"
	"testing"

	"hookloop/inspect/provider"
)

func TestFreshID(t *testing.T) {
	for _, tt := range []struct{ old, like string }{
		{"evt_1", `^evt_[0-9a-f]{12}$`},
		{"evt_1MqqbKLkdIwHu7ixraBm864M", `^evt_[0-9][A-Z][a-z]{2}.{20}$`},
		{"72d3162e-cc78-11e3-81ab-4c9367dc0958", `^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`},
		{"987654321", `^[1-9][0-9]{11}$`},
		{"123456789012345", `^[1-9][0-9]{14}$`},
		{"0", `^[1-9][0-9]{11}$`},
		{"", `^[1-9a-f0-9]{12}$`},
	} {
		seen := map[string]bool{tt.old: true}
		for range 50 {
			id := freshID(tt.old)
			if seen[id] {
				t.Errorf("%q: %q came twice", tt.old, id)
			}
			seen[id] = true
			if !regexp.MustCompile(tt.like).MatchString(id) {
				t.Errorf("%q: got %q, want one like %s", tt.old, id, tt.like)
			}
		}
	}
}

func TestPlaceOfEvent(t *testing.T) {
	catalog := provider.BuiltIn()
	for _, tt := range []struct {
		name, of string
		header   http.Header
		body     string
		want     string // the body after, or the header
		err      bool
	}{
		{name: "top", of: "stripe", body: "{ \"id\" : \"evt_1\" ,\n\t\"type\":\"x\"}", want: "{ \"id\" : \"NEW\" ,\n\t\"type\":\"x\"}"},
		{name: "escaped", of: "stripe", body: `{"type":"x","\u0069d":"ev\u0074_1"}`, want: `{"type":"x","\u0069d":"NEW"}`},
		{name: "twice", of: "stripe", body: `{"id":"evt_0","id":"evt_1"}`, want: `{"id":"evt_0","id":"NEW"}`},
		{name: "deep", of: "adyen", body: `{"notificationItems":[{"NotificationRequestItem":{"pspReference":"P1","x":[1, 2]}}]}`, want: `{"notificationItems":[{"NotificationRequestItem":{"pspReference":"NEW","x":[1, 2]}}]}`},
		{name: "a number", of: "telegram", body: `{"update_id": 12 }`, want: `{"update_id": NEW }`},
		{name: "a header", of: "github", header: http.Header{"X-Github-Delivery": {"d1"}}, body: `{"id":"d1"}`, want: "NEW"},
		{name: "of the body's hash", of: "zoom", body: `{"event":"x"}`, err: true},
		{name: "none", of: "stripe", body: `[]`, err: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &provider.Request{Method: "POST", Target: "/", Header: tt.header, Body: []byte(tt.body)}
			place, err := placeOfEvent(r, catalog.Recognize(r, tt.of))
			if (err != nil) != tt.err {
				t.Fatalf("got %v", err)
			}
			if tt.err {
				return
			}
			header, body := place.put("NEW", r.Header, r.Body)
			got := string(body)
			if place.header != "" {
				got = header.Get(place.header)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if string(r.Body) != tt.body || r.Header.Get("X-Github-Delivery") == "NEW" {
				t.Error("the request was changed")
			}
		})
	}
}
