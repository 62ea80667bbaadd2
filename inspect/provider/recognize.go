package provider

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// A Rule tells a provider's requests by what they have. All of its conditions
// must hold.
type Rule struct {
	When      []Condition `yaml:"when"`
	Certainty Certainty   `yaml:"certainty"` // certain, likely or guess
}

// A Certainty says how sure it is who sent a request.
type Certainty string

// The certainties, the surest first. "" is: not recognised.
const (
	Named   Certainty = "named"   // the user said so
	Certain Certainty = "certain" // nobody else sends this
	Likely  Certainty = "likely"
	Guess   Certainty = "guess" // several send this; nothing is decided by it
)

func (c Certainty) rank() int {
	return slices.Index([]Certainty{"", Guess, Likely, Certain, Named}, c)
}

// A Recognition says who sent a request and what it is.
type Recognition struct {
	Provider  *Provider // nil = not recognised
	Certainty Certainty
	Others    []string // for a guess, names of others that it might be
	Event     string   // the event type; "" = none found
	EventID   string   // the provider's idempotency id; "" = none found
	// EventIDHash is whether EventID is a hash of the body, which says when two are the same where there is no id.
	EventIDHash bool
	Attempt     int        // the provider's own count of this delivery, from 1; 0 = it says nothing
	Handshake   *Handshake // nil = it is none
}

// Recognize says who sent r. If name is not "", the user has said who: then it
// is that one, or, where the catalog has no such entry, nobody.
// It looks at headers first and at the body only where they decide nothing.
//
// Of several rules that hold, the surest counts, then the one with more
// conditions, then the one of the entry that was added last. Where they go by
// different headers, the one of a provider whose signature is there counts; of
// several whose signatures are there it is a guess.
func (c *Catalog) Recognize(r *Request, name string) Recognition {
	if c == nil || r == nil {
		return Recognition{}
	}
	return c.recognize(&scope{r: r.sharing()}, name)
}

func (c *Catalog) recognize(sc *scope, name string) Recognition {
	rec := Recognition{Provider: c.Provider(name), Certainty: Named}
	if name == "" {
		rec = c.find(sc)
	}
	p := rec.Provider
	if p == nil {
		return Recognition{}
	}
	rec.Event = p.Event.word(sc)
	var from *value
	rec.EventID, from = p.EventID.pick(sc)
	rec.EventIDHash = from != nil && from.template.String() == bodyHash
	if n, err := strconv.Atoi(p.Attempt.word(sc)); err == nil && n > 0 && n < 1e6 {
		rec.Attempt = n
	} else if n, err := strconv.Atoi(p.RetryNumber.word(sc)); err == nil && n >= 0 && n < 1e6 {
		rec.Attempt = n + 1
	}
	rec.Handshake = p.matchHandshake(sc)
	return rec
}

// bodyHash is the template of an event's ID where a provider sends none.
const bodyHash = "{body.sha256}"

// word returns the first value that can be a name or a number: text in UTF-8,
// of 255 bytes at most, that is no JSON object or array.
func (v Values) word(sc *scope) string {
	text, _ := v.pick(sc)
	return text
}

// pick is word, and says which of the values it is; nil = none.
func (v Values) pick(sc *scope) (string, *value) {
	for i := range v.list {
		text := v.list[i].text(sc)
		if text != "" && len(text) <= 255 && text[0] != '{' && text[0] != '[' && utf8.ValidString(text) {
			return text, &v.list[i]
		}
	}
	return "", nil
}

// A ruleIndex finds the rules that may hold for a request.
type ruleIndex struct {
	headers map[string][]indexed // those with a header, by its canonical name
	keys    map[string][]indexed // those with a key of a JSON body's top level; "0" = an array
	tops    map[string]bool      // all keys of a JSON body's top level that rules ask for
	rest    []indexed
}

type indexed struct {
	entry  *entry
	rule   *Rule
	valued bool // whether its header has to have a certain value
}

func (c *Catalog) rules() *ruleIndex {
	if ix := c.index.Load(); ix != nil {
		return ix
	}
	ix := &ruleIndex{headers: make(map[string][]indexed), keys: make(map[string][]indexed), tops: make(map[string]bool)}
	for _, name := range c.Names() {
		rules := c.entries[name].rules()
		for i := range rules {
			ix.add(indexed{entry: c.entries[name], rule: &rules[i]})
		}
	}
	c.index.Store(ix)
	return ix
}

