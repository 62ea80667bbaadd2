package provider

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A Template is text with {tokens}:
//
//	{body} {ts} {url} {method} {secret} {header.X,Y} {query.X} {form.X} {json./p}
//	{setting.X} {body.sha256} {body.crc32} {form.sorted} {lines.K1,K2?}
//	{hmac.sha256.hex:json./p}  (of a value, with the secret)
//	{attempt} {attempt+1} {reason} {first_rfc3339}  (of a retry)
//
// {{ and }} are braces. {lines.…} is, for each of some keys of the JSON body,
// the key and its value, a line each; a key with ? may be missing.
type Template struct {
	text  string
	parts []part
}

// A part of a template is text or a token.
type part struct {
	text   string // of a literal; of lines and variables the name
	token  string // "" = literal
	source Source // of header, query, form, json and hmac
	hash   func() hash.Hash
	coding string
	lines  []line
}

type line struct {
	key      string
	optional bool
}

// A missingError says that a request or the settings lack what a template needs.
type missingError struct {
	what    string // "header webhook-id"
	setting string // the key, where it is a setting
}

func (e *missingError) Error() string { return e.what + " is missing" }

var (
	plainTokens = []string{"body", "ts", "url", "method", "secret", "body.sha256", "body.crc32", "form.sorted"}
	variables   = []string{"attempt", "attempt+1", "reason", "first_rfc3339"}
)

func (t Template) String() string { return t.text }

// IsZero reports whether t is empty.
func (t Template) IsZero() bool { return t.text == "" }

// UnmarshalYAML reads t from a string.
func (t *Template) UnmarshalYAML(n ast.Node) error { return unmarshalText(n, t, parseTemplate) }

