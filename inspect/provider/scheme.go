package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// A Scheme is one way in which a provider signs. The same row verifies and signs.
type Scheme struct {
	Name string `yaml:"name"` // "v1"; the provider's own word where it has one
	Kind Kind   `yaml:"kind"`

	// If says when this scheme is the one to look at, as "header:X",
	// "header:X=value", "json:/pointer=value" or "query:x"; nil = always.
	// The first scheme of a provider whose If holds and whose signature is
	// there decides.
	If *Condition `yaml:"if,omitempty"`

	Signature Source   `yaml:"signature,omitempty"` // where it stands: "header:Stripe-Signature|split:,|pre:v1=|hex"
	Timestamp Source   `yaml:"timestamp,omitempty"` // where the signed time stands: "header:Stripe-Signature|split:,|pre:t=|unix"
	Tolerance Duration `yaml:"tolerance,omitempty"` // how old, or how far ahead, it may be; 0 = not checked
	Message   Template `yaml:"message,omitempty"`   // what is signed: "{ts}.{body}"

	Key       KeyForm    `yaml:"key,omitempty"`        // how the secret becomes a key: "utf8", "hex", "base64", "base64url", "strip:whsec_|base64", "after:whsec_|base64"
	KeySource *KeySource `yaml:"key_source,omitempty"` // where the public key is fetched; nil = the secret is the key

	Each        string   `yaml:"each,omitempty"`         // JSON pointer with * to the items that are signed one by one
	URLVariants []string `yaml:"url_variants,omitempty"` // other forms of the URL that are accepted: add-port, strip-port, decode-reserved
	BodyHash    Source   `yaml:"body_hash,omitempty"`    // where a hex SHA-256 of the body stands, which the signature covers in its stead
	Notes       string   `yaml:"notes,omitempty"`        // what this scheme does not protect, in a sentence

	mixed bool // whether its provider has schemes with a shared secret and such with a public key
}

// A Kind is the algorithm of a scheme.
type Kind string

// The kinds.
const (
	HMACSHA1    Kind = "hmac-sha1"
	HMACSHA256  Kind = "hmac-sha256"
	HMACSHA512  Kind = "hmac-sha512"
	SHA256      Kind = "sha256"    // of a message that has the secret in it
	Token       Kind = "token"     // the secret itself
	JWTHS256    Kind = "jwt-hs256" // RFC 7519; exp and nbf are checked
	Ed25519     Kind = "ed25519"
	ECDSASHA256 Kind = "ecdsa-p256-sha256" // ASN.1 DER
	RSASHA256   Kind = "rsa-sha256"        // PKCS #1 v1.5
	RSASHA1     Kind = "rsa-sha1"
	Unsigned    Kind = "none"
)

// A KeySource says where a public key is fetched from.
type KeySource struct {
	CertURL Source   `yaml:"cert_url,omitempty"` // where the request names its certificate
	JWKS    string   `yaml:"jwks,omitempty"`     // address of a JSON Web Key Set; every key in it is tried
	Hosts   []string `yaml:"hosts,omitempty"`    // the only hosts that it is fetched from: "*.paypal.com"
	Path    string   `yaml:"path,omitempty"`     // of cert_url: "/certs/*", where * is any text without a slash; "" = any
	Names   []string `yaml:"names,omitempty"`    // whom the certificate has to be of: "sns*.amazonaws.com"; nil = one of Hosts
	Cache   Duration `yaml:"cache,omitempty"`    // how long it is kept; 0 = 24h
}

// A Duration is a time.Duration that YAML has as "30s", "2m", "72h" or "15d".
type Duration time.Duration

var kinds = []Kind{HMACSHA1, HMACSHA256, HMACSHA512, SHA256, Token, JWTHS256, Ed25519, ECDSASHA256, RSASHA256, RSASHA1, Unsigned}

// UnmarshalYAML reads k from a string.
func (k *Kind) UnmarshalYAML(n ast.Node) error {
	return unmarshalText(n, k, func(text string) (Kind, error) {
		if !slices.Contains(kinds, Kind(text)) {
			return "", fmt.Errorf("%q is no kind of signature: write one of %s", text, joinKinds())
		}
		return Kind(text), nil
	})
}

func joinKinds() string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// check says what a scheme lacks.
func (s *Scheme) check() error {
	switch {
	case s.Name == "":
		return errors.New("a scheme has no name: write name: v1")
	case s.Kind == "":
		return fmt.Errorf("scheme %s has no kind: write one of %s", s.Name, joinKinds())
	case s.Kind == Unsigned:
		return nil
	case s.Signature.IsZero():
		return fmt.Errorf("scheme %s does not say where its signature stands: write signature: header:NAME", s.Name)
	case slices.Contains(timeForms, s.Signature.form):
		return fmt.Errorf("scheme %s: a signature is not of the form %s", s.Name, s.Signature.form)
	case s.hasMessage() && s.Message.IsZero():
		return fmt.Errorf("scheme %s does not say what is signed: write message: \"{body}\"", s.Name)
	case s.hasMessage() && s.Signature.form == "":
		return fmt.Errorf("scheme %s does not say how its signature is encoded: end it with |hex or |base64", s.Name)
	case !s.Timestamp.IsZero() && !slices.Contains(timeForms, s.Timestamp.form):
		return fmt.Errorf("scheme %s does not say the form of its timestamp: end it with |unix, |unixms or |rfc3339", s.Name)
	case s.Tolerance > 0 && s.Timestamp.IsZero():
		return fmt.Errorf("scheme %s has a tolerance and no timestamp", s.Name)
	case s.Message.uses("ts") && s.Timestamp.IsZero():
		return fmt.Errorf("scheme %s signs {ts} and has no timestamp", s.Name)
	case s.Kind == SHA256 && !s.Message.uses("secret"):
		return fmt.Errorf("scheme %s of kind sha256 has no {secret} in its message, so anybody could sign", s.Name)
	}
	if s.hasMessage() && s.signsNothing() {
		return fmt.Errorf("scheme %s signs nothing of the request, so who has seen one signature can make all: write message: \"{body}\", or kind: token", s.Name)
	}
	if of := s.signsItself(); of != "" {
		return fmt.Errorf("scheme %s can never hold: what it signs, %s, has the signature or its own hash in it: sign what stands beside %s", s.Name, of, s.Signature.where(nil))
	}
	for _, v := range s.URLVariants {
		if !slices.Contains(urlVariants, v) {
			return fmt.Errorf("scheme %s: %q is no variant of a URL: write %s", s.Name, v, joinWords(urlVariants, "or"))
		}
	}
	if _, ok := parsePointer(s.Each); !ok {
		return fmt.Errorf("scheme %s: each: %q is no JSON pointer", s.Name, s.Each)
	}
	return nil
}

// hasMessage reports whether something is hashed or signed, so not for tokens.
func (s *Scheme) hasMessage() bool {
	return s.Kind != Token && s.Kind != JWTHS256 && s.Kind != Unsigned
}

// public reports whether the key that verifies is public.
func (s *Scheme) public() bool {
	switch s.Kind {
	case Ed25519, ECDSASHA256, RSASHA256, RSASHA1:
		return true
	}
	return false
}
