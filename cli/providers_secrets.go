package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hookloop/inspect/provider"
	"hookloop/tui"
)

// This file reads secrets, and names them by where they stand: their labels
// tell which one matched where the secret itself must not be shown.

// secretsOf reads the secrets of owner in the configuration file; nil for
// none. Unless strict, those that are not there are left out, with a notice: a
// command in another terminal may do without.
func (a *app) secretsOf(values []located, owner string, strict bool) (secrets []provider.Secret, err error) {
	for i, v := range values {
		var s provider.Secret
		text, err := a.expand(v.where, v.value)
		if err == nil {
			if s, err = a.secret(text, fileLabel(v, owner, i, len(values)), filepath.Dir(a.file.file)); err != nil {
				err = fmt.Errorf("%s: %w", v.where, err)
			}
		}
		switch {
		case err != nil && strict:
			return nil, err
		case err != nil:
			a.sayf("hookloop: %s; going on without that secret", err)
		default:
			secrets = append(secrets, s)
		}
	}
	return secrets, nil
}

// fileLabel names a secret that stands in the configuration file itself, the
// i-th of n of its owner's: by its variable, where it is one.
func fileLabel(v located, owner string, i, n int) string {
	if ref := variable.FindStringSubmatch(v.value); ref != nil && ref[0] == strings.TrimSpace(v.value) {
		return ref[1]
	}
	file, line := v.where, ""
	if colon := strings.LastIndexByte(v.where, ':'); colon >= 0 {
		file, line = v.where[:colon], v.where[colon+1:]
	}
	file = filepath.Base(file)
	if n == 1 {
		return fmt.Sprintf("the secret of %s in %s", owner, file)
	}
	return fmt.Sprintf("the %s secret of %s in %s (line %s)", ordinal(i+1), owner, file, line)
}

// addSecretFlags puts what --secret says into c, in the place of what was
// there. Where it names no provider, it is the known one's.
func (a *app) addSecretFlags(c *provider.Checker, flags []string, known string) error {
	type flag struct{ name, value string }
	var split []flag
	count := map[string]int{}
	for _, text := range flags {
		name, value, err := splitSecret(c.Catalog, known, text)
		if err != nil {
			return err
		}
		split = append(split, flag{name, value})
		count[name]++
	}
	given := map[string][]provider.Secret{}
	literal := false
	for _, f := range split {
		label := "the secret given by --secret"
		if !a.secretTyped {
			label = "the secret in HOOKLOOP_SECRET"
		}
		if count[f.name] > 1 {
			label = fmt.Sprintf("the %s --secret %s", ordinal(len(given[f.name])+1), f.name)
		}
		s, err := a.secret(f.value, label, "")
		if err != nil {
			return err
		}
		literal = literal || s.Label == label
		given[f.name] = append(given[f.name], s)
	}
	maps.Copy(c.Secrets, given)
	if literal && a.secretTyped {
		a.sayf("hookloop: a secret on the command line can be seen in the list of processes and in the shell's history: env:NAME and file:PATH keep it out of both")
	}
	return nil
}

// ordinal is n, from 1, in words.
func ordinal(n int) string {
	words := []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
	if n > len(words) {
		return fmt.Sprintf("%dth", n)
	}
	return words[n-1]
}

// splitSecret splits PROVIDER=VALUE. Where the provider is known otherwise,
// the value alone will do. Errors never hold what may be a secret.
func splitSecret(catalog *provider.Catalog, known, text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	if lower := strings.ToLower(strings.TrimSpace(name)); catalog.Provider(name) == nil && catalog.Provider(lower) != nil {
		name = lower
	}
	switch {
	case ok && catalog.Provider(name) != nil:
		return name, value, nil
	case ok && isReference(value):
		return "", "", knownProvider(catalog, name) // whatever is known: a secret looks different
	case ok && providerLike.MatchString(name) && strings.Trim(value, "=") != "":
		if near := catalog.Nearest(name); near != "" {
			return "", "", fmt.Errorf("there is no provider %q, did you mean %q?", name, near)
		}
		return "", "", errors.New("what stands before the = is no provider, and `hookloop providers` lists those there are; " +
			"a secret that has a = in it needs its provider's name before it, as in stripe=SECRET")
	case known != "":
		return known, text, nil
	case ok:
		if near := catalog.Nearest(name); near != "" {
			return "", "", fmt.Errorf("there is no provider %q, did you mean %q?", name, near)
		}
	}
	return "", "", errors.New("say whose secret it is, as in stripe=env:STRIPE_WEBHOOK_SECRET; `hookloop providers` lists the names")
}

// providerLike is what the name of a provider looks like, and a secret mostly not.
var providerLike = regexp.MustCompile(`^[a-z][a-z_-]{1,19}$`)

// isReference reports whether text says where a secret is.
func isReference(text string) bool {
	return strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:")
}

// secret reads a secret: env:NAME, file:PATH (relative to dir) or the value
// itself, which is called label.
func (a *app) secret(text, label, dir string) (provider.Secret, error) {
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		if name = strings.TrimSpace(name); name == "" {
			return provider.Secret{}, errors.New("env: names no variable: say which, as in env:STRIPE_WEBHOOK_SECRET")
		}
		value := a.Getenv(name)
		if strings.TrimSpace(value) == "" {
			return provider.Secret{}, fmt.Errorf("the environment has no %s: set it to the secret", name)
		}
		return provider.Secret{Label: name, Value: value}, nil
	}
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		if path == "" {
			return provider.Secret{}, errors.New("file: names no file: say which, as in file:stripe.secret")
		}
		if rest, ok := strings.CutPrefix(path, "~/"); ok && a.home() != "" { // which shells leave as it is behind a =
			path = filepath.Join(a.home(), rest)
		}
		value, err := readValue(path, dir)
		return provider.Secret{Label: "the file " + filepath.Base(path), Value: value}, err
	}
	if strings.TrimSpace(text) == "" {
		return provider.Secret{}, errors.New("the secret is empty")
	}
	return provider.Secret{Label: label, Value: text}, nil
}

// maxValue is the largest file that holds a secret, a key or a certificate.
const maxValue = 64 << 10

// readValue reads a file that holds one value, without its last line ending
// and the mark that editors on Windows begin a file with.
func readValue(path, dir string) (string, error) {
	if path == "" {
		return "", errors.New("no file is named")
	}
	if dir != "" && !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := readAtMost(path, maxValue)
	if err != nil {
		return "", fmt.Errorf("the file cannot be read: %w", err)
	}
	if wide(text) {
		return "", fmt.Errorf("the file %s is UTF-16 text: save it as UTF-8", path)
	}
	value := strings.TrimPrefix(string(text), byteOrderMark)
	value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("the file %s is empty", path)
	}
	return value, nil
}

// byteOrderMark is what editors on Windows begin UTF-8 text with.
const byteOrderMark = "\ufeff"

// wide reports whether text is UTF-16, as editors and PowerShell mark it.
func wide(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

// readAtMost reads a file of up to limit bytes. A larger one is an error.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return allOf(f, path, limit)
}

// allOf reads up to limit bytes from r, which is called name. More is an error.
func allOf(r io.Reader, name string, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %s", name, tui.FormatSize(limit))
	}
	return text, err
}
