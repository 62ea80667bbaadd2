package provider

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Add adds the entries of a YAML mapping, or puts them in the place of those
// that have their names. An entry with "like" of its own name overrides only
// the fields it has. file and line (of the first line of text, from 1) are for
// errors, which read "hookloop.yaml:12: …" and say what is wrong and what to
// write instead. Nothing is added when there is an error.
func (c *Catalog) Add(text []byte, file string, line int) error {
	if err := CheckYAML(text); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		l := loader{file: file, offset: line - 1}
		return l.fault(nil, "", err)
	}
	for _, doc := range tree.Docs {
		if err := c.add(doc.Body, file, line-1); err != nil {
			return err
		}
	}
	return nil
}

// CheckYAML refuses YAML that takes long to parse: more than 1 MiB, or lists
// and mappings nested a thousand deep.
func CheckYAML(text []byte) error {
	const maxSize, maxNested = 1 << 20, 1000
	if len(text) > maxSize {
		return fmt.Errorf("it has %d bytes, and at most %d are read", len(text), maxSize)
	}
	depth := 0
	for line := range bytes.Lines(text) {
		if bytes.Count(line, []byte("- ")) > maxNested || bytes.Count(line, []byte("? ")) > maxNested {
			depth = maxNested + 1
		}
		for _, c := range line {
			switch c {
			case '{', '[':
				depth++
			case '}', ']':
				depth = max(depth-1, 0)
			}
			if depth > maxNested {
				return errors.New("its lists and mappings are nested too deep")
			}
		}
	}
	return nil
}

// AddNode is Add for a mapping whose lines are those of the file: the value of
// "providers" in a file that is parsed already.
func (c *Catalog) AddNode(node ast.Node, file string) error { return c.add(node, file, 0) }

func (c *Catalog) add(node ast.Node, file string, offset int) error {
	l := &loader{file: file, prefix: "providers", offset: offset, catalog: c}
	pairs, err := mapping(node)
	if err != nil {
		return l.fault(node, "", err)
	}
	l.waiting = make(map[string]ast.Node, len(pairs))
	for _, pair := range pairs {
		l.waiting[keyOf(pair)] = pair.Value
	}
	added := make([]*Provider, 0, len(pairs))
	var errs []error
	for _, pair := range pairs {
		p, err := l.entry(keyOf(pair), pair)
		errs = append(errs, err)
		added = append(added, p)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if c.entries == nil {
		c.entries = make(map[string]*entry)
	}
	for _, p := range added {
		c.added++
		c.entries[p.Name] = &entry{
			name: p.Name, order: c.added,
			rules:    func() []Rule { return p.Recognize },
			provider: func() *Provider { return p },
		}
	}
	c.index.Store(nil)
	return nil
}

// A loader reads the entries of one file.
type loader struct {
	file    string
	prefix  string // of paths in errors: "providers"
	offset  int    // added to lines
	catalog *Catalog
	waiting map[string]ast.Node // those of the file, by name
	done    map[string]*Provider
}

var entryName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// entry reads an entry of a mapping of entries.
func (l *loader) entry(name string, pair *ast.MappingValueNode) (*Provider, error) {
	if !entryName.MatchString(name) {
		return nil, l.fault(pair.Key, name, errors.New("a provider's name has only lower-case letters, digits and hyphens: write such as my-gateway"))
	}
	return l.read(name, pair.Value)
}

// read reads an entry, after the one it is like.
func (l *loader) read(name string, node ast.Node) (*Provider, error) {
	if p := l.done[name]; p != nil {
		return p, nil
	}
	pairs, err := mapping(node)
	if err != nil || len(pairs) == 0 {
		return nil, l.fault(node, name, errors.Join(err, errIf(err == nil, "it is empty: write at least schemes, or like: NAME")))
	}
	p := &Provider{}
	if err := yaml.NodeToValue(node, p, yaml.Strict()); err != nil {
		return nil, l.fault(node, name, err)
	}
	p.Name = name
	if p.Like != "" {
		from, err := l.parent(name, p.Like)
		if err != nil {
			return nil, l.faultAt(node, name, "like", err)
		}
		inherit(p, from, pairs)
	}
	if p.Title == "" {
		p.Title = name
	}
	if where, err := p.check(); err != nil {
		return nil, l.faultAt(node, name, where, err)
	}
	if l.done == nil {
		l.done = make(map[string]*Provider)
	}
	l.done[name] = p
	return p, nil
}

// parent returns the entry that another is like: of the same file or, where
// it is like itself, of the catalog.
func (l *loader) parent(name, like string) (*Provider, error) {
	if node := l.waiting[like]; node != nil && like != name {
		if l.loops(name) {
			return nil, errors.New("the entries that it is like are in the end like itself: one of them has to stand by itself")
		}
		p, err := l.read(like, node)
		if err != nil {
			return nil, fmt.Errorf("%s has a fault of its own", like)
		}
		return p, nil
	}
	if p := l.catalog.Provider(like); p != nil {
		return p, nil
	}
	names := l.catalog.Names()
	for n := range l.waiting {
		if n != name {
			names = append(names, n)
		}
	}
	return nil, fmt.Errorf("there is no provider %q to be like%s", like, didYouMean(like, names))
}

// loops reports whether an entry of the file is like others that are like it.
func (l *loader) loops(name string) bool {
	at := name
	for range l.waiting {
		pairs, _ := mapping(l.waiting[at])
		next := at
		for _, pair := range pairs {
			if text, ok := nodeText(pair.Value); ok && keyOf(pair) == "like" {
				next = text
			}
		}
		if next == at {
			return false
		}
		if at = next; at == name {
			return true
		}
	}
	return false
}

// inherit gives p what it does not have from another entry, field by field,
// also within delivery. A field that is there without a value takes the other's away.
func inherit(p, from *Provider, pairs []*ast.MappingValueNode) {
	have := map[string]bool{"like": true}
	if p.Name != from.Name { // two entries cannot have the same name, nor recognise the same requests
		have["name"], have["recognize"] = true, true
	}
	var delivery []*ast.MappingValueNode
	for _, pair := range pairs {
		have[keyOf(pair)] = true
		if keyOf(pair) == "delivery" {
			delivery, _ = mapping(pair.Value)
		}
	}
	fillFields(reflect.ValueOf(p).Elem(), reflect.ValueOf(from).Elem(), have)
	if len(delivery) == 0 {
		return
	}
	have = map[string]bool{}
	for _, pair := range delivery {
		have[keyOf(pair)] = true
	}
	fillFields(reflect.ValueOf(&p.Delivery).Elem(), reflect.ValueOf(&from.Delivery).Elem(), have)
}

// fillFields copies the fields whose YAML names are not among some.
func fillFields(to, from reflect.Value, except map[string]bool) {
	for i := range to.NumField() {
		if name := fieldName(to.Type().Field(i)); name != "" && !except[name] {
			to.Field(i).Set(from.Field(i))
		}
	}
}

// fieldName returns a field's name in YAML, or "" if it has none.
func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return strings.TrimPrefix(name, "-")
}

var errNoMapping = errors.New("a mapping belongs here: names, each with a colon and a value")

// mapping returns the pairs of a mapping; none of a node without a value.
func mapping(node ast.Node) ([]*ast.MappingValueNode, error) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, nil
	case *ast.AnchorNode:
		return mapping(n.Value)
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil, nil
	}
	return nil, errNoMapping
}

func keyOf(pair *ast.MappingValueNode) string { return pair.Key.GetToken().Value }

func errIf(is bool, text string) error {
	if is {
		return errors.New(text)
	}
	return nil
}
