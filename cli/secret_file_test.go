package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hookloop/inspect/provider"
)

// A secret's file is a small text, as editors write it. What names no secret,
// or a file that is none, is told in a sentence.
func TestSecretForms(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"crlf": "s3cret\r\n", "bom": "\ufeffs3cret\n", "wide": "\xff\xfes\x00\n\x00", "most": strings.Repeat("x", maxValue),
		"more": strings.Repeat("x", maxValue+1), "only-bom": "\ufeff\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := &app{Env: Env{Getenv: func(name string) string {
		return map[string]string{"NAME": "s3cret", "HOME": dir, "USERPROFILE": dir}[name]
	}}}
	for text, want := range map[string]string{ // the value, or what the error says
		"env:NAME":        "s3cret",
		"env:OTHER":       "error: the environment has no OTHER: set it to the secret",
		"env:":            "error: env: names no variable: say which, as in env:STRIPE_WEBHOOK_SECRET",
		"env: ":           "error: env: names no variable",
		"file:":           "error: file: names no file: say which, as in file:stripe.secret",
		"file:crlf":       "s3cret",
		"file:~/crlf":     "s3cret",
		"file:bom":        "s3cret",
		"file:only-bom":   "error: the file " + filepath.Join(dir, "only-bom") + " is empty",
		"file:wide":       "is UTF-16 text: save it as UTF-8",
		"file:most":       strings.Repeat("x", maxValue),
		"file:more":       "error: the file cannot be read: " + filepath.Join(dir, "more") + " is larger than 64 KiB",
		"file:/dev/zero":  "error: the file cannot be read: /dev/zero is larger than 64 KiB",
		"file:not-there":  "no such file",
		"file:" + dir:     "is a directory",
		"\ufeffcopied":    "\ufeffcopied",
		"file.with:colon": "file.with:colon",
	} {
		s, err := a.secret(text, "label", dir)
		got := s.Value
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%.30q: got %.90q, want %.90q", text, got, want)
		}
	}
	if _, err := readValue("", ""); err == nil || !strings.Contains(err.Error(), "no file is named") {
		t.Errorf("@ alone: got %v", err)
	}
}

// Whose secret it is may be written as people write names. What is not a
// provider's name is part of the secret where the provider is known.
func TestSplitSecret(t *testing.T) {
	for text, want := range map[string]string{
		"stripe=a=b": "stripe a=b", "Stripe=a": "stripe a", "stripe =a": "stripe a", "whsec_a=": "github whsec_a=", "=a": "github =a",
	} {
		name, value, err := splitSecret(provider.BuiltIn(), "github", text)
		if got := name + " " + value; err != nil || got != want {
			t.Errorf("%s: got %q %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"nosuch=x", "git-lab=abc"} {
		if _, value, err := splitSecret(provider.BuiltIn(), "github", text); err == nil {
			t.Errorf("%s: got the secret %q, want an error", text, value)
		}
	}
}
