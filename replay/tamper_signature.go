package replay

// This file is the changes of the signature itself.

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"hookloop/inspect/provider"
)

func (t *tampering) wrongSecret() (*provider.Request, error) {
	secret, _, ok := t.sch.NewSecret()
	if !ok {
		return nil, fmt.Errorf("no other key can be made for %s", t.sch.Kind)
	}
	settings := maps.Clone(t.checker.Settings[t.p.Name])
	for _, key := range []string{"public_key", "cert_pem", "secret_b64"} {
		delete(settings, key)
	}
	other := &provider.Checker{
		Catalog: t.checker.Catalog, Default: t.p.Name, Settings: map[string]map[string]string{t.p.Name: settings},
		Secrets: map[string][]provider.Secret{t.p.Name: {{Label: "another", Value: secret}}},
	}
	good := t.genuine(time.Now())
	signed, err := other.Sign(good, time.Now(), true)
	if err != nil {
		return nil, err
	}
	return &signed.Request, nil
}

func (t *tampering) unsigned() (*provider.Request, error) {
	r := t.genuine(time.Now())
	if names := t.signatureHeaders(r.Header); len(names) > 0 {
		r.Header = without(r.Header, names)
		return r, nil
	}
	kind, pointer, _ := strings.Cut(strings.Split(t.sch.Signature.String(), "|")[0], ":")
	if kind != "json" {
		return nil, errors.New("the signature stands in the URL, which is not changed here")
	}
	where := strings.ReplaceAll(t.sch.Each+pointer, "*", "0")
	body, err := editJSON(bytes.TrimSpace(r.Body), pointerNames(where), Edit{How: Remove})
	if err != nil {
		return nil, err
	}
	r.Body = body
	return r, nil
}

// signatureHeaders returns the headers of h in which a signature of t's provider stands.
func (t *tampering) signatureHeaders(h http.Header) (all []string) {
	for i := range t.p.Schemes {
		kind, names, _ := strings.Cut(strings.Split(t.p.Schemes[i].Signature.String(), "|")[0], ":")
		if kind != "header" {
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			if key, ok := strings.CutPrefix(name, "{setting."); ok {
				name = t.checker.Settings[t.p.Name][strings.TrimSuffix(key, "}")]
			}
			for have := range h {
				if ok, _ := path.Match(strings.ToLower(name), strings.ToLower(have)); ok {
					all = append(all, have)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// versioned finds the version in what stands before a signature: "v1=".
var versioned = regexp.MustCompile(`^([a-z]+)(\d)([a-z]?[=,])$`)

func (t *tampering) otherVersion() (*provider.Request, error) {
	for op := range strings.SplitSeq(t.sch.Signature.String(), "|") {
		prefix, _ := strings.CutPrefix(op, "pre:")
		m := versioned.FindStringSubmatch(prefix)
		if m == nil || m[1] == "sha" {
			continue
		}
		other := "0"
		if m[2] == "0" {
			other = "1"
		}
		r := t.genuine(time.Now())
		r.Header = r.Header.Clone()
		for _, name := range t.signatureHeaders(r.Header) {
			for i, value := range r.Header[name] {
				r.Header[name][i] = strings.ReplaceAll(value, prefix, m[1]+other+m[3])
			}
		}
		return r, nil
	}
	return nil, fmt.Errorf("%s's signature names no version", t.title())
}

// token finds the JWT in a request's header.
func (t *tampering) token(r *provider.Request) (header, before, jwt string, err error) {
	for _, name := range t.signatureHeaders(r.Header) {
		value := r.Header.Get(name)
		at := strings.LastIndexByte(value, ' ') + 1
		if strings.Count(value[at:], ".") == 2 {
			return name, value[:at], value[at:], nil
		}
	}
	return "", "", "", errors.New("there is no token in its headers")
}

func (t *tampering) algNone() (*provider.Request, error) {
	r := t.genuine(time.Now())
	name, before, jwt, err := t.token(r)
	if err != nil {
		return nil, err
	}
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	r.Header = r.Header.Clone()
	r.Header[name] = []string{before + head + "." + strings.Split(jwt, ".")[1] + "."}
	return r, nil
}
