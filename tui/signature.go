package tui

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// This file looks at a delivery's signature again, since secrets may have
// changed since it arrived, and explains what was compared.

// A check is what came of looking at a signature.
type check struct{ provider.Diagnosis }

// checkTimeout bounds a check, which may fetch a key.
const checkTimeout = 10 * time.Second

// checkedMsg is a check of a delivery.
type checkedMsg struct {
	look  int
	id    int64
	check *check
}

// lookAtSignature begins a check of the delivery shown, if one is due, and
// ends the one before, which may wait for the key of another delivery.
func (m *model) lookAtSignature() tea.Cmd {
	v := &m.detail
	if !v.due || !v.shown() || m.cfg.Checker == nil {
		return nil
	}
	if v.stop != nil {
		v.stop()
	}
	var ctx context.Context
	ctx, v.stop = context.WithTimeout(m.src.ctx, checkTimeout)
	v.looks++
	v.due, v.checking = false, v.looks
	return m.src.verify(ctx, v.looks, v.d)
}

func (s source) verify(ctx context.Context, look int, d *inspect.Delivery) tea.Cmd {
	return func() tea.Msg {
		return checkedMsg{look, d.ID, &check{s.cfg.Checker.Verify(ctx, d.Request())}}
	}
}

func (m *model) checked(msg checkedMsg) {
	v := &m.detail
	if msg.look != v.checking {
		return
	}
	v.checking = 0
	v.stop()
	if msg.id != v.want {
		return
	}
	v.check = msg.check
	v.built[tabRequest], v.built[tabSignature] = false, false
}

// showSignature opens the Signature tab and looks at the signature again.
func (m *model) showSignature() tea.Cmd {
	if !m.inside {
		m.enter()
	}
	m.detail.tab, m.detail.due = tabSignature, true
	return nil
}

// signatureDoc explains whether the signature holds.
func signatureDoc(out *doc, s subject) {
	t, f := out.t, &s.d.Facts
	switch {
	case s.cfg.Checker == nil && f.Signature == "":
		out.text(line{{"Signatures are not looked at here.", t.dim}})
		return
	case s.check == nil && s.cfg.Checker != nil:
		out.text(line{{"looking …", t.dim}})
		return
	}
	c := s.check
	if c == nil { // all that is known is what was found when it arrived
		c = &check{provider.Diagnosis{
			Result: f.Signature, Code: f.SignatureCode, Reason: f.SignatureReason, Provider: f.Provider, Scheme: f.Scheme, Secret: f.Secret,
		}}
	}
	out.text(append(line{{fit("Signature", 10) + " ", t.dim}}, verdict(c.Result, c.Scheme, "", t)...))
	if c.Reason != "" {
		out.text(fact(t, "Why", safe(c.Reason)))
	}
	if c.Provider != "" {
		out.text(fact(t, "Provider", s.cfg.providerTitle(c.Provider)))
	}
	if c.Scheme != "" {
		out.text(fact(t, "Scheme", safe(c.Scheme)))
	}
	if c.Secret != "" {
		out.text(fact(t, "Secret", safe(c.Secret)))
	}
	if !c.SignedAt.IsZero() {
		out.text(fact(t, "Signed at", c.SignedAt.Local().Format("2 Jan 2006 15:04:05")+ageWords(s.d.ReceivedAt.Sub(c.SignedAt))))
	}
	if f.Signature != "" && f.Signature != c.Result {
		out.text(fact(t, "On arrival", signatureWords(f.Signature, f.Scheme)+": "+safe(f.SignatureReason)))
	}
	if c.Explain != nil {
		explain(out, c.Explain, s.cfg.ShowSecrets)
	}
	if len(c.Notes) > 0 {
		out.text(nil, line{{"Notes", t.title}})
		for _, n := range c.Notes {
			out.text(line{{"· ", t.dim}, {text: safe(n)}})
		}
	}
	if p := s.cfg.entry(c.Provider); p != nil && p.Docs != "" {
		out.text(nil, fact(t, "Docs", safe(p.Docs)))
	}
}

// ageWords say how long before its arrival something was signed.
func ageWords(d time.Duration) string {
	switch d = d.Truncate(time.Second); {
	case d == 0:
		return ", as it arrived"
	case d < 0:
		return fmt.Sprintf(", %s after it arrived", provider.InWords(-d))
	}
	return fmt.Sprintf(", %s before it arrived", provider.InWords(d))
}

// explain shows what was compared.
func explain(out *doc, e *provider.Explanation, secrets bool) {
	t := out.t
	if !secrets {
		e = e.Masked()
	}
	received := "Received"
	if e.Where != "" {
		received += " in " + safe(e.Where)
	}
	out.text(nil, line{{received, t.title}})
	if len(e.Received) == 0 {
		out.text(line{{"nothing", t.dim}})
	}
	for _, text := range e.Received {
		out.text(plain(safe(text)))
	}
	if e.Expected != "" {
		title := line{{"Expected", t.title}}
		if !secrets {
			title = append(title, span{"  masked; --show-secrets shows it", t.dim})
		}
		out.text(nil, title, plain(safe(e.Expected)))
	}
	if e.Message != nil {
		legend := ""
		if isText(e.Message) {
			legend = "; ⏎ is a line feed, ␍ a carriage return, ⇥ a tab, · a space at the end"
		}
		out.text(nil, line{{"Signed string", t.title}, {"  " + FormatSize(int64(cmp.Or(e.Size, len(e.Message)))) + legend, t.dim}})
		signedString(out, e.Message)
	}
}

// maxExact bounds what is shown with its line ends marked.
const maxExact = 64 << 10

// signedString shows every byte of b.
func signedString(out *doc, b []byte) {
	t := out.t
	switch {
	case len(b) == 0:
		out.text(line{{"empty", t.dim}})
	case !isText(b):
		out.add(part{body: inspect.HexDump(b)})
	default:
		rest := b[:min(len(b), maxExact)]
		var lines []line
		for len(rest) > 0 {
			row, after, ended := bytes.Cut(rest, []byte("\n"))
			lines = append(lines, exactLine(row, ended, t))
			rest = after
		}
		out.text(lines...)
		if more := len(b) - maxExact; more > 0 {
			out.text(line{{fmt.Sprintf("… %s more", FormatSize(int64(more))), t.dim}})
		}
	}
}

// exactLine shows what is easily missed: the line's end, a CR, spaces before it, tabs.
func exactLine(row []byte, ended bool, t *theme) line {
	var l line
	text := bytes.TrimRight(row, " \t\r")
	for i, part := range bytes.Split(text, []byte("\t")) {
		if i > 0 {
			l = append(l, span{"⇥", t.dim})
		}
		l = append(l, span{text: safe(string(part))})
	}
	for _, c := range row[len(text):] {
		l = append(l, span{map[byte]string{' ': "·", '\t': "⇥", '\r': "␍"}[c], t.dim})
	}
	if ended {
		l = append(l, span{"⏎", t.dim})
	}
	return l
}
