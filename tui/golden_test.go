package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/tunnel"
)

// The golden files show the screens as text; TestColours has the styles.
func TestScreens(t *testing.T) {
	views := []struct {
		name string
		set  func(*model)
	}{
		{"list", func(*model) {}},
		{"paused", func(m *model) { m.keys("k", "k", "k", "i") }},
		{"request", func(m *model) { m.open(tabRequest) }},
		{"response", func(m *model) { m.open(tabResponse) }},
		{"attempts", func(m *model) { m.open(tabAttempts); m.keys("k") }},
		{"raw", func(m *model) { m.open(tabRaw) }},
		{"simulating", func(m *model) { m.openSimulations(sampleSimulations(), 0) }},
		{"simulated", func(m *model) { m.openSimulations(sampleSimulations(), 3) }},
		{"simulate", func(m *model) { m.keys("s") }},
		{"verdicts", func(m *model) {
			m.list.rows[10].Source, m.list.rows[6].Source = inspect.FromTrigger, inspect.FromMock
			m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, sims: sampleSimulations()})
		}},
		{"signature", func(m *model) {
			m.cfg.ShowSecrets = true
			m.open(tabSignature)
			m.detail.check = checkOf(wrongSecret)
			d, attempts := sampleDelivery()
			m.Update(detailMsg{id: d.ID, tab: tabSignature, d: d, attempts: attempts, doc: buildDoc(tabSignature, subject{cfg: &m.cfg, d: d, attempts: attempts, check: m.detail.check}, m.t)})
		}},
		{"signing", func(m *model) {
			m.Update(forecastMsg{id: 12, forecast: &replay.Forecast{
				Refused: "its timestamp is 2 h 5 min old, and Stripe's libraries refuse what is older than 5 min", Sign: true, CanSign: true,
			}})
		}},
		{"pending", func(m *model) {
			m.open(tabRequest)
			d, attempts := sampleDelivery()
			a := attempts[0]
			a.State, a.Error, a.Outlook = inspect.Pending, "", &provider.Outlook{Limit: 30 * time.Second} // in place of the catalog's
			m.Update(detailMsg{id: d.ID, tab: tabRequest, d: d, attempts: []inspect.Attempt{a}, doc: buildDoc(tabRequest, m.subject(d, nil, 0), m.t)})
		}},
		{"help", func(m *model) { m.keys("?") }},
		{"copy", func(m *model) { m.keys("y") }},
		{"confirm", func(m *model) { m.keys("ctrl+d") }},
		{"filter", func(m *model) {
			m.at.query = "is:failed"
			m.Update(listedMsg{at: m.at, rows: sampleRows()[4:6], done: true})
		}},
		{"bad-query", func(m *model) {
			m.keys("/", "n", "o", "p", "e", ":", "1", "enter")
			m.ask.err = "query: there is no key \"nope\"; to search for this text, put it in quotes: \"nope:1\""
			m.arrange()
		}},
		{"no-match", func(m *model) { m.at.query = "path:/nowhere"; m.Update(listedMsg{at: m.at, done: true}) }},
		{"empty", func(m *model) {
			m.notice = "send a test event from the provider's dashboard"
			m.Update(listedMsg{at: m.at, done: true})
			m.live(online, inspect.Counters{})
		}},
		{"empty-local", func(m *model) {
			m.cfg.HandlerURL = ""
			m.Update(listedMsg{at: m.at, done: true})
			m.live(tunnel.Status{Provider: "none", State: tunnel.Local}, inspect.Counters{})
		}},
		{"reconnecting", func(m *model) {
			m.live(tunnel.Status{
				Provider: "ngrok", State: tunnel.Reconnecting, URL: online.URL, Retries: 4, Since: noon.Add(-83 * time.Second),
				Reason: "the connection to ngrok was lost (i/o timeout); hookloop keeps trying",
			}, sampleCounters)
		}},
		{"handler-down", func(m *model) {
			m.Update(syncedMsg{at: m.at, vitals: vitals{
				now: noon, tunnel: tunnel.Status{State: tunnel.Failed, Reason: "the token is not valid: get one at the dashboard"},
				health: replay.Health{State: replay.HealthDown, Reason: "nothing listens at http://localhost:3000"}, counters: sampleCounters,
			}})
		}},
		{"store-error", func(m *model) {
			m.Update(syncedMsg{at: m.at, vitals: vitals{now: noon}, err: inspect.ErrClosed})
		}},
	}
	for _, size := range [][2]int{{60, 20}, {100, 30}, {200, 60}} {
		for _, v := range views {
			t.Run(fmt.Sprintf("%dx%d/%s", size[0], size[1], v.name), func(t *testing.T) {
				m := sampleModel(t, size[0], size[1])
				if size[0] >= splitWidth {
					d, attempts := sampleDelivery()
					m.Update(detailMsg{id: d.ID, d: d, attempts: attempts, doc: buildDoc(tabRequest, m.subject(d, attempts, 0), m.t)})
				}
				v.set(m)
				checkScreen(t, m)
				golden.RequireEqual(t, m.text())
			})
		}
	}
}

// TestColours keeps the styles of two screens, in both themes.
func TestColours(t *testing.T) {
	for _, dark := range []bool{true, false} {
		for name, set := range map[string]func(*model){"list": func(*model) {}, "request": func(m *model) { m.open(tabRequest) }} {
			t.Run(fmt.Sprintf("%s/dark=%v", name, dark), func(t *testing.T) {
				m := sampleModel(t, 80, 24)
				m.retheme(dark)
				set(m)
				golden.RequireEqual(t, strings.Join(m.screen(), "\n")+"\n")
			})
		}
	}
}
