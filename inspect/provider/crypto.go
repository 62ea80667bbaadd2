package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"hash"
	"slices"
	"strings"
)

// A key is a secret as a scheme uses it.
type key struct {
	label   string
	secret  string           // as configured
	raw     []byte           // of HMACs; a token
	public  crypto.PublicKey // of signatures
	private crypto.Signer    // nil = it can only verify
}

// newKey makes a scheme's key of a secret. The error says what is wrong with
// it and holds nothing of it.
func (s *Scheme) newKey(secret Secret) (*key, error) {
	k := &key{label: secret.Label, secret: secret.Value}
	var err error
	switch {
	case strings.TrimSpace(secret.Value) == "":
		return nil, errors.New("it is empty")
	case !s.public() && (secret.isPublic() || looksPublic(secret.Value)):
		return nil, errors.New("it is a public key or a certificate, which everybody may know, and a shared secret is expected")
	case !s.public():
		k.raw, err = s.Key.key(secret.Value)
	case s.mixed && !secret.isPublic() && !s.marksPublic(secret.Value):
		return nil, errors.New("it does not say that it is a public key: give it in PEM, with whpk_ before it, or with --set public_key=KEY")
	default:
		k.public, k.private, err = s.parseAsymmetric(secret.Value)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// looksPublic reports whether text is, or is in the form of, an asymmetric key
// or a certificate. As the key of an HMAC anybody could sign with it.
func looksPublic(text string) bool {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "-----BEGIN") || strings.HasPrefix(text, "whpk_") || strings.HasPrefix(text, "whsk_") {
		return true
	}
	for _, coding := range []string{"hex", "base64", "base64url"} {
		if b, err := decode(coding, text); err == nil && len(b) > 40 && b[0] == 0x30 && parseDER(b) != nil {
			return true
		}
	}
	return false
}

// marksPublic reports whether text says itself that it is an asymmetric key.
func (s *Scheme) marksPublic(text string) bool {
	text = strings.TrimSpace(text)
	return strings.Contains(text, "-----BEGIN") || strings.HasPrefix(text, "whsk_") ||
		slices.ContainsFunc(s.Key.strip, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}

// canSign reports whether k makes signatures.
func (k *key) canSign() bool { return k.public == nil || k.private != nil }

// parseAsymmetric reads a public or a private key: PEM, a raw Ed25519 key,
// DER, or the forms of Standard Webhooks (whpk_, whsk_).
func (s *Scheme) parseAsymmetric(text string) (crypto.PublicKey, crypto.Signer, error) {
	text = strings.TrimSpace(text)
	var found any
	switch {
	case strings.Contains(text, "-----BEGIN"):
		found = parsePEM(text)
	case strings.HasPrefix(text, "whsk_"):
		found = parseWHSK(text)
	default:
		found = s.parseBare(text)
	}
	signer, _ := found.(crypto.Signer)
	if signer != nil {
		found = signer.Public()
	}
	if !s.fits(found) {
		return nil, nil, errors.New("it is no " + keyNames[s.Kind] + " key")
	}
	return found, signer, nil
}

var keyNames = map[Kind]string{Ed25519: "Ed25519", ECDSASHA256: "ECDSA P-256", RSASHA256: "RSA", RSASHA1: "RSA"}

// fits reports whether a public key is one for the scheme's kind.
func (s *Scheme) fits(public any) bool {
	switch public := public.(type) {
	case ed25519.PublicKey:
		return s.Kind == Ed25519
	case *ecdsa.PublicKey:
		return s.Kind == ECDSASHA256 && public.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return s.Kind == RSASHA256 || s.Kind == RSASHA1
	}
	return false
}

// newPublicKey makes a key of one that was fetched.
func (s *Scheme) newPublicKey(label string, public crypto.PublicKey) (*key, error) {
	if !s.fits(public) {
		return nil, errors.New("it is not a key for " + string(s.Kind))
	}
	return &key{label: label, public: public}, nil
}

// parsePEM returns the first key or certificate in PEM text, or nil. A \n in
// it may be written as a backslash and an n, as environment variables have it.
func parsePEM(text string) any {
	text = strings.ReplaceAll(text, `\n`, "\n")
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	switch block.Type {
	case "PRIVATE KEY":
		return orNil(x509.ParsePKCS8PrivateKey(block.Bytes))
	case "EC PRIVATE KEY":
		return orNil(x509.ParseECPrivateKey(block.Bytes))
	case "RSA PRIVATE KEY":
		return orNil(x509.ParsePKCS1PrivateKey(block.Bytes))
	case "RSA PUBLIC KEY":
		return orNil(x509.ParsePKCS1PublicKey(block.Bytes))
	}
	return parseDER(block.Bytes)
}

func orNil[T any](v T, err error) any {
	if err != nil {
		return nil
	}
	return v
}

func parseDER(der []byte) any {
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		return public
	}
	if cert, err := x509.ParseCertificate(der); err == nil {
		return cert.PublicKey
	}
	return nil
}

// parseWHSK reads a private key of Standard Webhooks: a seed, with or without
// its public half.
func parseWHSK(text string) any {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsk_"))
	if err != nil || len(b) != ed25519.SeedSize && len(b) != ed25519.PrivateKeySize {
		return nil
	}
	return ed25519.NewKeyFromSeed(b[:ed25519.SeedSize])
}

// parseBare reads a public key without PEM around it.
func (s *Scheme) parseBare(text string) any {
	for _, prefix := range s.Key.strip {
		text = strings.TrimPrefix(text, prefix)
	}
	for _, coding := range []string{s.Key.coding, "hex", "base64", "base64url"} {
		if coding == "" {
			continue
		}
		b, err := decode(coding, text)
		if err != nil {
			continue
		}
		if s.Kind == Ed25519 && len(b) == ed25519.PublicKeySize {
			return ed25519.PublicKey(b)
		}
		if found := parseDER(b); found != nil {
			return found
		}
	}
	return nil
}

// hash returns the function with which a kind hashes its message, or nil.
func (k Kind) hash() func() hash.Hash {
	switch k {
	case HMACSHA1, RSASHA1:
		return sha1.New
	case HMACSHA256, SHA256, ECDSASHA256, RSASHA256, JWTHS256:
		return sha256.New
	case HMACSHA512:
		return sha512.New
	}
	return nil
}

// size returns how many bytes a signature has; 0 = it varies.
func (k Kind) size() int {
	switch k {
	case HMACSHA1:
		return sha1.Size
	case HMACSHA256, SHA256:
		return sha256.Size
	case HMACSHA512:
		return sha512.Size
	case Ed25519:
		return ed25519.SignatureSize
	}
	return 0
}

// mac returns what a keyed or plain hash makes of a scope's message.
func (s *Scheme) mac(sc *scope, k *key) ([]byte, error) {
	var h hash.Hash
	if s.Kind == SHA256 {
		h = sha256.New()
	} else {
		h = hmac.New(s.Kind.hash(), k.raw)
	}
	if err := s.Message.write(sc, func(b []byte) { h.Write(b) }); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// verifyPublic reports whether sig is a signature of a message.
func (s *Scheme) verifyPublic(k *key, message, sig []byte) bool {
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, sig)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.VerifyASN1(public, sum[:], sig)
	case *rsa.PublicKey:
		h, name := s.Kind.hash()(), s.cryptoHash()
		h.Write(message)
		return rsa.VerifyPKCS1v15(public, name, h.Sum(nil), sig) == nil
	}
	return false
}

func (s *Scheme) cryptoHash() crypto.Hash {
	if s.Kind == RSASHA1 {
		return crypto.SHA1
	}
	return crypto.SHA256
}

// signPublic signs a message with a private key.
func (s *Scheme) signPublic(k *key, message []byte) ([]byte, error) {
	if s.Kind == Ed25519 {
		return k.private.Sign(nil, message, crypto.Hash(0))
	}
	h := s.Kind.hash()()
	h.Write(message)
	return k.private.Sign(rand.Reader, h.Sum(nil), s.cryptoHash())
}

// equal compares in constant time, but for the lengths.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
