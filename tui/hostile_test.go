package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tunnel"
)

// hostile is everything that a terminal would obey, or that would hide or
// reorder what is shown, each once.
var hostile = func() string {
	var b strings.Builder
	for c := range 0x20 {
		b.WriteByte(byte(c))
	}
	b.WriteByte(0x7f)
	for c := rune(0x80); c < 0xa0; c++ {
		b.WriteRune(c)
	}
	for c := 0x80; c < 0x100; c++ { // invalid as UTF-8, C1 in Latin-1
		b.WriteByte(byte(c))
	}
	for _, s := range []string{
		"\x1b]52;c;aGFja2Vk\a", "\x1b]0;title\x1b\\", "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
		"\x1b[8mhidden", "\x1b[38;5;201mpink", "\x1b[2J", "\x1b[3A", "\x1b[6n", "\x1bP1$q\x1b\\", "\u009b31m", "real\rfake", "a\b\b\bb",
		"\u202egnp.exe", "\u2066x\u2069", "\u200e\u200f\u061c", "zero\u200bwidth\u200c\u200d\ufeff", "\u2028\u2029", "\U000e0041", "\ufe0f", "\u3164", "e\u0301",
	} {
		b.WriteString(s)
	}
	return b.String()
}()

var ownStyle = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// checkHarmless fails when out holds anything but visible text, line ends and
// styles, or a style that only hostile has.
func checkHarmless(t *testing.T, what, out string) {
	t.Helper()
	for _, s := range []string{"\x1b[8m", "\x1b[38;5;201m"} {
		if strings.Contains(out, s) {
			t.Errorf("%s: the style %q came through", what, s)
		}
	}
	for l := range strings.Lines(out) {
		l = strings.TrimSuffix(ownStyle.ReplaceAllString(l, ""), "\n")
		if got := inspect.Escape(l); got != l {
			t.Errorf("%s: harmful bytes came through in %q", what, l)
		}
	}
}

// hostileDelivery is hostile wherever a provider can be.
func hostileDelivery(body string, contentType string) *inspect.Delivery {
	return &inspect.Delivery{
		ReceivedAt: time.Now().UTC(), Method: "P" + hostile, Target: "/" + hostile + "?" + hostile, Host: hostile, Proto: hostile, RemoteAddr: hostile,
		Endpoint: "https://" + hostile, Body: []byte(body), Size: int64(len(body)), Disposition: inspect.Refused, Reason: hostile,
		Header:  http.Header{"X-" + hostile: {hostile, hostile}, "Content-Type": {contentType}, "Content-Encoding": {hostile}},
		Trailer: http.Header{hostile: {hostile}},
	}
}

func hostileAttempt(id int64, state inspect.AttemptState, contentType string) *inspect.Attempt {
	a := &inspect.Attempt{
		DeliveryID: id, Trigger: inspect.Replay, StartedAt: time.Now().UTC(), URL: "http://" + hostile,
		Sent: &inspect.Sent{Method: hostile, Host: hostile, Header: http.Header{hostile: {hostile}}, Edited: true, Body: []byte(hostile)},
		Response: &inspect.Response{
			Status: 200, Proto: hostile, Header: http.Header{hostile: {hostile}, "Content-Type": {contentType}}, Body: []byte(hostile), Size: int64(len(hostile)),
			Trailer: http.Header{hostile: {hostile}},
		},
	}
	if state == inspect.Errored {
		a.Error = hostile
	}
	return a
}

// headerSafe leaves out what no HTTP parser lets into a header: a line end.
func headerSafe(h http.Header) http.Header {
	out := http.Header{}
	r := strings.NewReplacer("\n", "", ": ", ":")
	for name, values := range h {
		for _, v := range values {
			out[r.Replace(name)] = append(out[r.Replace(name)], strings.ReplaceAll(v, "\n", ""))
		}
	}
	return out
}

func (m *model) checkHarmless(t *testing.T, what string) {
	t.Helper()
	checkHarmless(t, what, strings.Join(m.screen(), "\n"))
}

// hostileModel shows one delivery that is hostile, in surroundings that are.
func hostileModel(t *testing.T, w int) *model {
	m := newTestModel(t, w, 70)
	m.cfg.HandlerURL, m.cfg.InspectorURL, m.cfg.Version, m.notice = hostile, hostile, hostile, hostile
	m.Update(listedMsg{at: m.at, rows: []inspect.Summary{{
		ID: 7, ReceivedAt: noon, Method: "P" + hostile, Target: hostile, Path: "/" + hostile, Host: hostile, RemoteAddr: hostile, ContentType: hostile,
		Disposition: inspect.Refused, Reason: hostile,
	}}, done: true})
	return m
}

