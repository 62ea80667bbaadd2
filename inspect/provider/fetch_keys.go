package provider

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// fetchKeys returns the keys that a scheme's KeySource names. Where the user
// has given one, nothing is fetched; a certificate that is named on another
// host than the provider's is refused in any case.
func (v *verification) fetchKeys(c *check, offline bool) ([]*key, *Diagnosis) {
	source := c.s.KeySource
	text, what := source.JWKS, "key set"
	if text == "" {
		what = "certificate"
		text, _ = source.CertURL.first(c.scope(v.r))
		if text == "" {
			if offline {
				return nil, nil
			}
			return nil, &Diagnosis{Result: Invalid, Code: CodeMissing, Reason: fmt.Sprintf("header missing: %s names no certificate", source.CertURL.where(nil))}
		}
	}
	address, err := pinned(text, source.Hosts)
	if err == nil && source.JWKS == "" {
		address, err = source.plain(address)
	}
	if offline && named(text, source.Hosts) {
		err = nil
	}
	switch {
	case err != nil:
		return nil, &Diagnosis{Result: Invalid, Code: CodeNoKey, Reason: fmt.Sprintf("the %s of %s cannot be trusted: %v", what, c.p.short(), err)}
	case offline:
		return nil, nil
	}
	keys, err := v.fetchFrom(c, address)
	if err == nil {
		return keys, nil
	}
	v.pending = errors.Is(err, errNotFetched) || errors.Is(err, errBusy)
	override := "cert_pem=@FILE"
	if what == "key set" {
		override = "public_key=KEY"
	}
	return nil, &Diagnosis{Result: Unverifiable, Code: CodeNoKey, Reason: fmt.Sprintf("the %s of %s could not be had: %v; give it with --set %s", what, c.p.short(), err, override)}
}

// plain returns a certificate's address without its query, for one file has
// one address. An error says that it has another path than certificates have.
func (k *KeySource) plain(address *url.URL) (*url.URL, error) {
	dir, file := path.Split(k.Path)
	haveDir, haveFile := path.Split(address.EscapedPath())
	if k.Path != "" && (dir != haveDir || !match(file, haveFile) || strings.ContainsAny(haveFile, "%\\")) {
		return nil, fmt.Errorf("the address that it names has the path %q, not %s", cut(address.Path), k.Path)
	}
	return &url.URL{Scheme: "https", Host: strings.ToLower(address.Host), Path: address.Path, RawPath: address.RawPath}, nil
}

// isOf reports whether a certificate is of one of the names.
func (k *KeySource) isOf(leaf *x509.Certificate) bool {
	for _, name := range append(slices.Clone(leaf.DNSNames), leaf.Subject.CommonName) {
		if slices.ContainsFunc(k.Names, func(want string) bool { return matchFold(want, name) }) ||
			k.Names == nil && slices.ContainsFunc(k.Hosts, func(want string) bool { return matchHost(want, name) }) {
			return true
		}
	}
	return false
}

// named reports whether an address is below one of the hosts, which is enough
// where nothing is fetched from it.
func named(text string, hosts []string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && slices.ContainsFunc(hosts, func(host string) bool {
		return matchFold(strings.ReplaceAll(host, "{region}", "*"), u.Hostname())
	})
}

var errNoFetcher = errors.New("nothing is fetched here")

func (v *verification) fetchFrom(c *check, address *url.URL) ([]*key, error) {
	if v.c.Keys == nil {
		return nil, errNoFetcher
	}
	source := c.s.KeySource
	var body []byte
	var err error
	if v.ctx == nil {
		body, err = v.c.Keys.have(address)
	} else {
		body, err = v.c.Keys.get(v.ctx, address, time.Duration(source.Cache))
	}
	if err != nil {
		return nil, err
	}
	if source.JWKS != "" {
		return c.s.keySet(body)
	}
	k, err := v.c.Keys.certKey(c.s, body, v.now)
	if err != nil {
		return nil, err
	}
	return []*key{k}, nil
}

// certKey returns the key of the first certificate in PEM text, which must
// have been valid at a time and be vouched for by a known authority.
func (f *Fetcher) certKey(s *Scheme, text []byte, at time.Time) (*key, error) {
	var leaf *x509.Certificate
	others := x509.NewCertPool()
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return nil, errors.New("what is there is no certificate")
		case leaf == nil:
			leaf = cert
		default:
			others.AddCert(cert)
		}
	}
	if leaf == nil {
		return nil, errors.New("what is there is no certificate in PEM")
	}
	if !s.KeySource.isOf(leaf) {
		return nil, fmt.Errorf("it is a certificate of %q, which is somebody else", cut(leaf.Subject.CommonName))
	}
	if at.Before(leaf.NotBefore) || at.After(leaf.NotAfter) {
		return nil, fmt.Errorf("it was valid from %s to %s only", leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly))
	}
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: f.Roots, Intermediates: others, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		return nil, fmt.Errorf("it is vouched for by no authority that is known here: %w", err)
	}
	return s.newPublicKey("the certificate", leaf.PublicKey)
}

// keySet returns the keys of a JSON Web Key Set (RFC 7517) that fit a scheme.
func (s *Scheme) keySet(text []byte) ([]*key, error) {
	var set struct {
		Keys []struct{ Kid, Kty, Crv, X string }
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("what is there is no key set")
	}
	var keys []*key
	for _, k := range set.Keys {
		x, err := decode("base64url", k.X)
		if k.Kty != "OKP" || k.Crv != "Ed25519" || err != nil || len(x) != ed25519.PublicKeySize {
			continue
		}
		label := "the key set"
		if k.Kid != "" {
			label = "the key " + cut(k.Kid) + " of the key set"
		}
		if found, err := s.newPublicKey(label, ed25519.PublicKey(x)); err == nil {
			keys = append(keys, found)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("what is there holds no key for %s", s.Kind)
	}
	return keys, nil
}
