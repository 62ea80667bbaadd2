package provider

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// An Outcome is how an attempt ended, as the provider sees it.
type Outcome struct {
	Status   int         // 0 without an answer
	Header   http.Header // of the answer; may be nil
	Failure  string      // "", "timeout", "connect", "tls" or "other", without an answer
	Duration time.Duration
	Attempt  int           // the provider's own count of this delivery, from 1; 0 = taken as 1
	Elapsed  time.Duration // since the first delivery; 0 = not known
	Variant  string        // one of Delivery.Variants; "", or an unknown one, = the provider in general
	Fault    string        // of an answer to a handshake: what Checker.Fault says; "" = nothing
}

// A Verdict is what a provider would do now, in one word.
type Verdict string

// The verdicts.
const (
	Accepted   Verdict = "accepted"
	WouldRetry Verdict = "retry"
	GivesUp    Verdict = "gives_up" // this was the last, or it never retries
	Disabled   Verdict = "disabled" // and the endpoint is switched off
	TooLate    Verdict = "too_late" // it had given up waiting before the answer came
	NotKnown   Verdict = "unknown"  // not published
)

// An Outlook is what a provider would do after an attempt.
type Outlook struct {
	Provider   string        `json:"provider"`
	Verdict    Verdict       `json:"verdict"`
	Text       string        `json:"text"` // "APIXO: would retry in 30 s (attempt 2 of 4); it wants exactly 200"
	Confidence Confidence    `json:"confidence"`
	Guess      bool          `json:"guess,omitempty"`       // the intervals are not published: RetryIn is on our own curve
	RetryIn    time.Duration `json:"retry_in_ns,omitempty"` // until it delivers again, where it would; the middle of a random time
	Limit      time.Duration `json:"limit_ns,omitempty"`    // how long the provider waits; 0 = not published
}

// Outlook says what p would do after an attempt that ended so.
func (p *Provider) Outlook(o Outcome) Outlook {
	d := &p.Delivery
	if variant, err := d.Variant(o.Variant); err == nil {
		d = variant
	}
	o.Attempt = max(o.Attempt, 1)
	f := d.fate(o)
	out := Outlook{Provider: p.Name, Confidence: d.Confidence, Limit: time.Duration(d.Timeout)}
	if out.Confidence == "" {
		out.Confidence = Unknown
	}
	if o.Fault != "" && o.Failure == "" && !f.late {
		out.Verdict, out.Text = GivesUp, p.short()+": would not accept the URL: "+o.Fault
		return out
	}
	var text string
	out.Verdict, text = d.verdict(f, o)
	if f.late {
		out.Verdict = TooLate
	}
	if f.is == retried {
		out.Guess = f.step.Guess
		out.RetryIn = f.step.wait(d, f, o)
	}
	if f.is == exhausted {
		out.Guess = f.plan.deliveries() == 0 && f.plan.Unpublished != ""
	}
	out.Text = p.short() + ": " + text + d.wish(f, o)
	return out
}

// wait returns how long it is until the step, from the end of the attempt.
func (s Step) wait(d *Delivery, f fate, o Outcome) time.Duration {
	wait := (s.After.Min + s.After.Max) / 2
	if f.late {
		wait = (wait - o.Duration + time.Duration(d.Timeout)).Round(100 * time.Millisecond)
	}
	return max(wait, 0)
}

// verdict puts a fate in a word and in words.
func (d *Delivery) verdict(f fate, o Outcome) (Verdict, string) {
	cause := d.cause(f, o)
	switch f.is {
	case taken:
		return Accepted, "accepted"
	case moved:
		return NotKnown, fmt.Sprintf("%s, it follows up to %d redirects and counts what answers there", cause, d.Redirects)
	case stopped:
		if d.StopMeans != "" && d.StopOn.Has(o.Status) {
			return Disabled, cause + ", " + d.StopMeans
		}
		if f.header != "" && !d.StopOn.Has(o.Status) {
			cause += " with " + f.header
		}
		return GivesUp, cause + ", gives up"
	case once:
		text := cause + ", failed; it never retries"
		if d.Redeliver != "" {
			text += " (" + d.Redeliver + ")"
		}
		return GivesUp, text
	case excepted:
		return GivesUp, cause + ", failed; it retries only " + onlyWords(f.plan.Only)
	case exhausted:
		return d.exhausted(f, o, cause)
	case retried:
		return WouldRetry, d.again(f, o, cause)
	}
	return NotKnown, cause + ", failed; whether it retries is not published"
}

