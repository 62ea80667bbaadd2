package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// A jwt is a JSON Web Token (RFC 7519) in its compact form, signed with HS256.
type jwt struct {
	signed    string // header.payload
	payload   []byte
	signature []byte
	claims    struct {
		issuedAt  *float64 // iat
		expires   *float64 // exp
		notBefore *float64 // nbf
	}
}

// jwtLifetime is how long a token holds that we make without an example.
const jwtLifetime = 5 * time.Minute

// looksLikeJWT reports whether text has the three parts of a token.
func looksLikeJWT(text string) bool {
	return strings.Count(text, ".") == 2 && strings.HasPrefix(text, "ey")
}

// parseJWT takes a token apart. It accepts no algorithm but HS256.
func parseJWT(text string) (*jwt, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errors.New("a JWT has three parts with dots between them")
	}
	var raw [3][]byte
	for i, part := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return nil, errors.New("a part of the JWT is not base64url")
		}
		raw[i] = b
	}
	head, ok := jwtObject(raw[0])
	if !ok {
		return nil, errors.New("the JWT's header is no JSON object, or has a name twice")
	}
	if string(head["alg"]) != `"HS256"` || head["crit"] != nil || head["b64"] != nil {
		return nil, errors.New("the JWT is not signed with HS256, which is the only algorithm accepted")
	}
	t := &jwt{signed: parts[0] + "." + parts[1], payload: raw[1], signature: raw[2]}
	claims, ok := jwtObject(raw[1])
	if !ok {
		return nil, errors.New("the JWT's claims are no JSON object, or have a name twice")
	}
	for name, to := range map[string]**float64{"iat": &t.claims.issuedAt, "exp": &t.claims.expires, "nbf": &t.claims.notBefore} {
		text, there := claims[name]
		if !there {
			continue
		}
		if *to = new(float64); text[0] == 'n' || json.Unmarshal(text, *to) != nil {
			return nil, fmt.Errorf("the JWT's %s is no number", name)
		}
	}
	return t, nil
}

// jwtObject reads the members of a JSON object; ok is false for all else, and
// where a name stands twice or in two cases: programs differ in which counts.
func jwtObject(text []byte) (members map[string][]byte, ok bool) {
	d := document{text: text}
	if !d.look() || text[d.root.start] != '{' {
		return nil, false
	}
	members = map[string][]byte{}
	folded := map[string]bool{}
	for _, m := range d.members {
		name := unquote(text[m.key.start:m.key.end])
		if fold := foldName(name); !folded[fold] {
			folded[fold], members[name] = true, text[m.value.start:m.value.end]
			continue
		}
		return nil, false
	}
	return members, true
}

func jwtMAC(signed string, key []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(signed))
	return h.Sum(nil)
}

// late returns how long a token has been expired, and early how long it is
// not valid yet.
func (t *jwt) late(now time.Time) (by time.Duration, late bool) {
	if t.claims.expires == nil {
		return 0, false
	}
	by = now.Sub(claimTime(*t.claims.expires))
	return by, by >= 0
}

func (t *jwt) early(now time.Time) (by time.Duration, early bool) {
	if t.claims.notBefore == nil {
		return 0, false
	}
	by = claimTime(*t.claims.notBefore).Sub(now)
	return by, by > 0
}

func claimTime(seconds float64) time.Time {
	seconds = min(max(seconds, 0), lastSecond)
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9))
}

// signJWT signs a token again. With a new time its iat becomes at, and exp and
// nbf move along; a nil old makes a new token.
func signJWT(old *jwt, key []byte, at time.Time, newTime bool) string {
	signed := ""
	switch {
	case old == nil:
		head := `{"alg":"HS256","typ":"JWT"}`
		claims, _ := json.Marshal(map[string]int64{"iat": at.Unix(), "exp": at.Add(jwtLifetime).Unix()})
		signed = base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	case newTime:
		head, _, _ := strings.Cut(old.signed, ".")
		signed = head + "." + base64.RawURLEncoding.EncodeToString(old.restamped(at))
	default:
		signed = old.signed
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(jwtMAC(signed, key))
}

// restamped returns the claims with new times in place of the old ones.
func (t *jwt) restamped(at time.Time) []byte {
	life := jwtLifetime
	if t.claims.expires != nil && t.claims.issuedAt != nil {
		if d := claimTime(*t.claims.expires).Sub(claimTime(*t.claims.issuedAt)); d > 0 {
			life = d
		}
	}
	payload := t.payload
	set := func(name string, value time.Time) {
		d := document{text: payload}
		if v, ok := d.find(pointer{name}); ok {
			stamp, _ := json.Marshal(value.Unix())
			payload = splice(payload, v, stamp)
		}
	}
	set("iat", at)
	set("nbf", at)
	set("exp", at.Add(life))
	return payload
}

// splice returns text with other text in place of a range.
func splice(text []byte, at span, with []byte) []byte {
	out := make([]byte, 0, len(text)-(at.end-at.start)+len(with))
	out = append(out, text[:at.start]...)
	out = append(out, with...)
	return append(out, text[at.end:]...)
}
