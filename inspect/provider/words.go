package provider

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Line is a fact in words, with a word or two that say what it is about.
type Line struct{ Label, Text string }

// Describe says in words what a developer has to know of p. Labels repeat
// where there are several of a kind. What is not known is left out, except
// how long p waits and when it delivers again.
func (p *Provider) Describe() []Line {
	var lines []Line
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, Line{label, text})
		}
	}
	add("docs", p.Docs)
	add("note", p.Notes)
	for i := range p.Schemes {
		s := &p.Schemes[i]
		add("verify", s.words())
		for _, note := range s.warnings() {
			add("beware", note)
		}
	}
	add("secret", p.secretWords())
	for _, s := range p.Settings {
		add("setting", fmt.Sprintf("%s is %s: --set %s.%s=VALUE", s.Key, s.Usage, p.Name, s.Key))
	}
	add("sign again", p.signWords())
	add("event type", valueWords(p.Event))
	add("duplicates", valueWords(p.EventID))
	for i := range p.Handshakes {
		add("handshake", p.Handshakes[i].words())
	}
	lines = append(lines, p.Delivery.describe()...)
	for _, name := range slices.Sorted(maps.Keys(p.Delivery.Variants)) {
		for _, line := range p.Delivery.Variants[name].describeVariant() {
			add(line.Label+", "+name, line.Text)
		}
	}
	add("facts", p.confidence().words())
	var events []string
	for i := range p.Samples {
		events = append(events, p.Samples[i].Event)
	}
	add("samples", strings.Join(events, ", "))
	return lines
}

// describe says what a provider does with an answer.
func (d *Delivery) describe() []Line {
	limit := "not published"
	if d.Timeout > 0 {
		limit = "answer within " + d.Timeout.String()
	}
	if d.ConnectTimeout > 0 {
		limit += ", and take the connection within " + d.ConnectTimeout.String()
	}
	success := d.Success.String()
	if success == "" {
		success = "not published; any 2xx is assumed"
	}
	lines := []Line{{"limit", limit}, {"success", success}, {"retries", d.retryWords()}}
	return append(lines, d.describeRest()...)
}

// describeVariant says what differs in a variant.
func (d *Delivery) describeVariant() []Line {
	var lines []Line
	if d.Timeout > 0 {
		lines = append(lines, Line{"limit", "answer within " + d.Timeout.String()})
	}
	if !d.Success.IsZero() {
		lines = append(lines, Line{"success", d.Success.String()})
	}
	if d.Retry != nil {
		lines = append(lines, Line{"retries", d.retryWords()})
	}
	return append(lines, d.describeRest()...)
}

func (d *Delivery) describeRest() []Line {
	var lines []Line
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, Line{label, text})
		}
	}
	if d.Redirects > 0 {
		add("redirects", fmt.Sprintf("up to %d are followed", d.Redirects))
	}
	if !d.StopOn.IsZero() {
		add("stop", fmt.Sprintf("%s means: %s", strings.TrimPrefix(d.StopOn.String(), "exactly "), cmp.Or(d.StopMeans, "do not deliver this again")))
	}
	for _, name := range slices.Sorted(maps.Keys(d.StopHeader)) {
		add("stop", fmt.Sprintf("an answer with the header %s: %s ends the retries", name, d.StopHeader[name]))
	}
	switch after := time.Duration(d.RetryAfter); {
	case after >= unlimited:
		add("Retry-After", "is honoured")
	case after > 0:
		add("Retry-After", "is honoured, up to "+InWords(after))
	}
	if names := slices.Sorted(maps.Keys(d.RetryHeaders)); len(names) > 0 {
		add("retry headers", strings.Join(names, ", "))
	}
	switch d.Ordering {
	case "":
	case "none":
		add("order", "not guaranteed")
	default:
		add("order", d.Ordering)
	}
	if d.Disable != "" {
		add("switched off", d.Disable)
	}
	add("redeliver", d.Redeliver)
	add("addresses", strings.Join(d.Addresses, ", "))
	add("addresses", d.AddressesURL)
	add("largest body", d.MaxBody)
	add("note", d.Notes)
	return lines
}

