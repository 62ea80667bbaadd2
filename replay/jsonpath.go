package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A path names a value in JSON: "data.items.0.id". Names are joined by dots;
// a number names an element of an array, from 0.

// ValueAt returns the value that a path names in a JSON text: what a string
// says, else the JSON itself. ok is false where there is none, or no JSON.
func ValueAt(text []byte, path string) (value string, ok bool) {
	raw := json.RawMessage(bytes.TrimSpace(text))
	if !json.Valid(raw) {
		return "", false
	}
	for _, name := range names(path) {
		members, err := split(raw)
		if err != nil {
			return "", false
		}
		i := indexOf(members, name)
		if i < 0 {
			return "", false
		}
		raw = members[i].value
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s, true
	}
	return string(raw), true
}

func names(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}

// A member is one value of an object or an array.
type member struct {
	name  string // in an array, its index
	value json.RawMessage
}

// split returns the members of an object or an array, in order.
func split(raw json.RawMessage) ([]member, error) {
	raw = bytes.TrimSpace(raw)
	dec := json.NewDecoder(bytes.NewReader(raw))
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return nil, errors.New("it is neither an object nor an array")
	}
	var members []member
	for dec.More() {
		m := member{name: strconv.Itoa(len(members))}
		if open == json.Delim('{') {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			m.name, _ = key.(string)
		}
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// indexOf returns where the member is that has a name, the last of several, or -1.
func indexOf(members []member, name string) int {
	for i, m := range slices.Backward(members) {
		if m.name == name {
			return i
		}
	}
	return -1
}

// joined is the inverse of split.
func joined(members []member, array bool) (json.RawMessage, error) {
	var out bytes.Buffer
	brackets := "{}"
	if array {
		brackets = "[]"
	}
	out.WriteByte(brackets[0])
	for i, m := range members {
		if i > 0 {
			out.WriteByte(',')
		}
		if !array {
			name, err := json.Marshal(m.name)
			if err != nil {
				return nil, err
			}
			out.Write(name)
			out.WriteByte(':')
		}
		out.Write(m.value)
	}
	out.WriteByte(brackets[1])
	return out.Bytes(), nil
}

// An Edit is one change of a body.
type Edit struct {
	Path  string // see ValueAt; in a form, a field's name; never ""
	Value string // JSON, else a string; in a form, always a string
	How   EditKind
}

// An EditKind is what an Edit does.
type EditKind string

// The kinds.
const (
	Override EditKind = "override" // what is there
	Add      EditKind = "add"      // what is not there yet; in an array, the index after the last
	Remove   EditKind = "remove"
)

// ParseEdit reads PATH=VALUE, or for Remove PATH.
func ParseEdit(how EditKind, text string) (Edit, error) {
	path, value, ok := strings.Cut(text, "=")
	switch {
	case how == Remove && (ok || path == ""):
		return Edit{}, fmt.Errorf("--remove %q: give a path alone, such as data.object.customer", text)
	case how != Remove && (!ok || path == ""):
		return Edit{}, fmt.Errorf("--%s %q: give PATH=VALUE, such as data.object.amount=4200", how, text)
	}
	return Edit{path, value, how}, nil
}

// ErrNoValue is what an Override meets where there is nothing yet, and an Add
// would do.
var ErrNoValue = errors.New("there is no such value yet")

// EditBody makes an edit of a body of a content type, JSON or a form. What it
// does not name stays as it is, and where it is. What was a string stays one,
// unless its new value is an object, an array or null.
func EditBody(body []byte, contentType string, e Edit) ([]byte, error) {
	if e.Path == "" {
		return nil, fmt.Errorf("--%s: give a path, such as data.object.amount", e.How)
	}
	var out []byte
	var err error
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		out, err = editForm(body, e)
	} else if !json.Valid(body) {
		return nil, fmt.Errorf("--%s %s: the body is neither JSON nor a form, so it has no paths: change it with --edit", e.How, e.Path)
	} else {
		out, err = editJSON(bytes.TrimSpace(body), names(e.Path), e)
	}
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", e.How, e.Path, err)
	}
	return out, nil
}

func editJSON(raw json.RawMessage, path []string, e Edit) (json.RawMessage, error) {
	members, err := split(raw)
	if err != nil {
		return nil, fmt.Errorf("%q stands in no object or array", path[0])
	}
	array := raw[0] == '['
	i := indexOf(members, path[0])
	last := len(path) == 1
	switch {
	case i < 0 && last && e.How == Override && !array:
		return nil, fmt.Errorf("%w: %q%s", ErrNoValue, path[0], among(members, array))
	case i < 0 && (!last || e.How != Add):
		return nil, fmt.Errorf("the body has no %q there%s", path[0], among(members, array))
	case i < 0 && array && path[0] != strconv.Itoa(len(members)):
		return nil, fmt.Errorf("the array has %d elements: the next is %d", len(members), len(members))
	case i >= 0 && last && e.How == Add:
		return nil, errors.New("it is there already: --override changes it")
	case i < 0:
		members = append(members, member{path[0], jsonValue(e.Value)})
	case last && e.How == Remove:
		members = slices.Delete(members, i, i+1)
	case last:
		members[i].value = valueLike(members[i].value, e.Value)
	default:
		if members[i].value, err = editJSON(members[i].value, path[1:], e); err != nil {
			return nil, err
		}
	}
	return joined(members, array)
}

// among says which names there are.
func among(members []member, array bool) string {
	if array {
		return fmt.Sprintf(": its elements are numbered, and there are %d", len(members))
	}
	var all []string
	for _, m := range members {
		all = append(all, m.name)
	}
	return ": there are " + strings.Join(all, ", ")
}

// jsonValue is the JSON that text is, or a string of it.
func jsonValue(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string never fails
	return bytes.TrimSpace(out.Bytes())
}

// valueLike is jsonValue, but a string where one was, such as a price "19.00".
func valueLike(was json.RawMessage, text string) json.RawMessage {
	value := jsonValue(text)
	if was[0] == '"' && strings.IndexByte(`"{[n`, value[0]) < 0 {
		quoted, _ := json.Marshal(text) // a number or a boolean: nothing to escape
		return quoted
	}
	return value
}

func editForm(body []byte, e Edit) ([]byte, error) {
	fields := strings.Split(string(body), "&")
	if len(body) == 0 {
		fields = nil
	}
	field := url.QueryEscape(e.Path) + "=" + url.QueryEscape(e.Value)
	named := func(f string) bool {
		name, _, _ := strings.Cut(f, "=")
		name, err := url.QueryUnescape(name)
		return err == nil && name == e.Path
	}
	i := slices.IndexFunc(fields, named)
	switch {
	case i < 0 && e.How == Add:
		fields = append(fields, field)
	case i < 0 && e.How == Override:
		return nil, ErrNoValue
	case i < 0:
		return nil, errors.New("the form has no such field")
	case e.How == Add:
		return nil, errors.New("it is there already: --override changes it")
	case e.How == Remove:
		fields = slices.DeleteFunc(fields, named)
	default:
		fields[i] = field
	}
	return []byte(strings.Join(fields, "&")), nil
}
