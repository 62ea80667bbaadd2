package provider

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	public := private.Public().(ed25519.PublicKey)
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	tests := []struct {
		name   string
		kind   Kind
		form   string
		secret string
		ok     bool
		signs  bool
	}{
		{"hex", Ed25519, "hex", hex.EncodeToString(public), true, false},
		{"another encoding than the row's", Ed25519, "hex", base64.StdEncoding.EncodeToString(public), true, false},
		{"base64url", Ed25519, "base64url", base64.RawURLEncoding.EncodeToString(public), true, false},
		{"prefix", Ed25519, "strip:whpk_|base64", "whpk_" + base64.StdEncoding.EncodeToString(public), true, false},
		{"DER", Ed25519, "base64", base64.StdEncoding.EncodeToString(spki), true, false},
		{"PEM", Ed25519, "hex", publicPEM, true, false},
		{"PEM in one line", Ed25519, "hex", strings.ReplaceAll(publicPEM, "\n", `\n`), true, false},
		{"private PEM", Ed25519, "hex", pemKey(t, private), true, true},
		{"seed", Ed25519, "strip:whpk_|base64", "whsk_" + base64.StdEncoding.EncodeToString(private.Seed()), true, true},
		{"too short", Ed25519, "hex", "aabb", false, false},
		{"another kind", RSASHA256, "base64", publicPEM, false, false},
		{"another curve", ECDSASHA256, "base64", pemKey(t, p384), false, false},
		{"RSA", RSASHA256, "base64", pemKey(t, rsaKey()), true, true},
		{"broken PEM", Ed25519, "hex", "-----BEGIN PUBLIC KEY-----\nxx", false, false},
		{"text", HMACSHA256, "utf8", "whsec_x", true, true},
		{"not hex", HMACSHA256, "hex", "xyz", false, false},
		{"nothing but a prefix", HMACSHA256, "strip:whsec_|base64", "whsec_", false, false},
		{"empty", HMACSHA256, "utf8", "", false, false},
		{"padding missing", HMACSHA256, "base64", "YQ", true, true},
		{"padding wrong", HMACSHA256, "base64", "YQ=", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form, err := parseKeyForm(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			s := &Scheme{Name: "x", Kind: tt.kind, Key: form}
			k, err := s.newKey(Secret{"S", tt.secret})
			if (err == nil) != tt.ok {
				t.Fatalf("got %v, want a key: %v", err, tt.ok)
			}
			if err != nil {
				if bare := strings.TrimPrefix(tt.secret, "whsec_"); len(bare) > 2 && strings.Contains(err.Error(), bare) {
					t.Errorf("the error tells the secret: %v", err)
				}
				return
			}
			if k.canSign() != tt.signs {
				t.Errorf("signs: %v, want %v", k.canSign(), tt.signs)
			}
		})
	}
}
