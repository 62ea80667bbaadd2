package cli

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/tui"
)

// sender prints who sent d, what it is, and whether its signature holds. What
// was known at its capture counts where nothing new can be said now.
func (s *shower) sender(ctx context.Context, d *inspect.Delivery) error {
	facts, diagnosis, err := s.look(ctx, d)
	if err != nil {
		return err
	}
	if facts.Provider != "" {
		s.linef("%s", senderWords(s.checker.Catalog, &facts))
	}
	if facts.Handshake != "" {
		for _, line := range s.handshakeLines(d, &facts) {
			s.linef("%s", line)
		}
	}
	switch facts.Address {
	case provider.Listed:
		s.linef("address: %s is one of those the provider publishes", inspect.Escape(d.RemoteAddr))
	case provider.NotListed:
		s.linef("address: %s is NOT one of those the provider publishes", inspect.Escape(d.RemoteAddr))
	}
	if diagnosis.Result != "" && (facts.Provider != "" || s.explain) {
		s.diagnosis(s.checker.Catalog, &diagnosis)
	}
	if s.explain {
		s.explanation(explanation(&diagnosis, s.showSecrets))
	}
	return nil
}

// look checks d again and keeps what is new. The diagnosis is the stored one
// where less can be said now than at the capture.
func (s *shower) look(ctx context.Context, d *inspect.Delivery) (provider.Facts, provider.Diagnosis, error) {
	stored := d.Facts
	r := d.Request()
	diagnosis := s.checker.Verify(ctx, r)
	if err := ctx.Err(); err != nil {
		return stored, diagnosis, err
	}
	facts, pending := s.checker.Assess(r)
	if pending && facts.SignatureCode != provider.CodeNoKey {
		facts, pending = facts.With(diagnosis), false
	}
	if worse(stored, facts) || pending || facts.Provider == "" || untold(s.checker, r, stored) {
		return stored, provider.Diagnosis{
			Result: stored.Signature, Code: stored.SignatureCode, Reason: stored.SignatureReason, Provider: stored.Provider,
			Scheme: stored.Scheme, Secret: stored.Secret, Explain: diagnosis.Explain,
		}, nil
	}
	facts = keepKnown(stored, facts)
	if reflect.DeepEqual(stored, facts) || stored.Signature == provider.Valid && facts.Signature != provider.Valid {
		return facts, diagnosis, nil // what held once stays known, though another secret is configured now
	}
	return facts, diagnosis, s.store.SetFacts(ctx, d.ID, facts)
}

// worse reports whether less is known now than was stored: nothing of the
// signature, or not the name that the user gave.
func worse(stored, now provider.Facts) bool {
	if stored.Certainty == provider.Named && now.Certainty != provider.Named && now.Signature != provider.Valid {
		return true
	}
	looked := stored.Signature == provider.Valid || stored.Signature == provider.Invalid
	return looked && now.Signature != provider.Valid && now.Signature != provider.Invalid
}

// untold reports whether r is a handshake that was looked at before, and whose
// token nobody can compare now: the setting that it has to be is not configured here.
func untold(c *provider.Checker, r *provider.Request, stored provider.Facts) bool {
	rec := c.Recognize(r)
	if rec.Handshake == nil || rec.Handshake.Require == nil || stored.Handshake != rec.Handshake.Name || stored.Signature == "" {
		return false
	}
	return c.Settings[rec.Provider.Name][rec.Handshake.Require.Setting] == ""
}

// keepKnown is now with what only the capture could tell of the same
// provider: whether the address was one of its own, and its count.
func keepKnown(stored, now provider.Facts) provider.Facts {
	if stored.Provider != now.Provider {
		return now
	}
	now.Address = cmp.Or(now.Address, stored.Address)
	now.ProviderAttempt = cmp.Or(now.ProviderAttempt, stored.ProviderAttempt)
	return now
}

// senderWords is who sent it, how sure that is, and what it is.
func senderWords(catalog *provider.Catalog, f *provider.Facts) string {
	who := inspect.Escape(f.Provider)
	if p := catalog.Provider(f.Provider); p != nil {
		who = inspect.Escape(p.Title)
	}
	switch f.Certainty {
	case provider.Likely:
		who += " (likely)"
	case provider.Guess:
		who += " (a guess"
		if len(f.Others) > 0 {
			who += "; or " + inspect.Escape(strings.Join(f.Others, ", "))
		}
		who += ": --provider decides)"
	}
	parts := []string{"provider: " + who}
	if f.Event != "" {
		parts = append(parts, "event "+inspect.Escape(f.Event))
	}
	if f.EventID != "" {
		parts = append(parts, "ID "+inspect.Escape(f.EventID))
	}
	if f.ProviderAttempt > 0 {
		parts = append(parts, fmt.Sprintf("its attempt %d", f.ProviderAttempt))
	}
	return strings.Join(parts, ", ")
}

// handshakeLines say that d is a handshake and what to do about it.
func (s *shower) handshakeLines(d *inspect.Delivery, f *provider.Facts) []string {
	lines := []string{"handshake: " + inspect.Escape(f.Handshake)}
	h := s.checker.Recognize(d.Request()).Handshake
	if h == nil || h.Name != f.Handshake {
		return lines
	}
	switch {
	case !h.Confirm.IsZero():
		lines[0] += fmt.Sprintf(": `hookloop confirm %d` confirms it", d.ID)
	case tui.Answered(d.Disposition, f, d.Reason):
		lines[0] += ", answered by hookloop"
	case h.Reply != nil && d.Disposition != inspect.Refused:
		lines[0] += ": your handler has to answer it, or `hookloop listen --answer-handshakes`"
	}
	if h.Notes != "" {
		lines = append(lines, "   "+inspect.Escape(h.Notes))
	}
	return lines
}

// outlookWords is what the provider would do now, with how sure that is. Of a
// guess the text says that it is one.
func outlookWords(o *provider.Outlook) string {
	text, trust := tui.OutlookWords(o)
	if o.Confidence == provider.FromSource || trust == "" {
		return text
	}
	return fmt.Sprintf("%s (%s)", text, trust)
}
