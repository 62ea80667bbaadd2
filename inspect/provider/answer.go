package provider

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// What an answer may hold of a request.
const (
	maxAnswerHeader = 1 << 10
	maxAnswerBody   = 64 << 10
	maxCaptured     = 4 << 10
)

// Answer returns the answer that rec's handshake wants, or an error that says
// why there is none (no secret to sign it with, …), in words that say what to
// do. A handshake whose signature, or whose verify token, is known to be wrong
// is refused: that is an answer too. One whose signature cannot be checked is
// answered, and Why says so.
func (c *Checker) Answer(r *Request, rec Recognition) (*Answer, error) {
	p, h := rec.Provider, rec.Handshake
	if c == nil || p == nil || h == nil {
		return nil, errors.New("this is no handshake of a known provider")
	}
	sc := &scope{r: r, settings: c.Settings[p.Name]}
	what := p.Whose() + " " + h.Name
	why, refusal, err := c.examine(r, rec, sc, what)
	if refusal != nil || err != nil {
		return refusal, err
	}
	if !h.Confirm.IsZero() {
		why += ", not confirmed yet"
	}
	answer := &Answer{Status: p.Delivery.someSuccess(), Header: http.Header{}, Why: why}
	if h.Reply != nil {
		if err := c.fill(answer, p, h.Reply, sc); err != nil {
			return nil, fmt.Errorf("%s cannot be answered: %w", what, err)
		}
	}
	if value, ok := h.Capture.first(sc); ok && value != "" && len(value) <= maxCaptured {
		answer.Secret = &Secret{Label: "the secret from " + what, Value: value}
	}
	return answer, nil
}

// examine looks at a handshake's signature and verify token. It returns why
// it is answered, or the answer that refuses it. The error is for one whose
// answer would be signed without its signature being known to be good.
func (c *Checker) examine(r *Request, rec Recognition, sc *scope, what string) (string, *Answer, error) {
	h, why := rec.Handshake, what
	ok, checked := h.meets(sc)
	if !ok {
		status := h.Else
		if status == 0 {
			status = http.StatusForbidden
		}
		return "", refuse(status, fmt.Sprintf("%s, refused: its token is not the setting %s", what, h.Require.Setting)), nil
	}
	if h.Require != nil && !checked {
		why += fmt.Sprintf(" (its token was not checked: set %s to have it checked)", h.Require.Setting)
	}
	if v := c.look(r, rec); h.Signed || v.carriesSignature() {
		switch d := v.run(); d.Result {
		case Invalid:
			return "", refuse(http.StatusUnauthorized, fmt.Sprintf("%s, refused: %s", what, d.Reason)), nil
		case Unverifiable:
			if h.Reply != nil && h.Reply.keyed() {
				return "", nil, fmt.Errorf("%s cannot be answered: the answer is signed, and it is not known whether %s sent it: %s", what, rec.Provider.short(), d.Reason)
			}
			why += fmt.Sprintf(" (unverified: %s)", d.Reason)
		}
	}
	return why, nil, nil
}

// keyed reports whether a reply holds what a secret makes.
func (r *Reply) keyed() bool { return r.Body.uses("hmac") || r.Body.uses("secret") }

// forges reports whether a reply would hold the signature of a request: what
// it is to sign begins as what p signs.
func (r *Reply) forges(p *Provider, sc *scope) bool {
	for i := range r.Body.parts {
		part := &r.Body.parts[i]
		if part.token != "hmac" {
			continue
		}
		value, _ := part.source.first(sc)
		for j := range p.Schemes {
			if parts := p.Schemes[j].Message.parts; len(parts) > 0 && parts[0].token == "" && strings.HasPrefix(value, parts[0].text) {
				return true
			}
		}
	}
	return false
}

func refuse(status int, why string) *Answer {
	return &Answer{Status: status, Header: http.Header{}, Why: why}
}

// fill writes a reply for a request into an answer.
func (c *Checker) fill(to *Answer, p *Provider, reply *Reply, sc *scope) error {
	if err := c.addKey(p, reply, sc); err != nil {
		return err
	}
	if reply.Status != 0 {
		to.Status = reply.Status
	}
	for _, name := range slices.Sorted(maps.Keys(reply.Headers)) {
		value, err := reply.Headers[name].expand(sc)
		var missing *missingError
		switch {
		case errors.As(err, &missing) && missing.setting == "":
			continue // what the request does not ask for is not answered
		case err != nil:
			return err
		case len(value) > maxAnswerHeader || strings.ContainsFunc(string(value), unfit):
			return fmt.Errorf("what it wants in the header %s is no header value", name)
		}
		to.Header.Set(name, string(value))
	}
	if reply.Type != "" {
		to.Header.Set("Content-Type", reply.Type)
	}
	if reply.Body.IsZero() {
		return nil
	}
	if reply.Type == "" {
		to.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	// What is echoed is the sender's, so no browser may take it for a page.
	to.Header.Set("X-Content-Type-Options", "nosniff")
	sc.escape = strings.Contains(reply.Type, "json")
	body, err := reply.Body.expand(sc)
	sc.escape = false
	if err != nil {
		return err
	}
	if len(body) > maxAnswerBody {
		return fmt.Errorf("what it wants back is %d bytes, more than any handshake has", len(body))
	}
	to.Body = body
	return nil
}

// addKey puts the key into sc, where a reply is signed.
func (c *Checker) addKey(p *Provider, reply *Reply, sc *scope) error {
	switch {
	case !reply.keyed():
		return nil
	case reply.forges(p, sc):
		return fmt.Errorf("what it wants signed begins as what %s signs, so the answer would be a signature of another request", p.short())
	}
	secrets := c.secretsOf(sc.r, p)
	if len(secrets) == 0 {
		return fmt.Errorf("the answer is signed and no secret is known: give it with --secret %s=env:NAME", p.Name)
	}
	sc.secret = secrets[0].Value
	var form KeyForm
	if len(p.Schemes) > 0 {
		form = p.Schemes[0].Key
	}
	key, err := form.key(sc.secret)
	if err != nil {
		return fmt.Errorf("%s does not fit: %w", secrets[0].Label, err)
	}
	sc.key = key
	return nil
}

// someSuccess returns a status that d takes for success, 200 where that is one.
func (d *Delivery) someSuccess() int {
	for _, status := range []int{http.StatusNoContent, http.StatusAccepted, http.StatusCreated} {
		if !d.succeeds(http.StatusOK) && d.succeeds(status) {
			return status
		}
	}
	return http.StatusOK
}

// unfit reports whether a rune may not stand in a header's value (RFC 9110, section 5.5).
func unfit(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// Whose returns p's title, as short as it is in messages, in the possessive:
// "Slack's", "CloudEvents'".
func (p *Provider) Whose() string {
	title := p.short()
	if strings.HasSuffix(title, "s") {
		return title + "'"
	}
	return title + "'s"
}

// short returns p's title without what stands in brackets: "Meta".
func (p *Provider) short() string {
	title, _, _ := strings.Cut(p.Title, " (")
	if title == "" {
		return p.Name
	}
	return title
}
