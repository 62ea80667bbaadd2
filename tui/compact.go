package tui

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/tunnel"
)

// Compact writes one line an event, for people, until ctx ends:
//
//	15:04:05 #12 POST /hooks/stripe stripe invoice.paid evt_1 ✓ → 200 12 ms 1.2 KiB · Stripe: accepted
//	15:04:06 #12 POST /hooks/stripe stripe invoice.paid evt_1 ✓ → connection refused … (replay, attempt 2, signed again)
//	15:04:07 #13 POST /hooks/github github push ✗ → 401 3.2 ms 8.9 KiB · signature invalid: …
//	15:04:08 simulation 3, duplicates of #12: FAIL: the side effect happened twice
//	15:04:08 endpoint online https://….ngrok.app
//
// The size is that of the delivery. The event is there where it is known, ✓ or
// ✗ where it can be said whether the signature holds; "stripe?" is a guess. There are no colours, and nothing captured
// is written as it is. A mark such as (B) says that the facts are not the
// provider's own text. What was committed before ctx ended is still written.
// The error is the writer's or the store's. It is to be called once.
//
// An endpoint of which there is nothing to note is not written before it
// changes: the caller has said where it is.
func (f *Follower) Compact(ctx context.Context, w io.Writer) error {
	if f.cfg.Tunnel != nil {
		if s := f.cfg.Tunnel(); s.Reason == "" {
			f.endpoint = s
		}
	}
	return f.run(ctx, compact{w, &f.cfg})
}

type compact struct {
	w   io.Writer
	cfg *Config
}

func (c compact) line(at time.Time, format string, args ...any) error {
	return writeLine(c.w, fmt.Appendf(nil, "%s %s", at.Local().Format("15:04:05"), fmt.Sprintf(format, args...)))
}

func title(s *inspect.Summary) string {
	text := fmt.Sprintf("#%d %s %s", s.ID, safe(s.Method), safe(s.Path))
	if from := sender(s); from != "" {
		text += " " + from
	}
	if s.Handshake != "" {
		text += " " + brief(s.Handshake)
	}
	if s.Signature == provider.Valid || s.Signature == provider.Invalid {
		mark, _ := resultMark(s.Signature, s.Scheme)
		text += " " + mark
	}
	return text
}

// signatureFault says why the signature does not hold; "" where that is not known.
func signatureFault(s *inspect.Summary) string {
	if s.Signature != provider.Invalid || s.SignatureReason != "" && strings.Contains(s.Reason, s.SignatureReason) {
		return "" // the reason of a refusal says it
	}
	return strings.TrimSuffix(" · signature invalid: "+safe(s.SignatureReason), ": ")
}

// delivery writes those that no attempt will tell of.
func (c compact) delivery(s *inspect.Summary) error {
	switch s.Disposition {
	case inspect.Held:
		held := "held"
		switch {
		case answered(s):
			held = "answered by hookloop: " + safe(strings.TrimPrefix(s.Reason, answeredBy))
		case s.Waiting && s.Reason != "":
			held += ": " + safe(s.Reason)
		}
		return c.line(s.ReceivedAt, "%s %s %s%s%s", title(s), held, FormatSize(s.Size), signatureFault(s), c.advice(s))
	case inspect.Refused:
		return c.line(s.ReceivedAt, "%s refused: %s %s%s", title(s), safe(s.Reason), FormatSize(s.Size), signatureFault(s))
	}
	return nil
}

func (c compact) attempt(s *inspect.Summary, a *inspect.AttemptSummary, by maker) error {
	result := safe(a.Error)
	if a.Error == "" {
		result = fmt.Sprintf("%d", a.Status)
	}
	parts := []string{title(s), "→", result, FormatDuration(a.Duration), FormatSize(s.Size)}
	if a.Protocol != "" {
		parts = append(parts, string(a.Protocol))
	}
	if a.Trigger != inspect.Initial {
		how := ""
		if by.signed != "" {
			how = ", signed again"
		}
		if by.notSigned != "" {
			how = ", not signed again"
		}
		if by.simulation != 0 {
			how += fmt.Sprintf(", simulation %d", by.simulation)
		}
		parts = append(parts, fmt.Sprintf("(%s, attempt %d%s)", triggerWord(s.Reason, a.Number, a.Trigger), a.Number, how))
	}
	text := strings.Join(parts, " ")
	if a.Trigger == inspect.Initial {
		text += signatureFault(s) + c.advice(s)
	}
	if lost := lostWords(s.Reason); lost != "" && a.Trigger == inspect.Initial { // the outlook is of an answer that the provider never saw
		return c.line(a.StartedAt.Add(a.Duration), "%s · %s", text, lost)
	}
	if outlook, _ := OutlookWords(a.Outlook); outlook != "" {
		text += " · " + outlook
		if sure := a.Outlook.Confidence; sure != "" && sure != provider.FromSource {
			text += fmt.Sprintf(" (%s)", sure)
		}
	}
	return c.line(a.StartedAt.Add(a.Duration), "%s", text)
}

// simulation writes those that have ended.
func (c compact) simulation(sim *inspect.Simulation) error {
	if sim.State == inspect.SimulationRunning {
		return nil
	}
	return c.line(sim.EndedAt, "%s", simulationWords(sim))
}

// advice says what is to be done about a handshake; "" for nothing.
func (c compact) advice(s *inspect.Summary) string {
	h := c.cfg.handshake(&s.Facts)
	switch {
	case h == nil:
		return ""
	case !h.Confirm.IsZero():
		return fmt.Sprintf(" · `hookloop confirm %d` confirms it", s.ID)
	case !h.Capture.IsZero():
		return fmt.Sprintf(" · `hookloop show %d` says what to do", s.ID)
	case !c.cfg.AnswerHandshakes || s.Disposition != inspect.Forwarded:
		return ""
	}
	d, err := c.cfg.Store.Delivery(context.Background(), s.ID)
	if err != nil {
		return ""
	}
	if why := c.cfg.unanswered(d); why != "" {
		return " · " + why
	}
	return ""
}

func (c compact) endpoint(s tunnel.Status) error {
	at := s.Since
	if at.IsZero() {
		at = time.Now()
	}
	text := "endpoint " + string(s.State)
	if s.URL != "" {
		text += " " + safe(s.URL)
	}
	if s.Reason != "" {
		text += ": " + safe(s.Reason)
	}
	return c.line(at, "%s", text)
}
