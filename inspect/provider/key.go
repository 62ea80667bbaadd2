package provider

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A KeyForm says how a secret becomes a key: operations and an encoding (utf8,
// hex, base64, base64url), joined by |. Zero is utf8. The operations:
//
//	strip:P|  P taken away where it is there
//	after:P|  the same, and a secret without P is text, not decoded
type KeyForm struct {
	text   string
	strip  []string
	coding string // "" = utf8
	after  bool   // whether only what stood behind one of strip is decoded
}

func (k KeyForm) String() string { return k.text }

// IsZero reports whether k is not given.
func (k KeyForm) IsZero() bool { return k.text == "" }

// UnmarshalYAML reads k from a string.
func (k *KeyForm) UnmarshalYAML(n ast.Node) error { return unmarshalText(n, k, parseKeyForm) }

// parseKeyForm compiles a key's form.
func parseKeyForm(text string) (KeyForm, error) {
	k := KeyForm{text: text}
	parts := strings.Split(text, "|")
	for i, part := range parts {
		op, prefix, _ := strings.Cut(part, ":")
		if prefix != "" && (op == "strip" || op == "after") {
			k.strip = append(k.strip, prefix)
			k.after = k.after || op == "after"
			continue
		}
		switch part {
		case "utf8":
		case "hex", "base64", "base64url":
			k.coding = part
		default:
			return KeyForm{}, fmt.Errorf("%q is no form of a key: write utf8, hex, base64 or base64url, and before it strip:PREFIX| where a prefix is to go", text)
		}
		if i != len(parts)-1 {
			return KeyForm{}, fmt.Errorf("%q: %s has to stand last", text, part)
		}
	}
	return k, nil
}

// key returns the bytes that a secret stands for. The error says what is
// wrong and holds nothing of the secret.
func (k *KeyForm) key(secret string) ([]byte, error) {
	whole := secret
	for _, prefix := range k.strip {
		secret = strings.TrimPrefix(secret, prefix)
	}
	if strings.TrimSpace(secret) == "" {
		return nil, errors.New("nothing but its prefix is there")
	}
	if k.coding == "" || k.after && secret == whole {
		return []byte(secret), nil
	}
	b, err := decode(k.coding, secret)
	if err != nil || len(b) == 0 {
		switch {
		case k.after:
			return nil, fmt.Errorf("it begins with %s, and what follows is not %s", strings.Join(k.strip, " or "), k.coding)
		case len(k.strip) > 0:
			return nil, fmt.Errorf("it is not %s, with or without %s", k.coding, strings.Join(k.strip, " or "))
		}
		return nil, fmt.Errorf("it is not %s", k.coding)
	}
	return b, nil
}

// keysOf returns the keys that the secrets are for a scheme, and why one is none.
func (v *verification) keysOf(c *check) ([]*key, error) {
	keys, err := v.c.keysOf(c.s, v.secrets)
	if c.s.Kind != Token {
		keys = slices.DeleteFunc(keys, v.isToken)
	}
	return keys, err
}

// isToken reports whether a key's secret is the very token that the request
// has for another scheme, and so no key, whatever can be decoded from it.
func (v *verification) isToken(k *key) bool {
	for i := range v.rec.Provider.Schemes {
		c := &check{p: v.rec.Provider, s: &v.rec.Provider.Schemes[i], settings: v.settings}
		if c.s.Kind != Token || !c.applies(v.r) {
			continue
		}
		if held, err := c.holds(v.r, &key{raw: []byte(k.secret)}); held && err == nil {
			return true
		}
	}
	return false
}

var errCoding = errors.New("malformed")

// decode is the inverse of encode. Base64 may lack its padding.
func decode(coding, text string) ([]byte, error) {
	switch coding {
	case "hex":
		return hex.DecodeString(text)
	case "base64", "base64url":
		text, pad := trimPadding(text)
		if pad > 2 || pad > 0 && (len(text)+pad)%4 != 0 || strings.ContainsAny(text, "\r\n") {
			return nil, errCoding
		}
		if coding == "base64" {
			return base64.RawStdEncoding.DecodeString(text)
		}
		return base64.RawURLEncoding.DecodeString(text)
	}
	return []byte(text), nil
}

func trimPadding(text string) (bare string, pad int) {
	bare = strings.TrimRight(text, "=")
	return bare, len(text) - len(bare)
}
