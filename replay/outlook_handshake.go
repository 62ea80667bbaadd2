package replay

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"hookloop/inspect/provider"
)

// ofHandshake is the outlook on the answer to a handshake: whether the provider
// takes the URL. It is nil where that is as for any other delivery.
func (a *attempt) ofHandshake(p *provider.Provider, o provider.Outcome, body []byte) *provider.Outlook {
	if a.d.Facts.Handshake == "" {
		return nil
	}
	c, r := a.s.Checker, a.d.Request()
	rec := c.Recognize(r)
	h := rec.Handshake
	if rec.Provider != p || h == nil {
		return nil
	}
	late := false
	if fault := lateness(p, o); fault != "" {
		o.Fault, late = fault, true
		o.Failure, o.Duration = "", 0 // which would be said instead
	} else {
		if resp := a.record.Response; resp == nil || !resp.Truncated || a.answered() != 0 {
			o.Fault = c.Fault(r, rec, o.Status, o.Header, body)
		}
		if out := a.refused(p, rec, o); out != nil {
			return out
		}
	}
	if o.Fault == "" || h.Reply == nil {
		return nil
	}
	out := p.Outlook(o)
	if late {
		out.Verdict = provider.TooLate
	}
	return &out
}

// lateness says that the provider of a handshake got no answer in its time, or "".
func lateness(p *provider.Provider, o provider.Outcome) string {
	if d, err := p.Delivery.Variant(o.Variant); err == nil {
		if limit := time.Duration(d.Timeout); limit > 0 && o.Duration > limit {
			return "it " + provider.TookOf(o.Duration, limit)
		}
	}
	switch o.Failure {
	case "":
		return ""
	case "timeout":
		return "no answer in " + provider.InWords(o.Duration)
	}
	return "no answer"
}

// refused is the outlook on the answer to a handshake that is to be refused:
// its verify token is wrong, or its signature. nil = it is not, or the answer
// is judged as if it were not.
//
// A signature can only be what is tested where the answer is the same for
// everybody. Providers that want a challenge back send none that are wrong.
func (a *attempt) refused(p *provider.Provider, rec provider.Recognition, o provider.Outcome) *provider.Outlook {
	h := rec.Handshake
	what, want := a.wrong(rec)
	if what == "" {
		return nil
	}
	out := p.Outlook(o)
	name, _, _ := strings.Cut(out.Text, ": ")
	success := p.Delivery.Accepts(o.Status)
	tested := h.Signed && h.Reply != nil && !echoes(h.Reply)
	right := isRefusal(o.Status)
	if tested {
		right = o.Status == want
	}
	switch {
	case right && (tested || h.Require != nil || h.Reply == nil):
		out.Verdict, out.Text = provider.Accepted, fmt.Sprintf("%s: %d is right, the %s is wrong", name, o.Status, what)
	case tested && success:
		out.Verdict, out.Text = provider.Disabled, fmt.Sprintf("%s: %d to a wrong %s: it would take the URL away", name, o.Status, what)
	case tested:
		out.Verdict, out.Text = provider.GivesUp, fmt.Sprintf("%s: would not accept the URL: the %s is wrong, so it wants %d, not %d", name, what, want, o.Status)
	case h.Require != nil && success && o.Fault == "":
		out.Verdict = provider.NotKnown
		out.Text = fmt.Sprintf("%s: %d to a wrong %s: the handler does not check it, %d would be right", name, o.Status, what, want)
	default:
		return nil
	}
	out.RetryIn, out.Guess = 0, false
	return &out
}

// wrong says what of a handshake is wrong, "" where nothing is or it is not
// known, and with which status it is to be refused.
func (a *attempt) wrong(rec provider.Recognition) (what string, status int) {
	h := rec.Handshake
	if h.Require != nil {
		if answer, err := a.s.Checker.Answer(a.d.Request(), rec); err == nil && isRefusal(answer.Status) {
			return strings.ReplaceAll(h.Require.Setting, "_", " "), answer.Status
		}
	}
	if h.Signed && a.d.Facts.Signature == provider.Invalid {
		return "signature", http.StatusUnauthorized
	}
	return "", 0
}

// echoes reports whether what a reply says depends on the request.
func echoes(r *provider.Reply) bool {
	return strings.Contains(strings.NewReplacer("{{", "", "}}", "").Replace(r.Body.String()), "{")
}

// isRefusal reports whether a status says that a request is not let in.
func isRefusal(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}