func TestHostileBytesAroundTheBody(t *testing.T) {
	for _, w := range []int{40, 100, 200} {
		m := hostileModel(t, w)
		m.checkHarmless(t, "list")
		m.keys("?")
		m.checkHarmless(t, "help")
		m.keys("esc")
		for _, state := range []tunnel.State{tunnel.Online, tunnel.Reconnecting, tunnel.Failed} {
			m.Update(syncedMsg{at: m.at, vitals: vitals{
				now: noon, tunnel: tunnel.Status{State: state, URL: hostile, Reason: hostile, Retries: 1}, notice: hostile,
				health: replay.Health{State: replay.HealthDown, Reason: hostile},
			}})
			m.checkHarmless(t, "header")
		}
		m.Update(replayedMsg{id: 7, err: fmt.Errorf("%s", hostile)})
		m.checkHarmless(t, "error")
		m.Update(replayedMsg{id: 7, attempt: hostileAttempt(7, inspect.Errored, "")})
		m.checkHarmless(t, "attempt's error")
		m.Update(copyMsg{err: hostile})
		m.checkHarmless(t, "copy's error")
		m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, err: fmt.Errorf("%s", hostile)})
		m.checkHarmless(t, "store's error")
		m.Update(detailMsg{id: 7, err: fmt.Errorf("%s", hostile)})
		m.checkHarmless(t, "detail's error")
		m.keys("/")
		m.Update(tea.PasteMsg{Content: hostile})
		m.checkHarmless(t, "paste")
		m.keys("\x1b]", "\u202e", "enter")
		m.checkHarmless(t, "query's error")
		m.keys("esc")
		m.at.query = hostile
		m.Update(listedMsg{at: m.at, done: true})
		m.checkHarmless(t, "filter of an empty list")
	}
}

func TestHostileBytesInTheTabs(t *testing.T) {
	jsonBody, err := json.Marshal(map[string]string{"k": hostile})
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string][2]string{
		"json": {string(jsonBody), "application/json"}, "bad json": {`{"k` + hostile + `": "` + hostile + `"}`, "application/json"},
		"text": {hostile, "text/plain"}, "form": {"a=" + hostile + "&" + hostile + "=b", "application/x-www-form-urlencoded"},
		"html": {"<p>" + hostile, "text/html"}, "binary": {hostile + "\x00\x01", "image/png"}, "hostile type": {hostile, hostile},
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := hostileDelivery(body[0], body[1])
			d.ID = 7
			attempts := []inspect.Attempt{*hostileAttempt(7, inspect.Errored, body[1]), *hostileAttempt(7, inspect.Answered, body[1])}
			attempts[0].Number, attempts[0].State = 1, inspect.Errored
			attempts[1].Number, attempts[1].State = 2, inspect.Answered
			m := hostileModel(t, 60)
			m.press(keyMsg("enter"))
			for n := range tabCount {
				for chosen := 1; chosen <= 2; chosen++ {
					m.detail.tab, m.detail.chosen = n, chosen
					m.Update(detailMsg{id: 7, chosen: chosen, tab: n, d: d, attempts: attempts, doc: buildDoc(n, m.subject(d, attempts, chosen), m.t)})
					for range 4 {
						m.checkHarmless(t, tabNames[n])
						m.keys("pgdown")
					}
				}
			}
			m.Update(foundMsg{doc: m.detail.pagers[tabRaw].doc, term: hostile})
			m.checkHarmless(t, "not found")
		})
	}
}

// TestHostileBytesInPlainOutput goes through a store.
func TestHostileBytesInPlainOutput(t *testing.T) {
	for _, name := range []string{"compact", "json"} {
		t.Run(name, func(t *testing.T) {
			store := openStore(t)
			ctx := context.Background()
			f, err := Follow(ctx, Config{Store: store, Tunnel: func() tunnel.Status {
				return tunnel.Status{State: tunnel.Reconnecting, URL: "https://" + hostile, Reason: hostile}
			}})
			if err != nil {
				t.Fatal(err)
			}
			for _, disposition := range []inspect.Disposition{inspect.Refused, inspect.Held, inspect.Forwarded} {
				d := hostileDelivery(hostile, hostile)
				d.Disposition = disposition
				d.Header, d.Trailer = headerSafe(d.Header), nil
				if err := store.Add(ctx, d, nil); err != nil {
					t.Fatal(err)
				}
				for _, state := range []inspect.AttemptState{inspect.Errored, inspect.Answered} {
					a := hostileAttempt(d.ID, state, "text/plain")
					a.Sent, a.Response.Header, a.Response.Trailer = nil, nil, nil
					if err := store.Begin(ctx, a); err != nil {
						t.Fatal(err)
					}
					a.State = state
					if err := store.Finish(a); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := store.Pin(ctx, 1, true); err != nil { // commits after what was queued
				t.Fatal(err)
			}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			var out bytes.Buffer
			if name == "compact" {
				err = f.Compact(ended, &out)
			} else {
				err = f.JSON(ended, &out, Ready{Handler: hostile})
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Count(out.String(), "\n"), map[string]int{"compact": 1 + 2 + 6, "json": 1 + 1 + 3 + 6}[name]; got != want {
				t.Errorf("got %d lines, want %d:\n%s", got, want, out.String())
			}
			checkHarmless(t, name, out.String())
			if strings.Contains(out.String(), "\x1b") {
				t.Error("plain output has styles")
			}
		})
	}
}
