package provider

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
)

// NewSecret returns a random secret of the form that s takes, with which it
// can sign. Where s signs with a private key, the secret is one in PEM form and
// public what verifies it, as providers show it: hex for Ed25519 (base64 behind
// a prefix such as whpk_ where there is one), else base64 of its DER form. ok is false where s signs nothing.
func (s *Scheme) NewSecret() (secret, public string, ok bool) {
	switch s.Kind {
	case Unsigned, "":
		return "", "", false
	case Ed25519, ECDSASHA256, RSASHA256, RSASHA1:
		secret, public = s.newKeyPair()
		return secret, public, secret != ""
	}
	raw, text := random(32), strings.Join(s.Key.strip, "")
	switch s.Key.coding {
	case "base64":
		return text + base64.StdEncoding.EncodeToString(raw), "", true
	case "base64url":
		return text + base64.RawURLEncoding.EncodeToString(raw), "", true
	}
	return text + hex.EncodeToString(raw), "", true
}

// newKeyPair returns "" where a key cannot be made.
func (s *Scheme) newKeyPair() (private, public string) {
	var signer any
	switch s.Kind {
	case Ed25519:
		key := ed25519.NewKeyFromSeed(random(ed25519.SeedSize))
		raw := key.Public().(ed25519.PublicKey)
		signer, public = key, hex.EncodeToString(raw)
		if len(s.Key.strip) > 0 { // "whpk_"
			public = s.Key.strip[0] + base64.StdEncoding.EncodeToString(raw)
		}
	case ECDSASHA256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", ""
		}
		signer, public = key, spki(&key.PublicKey)
	default:
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return "", ""
		}
		signer, public = key, spki(&key.PublicKey)
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return "", ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), public
}

func spki(public any) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(der)
}

// Accepts reports whether p counts an answer of a status as success.
func (d *Delivery) Accepts(status int) bool { return d.succeeds(status) }
