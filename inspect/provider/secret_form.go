package provider

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// secretForm says in which other form a secret would match, or "".
func (v *verification) secretForm(c *check) string {
	for _, secret := range v.secrets {
		if !c.s.public() && (secret.isPublic() || looksPublic(secret.Value)) {
			continue
		}
		for _, form := range secretForms(secret.Value) {
			var k *key
			if c.s.public() {
				if k, _ = c.s.newKey(Secret{secret.Label, string(form.raw)}); k == nil {
					continue
				}
			} else {
				k = &key{label: secret.Label, secret: string(form.raw), raw: form.raw}
			}
			if !v.tries(c, v.r) {
				return ""
			}
			if held, err := c.holds(v.r, k); held && err == nil {
				return fmt.Sprintf("secret in the wrong form: %s would match %s; %s", secret.Label, form.how, c.ownForm(form))
			}
		}
	}
	return ""
}

// ownForm says in which form the scheme's own key is, and what to change where
// a secret would match in another.
func (c *check) ownForm(found secretShape) string {
	switch {
	case found.trimmed:
		return "give it so"
	case c.s.public():
		return "give it as " + c.p.short() + " shows it"
	}
	form := "as text, as it is shown"
	if c.s.Key.coding != "" {
		form = "decoded from " + c.s.Key.coding
	}
	switch prefixes := joinWords(c.s.Key.strip, "or"); {
	case c.s.Key.after:
		form = fmt.Sprintf("as text, unless it begins with %s, and then %s without that", prefixes, form)
	case prefixes != "":
		form += ", without " + prefixes
	}
	return fmt.Sprintf("%s takes it %s: change the program that signs, or give the secret as %s shows it", c.p.short(), form, c.p.short())
}

type secretShape struct {
	how     string
	raw     []byte
	trimmed bool // only what stands around it is gone
}

// secretForms returns what a secret can be taken for.
func secretForms(text string) (all []secretShape) {
	add := func(how string, raw []byte, err error) {
		if err == nil && len(raw) > 0 {
			all = append(all, secretShape{how: how, raw: raw})
		}
	}
	bare := strings.Trim(text, " \t\r\n\"'`")
	if bare != text {
		add("without the quotes, spaces or line ends around it", []byte(bare), nil)
		all[0].trimmed = true
	}
	decodings := func(of, bare string) {
		for _, coding := range encodings {
			raw, err := decode(coding, bare)
			add(fmt.Sprintf("if it were decoded from %s%s", coding, of), raw, err)
		}
	}
	add("if it were taken as text, as it stands", []byte(bare), nil)
	decodings("", bare)
	for _, prefix := range []string{"whsec_", "whpk_", "whsk_", "wsec_"} {
		if rest, ok := strings.CutPrefix(bare, prefix); ok {
			add("if it were taken as text, without "+prefix, []byte(rest), nil)
			decodings(", without "+prefix, rest)
			return all
		}
	}
	raw, err := base64.StdEncoding.DecodeString("whsec_" + bare)
	add("with whsec_ before it", raw, err)
	add("if whsec_ stood before it and all were taken as text", []byte("whsec_"+bare), nil)
	return all
}
