package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"hookloop/inspect"
)

// The sections of hookloop.yaml are what the file says of providers. Unlike
// settings they have no flag of the same form.

// A fileConfig is what the sections of the configuration file say. The zero
// value says nothing.
type fileConfig struct {
	file      string            // its path
	places    map[string]string // where the settings stand that count, by flag: "hookloop.yaml:3", "HOOKLOOP_PORT"
	secrets   map[string][]located
	settings  map[string]map[string]located
	providers []fragment
	routes    []fileRoute
	polls     []filePoll
}

// A located is a value of the file. Its ${VAR} are not replaced yet, so that
// commands that need no secret need no environment either.
type located struct{ value, where string } // where is "hookloop.yaml:3"

// A fragment is a piece of the file that another package reads.
type fragment struct {
	text string
	line int   // of its first line, from 1
	err  error // why it cannot be read: the environment has no such variable
}

// A fileRoute is an item of routes.
type fileRoute struct {
	path, to, provider string
	secrets            []located
	where              string
	err                error // why path, to or provider are not known: the environment has no such variable
}

// sections are the keys of the sections, with what reads each.
var sections = map[string]func(*configReader, *ast.MappingValueNode) error{
	"secrets":   (*configReader).readSecrets,
	"settings":  (*configReader).readSettings,
	"providers": (*configReader).readProviders,
	"routes":    (*configReader).readRoutes,
	"polls":     (*configReader).readPolls,
}

// pairsOf returns the pairs of a mapping; ok is false for anything else, and
// an empty value is an empty mapping.
func pairsOf(node ast.Node) (pairs []*ast.MappingValueNode, ok bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	case *ast.NullNode, *ast.CommentGroupNode:
		return nil, true
	}
	return nil, false
}

func (c *configReader) where(node ast.Node) string {
	return fmt.Sprintf("%s:%d", c.file, node.GetToken().Position.Line)
}

// pairs returns the pairs of the mapping that should stand behind a key.
func (c *configReader) pairs(pair *ast.MappingValueNode, example string) ([]*ast.MappingValueNode, error) {
	pairs, ok := pairsOf(pair.Value)
	if !ok {
		return nil, fmt.Errorf("%s: %s holds names with values, as in `%s`", c.where(pair.Key), pair.Key.GetToken().Value, example)
	}
	return pairs, nil
}

func (c *configReader) readSecrets(pair *ast.MappingValueNode) error {
	pairs, err := c.pairs(pair, "stripe: env:STRIPE_WEBHOOK_SECRET")
	if err != nil {
		return err
	}
	c.sections.secrets = map[string][]located{}
	for _, p := range pairs {
		values, err := c.located(p.Value)
		if err != nil {
			return err
		}
		c.sections.secrets[p.Key.GetToken().Value] = values
	}
	return nil
}

func (c *configReader) readSettings(pair *ast.MappingValueNode) error {
	pairs, err := c.pairs(pair, "paypal: {webhook_id: 1AB…}")
	if err != nil {
		return err
	}
	c.sections.settings = map[string]map[string]located{}
	for _, p := range pairs {
		inner, err := c.pairs(p, "webhook_id: 1AB…")
		if err != nil {
			return err
		}
		values := map[string]located{}
		for _, kv := range inner {
			list, err := c.located(kv.Value)
			if err != nil {
				return err
			}
			if len(list) != 1 {
				return fmt.Errorf("%s: %s takes one value, not a list", c.where(kv.Key), kv.Key.GetToken().Value)
			}
			values[kv.Key.GetToken().Value] = list[0]
		}
		c.sections.settings[p.Key.GetToken().Value] = values
	}
	return nil
}

// readProviders cuts the text of the section out of the file.
func (c *configReader) readProviders(pair *ast.MappingValueNode) error {
	pairs, err := c.pairs(pair, "acme: {name: Acme, …}")
	if err != nil || len(pairs) == 0 {
		return err
	}
	start := pairs[0].Key.GetToken().Position
	first, column := start.Line, 0
	if flow, ok := pair.Value.(*ast.MappingNode); ok && flow.IsFlowStyle {
		first, column = flow.Start.Position.Line, flow.Start.Position.Column-1
	}
	last := len(c.lines)
	for _, line := range c.topLines {
		if line > first {
			last = min(last, line-1)
		}
	}
	lines := slices.Clone(c.lines[first-1 : last])
	lines[0] = string([]rune(lines[0])[column:])
	var unset error // the first
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		lines[i], err = c.a.expand(fmt.Sprintf("%s:%d", c.file, first+i), line)
		unset = cmp.Or(unset, err)
	}
	c.sections.providers = append(c.sections.providers, fragment{strings.Join(lines, "\n"), first, unset})
	return nil
}

