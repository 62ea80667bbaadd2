package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	tokenFile  = "token"
	tokenBytes = 16 // 128 bits; the address with them still fits a terminal of 80 columns
)

// LoadToken returns the inspector's token of the data folder dir. The first
// call makes a random one and keeps it in a file that only its owner can read;
// later calls, of other processes too, return the same. Delete the file to
// get a new one.
func LoadToken(dir string) (string, error) {
	path := filepath.Join(dir, tokenFile)
	for range 2 {
		token, err := readToken(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return token, err
		}
		if err := createToken(dir, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("can't keep the inspector's token in %s: %w; choose a data folder that can be written to", dir, err)
		}
	}
	return readToken(path)
}

func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if raw, err := hex.DecodeString(token); err != nil || len(raw) < tokenBytes {
		return "", fmt.Errorf("%s does not hold a token of hookloop; delete it and start again", path)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return "", fmt.Errorf("can't make %s private: %w; delete it and start again", path, err)
	}
	return token, nil
}

// createToken puts a whole file in place at once, so that no other process
// reads half of one. It fails with fs.ErrExist if another was faster.
func createToken(dir, path string) error {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw)                        // never fails
	f, err := os.CreateTemp(dir, tokenFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(raw) + "\n")
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(f.Name(), path) // a file system without hard links
}

// cookieName carries the port: cookies are shared by all ports of a host, and
// two hookloops must not log each other out.
func cookieName(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	return "hookloop_" + port
}

// authorized reports whether r carries the token, as a Bearer header or as the
// page's cookie. It takes the same time wherever a wrong token differs.
func (s *Server) authorized(r *http.Request) bool {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return s.tokenIs(strings.TrimSpace(token))
	}
	for _, c := range r.CookiesNamed(cookieName(r)) {
		if s.tokenIs(c.Value) {
			return true
		}
	}
	return false
}

// tokenIs compares hashes, which hides the token's length as well.
func (s *Server) tokenIs(token string) bool {
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && s.Token != ""
}

// login turns the token in the URL of the page into a cookie, and sends the
// browser to the same address without it.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: s.Token, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int((400 * 24 * time.Hour).Seconds()), // as long as browsers keep one
	})
	clean := *r.URL
	q := clean.Query()
	q.Del("token")
	clean.RawQuery = q.Encode()
	w.Header().Set("Location", "/?"+clean.RawQuery)
	if clean.RawQuery == "" {
		w.Header().Set("Location", "/")
	}
	w.WriteHeader(http.StatusSeeOther)
}
