package provider

// HasSecret reports whether a secret of a provider is known for r: one that is
// configured, or that AddSecret has added.
func (c *Checker) HasSecret(r *Request, name string) bool {
	if c == nil || c.Catalog == nil {
		return false
	}
	p := c.Catalog.Provider(name)
	return p != nil && len(c.secretsOf(r, p)) > 0
}