// cause says in words why an attempt failed.
func (d *Delivery) cause(f fate, o Outcome) string {
	switch {
	case f.late:
		return TookOf(o.Duration, time.Duration(d.Timeout))
	case o.Failure == "timeout":
		return "no answer in " + InWords(o.Duration)
	case o.Failure == "connect":
		return "no connection"
	case o.Failure == "tls":
		return "the TLS handshake failed"
	case o.Failure != "" || o.Status == 0:
		return "no answer"
	}
	return strconv.Itoa(o.Status)
}

// again says in words when the next delivery would be.
func (d *Delivery) again(f fate, o Outcome, cause string) string {
	lead := ""
	if f.late || o.Failure != "" || o.Status == 0 {
		lead = cause + ", "
	}
	wait := f.step.wait(d, f, o)
	if f.late && wait == 0 {
		return lead + "would already have retried"
	}
	count := "attempt " + strconv.Itoa(o.Attempt+1)
	if all := f.plan.deliveries(); all > 0 {
		count += fmt.Sprintf(" of %d", all)
	}
	if f.step.Guess {
		return fmt.Sprintf("%swould retry (%s; intervals are not published, %s is our guess)", lead, count, about(wait))
	}
	when := "in " + InWords(wait)
	switch {
	case wait == 0:
		when = "at once"
	case f.step.After.Min != f.step.After.Max && !f.late:
		when = "in " + f.step.After.String()
	case f.plan != nil && f.plan.Jitter && !f.asked, f.step.After.Min != f.step.After.Max:
		when = "in " + about(wait)
	case wait >= 10*time.Second:
		when = "in " + InWords(wait.Round(time.Second))
	}
	switch far := f.wanted > f.step.After.Min; {
	case !f.asked:
	case far && time.Duration(d.RetryAfter) >= unlimited:
		when = "in more than a year, as Retry-After asks"
	case far:
		when += ", the longest it waits: Retry-After asks for " + atMostAYear(f.wanted)
	default:
		when += ", as Retry-After asks"
	}
	return fmt.Sprintf("%swould retry %s (%s)", lead, when, count)
}

// exhausted says in words that there are no more retries.
func (d *Delivery) exhausted(f fate, o Outcome, cause string) (Verdict, string) {
	if all := f.plan.deliveries(); all > 0 {
		gives := "gives up"
		if f.late {
			gives = "would already have given up"
		}
		count := fmt.Sprintf("attempt %d of %d", o.Attempt, all)
		if o.Attempt > all {
			count = fmt.Sprintf("attempt %d, after the last of %d", o.Attempt, all)
		}
		return GivesUp, fmt.Sprintf("%s, %s (%s)", cause, gives, count)
	}
	if f.plan.Window == 0 {
		return NotKnown, fmt.Sprintf("%s, failed; when it gives up is not published (attempt %d)", cause, o.Attempt)
	}
	text := fmt.Sprintf("%s, gives up (attempt %d; it retries for %s", cause, o.Attempt, f.plan.Window)
	if f.plan.Unpublished != "" && o.Elapsed == 0 {
		text += ", how often is our guess"
	}
	return GivesUp, text + ")"
}

// wish says in words what status would have been success, where the one that
// came was not and not any 2xx is.
func (d *Delivery) wish(f fate, o Outcome) string {
	if f.late || f.is == taken || f.is == moved || f.is == stopped || o.Failure != "" || o.Status == 0 {
		return ""
	}
	if !d.succeeds(299) {
		return "; it wants " + d.Success.String()
	}
	if o.Status >= 300 && o.Status <= 399 {
		return "; it follows no redirects"
	}
	return ""
}

// onlyWords puts Retry.Only in words.
func onlyWords(only []string) string {
	var said []string
	for _, what := range only {
		switch one, err := parseStatus(what); {
		case err == nil:
			said = append(said, one.String())
		case what == "connect":
			said = append(said, "connection failures")
		case what == "tls":
			said = append(said, "TLS failures")
		case what == "timeout":
			said = append(said, "timeouts")
		default:
			said = append(said, "other failures")
		}
	}
	return joinWords(said, "and")
}

// about returns a time in words, with one figure where that is near enough:
// "about 1 h" for an hour and eight minutes.
func about(d time.Duration) string {
	unit := time.Second
	switch {
	case d >= 48*time.Hour:
		unit = 24 * time.Hour
	case d >= time.Hour:
		unit = time.Hour
	case d >= time.Minute:
		unit = time.Minute
	}
	return "about " + InWords(d.Round(unit))
}

// atMostAYear is InWords, up to a year.
func atMostAYear(d time.Duration) string {
	if d > unlimited {
		return "more than a year"
	}
	return InWords(d)
}
