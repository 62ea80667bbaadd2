package provider

// A scanner walks over JSON (RFC 8259) without copying it. Its methods report
// whether what they walked over is valid; after false its place means nothing.
type scanner struct {
	text  []byte
	at    int
	depth int
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) value() bool {
	switch c := s.peek(); c {
	case '{':
		return s.object(nil)
	case '[':
		return s.array(nil)
	case '"':
		return s.str()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

// object walks over an object and calls yield, if not nil, for each of its
// members. It stops, and reports true, when yield returns false.
func (s *scanner) object(yield func(key, value span) bool) bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	s.at++
	s.space()
	if s.peek() == '}' {
		s.at++
		s.depth--
		return true
	}
	for {
		key := span{start: s.at}
		if s.peek() != '"' || !s.str() {
			return false
		}
		key.end = s.at
		s.space()
		if s.peek() != ':' {
			return false
		}
		s.at++
		s.space()
		value := span{start: s.at}
		if !s.value() {
			return false
		}
		value.end = s.at
		if yield != nil && !yield(key, value) {
			return true
		}
		if more, ok := s.next('}'); !more {
			return ok
		}
	}
}

// array is object for arrays.
func (s *scanner) array(yield func(value span) bool) bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	s.at++
	s.space()
	if s.peek() == ']' {
		s.at++
		s.depth--
		return true
	}
	for {
		value := span{start: s.at}
		if !s.value() {
			return false
		}
		value.end = s.at
		if yield != nil && !yield(value) {
			return true
		}
		if more, ok := s.next(']'); !more {
			return ok
		}
	}
}

// next walks over a comma, after which there is more, or over the end.
func (s *scanner) next(end byte) (more, ok bool) {
	s.space()
	switch s.peek() {
	case ',':
		s.at++
		s.space()
		return true, true
	case end:
		s.at++
		s.depth--
		return false, true
	}
	return false, false
}

func (s *scanner) str() bool {
	for i := s.at + 1; i < len(s.text); i++ {
		c := s.text[i]
		if c == '"' {
			s.at = i + 1
			return true
		}
		if c < ' ' {
			return false
		}
		if c != '\\' {
			continue
		}
		if i++; i >= len(s.text) {
			return false
		}
		switch s.text[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if i+4 >= len(s.text) {
				return false
			}
			for _, h := range s.text[i+1 : i+5] {
				if (h < '0' || h > '9') && (h < 'a' || h > 'f') && (h < 'A' || h > 'F') {
					return false
				}
			}
			i += 4
		default:
			return false
		}
	}
	return false
}

func (s *scanner) word(want string) bool {
	if end := s.at + len(want); end <= len(s.text) && string(s.text[s.at:end]) == want {
		s.at = end
		return true
	}
	return false
}

func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}
