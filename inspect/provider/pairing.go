package provider

import "maps"

// maxLines is how many lines of a header are looked at each on its own: the
// body is hashed for each.
const maxLines = 8

// pair leaves, of several lines of a header in which a time and a signature
// stand together, only the one whose signature holds with one of the keys: the
// first whose time does, too, or else the first. Where none holds all are left.
func (v *verification) pair(c *check, keys []*key) {
	name := c.together(v.r)
	if lines := v.r.Header[name]; len(lines) > 1 {
		var held *Request
		for _, line := range lines[:min(len(lines), maxLines)] {
			one := *v.r
			one.Header = maps.Clone(v.r.Header)
			one.Header[name] = []string{line}
			switch {
			case !c.present(&one) || v.timeless(c, &one) || !c.anyKey(&one, keys):
			case v.fresh(c, &one):
				v.r = &one
				return
			case held == nil:
				held = &one
			}
		}
		if held != nil {
			v.r = held
		}
	}
}

// together returns the name of r's header that has both the time and the
// signature, or "".
func (c *check) together(r *Request) string {
	s := &c.s.Timestamp
	if s.kind != "header" || !s.sharesPlace(&c.s.Signature) {
		return ""
	}
	for i := range s.names {
		if name := s.names[i].nameIn(c.settings); len(r.Header[name]) > 0 {
			return name
		}
	}
	return ""
}

func (v *verification) timeless(c *check, r *Request) bool {
	one := *v
	one.r = r
	return one.badTimestamp(c) != nil
}

func (v *verification) fresh(c *check, r *Request) bool {
	one, d := *v, Diagnosis{Result: Valid}
	one.r = r
	one.age(c, &d)
	return d.Result == Valid
}

func (c *check) anyKey(r *Request, keys []*key) bool {
	for _, k := range keys {
		if held, err := c.holds(r, k); held && err == nil {
			return true
		}
	}
	return false
}
