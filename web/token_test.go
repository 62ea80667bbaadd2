package web

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestLoadToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tokens := make(chan string, 8)
	for range cap(tokens) { // processes that start at once get the same
		go func() {
			token, err := LoadToken(dir)
			if err != nil {
				t.Error(err)
			}
			tokens <- token
		}()
	}
	first := <-tokens
	for range cap(tokens) - 1 {
		if got := <-tokens; got != first {
			t.Errorf("got %q, want %q", got, first)
		}
	}
	if len(first) < 32 {
		t.Errorf("got a token of %d characters, want at least 32", len(first))
	}
	if other, err := LoadToken(t.TempDir()); err != nil || other == first {
		t.Errorf("another folder: got %q, %v, want another token", other, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("got %d files, %v, want the token alone", len(files), err)
	}
	path := filepath.Join(dir, tokenFile)
	if info, err := os.Stat(path); err != nil || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if got := len("http://127.0.0.1:65535/?token=" + first); got > 80-12 {
		t.Errorf("the inspector's address has %d columns, want room for it in a terminal of 80", got)
	}
	for _, bad := range []string{"", "short", strings.Repeat("g", 48)} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if token, err := LoadToken(dir); err == nil || !strings.Contains(err.Error(), "delete it") {
			t.Errorf("file %q: got %q, %v, want an error that says what to do", bad, token, err)
		}
	}
}
