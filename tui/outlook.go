package tui

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// This file says what the provider would do after an attempt, and how much of
// the provider's patience the handler used.

var confidenceWords = map[provider.Confidence]string{
	provider.FromSource: "documented", provider.Quoted: "as quoted by others", provider.Hearsay: "hearsay", provider.Unknown: "not published",
}

// OutlookWords say what a provider would do; trust says how sure that is,
// where the words don't.
func OutlookWords(o *provider.Outlook) (text, trust string) {
	if o == nil || o.Text == "" {
		return "", ""
	}
	trust = confidenceWords[o.Confidence]
	if o.Guess { // then the text says so
		trust = ""
	}
	return safe(o.Text), trust
}

func outlookTone(v provider.Verdict) tone {
	switch v {
	case provider.Accepted:
		return toneOK
	case provider.WouldRetry, provider.TooLate:
		return toneWarn
	case provider.GivesUp, provider.Disabled:
		return toneBad
	}
	return toneDim
}

// initialAttempt returns the attempt that the provider has waited for; nil when there is none.
func initialAttempt(attempts []inspect.Attempt) *inspect.Attempt {
	i := slices.IndexFunc(attempts, func(a inspect.Attempt) bool { return a.Trigger == inspect.Initial })
	if i < 0 {
		return nil
	}
	return &attempts[i]
}

// limit returns how long the provider of the delivery shown waits, whose
// initial attempt came to o; 0 when that is not known.
func (m *model) limit(o *provider.Outlook) time.Duration {
	if o != nil {
		return o.Limit
	}
	v := &m.detail
	if v.limitOf != v.d { // it reads the body, which takes too long for every drawing
		v.limitOf, v.limit = v.d, 0
		if p := m.cfg.entry(v.d.Facts.Provider); p != nil && v.d.Facts.Certainty != provider.Guess {
			v.limit = p.Limit(v.d.Request())
		}
	}
	return v.limit
}

// prospect is what there is to say below the title of the delivery shown: what
// the provider would do, and the handler's time against its limit.
func (m *model) prospect(width int) []line {
	v := &m.detail
	if !v.shown() {
		return nil
	}
	a := initialAttempt(v.attempts)
	if a == nil {
		return nil
	}
	t := m.t
	text, trust := OutlookWords(a.Outlook)
	var left line
	if lost := lostWords(v.d.Reason); lost != "" { // the outlook is of an answer that the provider never saw
		left = line{{" " + lost, t.warn}}
	} else if text != "" {
		left = line{{" ", nil}, {text, t.tone(outlookTone(a.Outlook.Verdict))}}
		if trust != "" {
			left = append(left, span{" · " + trust, t.dim})
		}
		if b := v.attempt(); b.Number != a.Number {
			left = slices.Insert(left, 1, span{"attempt " + strconv.Itoa(a.Number) + " → ", t.dim})
		}
	}
	took, pending := a.Duration, a.State == inspect.Pending
	if pending {
		took = max(0, m.now.Sub(a.StartedAt))
	}
	limit := m.limit(a.Outlook)
	if a.State == inspect.Interrupted { // nobody knows how long it took
		limit = 0
	}
	bar := deadline(took, limit, pending, t)
	switch {
	case bar == nil && left == nil:
		return nil
	case bar == nil:
		return prospectRows(left, width)
	case left == nil:
		return []line{append(line{{text: " "}}, bar...)}
	}
	rows := prospectRows(left, width)
	if last := rows[len(rows)-1]; last.width()+bar.width()+3 <= width {
		rows[len(rows)-1] = between(last, append(bar, span{text: " "}), width)
		return rows
	}
	return append(rows, append(line{{text: " "}}, bar...))
}

// prospectRows wraps l into two rows at most.
func prospectRows(l line, width int) []line {
	rows := wrap(l, width-1)
	if len(rows) > 2 {
		rows = append(rows[:1:1], append(rows[1], span{text: "…"}))
	}
	return rows
}

const deadlineCells = 12

// deadline is a bar of the time that was used of a limit; nil without a limit.
func deadline(took, limit time.Duration, pending bool, t *theme) line {
	if limit <= 0 {
		return nil
	}
	full := int(min(int64(deadlineCells), int64(took)*deadlineCells/int64(limit)))
	if took > 0 && full == 0 {
		full = 1
	}
	n, words := toneOK, " of "+roundDuration(limit)
	switch {
	case took > limit && pending:
		n, words = toneBad, " limit "+roundDuration(limit)+": already too late"
	case took > limit:
		n, words = toneBad, " limit "+roundDuration(limit)+": too late"
	case took > limit*3/4:
		n = toneWarn
	case pending:
		n = toneInfo
	}
	return line{
		{roundDuration(took), t.tone(n)},
		{" ▕", t.dim},
		{repeat("█", full), t.tone(n)},
		{repeat("░", deadlineCells-full), t.faint},
		{"▏", t.dim},
		{words, t.dim},
	}
}

// roundDuration is FormatDuration without digits that say nothing: "3 s", "3.4 s", "2 min".
func roundDuration(d time.Duration) string {
	switch {
	case d < time.Second:
		return FormatDuration(d)
	case d < time.Minute:
		return strconv.FormatFloat(float64(d.Round(100*time.Millisecond))/1e9, 'f', -1, 64) + " s"
	case d%time.Minute == 0 && d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return FormatDuration(d)
}
