package replay

import (
	"fmt"
	"net/http"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A renewal makes new events of a delivery: the same but for the event id.
type renewal struct {
	d     *inspect.Delivery
	place *eventPlace // nil = it can't be done
	why   string      // why not, in words
}

// renewal says whether new events can be made of d.
func (r *rehearsal) renewal(d *inspect.Delivery) *renewal {
	n := &renewal{d: d}
	req := d.Request()
	rec := r.s.Sender.Checker.Recognize(req)
	if rec.Provider == nil || rec.Certainty == provider.Guess {
		rec = provider.Recognition{}
		if f := &d.Facts; f.Provider != "" && f.Certainty != provider.Guess {
			rec = r.catalog().Recognize(req, f.Provider)
		}
	}
	place, err := placeOfEvent(req, rec)
	if err != nil {
		n.why = err.Error()
		return n
	}
	n.place = place
	if why := r.breaks(n, rec.Provider); why != "" {
		n.place, n.why = nil, why
	}
	return n
}

// breaks says why a new event id would break the signature of n's delivery for
// good; "" = it would not.
func (r *rehearsal) breaks(n *renewal, p *provider.Provider) string {
	o := n.options(freshID(n.place.id))
	o.To, o.Header = r.spec.To, merged(r.spec.Header, o.Header)
	f, err := r.s.Sender.Forecast(r.ctx, n.d.ID, o)
	switch {
	case err != nil:
		return err.Error()
	case f.Sign:
		return ""
	case f.Refused != "" && f.Why != "":
		return f.Why
	case f.Refused != "":
		return f.Refused
	case n.place.header != "" && !f.CanSign:
		for i := range p.Schemes {
			if covers(&p.Schemes[i], "{header") {
				return "the signature covers it, and it can't be signed again"
			}
		}
	}
	return ""
}

// options returns what makes an attempt one of the event id; with the delivery's own
// where it can't be replaced.
func (n *renewal) options(id string) Options {
	if n.place == nil {
		return Options{}
	}
	if n.place.header != "" {
		return Options{Header: http.Header{n.place.header: {id}}}
	}
	_, body := n.place.put(id, nil, n.d.Body)
	return Options{Edited: true, Body: body}
}

// fresh returns a new event id, or "" where it can't be replaced.
func (n *renewal) fresh() string {
	if n.place == nil {
		return ""
	}
	return freshID(n.place.id)
}

// merged returns the headers of both, b's where both have them.
func merged(a, b http.Header) http.Header {
	h := a.Clone()
	for name, values := range b {
		if h == nil {
			h = http.Header{}
		}
		h[http.CanonicalHeaderKey(name)] = values
	}
	return h
}

// list names deliveries: "#1, #2".
func list(ids []int64) (text string) {
	for i, id := range ids {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("#%d", id)
	}
	return text
}
