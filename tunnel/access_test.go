package tunnel

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseAccessErrors(t *testing.T) {
	tests := []struct{ pair, cidr, want string }{
		{"hunter2", "", "value 1 has no colon"},
		{":hunter2", "", "no user or no password"},
		{"ann:", "", "no user or no password"},
		{"ann:hunter2\n", "", "control character"},
		{"", "10.0.0.0/33", `"10.0.0.0/33" is not an address block`},
		{"", "localhost", `"localhost" is not an address block`},
		{"", "fe80::1%eth0", "is not an address block"},
		{"", "::ffff:10.0.0.0/8", "is not an address block"},
	}
	for _, tt := range tests {
		var pairs, cidrs []string
		if tt.pair != "" {
			pairs = []string{tt.pair}
		}
		if tt.cidr != "" {
			cidrs = []string{tt.cidr}
		}
		_, err := ParseAccess(pairs, cidrs)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseAccess(%q, %q): got %v, want %q", tt.pair, tt.cidr, err, tt.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in %q", err)
		}
	}
}

func TestAccessPolicy(t *testing.T) {
	a, err := ParseAccess([]string{`ann:pass"word`}, []string{"10.1.2.3/8", "203.0.113.9", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Policy()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"on_http_request":[{"actions":[` +
		`{"config":{"allow":["10.0.0.0/8","203.0.113.9/32","::1/128"],"enforce":true},"type":"restrict-ips"},` +
		`{"config":{"credentials":["ann:pass\"word"],"enforce":true,"realm":"hookloop"},"type":"basic-auth"}]}]}`
	if got != want {
		t.Errorf("Policy:\n got %s\nwant %s", got, want)
	}
	if !json.Valid([]byte(got)) {
		t.Error("the policy is not JSON")
	}
	if got, err := (Access{}).Policy(); got != "" || err != nil {
		t.Errorf("empty Policy: got %q, %v", got, err)
	}
}

func TestAccessPolicyLimits(t *testing.T) {
	pairs := func(n, length int) Access {
		a := Access{}
		for range n {
			a.BasicAuth = append(a.BasicAuth, "ann:"+strings.Repeat("x", length))
		}
		return a
	}
	tests := []struct {
		access Access
		want   string // "" for fine
	}{
		{pairs(10, 8), ""},
		{pairs(11, 8), "at most 10"},
		{pairs(1, 7), "has 7 characters"},
		{pairs(1, 128), ""},
		{pairs(1, 129), "has 129 characters"},
	}
	for _, tt := range tests {
		_, err := tt.access.Policy()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("Policy of %d pairs: got %v, want %q", len(tt.access.BasicAuth), err, tt.want)
		}
	}
}

func TestAccessCheck(t *testing.T) {
	login := []string{"ann:short", "bob:pass:word"}
	block := []string{"10.0.0.0/8", "2001:db8::/32"}
	tests := []struct {
		name                 string
		pairs, cidrs         []string
		remote, user, secret string
		want                 int
	}{
		{"open", nil, nil, "203.0.113.9:1", "", "", 0},
		{"no login", login, nil, "203.0.113.9:1", "", "", 401},
		{"wrong password", login, nil, "203.0.113.9:1", "ann", "shorter", 401},
		{"other's password", login, nil, "203.0.113.9:1", "ann", "pass:word", 401},
		{"right", login, nil, "203.0.113.9:1", "ann", "short", 0},
		{"right, with colon", login, nil, "203.0.113.9:1", "bob", "pass:word", 0},
		{"outside", nil, block, "203.0.113.9:1", "", "", 403},
		{"inside", nil, block, "10.255.0.1:1", "", "", 0},
		{"inside, IPv6", nil, block, "[2001:db8::7]:1", "", "", 0},
		{"inside, mapped", nil, block, "[::ffff:10.0.0.1]:1", "", "", 0},
		{"no address", nil, block, "pipe", "", "", 403},
		{"both, outside", login, block, "203.0.113.9:1", "ann", "short", 403},
		{"both, no login", login, block, "10.0.0.1:1", "", "", 401},
		{"both, right", login, block, "10.0.0.1:1", "ann", "short", 0},
	}
	for _, tt := range tests {
		a, err := ParseAccess(tt.pairs, tt.cidrs)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		r.Header.Set("X-Forwarded-For", "10.0.0.1") // never believed
		if tt.user != "" {
			r.SetBasicAuth(tt.user, tt.secret)
		}
		got, reason := a.Check(r)
		if got != tt.want || (reason == "") != (got == 0) {
			t.Errorf("%s: got %d %q, want %d", tt.name, got, reason, tt.want)
		}
	}
}
