package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// Anybody can sign with a key of nothing.
func TestBlankSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{Env: Env{Getenv: func(string) string { return " \t" }}}
	for _, text := range []string{"", "   ", "\n", "env:BLANK", "file:" + path} {
		if s, err := a.secret(text, "label", ""); err == nil {
			t.Errorf("%q is the secret %q", text, s.Value)
		}
	}
}
