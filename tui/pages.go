package tui

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hookloop/inspect"
)

// This file lays out the tabs of a delivery. Commands call it, away from the
// drawing loop, since a body may be large.

// A subject is what docs are made of. It never changes.
type subject struct {
	cfg      *Config
	d        *inspect.Delivery
	attempts []inspect.Attempt
	chosen   int                  // number of the attempt to show; 0 = the latest
	sims     []inspect.Simulation // the latest first
	sim      int64                // ID of the one to show; 0 = the latest
	now      time.Time            // for what is counted down
	check    *check               // nil = d's signature is as it was found when it arrived
}

// buildDoc returns the doc of a tab.
func buildDoc(n tab, s subject, t *theme) *doc {
	d := s.d
	out := &doc{t: t, d: d, check: s.check}
	a := chosenAttempt(s.attempts, s.chosen)
	switch n {
	case tabRequest:
		requestDoc(out, s)
	case tabResponse:
		responseDoc(out, s, a)
	case tabSimulations:
		simulationsDoc(out, s)
	case tabSignature:
		signatureDoc(out, s)
	case tabRaw:
		rawDoc(out, d, a)
	}
	return out
}

func fact(t *theme, name, value string) line {
	return line{{fit(name, 10) + " ", t.dim}, {text: value}}
}

func requestDoc(out *doc, s subject) {
	t, d := out.t, s.d
	address, tone := addressWords(s)
	out.text(senderLines(s, t)...)
	out.text(
		fact(t, "Received", d.ReceivedAt.Local().Format("2 Jan 2006 15:04:05.000")),
		append(fact(t, "From", safe(d.RemoteAddr)), span{address, t.tone(tone)}),
		fact(t, "URL", safe(d.URL())),
		fact(t, "Host", safe(d.Host)+"   "+safe(d.Proto)))
	if words := sourceWords(d.Source); words != "" {
		out.text(fact(t, "Source", words))
	}
	if d.Disposition == inspect.Refused && d.Reason != "" {
		out.text(line{{fit("Refused", 10) + " ", t.warn}, {safe(d.Reason), t.warn}})
	}
	if lost := lostWords(d.Reason); lost != "" {
		out.text(line{{fit("Answer", 10) + " ", t.warn}, {lost, t.warn}})
	}
	headerDoc(out, "Headers", d.Header)
	bodyDoc(out, d.Header, d.Body, d.Size, d.Truncated)
	headerDoc(out, "Trailers", d.Trailer)
}

func responseDoc(out *doc, s subject, a *inspect.Attempt) {
	t, d := out.t, s.d
	if a == nil {
		out.text(line{{noAttempt(d), t.dim}})
		return
	}
	head := fmt.Sprintf("%d of %d · %s", a.Number, len(s.attempts), triggerWord(d.Reason, a.Number, a.Trigger))
	if step := attemptStep(a, s.sims); step != "" {
		head += " · " + step
	}
	out.text(fact(t, "Attempt", head))
	out.text(attemptFacts(a, d, t)...)
	r := a.Response
	if r == nil {
		return
	}
	headerDoc(out, "Headers", r.Header)
	bodyDoc(out, r.Header, r.Body, r.Size, r.Truncated)
	headerDoc(out, "Trailers", r.Trailer)
}

// attemptFacts says what was sent where and how it ended.
func attemptFacts(a *inspect.Attempt, d *inspect.Delivery, t *theme) []line {
	s := a.Summary()
	text, tone := attemptOutcome(s)
	if text == "error" {
		text = string(a.State)
	}
	if s.Status != 0 && s.Error == "" {
		text = strings.TrimSpace(fmt.Sprintf("%d %s", s.Status, http.StatusText(s.Status)))
	}
	status := line{{fit("Status", 10) + " ", t.dim}, {text, t.tone(tone)}}
	if a.State != inspect.Pending {
		status = append(status, span{" in " + FormatDuration(a.Duration), nil})
	} else if text != "pending" {
		status = append(status, span{" still open", t.info})
	}
	if a.Protocol != "" {
		status = append(status, span{"   " + string(a.Protocol), t.info})
	}
	lines := []line{status}
	if a.Error != "" {
		lines = append(lines, line{{fit("Error", 10) + " ", t.dim}, {safe(a.Error), t.bad}})
	}
	lines = append(lines,
		fact(t, "Sent to", safe(a.URL)),
		fact(t, "Sent at", a.StartedAt.Local().Format("2 Jan 2006 15:04:05.000")),
		fact(t, "Sent", sentText(a, d)))
	if resigned(a) {
		lines = append(lines, fact(t, "Signed", "again: "+safe(a.Sent.Signed)))
	}
	if a.NotSigned != "" {
		lines = append(lines, fact(t, "Signed", "not again, although "+safe(a.NotSigned)))
	}
	return lines
}

