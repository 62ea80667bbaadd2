package provider

import (
	"errors"
	"fmt"
	"strings"
)

func noSecret(p *Provider) string {
	return fmt.Sprintf("no secret configured for %s: give it with --secret %s=env:NAME", p.short(), p.Name)
}

// badTimestamp says of a timestamp that it is missing or malformed; nil = it is neither.
func (v *verification) badTimestamp(c *check) *Diagnosis {
	if c.s.Timestamp.IsZero() || c.s.Tolerance == 0 && !c.s.Message.uses("ts") {
		return nil
	}
	text, ok := c.s.Timestamp.first(c.scope(v.r))
	if !ok {
		return &Diagnosis{Result: Invalid, Code: CodeMissing, Reason: "the timestamp is missing: " + c.s.Timestamp.expected(c.settings)}
	}
	if _, ok := parseTime(c.s.Timestamp.form, text); !ok {
		return &Diagnosis{Result: Invalid, Code: CodeMalformed, Reason: fmt.Sprintf("the timestamp is malformed: %q in %s is not %s", cut(text), c.s.Timestamp.where(c.settings), timeWords[c.s.Timestamp.form])}
	}
	return nil
}

// expected says what is expected where a source finds nothing.
func (s *Source) expected(settings map[string]string) string {
	if prefix := strings.TrimSpace(s.prefix()); prefix != "" {
		return fmt.Sprintf("%s is expected in %s", prefix, s.where(settings))
	}
	return s.where(settings) + " is expected"
}

var timeWords = map[string]string{"unix": "a number of seconds", "unixms": "a number of milliseconds", "rfc3339": "a time as 2026-01-02T15:04:05Z"}

// lacking says what the signed message lacks.
func (v *verification) lacking(c *check, keys []*key, err error) Diagnosis {
	var missing *missingError
	switch errors.As(err, &missing); {
	case missing == nil:
		return Diagnosis{Result: Invalid, Code: CodeMalformed, Reason: err.Error()}
	case missing.setting != "":
		return Diagnosis{Result: Unverifiable, Code: CodeNoSetting, Reason: noSetting(c.p, missing.setting)}
	case c.s.Message.uses("url") && v.r.URL == "":
		d := Diagnosis{Result: Unverifiable, Code: CodeURLDiffers, Reason: "the URL that the provider called is signed and not known: give it with --url"}
		if v.brief {
			v.later = true
			return d
		}
		if url := v.findURL(c, keys); url != "" {
			d.Reason = fmt.Sprintf("the URL that the provider called is signed and not known; it would match %s: give it with --url", url)
		}
		return d
	}
	return Diagnosis{Result: Invalid, Code: CodeMissing, Reason: fmt.Sprintf("header missing: what is signed needs %s", missing.what)}
}

func noSetting(p *Provider, name string) string {
	for _, s := range p.Settings {
		if s.Key == name {
			return fmt.Sprintf("the setting %s is not given (%s): give it with --set %s=VALUE", name, s.Usage, name)
		}
	}
	return fmt.Sprintf("the setting %s is not given: give it with --set %s=VALUE", name, name)
}
