package provider

import "slices"

// settle decides between the providers that a request's headers lead to: one
// whose signature is there comes before one whose is not. tie is whether
// several are left; then the others are among the guesses.
func (f *finding) settle(ix *ruleIndex) (tie bool) {
	rivals := f.rivals(ix)
	if len(rivals) == 0 {
		return false
	}
	if !f.signed(f.best.entry) {
		found := finding{sc: f.sc}
		for _, one := range rivals {
			if f.signed(one.entry) && allHold(one.rule.When, f.sc) && found.better(one) {
				found.best = one
			}
		}
		if found.best.rule == nil {
			return f.tied(rivals, false)
		}
		f.best = found.best
		rivals = f.rivals(ix)
	}
	return f.tied(rivals, true)
}

// rivals returns the rules that the headers lead to and that go by others than
// the best one does. Whether they hold is not looked at.
func (f *finding) rivals(ix *ruleIndex) (all []indexed) {
	for name := range f.sc.r.Header {
		for _, one := range ix.headers[name] {
			if one.rule.Certainty != Guess && one.entry != f.best.entry && !one.rule.sharesHeader(f.best.rule) {
				all = append(all, one)
			}
		}
	}
	return all
}

// tied reports whether one of the rules holds that is as sure as the best one,
// and adds the entries of those to the guesses. signed says whether only those
// count whose signature is there. Of two entries the user's own counts.
func (f *finding) tied(rivals []indexed, signed bool) (tie bool) {
	for _, one := range rivals {
		switch {
		case one.rule.Certainty != f.best.rule.Certainty, one.entry.order == 0 && f.best.entry.order > 0:
		case signed && !f.signed(one.entry), !allHold(one.rule.When, f.sc):
		default:
			tie = true
			if !slices.Contains(f.guesses, one.entry) {
				f.guesses = append(f.guesses, one.entry)
			}
		}
	}
	return tie
}

// signed reports whether the request has a signature or token of an entry's.
func (f *finding) signed(e *entry) bool {
	v := verification{r: f.sc.r, rec: Recognition{Provider: e.provider()}}
	return v.carriesSignature()
}

// sharesHeader reports whether two rules ask for the same header.
func (r *Rule) sharesHeader(other *Rule) bool {
	return slices.ContainsFunc(r.When, func(a Condition) bool {
		return a.source.kind == "header" && !a.not && slices.ContainsFunc(other.When, func(b Condition) bool {
			return b.source.kind == "header" && !b.not && slices.ContainsFunc(a.source.names, func(n sourceName) bool {
				return slices.ContainsFunc(b.source.names, func(m sourceName) bool { return n.name == m.name })
			})
		})
	})
}