// unlimited is a RetryAfter that stands for: no limit is published.
const unlimited = 365 * 24 * time.Hour

// secretWords says how the secret is given.
func (p *Provider) secretWords() string {
	if !slices.ContainsFunc(p.Schemes, func(s Scheme) bool { return s.Kind != Unsigned && s.KeySource == nil }) {
		return ""
	}
	return fmt.Sprintf("--secret %s=env:%s, or under secrets: in hookloop.yaml", p.Name, p.SecretVariable())
}

// secretVariables are what providers' own examples call the secret.
var secretVariables = map[string]string{
	"slack": "SLACK_SIGNING_SECRET", "twilio": "TWILIO_AUTH_TOKEN", "shopify": "SHOPIFY_API_SECRET",
	"telegram": "TELEGRAM_SECRET_TOKEN", "meta": "META_APP_SECRET", "zoom": "ZOOM_WEBHOOK_SECRET_TOKEN",
}

// SecretVariable is the environment variable that holds the secret in examples
// and, mostly, in handlers: STRIPE_WEBHOOK_SECRET.
func (p *Provider) SecretVariable() string {
	if name := secretVariables[p.Name]; name != "" {
		return name
	}
	return strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_")) + "_WEBHOOK_SECRET"
}

// signWords says whether hookloop can sign p's requests again.
func (p *Provider) signWords() string {
	if why := p.signs(); why != "yes" {
		return map[string]string{
			"private key": "only with a private key of your own, whose public key your handler is given; the provider's is secret",
			"no":          "there is nothing to sign",
		}[why]
	}
	return "yes, with the same secret"
}

// signs is yes, private key or no.
func (p *Provider) signs() string {
	best := "no"
	for i := range p.Schemes {
		switch s := &p.Schemes[i]; {
		case s.Kind == Unsigned:
		case s.public():
			best = "private key"
		default:
			return "yes"
		}
	}
	return best
}

func (p *Provider) confidence() Confidence { return cmp.Or(p.Delivery.Confidence, Unknown) }

func (c Confidence) words() string {
	switch c {
	case FromSource:
		return "A: what is said of its deliveries is from its own documentation or code"
	case Quoted:
		return "B: what is said of its deliveries is its own text, as others quote it"
	case Hearsay:
		return "C: what is said of its deliveries is from others alone, or they disagree"
	}
	return "?: next to nothing is published about its deliveries"
}

// words says what a handshake is and what it wants.
func (h *Handshake) words() string {
	var want string
	switch {
	case h.Reply == nil:
		want = "any success"
	case h.Reply.Body.IsZero():
		want = fmt.Sprintf("status %d", h.Reply.Status)
	default:
		want = fmt.Sprintf("status %d with %s as the body", h.Reply.Status, strings.NewReplacer("{{", "{", "}}", "}").Replace(h.Reply.Body.String()))
	}
	if h.Reply != nil {
		if names := slices.Sorted(maps.Keys(h.Reply.Headers)); len(names) > 0 {
			want += " and the headers " + joinWords(names, "and")
		}
	}
	text := fmt.Sprintf("%s wants %s", h.Name, want)
	if h.Require != nil {
		text += fmt.Sprintf(", if %s is the setting %s", h.Require.Value.words(), h.Require.Setting)
	}
	text += "."
	switch {
	case !h.Confirm.IsZero():
		text += " hookloop confirm ID confirms it."
	case !h.Capture.IsZero():
		text += " hookloop keeps the secret that it hands over."
	case h.Reply != nil:
		text += " With --answer-handshakes hookloop answers it."
	}
	return strings.TrimSpace(text + " " + h.Notes)
}

func valueWords(v Values) string {
	var all []string
	for i := range v.list {
		one := &v.list[i]
		switch {
		case !one.source.IsZero():
			all = append(all, one.source.words())
		case one.template.String() == bodyHash:
			all = append(all, "the SHA-256 of the body, as there is no ID")
		default:
			all = append(all, one.template.String())
		}
	}
	return joinWords(all, "or")
}
