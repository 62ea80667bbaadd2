package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// missing says in words what Until wants of a body and the body does not have:
// "data.state is pending". noValue is whether there is no such value, so that
// asking longer may not help. Both are zero where the body has it all.
func (p *Poll) missing(body []byte) (text string, noValue bool) {
	for _, m := range p.Until {
		if m.holds(body) {
			continue
		}
		value, ok := ValueAt(body, m.Path)
		switch {
		case len(bytes.TrimSpace(body)) == 0:
			return "the answer is empty", true
		case !json.Valid(body):
			return fmt.Sprintf("the answer is not JSON, so it has no %s", m.Path), true
		case !ok:
			return m.Path + " is not in the answer", true
		case value == "":
			return m.Path + " is empty", false
		}
		return fmt.Sprintf("%s is %s", m.Path, clipped(value)), false
	}
	return "", false
}

// clipped is a value as it stands in a sentence.
func clipped(value string) string {
	const most = 40
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return value
}
