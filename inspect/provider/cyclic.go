package provider

import "slices"

// signsItself returns, in words, what is signed and has the signature or the
// hash of itself in it, so that none could ever hold; or "".
func (s *Scheme) signsItself() string {
	for i := range s.Message.parts {
		p := &s.Message.parts[i]
		switch p.token {
		case "body", "body.sha256", "body.crc32":
			if inBody(&s.Signature) {
				return "{" + p.token + "}"
			}
		case "form.sorted":
			if s.Signature.kind == "form" || s.Signature.kind == "form-json" {
				return "{form.sorted}"
			}
		case "url":
			if s.Signature.kind == "query" {
				return "{url}"
			}
		case "lines":
			if slices.ContainsFunc(p.lines, func(l line) bool { return s.Signature.within(pointer{l.key}) }) {
				return "{lines}"
			}
		default:
			if p.source.holds(&s.Signature) {
				return "{" + p.token + "." + p.source.text[len(p.source.kind)+1:] + "}"
			}
		}
	}
	if !s.BodyHash.IsZero() && (inBody(&s.BodyHash) || inBody(&s.Signature)) {
		return "the body whose hash is body_hash"
	}
	return ""
}

// inBody reports whether a source reads the body.
func inBody(s *Source) bool {
	return slices.Contains([]string{"json", "json-key", "form", "form-json"}, s.kind)
}

// holds reports whether what s reads has in it what another source reads.
func (s *Source) holds(other *Source) bool {
	return slices.ContainsFunc(s.names, func(n sourceName) bool {
		if s.kind == "json" {
			return other.within(n.pointer)
		}
		return s.kind == other.kind && slices.ContainsFunc(other.names, func(o sourceName) bool { return o.name == n.name && o.setting == n.setting })
	})
}

// within reports whether what s reads stands at a pointer or below.
func (s *Source) within(p pointer) bool {
	return s.kind == "json" && slices.ContainsFunc(s.names, func(n sourceName) bool {
		return len(p) <= len(n.pointer) && slices.Equal(p, n.pointer[:len(p)])
	})
}

// signsNothing reports whether what is signed is the same for every request.
func (s *Scheme) signsNothing() bool {
	return !slices.ContainsFunc(s.Message.parts, func(p part) bool {
		return p.token != "" && p.token != "secret" && p.token != "setting" && p.token != "var"
	}) && s.BodyHash.IsZero()
}
