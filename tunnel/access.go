package tunnel

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Access says who may reach an endpoint. The zero value lets everybody in.
// With both fields set a request must satisfy both.
//
// It is enforced in one of two places: by ngrok, with [Access.Policy], so that
// refused requests never travel here; or in this program, with [Access.Check].
type Access struct {
	BasicAuth []string       // "user:password" pairs, any of which lets in; the password may contain colons
	AllowCIDR []netip.Prefix // client addresses to let in; empty means all
}

// The limits of ngrok's basic-auth action.
const (
	ngrokMaxPairs    = 10
	ngrokMinPassword = 8
	ngrokMaxPassword = 128
)

// ParseAccess reads what a user gave: "user:password" pairs, and CIDR blocks or
// single addresses. Its errors are an [*Error] and never show a password.
func ParseAccess(basicAuth, cidrs []string) (Access, error) {
	var a Access
	for i, pair := range basicAuth {
		user, password, ok := strings.Cut(pair, ":")
		switch {
		case !ok:
			return Access{}, accessError("basic auth value %d has no colon; write it as user:password", i+1)
		case user == "" || password == "":
			return Access{}, accessError("basic auth value %d has no user or no password; write it as user:password", i+1)
		case strings.ContainsFunc(pair, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return Access{}, accessError("basic auth value %d has a control character in it; leave that out", i+1)
		}
		a.BasicAuth = append(a.BasicAuth, pair)
	}
	for _, text := range cidrs {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		if err != nil {
			return Access{}, accessError("%q is not an address block; write it as 203.0.113.0/24 or 203.0.113.9", text)
		}
		a.AllowCIDR = append(a.AllowCIDR, prefix)
	}
	return a, nil
}

func accessError(format string, args ...any) *Error {
	return &Error{Msg: fmt.Sprintf(format, args...)}
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil || !p.Addr().Is4In6() {
			return p.Masked(), err
		}
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("an IPv4 block in IPv6 form has 96 bits or more")
		}
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("not an address: %q", text)
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// Policy returns a as an ngrok traffic policy, or "" if it lets everybody in.
// The address is checked first. The error is an [*Error], for what ngrok would
// refuse: more than 10 pairs, or a password of fewer than 8 or more than 128
// characters.
func (a Access) Policy() (string, error) {
	var actions []any
	if len(a.AllowCIDR) > 0 {
		actions = append(actions, policyAction("restrict-ips", map[string]any{"enforce": true, "allow": a.AllowCIDR}))
	}
	if len(a.BasicAuth) > 0 {
		if len(a.BasicAuth) > ngrokMaxPairs {
			return "", accessError("ngrok takes at most %d basic auth pairs, not %d; leave some out", ngrokMaxPairs, len(a.BasicAuth))
		}
		for i, pair := range a.BasicAuth {
			_, password, _ := strings.Cut(pair, ":")
			if n := len(password); n < ngrokMinPassword || n > ngrokMaxPassword {
				return "", accessError("the password of basic auth value %d has %d characters; ngrok wants %d to %d",
					i+1, n, ngrokMinPassword, ngrokMaxPassword)
			}
		}
		actions = append(actions, policyAction("basic-auth", map[string]any{
			"enforce": true, "realm": accessRealm, "credentials": a.BasicAuth,
		}))
	}
	if actions == nil {
		return "", nil
	}
	policy := map[string]any{"on_http_request": []any{map[string]any{"actions": actions}}}
	text, err := json.Marshal(policy)
	return string(text), err
}

func policyAction(kind string, config map[string]any) map[string]any {
	return map[string]any{"type": kind, "config": config}
}

const accessRealm = "hookloop"

// Challenge is the WWW-Authenticate header that must go with a 401 of Check.
const Challenge = `Basic realm="` + accessRealm + `", charset="UTF-8"`

// Check decides about r: status 0 lets it in, 403 is for an address that is not
// allowed, 401 for missing or wrong credentials, which must be answered with
//
//	w.Header().Set("WWW-Authenticate", tunnel.Challenge)
//
// The reason is a sentence for that answer and never shows a password.
//
// The address is r.RemoteAddr, which an [Endpoint] takes from the service, and
// nothing that the client itself can say. Passwords are compared in a time that
// does not depend on how much of one is right.
func (a Access) Check(r *http.Request) (status int, reason string) {
	if len(a.AllowCIDR) > 0 && !a.allows(r.RemoteAddr) {
		return http.StatusForbidden, "this address may not reach this endpoint"
	}
	if len(a.BasicAuth) == 0 {
		return 0, ""
	}
	user, password, ok := r.BasicAuth()
	got := sha256.Sum256([]byte(user + ":" + password))
	match := 0
	for _, pair := range a.BasicAuth {
		want := sha256.Sum256([]byte(pair))
		match |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	switch {
	case !ok:
		return http.StatusUnauthorized, "this endpoint wants a user name and a password"
	case match == 0:
		return http.StatusUnauthorized, "the user name or the password is wrong"
	}
	return 0, ""
}

func (a Access) allows(remote string) bool {
	client, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := client.Addr().Unmap().WithZone("")
	for _, prefix := range a.AllowCIDR {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
