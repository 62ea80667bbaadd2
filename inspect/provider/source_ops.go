package provider

import (
	"slices"
	"strings"
)

// pass passes a value through operations; it returns what yield returned.
func (s *Source) pass(value string, ops []sourceOp, yield func(string) bool) bool {
	for i := range ops {
		op := &ops[i]
		switch op.name {
		case "split":
			for part := range strings.SplitSeq(value, op.arg) {
				if !s.pass(strings.TrimSpace(part), ops[i+1:], yield) {
					return false
				}
			}
			return true
		case "pre":
			rest, ok := op.cut(value)
			if !ok {
				return true
			}
			value = rest
		case "opt":
			value, _ = op.cut(value)
		case "not":
			if slices.Contains(op.list, value) {
				return true
			}
		}
	}
	return yield(value)
}

// cut takes op's prefix off a value; ok is false where it has another. One that
// ends in a space is the name of an authentication scheme, whose case does not
// count (RFC 9110, section 11.1).
func (op *sourceOp) cut(value string) (rest string, ok bool) {
	if n := len(op.arg); strings.HasSuffix(op.arg, " ") && len(value) >= n && strings.EqualFold(value[:n], op.arg) {
		return value[n:], true
	}
	return strings.CutPrefix(value, op.arg)
}
