package inspect

import (
	"context"
	"fmt"
	"slices"

	"hookloop/inspect/provider"
)

// Of the secrets that handshakes hand over, the first becomes known. Anybody
// can send a handshake, so that of another one the user is told, and decides.

// keepSecret makes a secret that a handshake handed over known, unless one is
// known already: a stranger must not be able to have signatures of their own
// found valid.
func (rc *Receiver) keepSecret(r *provider.Request, name string, s provider.Secret) {
	rc.secrets.Lock()
	defer rc.secrets.Unlock()
	if !rc.checker.HasSecret(r, name) {
		rc.checker.AddSecret(name, s)
	}
}

// stored does what is left to do for a delivery that was just stored: pending
// is assess's.
func (rc *Receiver) stored(d *Delivery, pending bool) {
	if pending {
		rc.recheck(d)
	}
	if rc.checker == nil || d.Facts.Handshake == "" || d.Disposition == Refused {
		return
	}
	rc.guard(func() {
		if !handsOverAnother(rc.waiting, rc.checker, d.Request()) {
			return
		}
		rc.secrets.Lock()
		rc.others[d.Facts.Provider] = d.ID
		rc.secrets.Unlock()
		rc.notice(fmt.Errorf("delivery #%d, a handshake of %s, hands over another secret than the one that is known, and it is not used: %s",
			d.ID, d.Facts.Provider, handoverAdvice(d.ID, d.Facts.Provider)))
	})
}

func handoverAdvice(id int64, name string) string {
	return fmt.Sprintf("if that subscription is yours, give its secret with --secret %s=…, which `hookloop show %d` shows", name, id)
}

// handsOver reports whether r is a handshake of a kind that hands over a secret.
func handsOver(c checker, r *provider.Request) bool {
	rec := c.Recognize(r)
	return rec.Handshake != nil && !rec.Handshake.Capture.IsZero()
}

// handsOverAnother reports whether r hands over a secret while others are known.
func handsOverAnother(ctx context.Context, c checker, r *provider.Request) bool {
	if !handsOver(c, r) {
		return false
	}
	d := c.Verify(ctx, r)
	return d.Result == provider.Unverifiable && d.Code == provider.CodeNotSigned // of the known one, it is valid
}

// OtherSecret says where a provider's other secret arrived, in words that
// follow a reason why a signature does not hold; "" where none did, or where
// the provider's handshakes hand over none.
func OtherSecret(ctx context.Context, s *Store, c *provider.Checker, name string) (string, error) {
	if c == nil || !handsSecrets(c.Catalog.Provider(name)) {
		return "", nil
	}
	id, err := s.otherHandover(ctx, c, name)
	return otherWords(id, name), err
}

func otherWords(id int64, name string) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("; another secret arrived in #%d: %s", id, handoverAdvice(id, name))
}

// handsSecrets reports whether p, which may be nil, hands over secrets in handshakes.
func handsSecrets(p *provider.Provider) bool {
	return p != nil && slices.ContainsFunc(p.Handshakes, func(h provider.Handshake) bool { return !h.Capture.IsZero() })
}

// maxHandovers is how many handshakes are looked at for another secret.
const maxHandovers = 20

// otherHandover returns the newest of a provider's handshakes that hands over
// another secret than c knows; 0 for none.
func (s *Store) otherHandover(ctx context.Context, c checker, name string) (int64, error) {
	list, err := s.List(ctx, ListOptions{Query: fmt.Sprintf("provider:%q is:handshake -is:refused", name), Limit: maxHandovers})
	for i := range list {
		d, err := s.Delivery(ctx, list[i].ID)
		if err != nil {
			return 0, err
		}
		if handsOverAnother(ctx, c, d.Request()) {
			return d.ID, nil
		}
	}
	return 0, err
}

// otherSecret is OtherSecret, which looks into the store once.
func (rc *Receiver) otherSecret(ctx context.Context, name string) string {
	if rc.catalog() == nil || !handsSecrets(rc.catalog().Provider(name)) {
		return ""
	}
	rc.secrets.Lock()
	id, ok := rc.others[name]
	rc.secrets.Unlock()
	if !ok {
		found, err := rc.Store.otherHandover(ctx, rc.checker, name)
		if err != nil {
			return ""
		}
		rc.secrets.Lock()
		if id, ok = rc.others[name]; !ok { // or one arrived meanwhile
			id, rc.others[name] = found, found
		}
		rc.secrets.Unlock()
	}
	return otherWords(id, name)
}
