package provider

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// A Catalog is a set of providers. It is safe for concurrent use once all is
// added. A nil Catalog and the zero value have no entries.
type Catalog struct {
	entries map[string]*entry
	added   int // how many entries Add has put in
	index   atomic.Pointer[ruleIndex]
}

// An entry is read when it is first asked for: most runs need few of them.
type entry struct {
	name     string
	order    int // 0 = built in; of others, the later the greater
	rules    func() []Rule
	provider func() *Provider
}

// BuiltIn returns a catalog of the providers built in, to which the user's own
// can be added without any other catalog having them.
func BuiltIn() *Catalog {
	return &Catalog{entries: maps.Clone(builtIn())}
}

// Provider returns an entry, or nil.
func (c *Catalog) Provider(name string) *Provider {
	if c == nil || c.entries[name] == nil {
		return nil
	}
	return c.entries[name].provider()
}

// Names returns the names of all entries, sorted. It is quicker than All.
func (c *Catalog) Names() []string {
	if c == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(c.entries))
}

// All returns every entry, sorted by name.
func (c *Catalog) All() []*Provider {
	names := c.Names()
	all := make([]*Provider, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { all[i] = c.entries[name].provider() })
	}
	wg.Wait()
	return all
}

// Nearest returns a name that a mistyped one may be meant to be, or "".
func (c *Catalog) Nearest(name string) string { return nearest(name, c.Names()) }
