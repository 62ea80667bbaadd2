package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func init() {
	kinds["tamper"] = kind{
		check: oneDelivery,
		title: func(spec *Spec) string { return fmt.Sprintf("#%d, tampered with", spec.Deliveries[0]) },
		prepare: func(r *rehearsal) (err error) {
			r.tampering, err = newTampering(r)
			return err
		},
		run: runTamper,
	}
}

// A tampering is a delivery whose signature is tried in every way.
type tampering struct {
	r       *rehearsal
	d       *inspect.Delivery
	base    *provider.Request // as it goes out, with the signature that it came with
	checker *provider.Checker
	p       *provider.Provider
	sch     *provider.Scheme // never nil, and signs
	place   *eventPlace      // nil = the event id is not replaced
	cannot  error            // why it can't be signed; nil = it can
	table   inspect.Table
	refused int
	unsent  []string // the changes that were not sent for want of a secret
	open    bool     // something that was not refused was found
}

// runTamper first sends the genuine delivery, which the handler must take, and
// then what it must refuse.
func runTamper(r *rehearsal) error {
	r.changes, r.unseen = 0, "a refused delivery had an effect all the same"
	t := r.tampering
	if t.place != nil && t.cannot == nil {
		r.allNew()
	}
	t.noteEvents()
	all := t.changes()
	r.planned(inspect.Step{Label: "as it should be"})
	for i := range all {
		r.planned(inspect.Step{Label: all[i].label})
	}
	if !t.control() {
		for i := range all {
			r.skip(i+1, "the genuine delivery was not accepted")
		}
		return nil
	}
	r.changes = 1
	r.afterFirst()
	for i := range all {
		if r.canceled() {
			return nil
		}
		t.try(i+1, &all[i])
	}
	if !t.open && t.refused > 0 {
		r.find(inspect.CheckForgeries, inspect.Pass, "the handler refused each of the %d that were changed", t.refused)
	}
	if len(t.unsent) > 0 {
		r.find(inspect.CheckForgeries, inspect.Inconclusive, "%s: not sent, so it is not known what the handler does: %v", strings.Join(t.unsent, ", "), t.cannot)
	}
	return nil
}

// newTampering says why there is nothing to tamper with, or finds out what.
func newTampering(r *rehearsal) (*tampering, error) {
	s := r.s.Sender
	if s.Checker == nil || s.Checker.Catalog == nil {
		return nil, errors.New("nothing here knows of providers and their secrets")
	}
	d, p, err := s.prepare(r.ctx, r.deliveries[0].ID, Options{To: r.spec.To, Header: r.spec.Header})
	if err != nil {
		return nil, err
	}
	t := &tampering{r: r, d: d, base: s.outgoing(r.ctx, d, p)}
	t.checker = knowing(s.Checker, d.Request(), t.base)
	rec := t.checker.Recognize(t.base)
	ctx, cancel := context.WithTimeout(r.ctx, keyPatience)
	defer cancel()
	diagnosis := t.checker.Verify(ctx, t.base)
	if rec.Provider == nil || rec.Certainty == provider.Guess {
		return nil, errors.New(diagnosis.Reason)
	}
	t.p = rec.Provider
	signed, err := t.checker.Sign(t.base, time.Now(), true)
	t.cannot = err
	if err == nil {
		diagnosis.Scheme = signed.Scheme
	}
	t.sch = scheme(t.p, diagnosis.Scheme)
	if t.sch == nil || t.sch.Kind == provider.Unsigned {
		return nil, fmt.Errorf("%s has no signature of %s's that a handler could check; where it signs nothing, keep a secret in the address that it calls", ref(d), t.title())
	}
	if t.place, err = placeOfEvent(t.base, rec); err != nil {
		t.place = nil
	}
	t.table.Columns = []string{"what was changed", "what the handler did", "as it should be"}
	return t, nil
}

// noteEvents says which deliveries have a new event id.
func (t *tampering) noteEvents() {
	if t.place == nil || t.cannot != nil {
		return
	}
	but := ""
	if t.sch.Kind != provider.JWTHS256 && t.sch.Kind != provider.Token && t.outlived() {
		but = ", but for the one that is replayed as it is"
	}
	t.r.note("each delivery has a new event id, signed for it, so that none is taken for a duplicate%s", but)
}

func ref(d *inspect.Delivery) string { return fmt.Sprintf("#%d", d.ID) }

func (t *tampering) title() string {
	if t.p.Title != "" {
		return t.p.Title
	}
	return t.p.Name
}

// genuine returns the delivery of a new event as the provider would have sent
// it at a time; or, where it can't be signed, as it came.
func (t *tampering) genuine(at time.Time) *provider.Request {
	r := *t.base
	if t.cannot != nil {
		return &r
	}
	if t.place != nil {
		r.Header, r.Body = t.place.put(freshID(t.place.id), r.Header, r.Body)
	}
	signed, err := t.checker.Sign(&r, at, true)
	if err != nil { // it could be signed before
		return &r
	}
	return &signed.Request
}

