package cli

import (
	"cmp"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/tui"
)

// verification is a diagnosis as JSON has it.
type verification struct {
	Result      provider.Result `json:"result"`
	Code        provider.Code   `json:"code"`
	Reason      string          `json:"reason"`
	Scheme      string          `json:"scheme"`
	Provider    string          `json:"provider"`
	Secret      string          `json:"secret"`
	SignedAt    *time.Time      `json:"signed_at"`
	Notes       []string        `json:"notes"`
	Explanation *explained      `json:"explanation,omitempty"`
}

type explained struct {
	Message  *string  `json:"message"` // null where the token itself is compared; bytes that are not UTF-8 are written out
	Expected string   `json:"expected"`
	Received []string `json:"received"`
	Where    string   `json:"where"`
}

func (a *app) printVerification(f *verifyFlags, c *provider.Checker, d provider.Diagnosis) error {
	e := explanation(&d, f.showSecrets)
	if !f.asJSON {
		p := printer{a.Stdout}
		p.diagnosis(c.Catalog, &d)
		if f.explain {
			p.explanation(e)
		}
		return nil
	}
	v := verification{
		Result: d.Result, Code: d.Code, Reason: d.Reason, Scheme: d.Scheme, Provider: d.Provider, Secret: d.Secret,
		Notes: append([]string{}, d.Notes...),
	}
	if !d.SignedAt.IsZero() {
		signed := d.SignedAt.UTC()
		v.SignedAt = &signed
	}
	if f.explain && e != nil {
		v.Explanation = &explained{Expected: e.Expected, Received: append([]string{}, e.Received...), Where: e.Where}
		if e.Message != nil {
			text := string(e.Message)
			v.Explanation.Message = &text
		}
	}
	return inspect.NewJSONEncoder(a.Stdout).Encode(v)
}

// explanation returns what was compared, masked unless it may be shown; nil if nothing was.
func explanation(d *provider.Diagnosis, showSecrets bool) *provider.Explanation {
	if d.Explain == nil || showSecrets {
		return d.Explain
	}
	return d.Explain.Masked()
}

// diagnosis prints whether a signature holds, and why not.
func (p printer) diagnosis(catalog *provider.Catalog, d *provider.Diagnosis) {
	line, unsigned := "signature "+string(d.Result), tui.Unsigned(d.Result, d.Scheme)
	if unsigned {
		line = "not signed (a handshake)"
	}
	if who := catalog.Provider(d.Provider); who != nil {
		line += ": " + who.Title
		if d.Scheme != "" && !unsigned {
			line += ", scheme " + inspect.Escape(d.Scheme)
		}
	}
	if d.Secret != "" {
		line += ", with " + inspect.Escape(d.Secret)
	}
	if !d.SignedAt.IsZero() {
		line += ", signed " + d.SignedAt.Local().Format("2006-01-02 15:04:05")
	}
	p.linef("%s", line)
	if d.Reason != "" && (unsigned || d.Result != provider.Valid) { // else the line above says it all
		p.linef("   %s", inspect.Escape(d.Reason))
	}
	for _, note := range d.Notes {
		p.linef("   note: %s", inspect.Escape(note))
	}
}

// explanation prints what was compared.
func (p printer) explanation(e *provider.Explanation) {
	if e == nil {
		p.linef("   nothing was compared")
		return
	}
	if e.Message == nil {
		p.linef("   signed    nothing: the token itself is compared")
	} else {
		p.linef("   signed    %s", inspect.Escape(string(e.Message)))
		p.linef("             (%d bytes)", e.Size)
	}
	p.linef("   expected  %s", cmp.Or(inspect.Escape(e.Expected), "what the public key accepts"))
	for _, received := range e.Received {
		p.linef("   received  %s", inspect.Escape(received))
	}
	p.linef("   in        %s", cmp.Or(inspect.Escape(e.Where), "nothing"))
}
