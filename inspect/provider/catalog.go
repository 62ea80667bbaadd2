package provider

// A Catalog is a set of providers. It is safe for concurrent use; Add must be
// called before.
type Catalog struct {
	providers map[string]*Provider
}

// BuiltIn returns a catalog of the providers built in, to which the user's own can be added.
func BuiltIn() *Catalog { return &Catalog{} }

// Add adds the entries of a YAML mapping, or puts them in the place of those
// that have their names. An entry with "like" of its own name overrides only
// the fields it has. file and line (of the first line of text, from 1) are for
// errors, which read "hookloop.yaml:12: …" and say what is wrong and what to
// write instead. Nothing is added when there is an error.
func (c *Catalog) Add(text []byte, file string, line int) error { return nil }

// Provider returns an entry, or nil.
func (c *Catalog) Provider(name string) *Provider { return c.providers[name] }

// All returns every entry, sorted by name.
func (c *Catalog) All() []*Provider { return nil }

// Nearest returns a name that a mistyped one may be meant to be, or "".
func (c *Catalog) Nearest(name string) string { return "" }