// control reports whether the handler takes the genuine delivery. Where it does
// not, its refusals say nothing.
func (t *tampering) control() bool {
	t.r.begin(0)
	o, err := t.options(t.genuine(time.Now()))
	if err != nil { // the signature stands in the URL, which the Sender changes
		o, err = Options{Signing: SignAgain}, nil
	}
	a, err := t.r.attempt(o)
	status := 0
	if a != nil && a.Response != nil && a.Error == "" {
		status = a.Response.Status
	}
	ok := status/100 == 2 || t.p.Delivery.Accepts(status)
	t.r.end(0, a, err, &ok, "")
	t.row("nothing", did(a, err), yes(ok, "accepted"))
	if ok {
		return true
	}
	why := "is its secret the one that hookloop has?"
	if t.cannot != nil {
		why = "it was sent with the signature that it came with, because " + t.cannot.Error()
	}
	t.r.find(inspect.CheckForgeries, inspect.Inconclusive, "the genuine delivery was not accepted (%s), so refusals say nothing: %s", did(a, err), why)
	return false
}

// try makes a change, step i, and judges what the handler does.
func (t *tampering) try(i int, c *change) {
	req, err := c.make(t)
	var o Options
	if err == nil {
		o, err = t.options(req)
	}
	if err != nil {
		t.r.skip(i, err.Error())
		should := "does not apply"
		if t.cannot != nil && errors.Is(err, t.cannot) {
			should = "not sent"
			t.unsent = append(t.unsent, c.label)
		}
		t.row(c.label, "not sent: "+err.Error(), should)
		return
	}
	t.r.begin(i)
	a, err := t.r.attempt(o)
	v, finding := t.judge(c, a, err)
	ok := v == inspect.Pass
	judged := &ok
	if v == inspect.Inconclusive {
		judged = nil
	}
	t.r.end(i, a, err, judged, finding)
	should := yes(ok, "refused")
	switch {
	case ok && finding == "":
		t.refused++
	case ok:
		t.r.changes++ // it may act on what it may accept, and need not
		t.r.optional++
		t.r.note("%s", finding)
		should = "tolerated"
	default:
		t.open = true
		t.r.find(inspect.CheckForgeries, v, "%s", finding)
		if v == inspect.Inconclusive {
			should = ""
		}
	}
	t.row(c.label, did(a, err), should)
}

// judge says what to think of the answer to a change, and in a sentence why.
func (t *tampering) judge(c *change, a *inspect.Attempt, err error) (inspect.Verdict, string) {
	status := 0
	if a != nil && a.Error == "" && a.Response != nil {
		status = a.Response.Status
	}
	switch {
	case a == nil:
		return inspect.Inconclusive, fmt.Sprintf("%s: it could not be sent: %v", c.label, err)
	case a.ErrorKind == inspect.ErrReset || a.ErrorKind == inspect.ErrTimeout || a.ErrorKind == inspect.ErrProtocol:
		return inspect.Fail, fmt.Sprintf("%s: the handler crashes instead of refusing: %s", c.label, a.Error)
	case a.Error != "":
		return inspect.Inconclusive, fmt.Sprintf("%s: %s", c.label, a.Error)
	case status/100 == 2 && c.tolerated != nil && c.tolerated(t):
		return inspect.Pass, fmt.Sprintf("the handler accepted %s, which %s's own library does too", c.what(t), t.title())
	case status/100 == 2:
		return inspect.Fail, fmt.Sprintf("the handler accepted %s: %s", c.what(t), c.hole)
	case status/100 == 5:
		return inspect.Fail, fmt.Sprintf("%s: the handler crashes instead of refusing: it answered %s, where 400 or 401 belongs", c.label, statusText(status))
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status/100 != 4:
		return inspect.Inconclusive, fmt.Sprintf("%s: the handler answered %s, which neither accepts nor refuses", c.label, statusText(status))
	}
	return inspect.Pass, ""
}

// options returns what makes the Sender send req. The error says why it can't.
func (t *tampering) options(req *provider.Request) (Options, error) {
	if req.Target != t.base.Target {
		return Options{}, errors.New("the signature stands in the URL, which is not changed here")
	}
	o := Options{Signing: AsReceived, Header: http.Header{}}
	for name, values := range req.Header {
		if !slices.Equal(values, t.base.Header[name]) {
			o.Header[name] = values
		}
	}
	for name := range t.base.Header {
		if _, ok := req.Header[name]; !ok {
			o.Header[name] = nil
		}
	}
	if !bytes.Equal(req.Body, t.d.Body) {
		o.Edited, o.Body = true, req.Body
	}
	return o, nil
}

// row adds a row to the table.
func (t *tampering) row(cells ...string) {
	t.table.Rows = append(t.table.Rows, cells)
	table := inspect.Table{Columns: t.table.Columns, Rows: slices.Clone(t.table.Rows)}
	t.r.update(func(sim *inspect.Simulation) { sim.Table = &table })
}

// did says in words what the handler did.
func did(a *inspect.Attempt, err error) string {
	switch {
	case a == nil:
		return fmt.Sprintf("it could not be sent: %v", err)
	case a.Error != "":
		return a.Error
	case a.Response == nil:
		return "no answer"
	}
	return "answered " + statusText(a.Response.Status)
}

func yes(ok bool, should string) string {
	if ok {
		return "yes"
	}
	return "no: it is to be " + should
}

// without returns h without some headers.
func without(h http.Header, names []string) http.Header {
	h = maps.Clone(h)
	for _, name := range names {
		delete(h, name)
	}
	return h
}