// parseTemplate compiles a template.
func parseTemplate(text string) (Template, error) {
	t := Template{text: text}
	literal := func(s string) {
		if n := len(t.parts); n > 0 && t.parts[n-1].token == "" {
			t.parts[n-1].text += s
		} else if s != "" {
			t.parts = append(t.parts, part{text: s})
		}
	}
	for rest := text; rest != ""; {
		at := strings.IndexAny(rest, "{}")
		if at < 0 {
			literal(rest)
			break
		}
		literal(rest[:at])
		rest = rest[at:]
		if len(rest) > 1 && rest[0] == rest[1] {
			literal(rest[:1])
			rest = rest[2:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if rest[0] == '}' || end < 0 {
			return Template{}, fmt.Errorf("%q has a lone %c: write it twice where it is no token", text, rest[0])
		}
		p, err := parseToken(rest[1:end])
		if err != nil {
			return Template{}, fmt.Errorf("%q: %w", text, err)
		}
		t.parts = append(t.parts, p)
		rest = rest[end+1:]
	}
	return t, nil
}

func parseToken(text string) (part, error) {
	if slices.Contains(plainTokens, text) {
		return part{token: text}, nil
	}
	if slices.Contains(variables, text) {
		return part{token: "var", text: text}, nil
	}
	kind, arg, _ := strings.Cut(text, ".")
	switch kind {
	case "header", "query", "form", "json":
		s, err := parseSource(kind + ":" + arg)
		return part{token: kind, source: s}, err
	case "setting":
		if arg != "" {
			return part{token: kind, text: arg}, nil
		}
	case "lines":
		p := part{token: kind}
		for key := range strings.SplitSeq(arg, ",") {
			key, optional := strings.CutSuffix(key, "?")
			if key == "" {
				return part{}, fmt.Errorf("{%s} names no key", text)
			}
			p.lines = append(p.lines, line{key, optional})
		}
		return p, nil
	case "hmac":
		return parseHMACToken(text, arg)
	}
	return part{}, fmt.Errorf("{%s} is no token: write {body}, {ts}, {url}, {method}, {header.NAME}, {json./POINTER}, {setting.KEY} or another of docs/providers.md, and {{ for a brace", text)
}

func parseHMACToken(text, arg string) (part, error) {
	form, of, _ := strings.Cut(arg, ":")
	name, coding, _ := strings.Cut(form, ".")
	kind, path, _ := strings.Cut(of, ".")
	p := part{token: "hmac", coding: coding}
	switch name {
	case "sha1":
		p.hash = sha1.New
	case "sha256":
		p.hash = sha256.New
	case "sha512":
		p.hash = sha512.New
	}
	s, err := parseSource(kind + ":" + path)
	if p.hash == nil || !slices.Contains(encodings, coding) || err != nil {
		return part{}, fmt.Errorf("{%s} is no token: write {hmac.sha256.hex:json./POINTER}", text)
	}
	p.source = s
	return p, nil
}

// expand returns t with its tokens replaced. The error is a *missingError
// where the request has no such header, query parameter or URL, or where a
// setting is not set; a value that a body lacks is empty.
func (t Template) expand(sc *scope) ([]byte, error) {
	out := make([]byte, 0, len(t.text)+len(sc.r.Body))
	err := t.write(sc, func(b []byte) { out = append(out, b...) })
	return out, err
}

// write is expand piece by piece, so that a body is not copied.
func (t *Template) write(sc *scope, w func([]byte)) error {
	for i := range t.parts {
		p := &t.parts[i]
		switch p.token {
		case "":
			w([]byte(p.text))
			continue
		case "body":
			if !sc.escape {
				w(sc.r.Body)
				continue
			}
		}
		text, err := p.value(sc)
		if err != nil {
			return err
		}
		if sc.escape {
			quoted, _ := json.Marshal(text)
			text = string(quoted[1 : len(quoted)-1])
		}
		w([]byte(text))
	}
	return nil
}

// value returns what a token stands for.
func (p *part) value(sc *scope) (string, error) {
	switch p.token {
	case "body":
		return string(sc.r.Body), nil
	case "body.sha256":
		sum := sha256.Sum256(sc.r.Body)
		return hex.EncodeToString(sum[:]), nil
	case "body.crc32":
		return strconv.FormatUint(uint64(crc32.ChecksumIEEE(sc.r.Body)), 10), nil
	case "form.sorted":
		return sc.sortedForm()
	case "method":
		return sc.r.Method, nil
	case "secret":
		return sc.secret, nil
	case "ts":
		return required(sc.ts, "the timestamp")
	case "url":
		return required(sc.address(), "the URL that was called")
	case "setting":
		if value := sc.settings[p.text]; value != "" {
			return value, nil
		}
		return "", &missingError{what: "setting " + p.text, setting: p.text}
	case "var":
		return sc.variable(p.text), nil
	case "lines":
		return p.joinLines(sc)
	case "hmac":
		return p.mac(sc), nil
	}
	value, ok := p.source.first(sc)
	if !ok && (p.token == "header" || p.token == "query") {
		return "", &missingError{what: p.token + " " + strings.TrimPrefix(p.source.text, p.token+":")}
	}
	return value, nil
}

func required(value, what string) (string, error) {
	if value == "" {
		return "", &missingError{what: what}
	}
	return value, nil
}

func (sc *scope) variable(name string) string {
	if name == "attempt+1" {
		n, _ := strconv.Atoi(sc.vars["attempt"])
		return strconv.Itoa(n + 1)
	}
	return sc.vars[name]
}

// joinLines joins keys and values as SNS signs them:
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
func (p *part) joinLines(sc *scope) (string, error) {
	var b strings.Builder
	d := sc.doc()
	for _, l := range p.lines {
		value, ok := "", false
		if v, found := d.find(pointer{l.key}); found {
			value, ok = jsonText(d.text[v.start:v.end])
		}
		if !ok {
			if l.optional {
				continue
			}
			return "", &missingError{what: l.key + " in the body"}
		}
		b.WriteString(l.key + "\n" + value + "\n")
	}
	return b.String(), nil
}

func (p *part) mac(sc *scope) string {
	value, _ := p.source.first(sc)
	h := hmac.New(p.hash, sc.key)
	h.Write([]byte(value))
	return encode(p.coding, h.Sum(nil))
}

// encode returns bytes in an encoding; "" is: as they are.
func encode(coding string, b []byte) string {
	switch coding {
	case "hex":
		return hex.EncodeToString(b)
	case "base64":
		return base64.StdEncoding.EncodeToString(b)
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return string(b)
}

// uses reports whether t has a token: "body", "url", "ts", "secret".
func (t *Template) uses(token string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.token == token })
}

// coversBody reports whether any of the body's bytes count in t as they are,
// or as a hash that nobody can make another body for. A CRC-32 is none.
func (t *Template) coversBody() bool {
	return t.uses("body") || t.uses("body.sha256")
}
