package provider

import (
	"fmt"
	"strings"
)

var kindWords = map[Kind]string{
	HMACSHA1: "HMAC-SHA1", HMACSHA256: "HMAC-SHA256", HMACSHA512: "HMAC-SHA512", SHA256: "SHA-256",
	Ed25519: "an Ed25519 signature", ECDSASHA256: "an ECDSA P-256 signature", RSASHA256: "an RSA-SHA256 signature", RSASHA1: "an RSA-SHA1 signature",
}

// words says how a scheme signs: where, what, in which form, with which key.
func (s *Scheme) words() string {
	where := s.Signature.words()
	switch s.Kind {
	case Unsigned:
		if s.Notes != "" { // which say what follows from that
			return s.Name + ": not signed"
		}
		return s.Name + ": not signed, so anyone could have sent it"
	case Token:
		return fmt.Sprintf("%s: the secret itself, in %s", s.Name, where)
	case JWTHS256:
		return fmt.Sprintf("%s: a JWT (HS256, exp and nbf are checked) in %s", s.Name, where)
	}
	text := fmt.Sprintf("%s: %s in %s, in %s, of %s", s.Name, kindWords[s.Kind], s.Signature.form, where, s.messageWords())
	if s.If != nil {
		text += ", where the request has " + s.If.words()
	}
	if !s.BodyHash.IsZero() {
		text += fmt.Sprintf("; the body's SHA-256 is in %s", s.BodyHash.words())
	}
	if s.Each != "" {
		text += "; each of " + s.Each + " is signed on its own"
	}
	if !s.Timestamp.IsZero() {
		text += fmt.Sprintf("; the time is in %s, %s", s.Timestamp.words(), map[string]string{
			"unix": "in seconds", "unixms": "in milliseconds", "rfc3339": "as RFC 3339 has it",
		}[s.Timestamp.form])
	}
	if s.Tolerance > 0 {
		text += ", and may differ by " + s.Tolerance.String()
	}
	return text + ". " + s.keyWords()
}

func (s *Scheme) messageWords() string {
	message := s.Message.String()
	switch message {
	case "{body}":
		return "the raw body"
	case "{url}":
		return "the URL that was called"
	}
	return strings.ReplaceAll(message, "\n", `\n`)
}

// keyWords says what the key is, in the words of who has a secret to paste.
func (s *Scheme) keyWords() string {
	if k := s.KeySource; k != nil {
		if k.JWKS != "" {
			return "The public key is fetched from " + k.JWKS + "."
		}
		return fmt.Sprintf("The public key is in the certificate at the address in %s, which has to be of %s.", k.CertURL.words(), joinWords(k.Hosts, "or"))
	}
	what := "The key is the secret"
	if s.public() {
		what = "The secret to give is the public key"
	}
	without := ""
	if len(s.Key.strip) > 0 {
		without = " without " + joinWords(s.Key.strip, "or") + ","
	}
	if s.Key.after {
		return fmt.Sprintf("%s,%s decoded from %s. Where it does not begin so, it is the key as text.", what, without, s.Key.coding)
	}
	switch s.Key.coding {
	case "":
		if s.Kind == SHA256 {
			return "The secret is part of what is hashed."
		}
		return what + " as it is shown, as text: nothing of it is decoded."
	case "base64url":
		return what + without + " decoded from URL-safe base64."
	default:
		return what + without + " decoded from " + s.Key.coding + "."
	}
}

// words says where a source is.
func (s *Source) words() string {
	head, _, _ := strings.Cut(s.text, "|")
	_, list, _ := strings.Cut(head, ":")
	names := strings.Split(list, ",")
	for i, name := range names {
		if setting, ok := strings.CutPrefix(name, "{setting."); ok {
			names[i] = "that the setting " + strings.TrimSuffix(setting, "}") + " names"
		}
	}
	name := joinWords(names, "or")
	text := map[string]string{
		"header": "the header " + name, "query": "the query parameter " + name, "form": "the form field " + name,
		"json": "the body's " + name, "json-key": "the name of the body's key", "form-json": "the form's JSON at " + name, "method": "the method",
	}[s.kind]
	for _, op := range s.ops {
		switch op.name {
		case "pre":
			text += fmt.Sprintf(" after %q", op.arg)
		case "opt":
			text += fmt.Sprintf(" (with or without %q)", op.arg)
		case "not":
			text += " beside " + joinWords(op.list, "and")
		}
	}
	return text
}

func (c *Condition) words() string {
	text := c.source.words()
	if c.is {
		text += " = " + c.want
	}
	return text
}
