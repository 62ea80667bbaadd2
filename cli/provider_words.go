package cli

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// explainProvider prints what a developer has to know of p, and what of it is
// configured and kept here.
func explainProvider(p printer, c *provider.Checker, who *provider.Provider, received tally) {
	p.linef("%s (%s)", inspect.Escape(who.Title), inspect.Escape(who.Name))
	p.fact("docs", who.Docs)
	for i := range who.Schemes {
		p.fact("signs", schemeWords(&who.Schemes[i]))
	}
	p.secretFact(c, who)
	for _, s := range who.Settings {
		usage := s.Usage
		if c.Settings[who.Name][s.Key] == "" {
			usage += fmt.Sprintf("; not set: --set %s.%s=VALUE", who.Name, s.Key)
		}
		p.fact("setting", s.Key+": "+usage)
	}
	for i := range who.Handshakes {
		p.fact("handshake", handshakeWords(&who.Handshakes[i]))
	}
	p.fact("event type", valueWords(who.Event))
	p.fact("event ID", valueWords(who.EventID))
	p.deliveryFacts(&who.Delivery)
	var events []string
	for i := range who.Samples {
		events = append(events, who.Samples[i].Event)
	}
	p.fact("samples", strings.Join(events, ", "))
	p.fact("note", who.Notes)
	p.fact("note", who.Delivery.Notes)
	p.fact("received", receivedWords(received))
}

// fact prints a name and a text behind it, in as many lines as it needs.
func (p printer) fact(name, text string) {
	const indent, width = 13, 87
	if text == "" {
		return
	}
	for line := range strings.Lines(ansi.Wordwrap(inspect.Escape(strings.TrimSpace(text)), width, "")) {
		p.linef("  %-*s%s", indent, name, strings.TrimRight(line, "\n "))
		name = ""
	}
}

func (p printer) secretFact(c *provider.Checker, who *provider.Provider) {
	switch labels := secretLabels(c, who.Name); {
	case len(labels) > 0:
		p.fact("secret", "configured: "+strings.Join(labels, ", "))
	case !signs(who):
	default:
		env := strings.ToUpper(strings.ReplaceAll(who.Name, "-", "_")) + "_WEBHOOK_SECRET"
		p.fact("secret", fmt.Sprintf("none configured: --secret %s=env:%s, or under `secrets:` in %s", who.Name, env, configName))
	}
}

// signs reports whether who signs with something that the user has to configure.
func signs(who *provider.Provider) bool {
	for i := range who.Schemes {
		if s := &who.Schemes[i]; s.Kind != provider.Unsigned && s.KeySource == nil {
			return true
		}
	}
	return false
}

func schemeWords(s *provider.Scheme) string {
	if s.Kind == provider.Unsigned {
		return strings.TrimSuffix("nothing: anyone could have sent it; "+s.Notes, "; ")
	}
	text := "with " + string(s.Kind)
	if s.Name != "" {
		text += fmt.Sprintf(" (scheme %s)", s.Name)
	}
	if !s.Signature.IsZero() {
		text += ", in " + sourceWords(s.Signature.String())
	}
	if !s.Message.IsZero() {
		text += ", over " + s.Message.String()
	}
	if s.Tolerance != 0 {
		text += ", no older than " + s.Tolerance.String()
	}
	if s.KeySource != nil {
		text += "; the key is fetched from " + strings.Join(s.KeySource.Hosts, ", ")
	}
	if s.Notes != "" {
		text += "; " + s.Notes
	}
	return text
}

var places = map[string]string{
	"header": "header ", "query": "query parameter ", "form": "form field ", "json": "JSON ", "json-key": "the key of JSON ",
}

// sourceWords puts a source of the catalog into words: "header
// Stripe-Signature, behind v1=, in hex".
func sourceWords(text string) string {
	parts := strings.Split(text, "|")
	kind, names, ok := strings.Cut(parts[0], ":")
	if !ok || places[kind] == "" {
		return text
	}
	words := places[kind] + strings.ReplaceAll(names, ",", " or ")
	for _, op := range parts[1:] {
		switch name, arg, _ := strings.Cut(op, ":"); name {
		case "pre":
			words += ", behind " + strings.TrimSpace(arg)
		case "opt":
			words += ", maybe behind " + strings.TrimSpace(arg)
		case "hex", "base64", "base64url":
			words += ", in " + name
		}
	}
	return words
}

func valueWords(v provider.Values) string {
	var words []string
	for _, text := range v.Strings() {
		words = append(words, sourceWords(text))
	}
	return strings.Join(words, "; else ")
}

func handshakeWords(h *provider.Handshake) string {
	text := h.Name
	switch {
	case !h.Confirm.IsZero():
		text += ", confirmed with `hookloop confirm ID`"
	case !h.Capture.IsZero():
		text += ", which hands over the secret: hookloop keeps it"
	case h.Reply != nil:
		text += ", which --answer-handshakes answers"
	}
	if h.Notes != "" {
		text += "; " + h.Notes
	}
	return text
}

func (p printer) deliveryFacts(d *provider.Delivery) {
	if d.Timeout != 0 {
		p.fact("waits", d.Timeout.String()+" for the whole answer")
	} else {
		p.fact("waits", "for a time that is not published")
	}
	success := d.Success.String()
	if success == "" {
		success = "2xx, as far as is known"
	}
	if d.Redirects > 0 {
		success += fmt.Sprintf("; follows %d redirects", d.Redirects)
	}
	p.fact("success", success)
	p.fact("retries", retryWords(d))
	if text := d.StopOn.String(); text != "" {
		if d.StopMeans != "" {
			text += ": " + d.StopMeans
		}
		p.fact("stops on", text)
	}
	p.fact("switches off", d.Disable)
	p.fact("order", d.Ordering)
	p.fact("sends from", strings.Join(d.Addresses, ", "))
	p.fact("addresses", d.AddressesURL)
	p.fact("facts", confidenceWords(d.Confidence))
}

// retryWords are the intervals of d's retries.
func retryWords(d *provider.Delivery) string {
	const most = 12
	switch {
	case d.Retry == nil:
		return "not published"
	case d.Retry.Never:
		return "never: a delivery that fails is lost"
	}
	steps := d.Retries()
	if len(steps) == 0 {
		return "at times that are not published"
	}
	text := planWords(d, steps) + ": after "
	for i, step := range steps[:min(most, len(steps))] {
		if i > 0 {
			text += ", "
		}
		text += step.After.String()
	}
	if len(steps) > most {
		text += ", …"
	}
	if steps[len(steps)-1].Guess {
		text += "; the intervals are not published, so these are our guess"
	}
	return text
}

func confidenceWords(c provider.Confidence) string {
	switch c {
	case provider.FromSource:
		return "A: from the provider's own documentation or code"
	case provider.Quoted:
		return "B: the provider's text, quoted by others"
	case provider.Hearsay:
		return "C: from others only, or conflicting"
	}
	return "?: not published, or not found"
}

func receivedWords(t tally) string {
	const most = 8
	if t.sum() == 0 {
		return "none kept here yet"
	}
	var parts []string
	for _, event := range t.byCount() {
		if len(parts) == most {
			parts = append(parts, "…")
			break
		}
		name := event
		if name == "" {
			name = "no event type"
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, t[event]))
	}
	return fmt.Sprintf("%d kept here: %s", t.sum(), strings.Join(parts, ", "))
}
