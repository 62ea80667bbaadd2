package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// allowProviders has the receiver refuse deliveries that come from none of the
// addresses of the providers named. With no names it refuses nothing.
func (s *session) allowProviders(names []string) error {
	misset := func(err error) error {
		if where := s.a.file.places["allow-ips"]; where != "" {
			return settingError{fmt.Errorf("%s: allow-ips: %w", where, err)}
		}
		return usagef("--allow-ips: %w", err)
	}
	if len(names) == 0 {
		return nil
	}
	var allowed []netip.Prefix
	var titles []string
	for _, name := range names {
		if err := knownProvider(s.checker.Catalog, name); err != nil {
			return misset(err)
		}
		p := s.checker.Catalog.Provider(name)
		prefixes, err := p.Prefixes()
		if err != nil {
			return misset(err)
		}
		allowed = append(allowed, prefixes...)
		titles = append(titles, p.Title)
	}
	earlier := s.rc.Refuse
	s.rc.Refuse = func(r *http.Request) (int, string) {
		if earlier != nil {
			if status, reason := earlier(r); status != 0 {
				return status, reason
			}
		}
		client := r.RemoteAddr
		if from, err := netip.ParseAddrPort(client); err == nil {
			addr := from.Addr().Unmap().WithZone("")
			client = addr.String()
			for _, p := range allowed {
				if p.Contains(addr) {
					return 0, ""
				}
			}
		}
		return http.StatusForbidden, fmt.Sprintf("%s is none of the addresses that %s sends from, and --allow-ips lets in no others",
			client, strings.Join(titles, " or "))
	}
	return nil
}

func (s *session) learnSecrets() error { return learnSecrets(s.ctx, s.store, s.checker) }

// learnSecrets adds to c the secret that Notion handed over in its first
// handshake that was not refused, so that its deliveries are verified after a
// restart, and by other commands, too. Later ones may be anybody's.
func learnSecrets(ctx context.Context, store *inspect.Store, c *provider.Checker) error {
	if len(c.Secrets["notion"]) > 0 {
		return nil
	}
	list, err := store.List(ctx, inspect.ListOptions{Query: "provider:notion is:handshake -is:refused", Limit: 1, Oldest: true})
	if err != nil || len(list) == 0 {
		return err
	}
	d, err := store.Delivery(ctx, list[0].ID)
	if err != nil {
		return err
	}
	if secret := captured(c, d.Request()); secret != nil {
		c.AddSecret("notion", *secret)
	}
	return nil
}

// captured returns the secret that a handshake hands over; nil for none.
func captured(c *provider.Checker, r *provider.Request) *provider.Secret {
	rec := c.Recognize(r)
	if rec.Handshake == nil || rec.Handshake.Capture.IsZero() {
		return nil
	}
	answer, err := c.Answer(r, rec)
	if err != nil {
		return nil
	}
	return answer.Secret
}