var routeKeys = []string{"path", "provider", "secret", "secrets", "to"}

func (c *configReader) readRoutes(pair *ast.MappingValueNode) error {
	list, ok := pair.Value.(*ast.SequenceNode)
	if !ok {
		return fmt.Errorf("%s: routes is a list, as in `- {path: /stripe, to: http://localhost:4242/hook, provider: stripe}`", c.where(pair.Key))
	}
	for _, item := range list.Values {
		pairs, ok := pairsOf(item)
		if !ok {
			return fmt.Errorf("%s: a route holds names with values, as in `path: /stripe`", c.where(item))
		}
		r := fileRoute{where: c.where(item)}
		for _, p := range pairs {
			if err := c.readRouteKey(&r, p); err != nil {
				return err
			}
		}
		if r.err == nil && !strings.HasPrefix(r.path, "/") {
			return fmt.Errorf("%s: a route needs a path that begins with /, as in `path: /stripe`", r.where)
		}
		if r.path != "/" {
			r.path = strings.TrimRight(r.path, "/")
		}
		c.sections.routes = append(c.sections.routes, r)
	}
	return nil
}

func (c *configReader) readRouteKey(r *fileRoute, p *ast.MappingValueNode) error {
	key := p.Key.GetToken().Value
	if !slices.Contains(routeKeys, key) {
		hint := ": there are " + strings.Join(routeKeys, ", ")
		if near := inspect.Nearest(key, routeKeys); near != "" {
			hint = fmt.Sprintf(", did you mean %q?", near)
		}
		return fmt.Errorf("%s: a route has no %q%s", c.where(p.Key), key, hint)
	}
	values, err := c.located(p.Value)
	if err != nil {
		return err
	}
	if key == "secret" || key == "secrets" {
		r.secrets = append(r.secrets, values...)
		return nil
	}
	if len(values) != 1 {
		return fmt.Errorf("%s: %s takes one value, not a list", c.where(p.Key), key)
	}
	text, err := c.a.expand(values[0].where, values[0].value)
	if err != nil {
		r.err = err
		return nil
	}
	switch key {
	case "path":
		r.path = text
	case "to":
		r.to = text
	case "provider":
		r.provider = text
	}
	return nil
}

// located returns a scalar, or a list of scalars, as they stand in the file.
func (c *configReader) located(node ast.Node) ([]located, error) {
	nodes := []ast.Node{node}
	if list, ok := node.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	values := make([]located, 0, len(nodes))
	for _, n := range nodes {
		text, ok := scalarText(n)
		if !ok || text == "" {
			return nil, fmt.Errorf("%s: a value, or a list of values, is wanted here", c.where(n))
		}
		values = append(values, located{text, c.where(n)})
	}
	return values, nil
}

// scalarText returns what stands in the file: 0123 is not a number of another form.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.NullNode:
		return "", false
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.MappingNode:
		return joinedText(n)
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// joinedText returns the text of env:NAME in a flow sequence that stands in a
// flow mapping, which the parser takes for a mapping although no space follows
// the colon.
func joinedText(n *ast.MappingNode) (string, bool) {
	if n.IsFlowStyle || len(n.Values) != 1 {
		return "", false
	}
	key := n.Values[0].Key.GetToken()
	value, ok := n.Values[0].Value.(*ast.StringNode)
	if !ok || value.GetToken().Position.Column != key.Position.Column+utf8.RuneCountInString(key.Value)+1 {
		return "", false
	}
	return key.Value + ":" + value.Value, true
}

// sectionNames are what a mistyped key may be meant to be besides the settings.
func sectionNames() []string { return slices.Sorted(maps.Keys(sections)) }
