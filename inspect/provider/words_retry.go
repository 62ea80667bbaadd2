package provider

import (
	"fmt"
	"strings"
	"time"
)

// clockSteps is how many retries are told one by one.
const clockSteps = 12

// retryWords says when a provider delivers again, as a clock that begins with
// the first delivery, and whether that is published.
func (d *Delivery) retryWords() string {
	r := d.Retry
	switch {
	case r == nil:
		return "not published"
	case r.Never:
		return "never"
	}
	text := r.words(d.Retries())
	for i := range r.For {
		f := &r.For[i]
		steps := (&Delivery{Retry: &f.Retry}).Retries()
		text += fmt.Sprintf("; after %s: %s", strings.TrimPrefix(f.Statuses.String(), "exactly "), f.Retry.words(steps))
	}
	if len(r.Only) > 0 {
		text += "; only after " + onlyWords(r.Only)
	}
	return text
}

func (r *Retry) words(steps []Step) string {
	var text string
	switch {
	case r.Every != nil && r.Attempts > 0:
		return fmt.Sprintf("every %s, %s", r.Every, times(r.Attempts))
	case r.Every != nil:
		return fmt.Sprintf("every %s, for %s", r.Every, r.Window)
	case r.Unpublished == "":
		text = clockWords(steps, false)
		if r.Then != nil {
			text += fmt.Sprintf("; the last ones every %s, until %s have passed", r.Then, r.Window)
		} else if r.Window > 0 {
			text += fmt.Sprintf("; until %s have passed", r.Window)
		}
		if r.Jitter {
			text += ", each a little more or less"
		}
		return text
	}
	text = "the intervals are not published"
	var known []string
	if r.Unpublished != "not stated" {
		known = append(known, r.Unpublished)
	}
	if r.Attempts > 0 {
		known = append(known, times(r.Attempts))
	}
	if r.Window > 0 {
		known = append(known, "within "+r.Window.String())
	}
	if len(known) > 0 {
		text += " (it says: " + strings.Join(known, ", ") + ")"
	}
	if len(r.Delays) > 0 {
		text = "first " + clockWords(steps[:min(len(steps), len(r.Delays))], false) + "; then " + text
	}
	if guess := clockWords(steps, true); guess != "" {
		text += "; hookloop's guess is " + guess
	}
	return text
}

// clockWords says when steps come, the first ones one by one: "after 30 s, 2 min 30 s and 12 min 30 s".
// guessed picks those that are a guess of our own.
func clockWords(steps []Step, guessed bool) string {
	var at []string
	for _, s := range steps {
		if s.Guess != guessed {
			continue
		}
		if len(at) == clockSteps {
			return "after " + strings.Join(at, ", ") + " and so on"
		}
		text := s.At.String()
		if guessed {
			text = InWords(rounded(s.At.Min))
		}
		if s.At.Max == 0 {
			text = "0 s (at once)"
		}
		at = append(at, text)
	}
	if len(at) == 0 {
		return ""
	}
	return "after " + joinWords(at, "and")
}

// rounded takes from a guess the figures that mean nothing.
func rounded(d time.Duration) time.Duration {
	switch {
	case d >= 48*time.Hour:
		return d.Round(time.Hour)
	case d >= time.Hour:
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Brief says how often and for how long a provider delivers again, in a few
// words: "3 in 12 min 30 s", "for 24 h", "2, intervals not published". A number
// in it is published; so is a time, or it follows from what is.
func (d *Delivery) Brief() string {
	r := d.Retry
	switch {
	case r == nil:
		return "not published"
	case r.Never:
		return "never"
	}
	steps := d.Retries()
	var words []string
	within := "for "
	if n := r.deliveries() - 1; n > 0 {
		words, within = append(words, fmt.Sprint(n)), "in "
	}
	switch {
	case r.Window > 0:
		words = append(words, within+r.Window.String())
	case len(steps) > 0 && r.Unpublished == "" && steps[len(steps)-1].At.Max > 0:
		words = append(words, within+InWords(steps[len(steps)-1].At.Max))
	}
	text := strings.Join(words, " ")
	if r.Unpublished != "" {
		text = strings.TrimPrefix(text+", intervals not published", ", ")
	}
	return text
}
