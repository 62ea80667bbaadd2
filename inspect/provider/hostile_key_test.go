package provider

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"testing"
)

// Everybody knows a public key, so none is the key of an HMAC.
func TestPublicKeyIsNoSharedSecret(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := private.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	bare, inPEM := base64.StdEncoding.EncodeToString(public), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	request := func(sig string) *Request {
		return arrived("{}", "Webhook-Id", "m", "Webhook-Timestamp", "1760000000", "Webhook-Signature", sig)
	}
	const message = "m.1760000000.{}"
	v1 := func(key string) *Request { return request("v1," + base64MAC(key, message)) }
	v1a := request("v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(message))))
	derText := base64.StdEncoding.EncodeToString(der)
	for _, tt := range []struct{ name, secret, raw string }{
		{"whpk_", "whpk_" + bare, string(public)},
		{"DER", derText, string(der)},
		{"PEM", inPEM, inPEM},
		{"DER in hex", hex.EncodeToString(der), string(der)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"standardwebhooks", "svix"} {
				if d := checkerFor(name, tt.secret).Verify(t.Context(), v1(tt.raw)); d.Result == Valid {
					t.Errorf("%s: the public key signed: %s", name, d.Reason)
				}
			}
			r := arrived("{}", "X-Hub-Signature-256", "sha256="+hexMAC(tt.secret, "{}"))
			if d := checkerFor("github", tt.secret).Verify(t.Context(), r); d.Result == Valid {
				t.Errorf("github: the public key signed: %s", d.Reason)
			}
		})
	}
	for _, setting := range []string{"public_key", "cert_pem"} {
		c := checkerFor("standardwebhooks")
		c.Settings = map[string]map[string]string{"standardwebhooks": {setting: bare}}
		diagnose(t, c, v1(string(public)), want{Invalid, CodeSecretForm, "which everybody may know"})
		diagnose(t, c, v1a, want{Valid, CodeOK, ""})
	}
	diagnose(t, checkerFor("standardwebhooks", bare), v1a, want{Invalid, CodeSecretForm, "whpk_"})
	diagnose(t, checkerFor("standardwebhooks", "whpk_"+bare), v1a, want{Valid, CodeOK, ""})
	diagnose(t, checkerFor("standardwebhooks", inPEM), v1a, want{Valid, CodeOK, ""})
}

func TestEmptyKeys(t *testing.T) {
	for _, tt := range []struct{ form, secret string }{
		{"strip:whsec_|utf8", "whsec_"},
		{"strip:whsec_|utf8", "whsec_  "},
		{"strip:whsec_|base64", "whsec_"},
		{"utf8", "   "},
		{"utf8", "\n\n"},
		{"utf8", ""},
		{"hex", ""},
	} {
		form, err := parseKeyForm(tt.form)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []Kind{HMACSHA256, Token, JWTHS256} {
			s := &Scheme{Kind: kind, Key: form}
			if k, err := s.newKey(Secret{Label: "S", Value: tt.secret}); err == nil {
				t.Errorf("%s of %q as %s is the key %q", kind, tt.secret, tt.form, k.raw)
			}
		}
	}
}
