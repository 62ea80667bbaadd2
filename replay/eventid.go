package replay

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"hookloop/inspect/provider"
)

// An eventPlace is where a delivery has its event id.
type eventPlace struct {
	id     string
	header string // its name; "" = in the body
	start  int    // of the JSON value in the body
	end    int
}

// placeOfEvent finds the event id that a recognised request has. The error
// says in words why it can't be replaced.
func placeOfEvent(r *provider.Request, rec provider.Recognition) (*eventPlace, error) {
	if rec.Provider == nil || rec.EventID == "" {
		return nil, fmt.Errorf("nothing tells which event it is")
	}
	for _, text := range rec.Provider.EventID.Strings() {
		source, _, _ := strings.Cut(text, "|")
		kind, names, _ := strings.Cut(source, ":")
		for name := range strings.SplitSeq(names, ",") {
			switch kind {
			case "header":
				name = http.CanonicalHeaderKey(name)
				if r.Header.Get(name) == rec.EventID {
					return &eventPlace{id: rec.EventID, header: name}, nil
				}
			case "json":
				start, end, ok := spanAt(r.Body, pointerNames(name))
				if ok && textOf(r.Body[start:end]) == rec.EventID {
					return &eventPlace{id: rec.EventID, start: start, end: end}, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("its event id is not a header or a value of the JSON body")
}

// put returns header and body with another id; what is not touched is shared.
func (p *eventPlace) put(id string, header http.Header, body []byte) (http.Header, []byte) {
	if p.header != "" {
		set := header.Clone()
		if set == nil {
			set = http.Header{}
		}
		set[p.header] = []string{id}
		return set, body
	}
	with := []byte(id)
	if body[p.start] == '"' {
		with, _ = json.Marshal(id) // a string never fails
	}
	return header, bytes.Join([][]byte{body[:p.start], with, body[p.end:]}, nil)
}

// pointerNames takes a JSON pointer (RFC 6901) apart.
func pointerNames(pointer string) []string {
	if pointer == "" {
		return nil
	}
	names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, name := range names {
		names[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	return names
}

func textOf(raw []byte) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// spanAt returns where in a JSON text the value stands that a path names; of
// names that an object has twice, the last.
func spanAt(text []byte, path []string) (start, end int, ok bool) {
	if !json.Valid(text) {
		return 0, 0, false
	}
	start, end = 0, len(text)
	for _, name := range path {
		if start, end, ok = childAt(text, start, end, name); !ok {
			return 0, 0, false
		}
	}
	for start < end && strings.IndexByte(" \t\r\n", text[start]) >= 0 {
		start++
	}
	return start, start + len(bytes.TrimSpace(text[start:end])), true
}

// childAt is spanAt for one name below the value at text[start:end].
func childAt(text []byte, start, end int, name string) (from, to int, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(text[start:end]))
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return 0, 0, false
	}
	for i := 0; dec.More(); i++ {
		key := strconv.Itoa(i)
		if open == json.Delim('{') {
			token, err := dec.Token()
			if err != nil {
				return 0, 0, false
			}
			key, _ = token.(string)
		}
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			return 0, 0, false
		}
		if key == name {
			to = start + int(dec.InputOffset())
			from, ok = to-len(raw), true
		}
	}
	return from, to, ok
}

// minFresh is how many characters of a new id are drawn at least.
const minFresh = 12

// freshID returns a new id that looks like an old one: its prefix up to the
// last underscore, digits for digits, hex for hex, letters for letters. One
// that is too short to be unique becomes longer; a number stays one.
func freshID(old string) string {
	at := strings.LastIndexByte(old, '_') + 1
	tail := []byte(old[at:])
	letters := "abcdefghijklmnopqrstuvwxyz"
	if strings.Trim(strings.ToLower(old[at:]), "0123456789abcdef-") == "" {
		letters = "abcdef"
	}
	number, drawn := strings.Trim(old[at:], "0123456789") == "", 0
	uuid := len(tail) == 36 && strings.Count(old[at:], "-") == 4
	for i, c := range tail {
		switch {
		case uuid && (i == 14 || i == 19): // version and variant
			continue
		case c >= '1' && c <= '9' && i == 0:
			tail[i] = draw("123456789")
		case c >= '0' && c <= '9':
			tail[i] = draw("0123456789")
		case c >= 'a' && c <= 'z':
			tail[i] = draw(letters)
		case c >= 'A' && c <= 'Z':
			tail[i] = draw(strings.ToUpper(letters))
		default:
			continue
		}
		drawn++
	}
	more := "0123456789abcdef"
	if number {
		more = "0123456789"
		if len(tail) > 0 && tail[0] == '0' {
			tail[0] = draw("123456789")
		}
	}
	for ; drawn < minFresh; drawn++ {
		tail = append(tail, draw(more))
	}
	return old[:at] + string(tail)
}

func draw(from string) byte {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(from))))
	if err != nil {
		panic(err) // never: see crypto/rand.Reader
	}
	return from[n.Int64()]
}
