package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tunnel"
)

// A header shows where deliveries arrive, where they go, and the accounts.
type header struct {
	collapsed bool

	tunnel   tunnel.Status
	health   replay.Health
	losing   int // how many of the next answers to providers are lost
	counters inspect.Counters
}

// lines returns the header without the rule below it. brief asks for the
// collapsed form whatever the user chose.
func (h *header) lines(c *Config, width int, brief bool, t *theme, now time.Time) []line {
	if h.collapsed || brief {
		return h.short(c, width, t, now)
	}
	lines := []line{between(
		line{{" hookloop ", t.title}, {" ", t.text}, h.state(t)},
		line{{safe(c.Version) + " ", t.dim}}, width)}
	lines = append(lines, h.outage(width, t, now)...)
	lines = append(lines, h.field(t, h.publicName(c), h.public(c, t)...))
	lines = append(lines, h.field(t, "Handler", h.handler(c, t)...))
	lines = append(lines, h.lost(t)...)
	if c.InspectorURL != "" {
		lines = append(lines, h.field(t, "Inspector", span{safe(c.InspectorURL), t.text}))
	}
	lines = append(lines, h.received(t), h.attempts(width, t))
	return lines
}

func (h *header) short(c *Config, width int, t *theme, now time.Time) []line {
	left := line{{" hookloop ", t.title}, {" ", t.text}, h.state(t), {"  ", t.text}}
	left = append(left, h.public(c, t)[0])
	n := h.counters
	right := line{{strconv.FormatInt(n.Received, 10) + " received ", t.dim}}
	if h.health.State == replay.HealthDown {
		right = line{{"✕ handler down ", t.bad}}
	}
	return append(append([]line{between(left, right, width)}, h.outage(width, t, now)...), h.lost(t)...)
}

// lost says that answers to providers are lost; nothing when they are not.
func (h *header) lost(t *theme) []line {
	switch {
	case h.losing == 0:
		return nil
	case h.losing == 1:
		return []line{h.field(t, "", span{"the next answer to a provider is lost: s l ends it", t.warn})}
	}
	return []line{h.field(t, "", span{fmt.Sprintf("the next %d answers to providers are lost: s l ends it", h.losing), t.warn})}
}

func (h *header) field(t *theme, name string, value ...span) line {
	return append(line{{" " + fit(name, 11), t.dim}}, value...)
}

// state is the tunnel's state in a word.
func (h *header) state(t *theme) span {
	switch h.tunnel.State {
	case tunnel.Online:
		return span{"● online", t.ok}
	case tunnel.Connecting:
		return span{"◌ connecting", t.info}
	case tunnel.Reconnecting:
		return span{"◌ reconnecting", t.warn}
	case tunnel.Failed:
		return span{"✕ failed", t.bad}
	case tunnel.Stopped:
		return span{"○ stopped", t.dim}
	case tunnel.Local:
		return span{"○ local only", t.info}
	}
	return span{"○ no tunnel", t.dim}
}

// outage says why the tunnel is away; nothing when it is not.
func (h *header) outage(width int, t *theme, now time.Time) []line {
	s := h.tunnel
	if s.State != tunnel.Reconnecting && s.State != tunnel.Failed && (s.State != tunnel.Connecting || s.Reason == "") {
		return nil
	}
	st := t.warn
	if s.State == tunnel.Failed {
		st = t.bad
	}
	text := safe(s.Reason)
	if text == "" {
		text = "the connection was lost"
	}
	var since []string
	if away := now.Sub(s.Since).Truncate(time.Second); !s.Since.IsZero() && away > 0 && s.State != tunnel.Failed {
		since = append(since, "for "+away.String())
	}
	if s.Retries > 0 {
		since = append(since, fmt.Sprintf("try %d", s.Retries))
	}
	if len(since) > 0 {
		text = strings.Join(since, ", ") + ": " + text
	}
	const indent, most = 12, 3
	var lines []line
	for _, l := range wrap(plain(text), max(width-indent, 20)) {
		if len(lines) < most {
			lines = append(lines, h.field(t, "", span{strings.TrimSpace(l.text()), st}))
		}
	}
	return lines
}

// publicName tells an address that the world can reach from one that it can't.
func (h *header) publicName(c *Config) string {
	if h.tunnel.URL == "" && c.ReceiverURL != "" {
		return "Receiver"
	}
	return "Public"
}

func (h *header) public(c *Config, t *theme) []span {
	switch {
	case h.tunnel.URL != "":
		return []span{{safe(h.tunnel.URL), t.bold}}
	case c.ReceiverURL != "":
		return []span{{safe(c.ReceiverURL), t.bold}, {"  this machine only", t.dim}}
	}
	return []span{{"none", t.dim}}
}

func (h *header) handler(c *Config, t *theme) []span {
	if c.HandlerURL == "" {
		return []span{{"none: deliveries are captured and held", t.dim}}
	}
	spans := []span{{safe(c.HandlerURL), t.bold}}
	switch h.health.State {
	case replay.HealthUp:
		return append(spans, span{"  ● up", t.ok})
	case replay.HealthDown:
		s := "  ✕ down"
		if h.health.Reason != "" {
			s += ": " + safe(strings.Replace(h.health.Reason, " at "+c.HandlerURL, "", 1)) // it stands right before
		}
		return append(spans, span{s, t.bad})
	case replay.HealthNone:
		return spans
	}
	return append(spans, span{"  ○ not tried yet", t.dim})
}

func (h *header) received(t *theme) line {
	n := h.counters
	return h.field(t, "Received", sum(t, " = ", " + ", n.Received,
		term{n.Forwarded, "forwarded", toneOK}, term{n.Held, "held", toneDim}, term{n.Refused, "refused", toneWarn})...)
}

func (h *header) attempts(width int, t *theme) line {
	n := h.counters
	terms := []term{
		{n.Status2xx, "2xx", toneOK},
		{n.Status3xx, "3xx", toneInfo},
		{n.Status4xx, "4xx", toneWarn},
		{n.Status5xx, "5xx", toneBad},
		{n.Errors, "errors", toneBad},
		{n.Pending, "pending", toneInfo},
	}
	l := h.field(t, "Attempts", sum(t, " = ", " + ", n.Attempts, terms...)...)
	if l.width() > width {
		terms[4].name, terms[5].name = "err", "pend"
		l = h.field(t, "Attempts", sum(t, "=", "+", n.Attempts, terms...)...)
	}
	return l
}

// A term is one summand of an account.
type term struct {
	n    int64
	name string
	tone tone
}

// sum writes an account that adds up. A summand of nothing stays pale.
func sum(t *theme, equals, plus string, total int64, terms ...term) []span {
	spans := []span{{strconv.FormatInt(total, 10), t.bold}}
	for i, e := range terms {
		sep := plus
		if i == 0 {
			sep = equals
		}
		st := t.tone(e.tone)
		if e.n == 0 {
			st = t.dim
		}
		spans = append(spans, span{sep, t.dim}, span{fmt.Sprintf("%d %s", e.n, e.name), st})
	}
	return spans
}
