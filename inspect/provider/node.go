package provider

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// A nodeError is an error of a place in YAML. Lines count from 1.
type nodeError struct {
	line, column int
	err          error
}

func (e *nodeError) Error() string { return e.err.Error() }
func (e *nodeError) Unwrap() error { return e.err }

func errorAt(n ast.Node, err error) error {
	if err == nil || n == nil || n.GetToken() == nil {
		return err
	}
	at := n.GetToken().Position
	return &nodeError{line: at.Line, column: at.Column, err: err}
}

// unmarshalText reads a string and parses it.
func unmarshalText[T any](n ast.Node, to *T, parse func(string) (T, error)) error {
	text, ok := nodeText(n)
	if !ok {
		return errorAt(n, fmt.Errorf("a string is expected here, not %s", n.Type()))
	}
	v, err := parse(text)
	if err != nil {
		return errorAt(n, err)
	}
	*to = v
	return nil
}

// nodeText returns what a string says, or a number or a word as it is written.
func nodeText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.TagNode:
		return nodeText(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}
