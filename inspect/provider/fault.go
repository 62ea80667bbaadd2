package provider

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// fault returns an error with the place that err names, or where it names
// none, of an entry's node.
func (l *loader) fault(node ast.Node, entry string, err error) error {
	line, column := position(node)
	var at *nodeError
	var token yaml.Error
	var unknown *yaml.UnknownFieldError
	text := err.Error()
	switch {
	case errors.As(err, &at):
		line, column, text = at.line, at.column, at.err.Error()
	case errors.As(err, &token):
		text = inPlainWords(token)
		if t := token.GetToken(); t != nil {
			line, column = t.Position.Line, t.Position.Column
		}
	}
	path := pathAt(node, line, column)
	if errors.As(err, &unknown) {
		text = "there is no such field"
		if i := strings.LastIndexByte(path, '.'); true {
			text += didYouMean(path[i+1:], fieldsAt(path[:max(i, 0)]))
		}
	}
	return l.located(line, entry, path, l.suggest(node, path, text))
}

// inPlainWords returns what an error of the YAML library says, without the names of Go's types.
func inPlainWords(err yaml.Error) string {
	var node *yaml.UnexpectedNodeTypeError
	if errors.As(err, &node) {
		switch node.Expected {
		case ast.SequenceType:
			return "a list belongs here: write [ and ] around it, or each on a line of its own after a hyphen"
		case ast.MappingType:
			return errNoMapping.Error()
		}
	}
	var kind *yaml.TypeError
	if errors.As(err, &kind) {
		switch kind.DstType.Kind() {
		case reflect.Bool:
			return "true or false belongs here"
		case reflect.Int, reflect.Float64:
			return "a number belongs here"
		case reflect.String:
			return "text belongs here, no list and no mapping"
		}
	}
	text := err.GetMessage()
	if key, _, ok := strings.Cut(text, " already defined at ["); ok {
		return key + " stands there twice: take one of them out"
	}
	return text
}

// faultAt is fault for a field by its path.
func (l *loader) faultAt(node ast.Node, entry, path string, err error) error {
	line, _ := position(node)
	for _, place := range places(node, "") {
		if place.path != "" && (path == place.path || strings.HasPrefix(path, place.path+".") || strings.HasPrefix(path, place.path+"[")) {
			line = place.line
		}
	}
	return l.located(line, entry, path, l.suggest(node, path, err.Error()))
}

func (l *loader) located(line int, entry, path, text string) error {
	var names []string
	for _, name := range []string{l.prefix, entry, path} {
		if name != "" {
			if quoted := strconv.Quote(name); strings.Contains(quoted, `\`) { // it would do things to a terminal
				name = quoted
			}
			names = append(names, name)
		}
	}
	where := strings.Join(names, ".")
	if where != "" {
		where += ": "
	}
	return fmt.Errorf("%s:%d: %s%s", l.file, max(line, 1)+l.offset, where, text)
}

// suggest adds the word that may be meant where a field takes only some.
func (l *loader) suggest(node ast.Node, path, text string) string {
	field := path[strings.LastIndexByte(path, '.')+1:]
	var words []string
	switch field {
	case "kind":
		for _, k := range kinds {
			words = append(words, string(k))
		}
	case "certainty":
		words = certainties
	default:
		return text
	}
	for _, place := range places(node, "") {
		if place.path == path {
			if value, ok := nodeText(place.value); ok && value != "" {
				return text + didYouMean(value, words)
			}
		}
	}
	return text
}

// A place is where a key or an item of a list begins.
type place struct {
	path         string // "schemes[0].kind"
	line, column int
	value        ast.Node
}

// places returns all places within a node, in their order.
func places(node ast.Node, path string) []place {
	var all []place
	add := func(path string, at, value ast.Node) {
		line, column := position(at)
		all = append(all, place{path, line, column, value})
		all = append(all, places(value, path)...)
	}
	if list, ok := node.(*ast.SequenceNode); ok {
		for i, item := range list.Values {
			add(path+"["+strconv.Itoa(i)+"]", item, item)
		}
		return all
	}
	pairs, _ := mapping(node)
	for _, pair := range pairs {
		add(strings.TrimPrefix(path+"."+keyOf(pair), "."), pair.Key, pair.Value)
	}
	return all
}

// pathAt returns the path of the last place that begins at a position or before.
func pathAt(node ast.Node, line, column int) (path string) {
	for _, p := range places(node, "") {
		if p.line < line || p.line == line && p.column <= column {
			path = p.path
		}
	}
	return path
}

// position returns where a node begins; zero where it is nil.
func position(node ast.Node) (line, column int) {
	if pairs, _ := mapping(node); len(pairs) > 0 {
		node = pairs[0].Key
	}
	if node == nil || node.GetToken() == nil {
		return 0, 0
	}
	at := node.GetToken().Position
	return at.Line, at.Column
}

// fieldsAt returns the names that the mapping at a path may have.
func fieldsAt(path string) []string {
	t := reflect.TypeFor[Provider]()
	for _, name := range strings.Split(path, ".") {
		name, _, _ = strings.Cut(name, "[")
		t = bare(t)
		if t.Kind() != reflect.Struct {
			continue // of a map: the key is the user's own
		}
		for i := range t.NumField() {
			if f := t.Field(i); name != "" && fieldName(f) == name {
				t = f.Type
				break
			}
		}
	}
	var names []string
	if t = bare(t); t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if name := fieldName(t.Field(i)); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// bare returns what a pointer points to, or a list or a map is of.
func bare(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}
