package cli

import (
	"context"
	"fmt"
	"slices"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// secretsOfListen are the names of the providers of which c has secrets. They
// are told to other commands; what the secrets are is not.
func secretsOfListen(c *provider.Checker) (names []string) {
	for name, secrets := range c.Secrets {
		if len(secrets) > 0 {
			names = append(names, name)
		}
	}
	for _, r := range c.Routes {
		if r.Provider != "" && len(r.Secrets) > 0 {
			names = append(names, r.Provider)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// secretElsewhere says, where this command has no secret of p, that a listen
// that runs on the data folder has one, and what to do: a clause without a full
// stop; "" where none has.
func secretElsewhere(dir string, p *provider.Provider) string {
	for _, l := range readLive(dir) {
		if slices.Contains(l.Secrets, p.Name) {
			return fmt.Sprintf("the running `hookloop listen` has a secret of %s, which this terminal has not: "+
				"give the same --secret %s=… here, or put it under `secrets:` in %s", p.Title, p.Name, configName)
		}
	}
	return ""
}

// saySecretsElsewhere tells, once for each provider of deliveries that are to be
// signed, of a secret that the running listen has and c has not.
func (a *app) saySecretsElsewhere(ctx context.Context, store *inspect.Store, c *provider.Checker, deliveries []int64) {
	told := map[string]bool{}
	for _, id := range deliveries {
		d, err := store.Delivery(ctx, id)
		if err != nil {
			continue // which the one who needs it says
		}
		rec := c.Recognize(d.Request())
		if rec.Provider == nil || told[rec.Provider.Name] || c.HasSecret(d.Request(), rec.Provider.Name) {
			continue
		}
		told[rec.Provider.Name] = true
		if text := secretElsewhere(store.Dir(), rec.Provider); text != "" {
			a.sayf("hookloop: %s. What needs a new signature is left out", text)
		}
	}
}
