package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A vector is one of inspect/provider/testdata/vectors.json.
type vector struct {
	ID, Provider, Expect, Scheme string
	Secret                       string
	PublicKey                    string `json:"public_key"`
	CertPEM                      string `json:"cert_pem"`
	Config                       map[string]string
	Now                          int64
	SignedString                 string `json:"signed_string"`
	ExpectResponse               any    `json:"expect_response"`
	Request                      struct {
		Method, URL, Body string
		BodyB64           string `json:"body_b64"`
		Headers           map[string]string
	}
}

// raw is v's request as a person would save it.
func (v *vector) raw(t *testing.T) []byte {
	u, err := url.Parse(v.Request.URL)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", v.Request.Method, u.RequestURI(), u.Host)
	for name, value := range v.Request.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	fmt.Fprintf(&b, "\r\n%s", v.Request.Body)
	return b.Bytes()
}

// args are the flags with which a person would verify v.
func (v *vector) args(dir, file string, t *testing.T) []string {
	args := []string{"verify", file, "--provider", v.Provider, "--url", v.Request.URL, "--json", "--explain", "--show-secrets"}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if v.Secret != "" {
		args = append(args, "--secret", "file:"+write("secret", v.Secret+"\n"))
	}
	if v.PublicKey != "" {
		args = append(args, "--set", "public_key="+v.PublicKey)
	}
	if v.CertPEM != "" {
		args = append(args, "--set", v.Provider+".cert_pem=@"+write("cert.pem", v.CertPEM))
	}
	for key, value := range v.Config {
		args = append(args, "--set", key+"="+value)
	}
	if v.Now != 0 {
		args = append(args, "--at", fmt.Sprint(v.Now))
	}
	return args
}

// TestVectors verifies every vector as a user would.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "inspect", "provider", "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Vectors []vector }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Vectors) < 50 {
		t.Fatalf("got %d vectors, want 50 or more", len(all.Vectors))
	}
	for _, v := range all.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			if v.Request.BodyB64 != "" {
				t.Fatal("the body is in base64, which this test does not read")
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "request.http")
			if err := os.WriteFile(file, v.raw(t), 0o600); err != nil {
				t.Fatal(err)
			}
			stdout, stderr, status := runHere(t, v.args(dir, file, t)...)
			var got verification
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("got status %d, output %q (%v), errors %q", status, stdout, err, stderr)
			}
			want, wantStatus := v.Expect, map[bool]int{true: 0, false: 1}[v.Expect == "valid"]
			if string(got.Result) != want || status != wantStatus {
				t.Errorf("got %s (%s: %s), status %d; want %s, status %d", got.Result, got.Code, got.Reason, status, want, wantStatus)
			}
			if stderr != "" {
				t.Errorf("got errors %q, want none", stderr)
			}
			if got.Provider != v.Provider {
				t.Errorf("got provider %q, want %q", got.Provider, v.Provider)
			}
			if v.Expect == "valid" && got.Scheme != v.Scheme {
				t.Errorf("got scheme %q, want %q", got.Scheme, v.Scheme)
			}
			if v.SignedString != "" && v.Expect == "valid" {
				if e := got.Explanation; e == nil || e.Message == nil || *e.Message != v.SignedString {
					t.Errorf("got explanation %+v, want the signed string %q", e, v.SignedString)
				}
			}
			if v.Secret != "" && strings.Contains(strings.Join(slices.Concat(got.Notes, []string{got.Reason, got.Secret}), "\n"), v.Secret) {
				t.Errorf("got the secret in %+v", got)
			}
		})
	}
}
