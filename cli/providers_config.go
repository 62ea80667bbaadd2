package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hookloop/inspect/provider"
)

// providerFlags say what is known of providers. Commands that recognise,
// verify or sign have them.
type providerFlags struct {
	provider    string
	secrets     []string
	set         []string
	showSecrets bool
	strict      bool // a secret of the file that is not there is an error, not a notice
	lenient     bool // a setting that the provider does not have is a notice, not an error
}

// add adds the flags to a command, with completion of the providers' names.
func (f *providerFlags) add(a *app, cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.provider, "provider", "", "who sends the deliveries, where they are not to be recognised")
	set.StringArrayVar(&f.secrets, "secret", nil, "a provider's secret: PROVIDER=env:NAME, PROVIDER=file:PATH or PROVIDER=VALUE (repeatable; several of one provider for rotation)")
	set.StringArrayVar(&f.set, "set", nil, "what a check needs besides the secret: PROVIDER.KEY=VALUE, or @FILE for a file's content (repeatable)")
	f.addShow(set)
	a.completeProviders(cmd, "provider", "")
	a.completeProviders(cmd, "secret", "=")
	a.completeProviders(cmd, "set", ".")
}

func (f *providerFlags) addShow(set *pflag.FlagSet) {
	set.BoolVar(&f.showSecrets, "show-secrets", false, "show expected signatures whole, which are as good as the secret")
}

// catalog returns the built-in catalog with the configuration file's providers.
func (a *app) catalog() (*provider.Catalog, error) {
	catalog := provider.BuiltIn()
	for _, p := range a.file.providers {
		if p.err != nil {
			return nil, settingError{p.err}
		}
		if err := catalog.Add([]byte(p.text), a.file.file, p.line); err != nil {
			return nil, settingError{err}
		}
	}
	return catalog, nil
}

// checker returns a Checker of the built-in catalog, the configuration file
// and the flags, which win over the file: a provider's secrets on the command
// line are in the place of its secrets in the file.
func (a *app) checker(f *providerFlags) (*provider.Checker, error) {
	c, err := a.fileChecker(f)
	if err != nil {
		return nil, err
	}
	return c, a.addFlags(c, f, f.provider)
}

// fileChecker is checker without --secret and --set.
func (a *app) fileChecker(f *providerFlags) (*provider.Checker, error) {
	catalog, err := a.catalog()
	if err != nil {
		return nil, err
	}
	c := &provider.Checker{
		Catalog: catalog, Default: f.provider, Keys: &provider.Fetcher{},
		Secrets: map[string][]provider.Secret{}, Settings: map[string]map[string]string{},
	}
	if f.provider != "" {
		if err := knownProvider(catalog, f.provider); err != nil {
			if where := a.file.places["provider"]; where != "" {
				return nil, settingError{fmt.Errorf("%s: provider: %w", where, err)}
			}
			return nil, usagef("--provider: %w", err)
		}
	}
	if err := a.addFile(c, f.strict); err != nil {
		return nil, settingError{err}
	}
	return c, nil
}

// knownProvider returns an error that names the nearest provider unless there
// is one of this name.
func knownProvider(catalog *provider.Catalog, name string) error {
	if catalog.Provider(name) != nil {
		return nil
	}
	if near := catalog.Nearest(name); near != "" {
		return fmt.Errorf("there is no provider %q, did you mean %q?", name, near)
	}
	return fmt.Errorf("there is no provider %q: `hookloop providers` lists them, and your own stand under `providers:` in %s", name, configName)
}

// addFile puts what the sections of the configuration file say into c.
func (a *app) addFile(c *provider.Checker, strict bool) error {
	dir := filepath.Dir(a.file.file)
	for name, values := range a.file.secrets {
		if err := knownProvider(c.Catalog, name); err != nil {
			return fmt.Errorf("%s: %w", values[0].where, err)
		}
		secrets, err := a.secretsOf(values, name, strict)
		if err != nil {
			return err
		}
		c.Secrets[name] = secrets
	}
	for name, values := range a.file.settings {
		for key, v := range values {
			if err := knownProvider(c.Catalog, name); err != nil {
				return fmt.Errorf("%s: %w", v.where, err)
			}
			text, err := a.expand(v.where, v.value)
			if err == nil {
				err = addSetting(c, name, key, text, dir)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", v.where, err)
			}
		}
	}
	for _, r := range a.file.routes {
		if r.err != nil && strict {
			return r.err
		}
		if r.err != nil {
			continue // what needs it says so
		}
		if r.provider != "" {
			if err := knownProvider(c.Catalog, r.provider); err != nil {
				return fmt.Errorf("%s: %w", r.where, err)
			}
		}
		secrets, err := a.secretsOf(r.secrets, "the route "+r.path, strict)
		if err != nil {
			return err
		}
		if r.provider != "" || secrets != nil {
			c.Routes = append(c.Routes, provider.Route{Prefix: r.path, Provider: r.provider, Secrets: secrets})
		}
	}
	slices.SortStableFunc(c.Routes, func(x, y provider.Route) int { return len(y.Prefix) - len(x.Prefix) })
	return nil
}

// addFlags puts what --secret and --set say into c. Where they name no
// provider, they are the known one's.
func (a *app) addFlags(c *provider.Checker, f *providerFlags, known string) error {
	if err := a.addSecretFlags(c, f.secrets, known); err != nil {
		if !a.secretTyped {
			return settingError{fmt.Errorf("HOOKLOOP_SECRET: %w", err)}
		}
		return usagef("--secret: %w", err)
	}
	for _, text := range f.set {
		target, value, ok := strings.Cut(text, "=")
		name, key, dotted := strings.Cut(target, ".")
		if !dotted || known != "" && c.Catalog.Provider(name) == nil {
			name, key = known, target
		}
		if !ok || name == "" {
			return usagef("--set: give PROVIDER.KEY=VALUE, such as paypal.webhook_id=1AB")
		}
		if name != known {
			if err := knownProvider(c.Catalog, name); err != nil {
				return usagef("--set %s: %w", target, err)
			}
		}
		var unknown settingUnknown
		switch err := addSetting(c, name, key, value, ""); {
		case f.lenient && errors.As(err, &unknown):
			a.sayf("hookloop: --set: %s; it counts for nothing", err)
		case err != nil:
			return usagef("--set: %w", err)
		}
	}
	return nil
}

// completeProviders completes the names of the providers, each with end behind it, for a flag.
func (a *app) completeProviders(cmd *cobra.Command, flag, end string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		words, directive := a.providerNames(cmd, end)
		if end != "" {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return words, directive
	})
}

func (a *app) providerNames(cmd *cobra.Command, end string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if err := a.configure(cmd); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	catalog, err := a.catalog()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var words []cobra.Completion
	for _, name := range catalog.Names() { // the names alone: an entry is read when it is first asked for
		words = append(words, name+end)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