// sentText says how what was sent differs from the delivery.
func sentText(a *inspect.Attempt, d *inspect.Delivery) string {
	if a.Sent == nil {
		return "as delivered"
	}
	var diffs []string
	if a.Sent.Method != "" && a.Sent.Method != d.Method {
		diffs = append(diffs, "another method ("+safe(a.Sent.Method)+")")
	}
	if a.Sent.Host != "" && a.Sent.Host != d.Host {
		diffs = append(diffs, "another Host ("+safe(a.Sent.Host)+")")
	}
	if a.Sent.Header != nil {
		names := changedHeaders(d.Header, a.Sent.Header)
		for i := range names {
			names[i] = safe(names[i])
		}
		if len(names) > 0 {
			diffs = append(diffs, "other headers ("+strings.Join(names, ", ")+")")
		}
	}
	if a.Sent.Edited {
		diffs = append(diffs, "an edited body")
	}
	if len(diffs) == 0 {
		return "as delivered"
	}
	return "with " + strings.Join(diffs, ", ")
}

func changedHeaders(a, b http.Header) []string {
	var names []string
	for name := range a {
		if !slices.Equal(a[name], b[name]) {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func headerDoc(out *doc, title string, h http.Header) {
	if len(h) == 0 {
		return
	}
	lines := []line{nil, {{title, out.t.title}}}
	for name, value := range inspect.HeaderLines(h) {
		lines = append(lines, line{{safe(name), out.t.key}, {": ", out.t.punct}, {text: safe(value)}})
	}
	out.text(lines...)
}

func bodyDoc(out *doc, h http.Header, body []byte, size int64, truncated bool) {
	t := out.t
	v := inspect.View(h, body, truncated)
	title := line{{"Body", t.title}, {"  " + FormatSize(size) + " · " + string(v.Kind), t.dim}}
	if v.Kind == inspect.KindEmpty {
		title = line{{"Body", t.title}, {"  empty", t.dim}}
	}
	lines := []line{nil, title}
	if v.Note != "" {
		lines = append(lines, line{{safe(v.Note), t.warn}})
	}
	out.text(lines...)
	out.add(part{body: v.Lines, kind: v.Kind})
}

// rawDoc shows the request and the response as they were on the wire, with the
// bodies' own bytes, undecoded and unindented, and between them what the
// attempt sent where that was something else.
func rawDoc(out *doc, d *inspect.Delivery, a *inspect.Attempt) {
	t := out.t
	out.text(line{{"Request as received", t.title}}, line{})
	out.text(plain(safe(d.Method + " " + d.Target + " " + d.Proto)))
	if d.Host != "" {
		out.text(plain("Host: " + safe(d.Host)))
	}
	rawMessage(out, d.Header, d.Body, d.Trailer)
	if a != nil && a.Sent != nil {
		out.text(line{}, line{{fmt.Sprintf("Request as changed in attempt %d", a.Number), t.title}}, line{})
		out.text(plain(safe(cmp.Or(a.Sent.Method, d.Method) + " " + a.URL)))
		out.text(plain("Host: " + safe(cmp.Or(a.Sent.Host, d.Host))))
		header := a.Sent.Header
		if header == nil {
			header = d.Header
		}
		rawMessage(out, header, a.SentBody(d), nil)
	}
	if a == nil || a.Response == nil {
		return
	}
	r := a.Response
	out.text(line{}, line{{fmt.Sprintf("Response of attempt %d", a.Number), t.title}}, line{})
	out.text(plain(safe(strings.TrimSpace(fmt.Sprintf("%s %d %s", r.Proto, r.Status, http.StatusText(r.Status))))))
	rawMessage(out, r.Header, r.Body, r.Trailer)
}

func rawMessage(out *doc, header http.Header, body []byte, trailer http.Header) {
	rawHeader(out, header)
	out.text(line{})
	lines := inspect.TextLines(body)
	if !isText(body) {
		lines = inspect.HexDump(body)
	}
	out.add(part{body: lines})
	if len(trailer) > 0 {
		out.text(line{})
		rawHeader(out, trailer)
	}
}

func rawHeader(out *doc, h http.Header) {
	var lines []line
	for name, value := range inspect.HeaderLines(h) {
		lines = append(lines, plain(safe(name+": "+value)))
	}
	out.text(lines...)
}

// isText reports whether body is better read as text than as bytes, by its beginning.
func isText(body []byte) bool {
	n := min(len(body), 64<<10)
	for n > 0 && n < len(body) && !utf8.RuneStart(body[n]) {
		n--
	}
	start := body[:n]
	return utf8.Valid(start) && bytes.IndexByte(start, 0) < 0
}
