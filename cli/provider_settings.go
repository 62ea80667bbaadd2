package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// keySettings are settings that are a key: they count as secrets, too.
var keySettings = []string{"cert_pem", "public_key", "secret", "secret_b64"}

// addSetting sets a provider's setting in c. A value that begins with @ names
// a file. A key among the settings is a secret, the first to be tried.
func addSetting(c *provider.Checker, name, key, value, dir string) (err error) {
	if path, ok := strings.CutPrefix(value, "@"); ok {
		if value, err = readValue(path, dir); err != nil {
			return err
		}
	}
	if slices.Contains(keySettings, key) {
		if key == "secret_b64" {
			raw, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return errors.New("it is not base64")
			}
			value = string(raw)
		}
		c.Secrets[name] = slices.Insert(slices.Clone(c.Secrets[name]), 0, provider.Secret{Label: "the setting " + key, Value: value})
		return nil
	}
	if p := c.Catalog.Provider(name); p != nil {
		if err := knownSetting(p, key); err != nil {
			return err
		}
	}
	if c.Settings[name] == nil {
		c.Settings[name] = map[string]string{}
	}
	c.Settings[name][key] = value
	return nil
}

// settingUnknown is an error about a setting that a provider does not have.
type settingUnknown struct{ error }

// knownSetting returns an error that names the settings of p unless key is one.
func knownSetting(p *provider.Provider, key string) error {
	names := slices.Clone(keySettings)
	for _, s := range p.Settings {
		names = append(names, s.Key)
	}
	if slices.Contains(names, key) {
		return nil
	}
	if near := inspect.Nearest(key, names); near != "" {
		return settingUnknown{fmt.Errorf("%s has no setting %q, did you mean %q?", p.Name, key, near)}
	}
	slices.Sort(names)
	return settingUnknown{fmt.Errorf("%s has no setting %q: there are %s", p.Name, key, strings.Join(names, ", "))}
}