// add puts a rule where its first condition of a kind leads to it.
func (ix *ruleIndex) add(one indexed) {
	for _, cond := range one.rule.When {
		for _, n := range cond.source.names {
			if len(n.pointer) > 0 && n.field == "" {
				ix.tops[n.pointer[0]] = true
			}
		}
	}
	var key *string
	for _, cond := range one.rule.When {
		switch s := cond.source; {
		case cond.not:
		case s.kind == "header" && !slices.ContainsFunc(s.names, func(n sourceName) bool { return n.glob || n.setting != "" }):
			one.valued = cond.is
			for _, n := range s.names {
				ix.headers[n.name] = append(ix.headers[n.name], one)
			}
			return
		case s.kind == "json" && key == nil && len(s.names) == 1 && len(s.names[0].pointer) > 0:
			key = &s.names[0].pointer[0]
		}
	}
	if key != nil {
		ix.keys[*key] = append(ix.keys[*key], one)
		return
	}
	ix.rest = append(ix.rest, one)
}

// A finding is the best rule so far, and who else is guessed.
type finding struct {
	sc      *scope
	best    indexed
	guesses []*entry
	first   *entry // the first that headers lead to, and not to a guess
	several bool   // whether they lead to others, too
}

func (f *finding) try(some []indexed) {
	for _, one := range some {
		if one.rule.Certainty != Guess && (!one.valued || allHold(one.rule.When, f.sc)) {
			f.several = f.several || f.first != nil && f.first != one.entry
			f.first = one.entry
		}
		if one.rule.Certainty != Guess && !f.better(one) || !allHold(one.rule.When, f.sc) {
			continue
		}
		if one.rule.Certainty == Guess && !slices.Contains(f.guesses, one.entry) {
			f.guesses = append(f.guesses, one.entry)
		}
		if f.better(one) {
			f.best = one
		}
	}
}

func (f *finding) better(one indexed) bool {
	if f.best.rule == nil {
		return true
	}
	if a, b := one.rule.Certainty.rank(), f.best.rule.Certainty.rank(); a != b {
		return a > b
	}
	if a, b := len(one.rule.When), len(f.best.rule.When); a != b {
		return a > b
	}
	if a, b := one.entry.order, f.best.entry.order; a != b {
		return a > b
	}
	return one.entry.name < f.best.entry.name
}

func (f *finding) decided() bool {
	return f.best.rule != nil && f.best.rule.Certainty != Guess
}

// find says who sent a request, and nothing more.
func (c *Catalog) find(sc *scope) Recognition {
	ix := c.rules()
	f := finding{sc: sc}
	if d := sc.doc(); !d.known {
		d.wanted = ix.tops
	}
	for name := range sc.r.Header {
		if some := ix.headers[name]; some != nil {
			f.try(some)
		}
	}
	tie := false
	if !f.decided() {
		f.body(ix)
		f.try(ix.rest)
	} else if f.several {
		tie = f.settle(ix)
	}
	if f.best.rule == nil {
		return Recognition{}
	}
	rec := Recognition{Provider: f.best.entry.provider(), Certainty: f.best.rule.Certainty}
	if tie {
		rec.Certainty = Guess
	}
	if rec.Certainty == Guess {
		for _, e := range f.guesses {
			if e != f.best.entry {
				rec.Others = append(rec.Others, e.name)
			}
		}
		slices.Sort(rec.Others)
	}
	return rec
}

// body tries the rules that the keys of a JSON body lead to.
func (f *finding) body(ix *ruleIndex) {
	d := f.sc.doc()
	if !d.look() {
		return
	}
	if d.text[d.root.start] == '[' {
		f.try(ix.keys["0"])
	}
	for _, m := range d.members {
		if some := ix.keys[string(d.text[m.key.start+1:m.key.end-1])]; some != nil {
			f.try(some)
		}
	}
	for name := range d.some {
		if some := ix.keys[name]; some != nil {
			f.try(some)
		}
	}
}
