package provider

import (
	"fmt"
	"strings"
)

// foldName returns what a name of a JSON object has in common with those that
// some programs take for the same.
func foldName(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// unclear says what in a signed JSON body programs can understand in several
// ways, so that a receiver may not read what is signed: a name that stands
// twice, or in two cases, on the way to a value; or, where items are signed one
// by one, something that is no item. nil = it is clear.
func (c *check) unclear(r *Request) error {
	sc := c.scope(r)
	d := sc.doc()
	if c.s.Signature.kind != "json" || !d.look() {
		return nil
	}
	if c.s.Each != "" {
		p, _ := parsePointer(c.s.Each)
		if err := unclearItems(d.text, d.root, p); err != nil {
			return err
		}
	}
	var err error
	c.items(sc, func(sc *scope) bool {
		d := sc.doc()
		for _, p := range c.s.read() {
			if !d.look() || err != nil {
				break
			}
			err = unclearWay(d.text, d.root, p)
		}
		return err == nil
	})
	return err
}

// read returns where the signature and what is signed stand in a JSON body.
func (s *Scheme) read() (all []pointer) {
	sources := []*Source{&s.Signature}
	for i := range s.Message.parts {
		p := &s.Message.parts[i]
		if p.token == "json" {
			sources = append(sources, &p.source)
		}
		for _, l := range p.lines {
			all = append(all, pointer{l.key})
		}
	}
	for _, source := range sources {
		for i := range source.names {
			if source.kind == "json" {
				all = append(all, source.names[i].pointer)
			}
		}
	}
	return all
}

// unclearItems is for the values that a pointer with * points to: each element
// of an array has to have one.
func unclearItems(text []byte, v span, p pointer) error {
	for i, token := range p {
		if token != "*" {
			next, err := step(text, v, token)
			if err != nil {
				return err
			}
			if next == nil {
				return fmt.Errorf("the body has something else where a signed %s is expected", token)
			}
			v = *next
			continue
		}
		if text[v.start] != '[' {
			return fmt.Errorf("the body has no list of signed items")
		}
		var err error
		s := scanner{text: text[:v.end], at: v.start}
		s.array(func(value span) bool {
			err = unclearItems(text, value, p[i+1:])
			return err == nil
		})
		return err
	}
	return nil
}

// unclearWay is for one value; that it is missing is clear.
func unclearWay(text []byte, v span, p pointer) error {
	for _, token := range p {
		next, err := step(text, v, token)
		if err != nil || next == nil {
			return err
		}
		v = *next
	}
	return nil
}

// step returns the member of an object that has a name; nil = none has it, or
// it is no object. A second that some programs take for it is an error.
func step(text []byte, v span, name string) (found *span, err error) {
	if text[v.start] != '{' {
		return nil, nil
	}
	fold, count := foldName(name), 0
	s := scanner{text: text[:v.end], at: v.start}
	s.object(func(key, value span) bool {
		have := unquote(text[key.start:key.end])
		if have == name {
			found = &value
		}
		if have == name || len(have) < 4*len(name) && foldName(have) == fold {
			count++
		}
		return count < 2
	})
	if count > 1 {
		return nil, fmt.Errorf("the body has %s twice, or in two cases, so receivers differ in which they read", name)
	}
	return found, nil
}
