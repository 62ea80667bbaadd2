package tui

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

// BenchmarkView100kDeliveries draws a list in a store of 100,000 deliveries
// while the cursor moves, on the largest window.
func BenchmarkView100kDeliveries(b *testing.B) {
	m := newModelOn(b, openStore(b), 200, 60)
	fillStore(b, m.cfg.Store, 100_000)
	m.run(m.relist(false))
	b.ResetTimer()
	for i := range b.N {
		key := "k"
		if i%2 == 1 {
			key = "j"
		}
		m.press(keyMsg(key))
		m.arrange()
		_ = m.View()
	}
}

// BenchmarkSync100kDeliveries reads what has changed there.
func BenchmarkSync100kDeliveries(b *testing.B) {
	m := newModelOn(b, openStore(b), 200, 60)
	fillStore(b, m.cfg.Store, 100_000)
	m.run(m.relist(false))
	for b.Loop() {
		if msg := m.src.sync(m.position())().(syncedMsg); msg.err != nil {
			b.Fatal(msg.err)
		}
	}
}

// bigBody is 32 MiB of JSON, in many lines or in one.
func bigBody(oneLine bool) []byte {
	var s strings.Builder
	s.WriteString(`{"items":[`)
	for i := 0; s.Len() < 32<<20-100; i++ {
		if oneLine {
			s.WriteString("1234567890")
			continue
		}
		fmt.Fprintf(&s, `{"id":%d,"name":"item","ok":true},`, i)
	}
	s.WriteString(`0]}`)
	return []byte(s.String())
}

func bigModel(b *testing.B, body []byte) *model {
	m := newTestModel(b, 200, 60)
	d := &inspect.Delivery{ID: 12, Method: "POST", Target: "/big", ReceivedAt: noon, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Size: int64(len(body))}
	m.Update(listedMsg{at: m.at, rows: sampleRows(), done: true})
	m.press(keyMsg("enter"))
	start := time.Now()
	doc := buildDoc(tabRequest, m.subject(d, nil, 0), m.t)
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "load-ms")
	m.Update(detailMsg{id: 12, d: d, doc: doc})
	return m
}

// BenchmarkView32MiB draws a body of 32 MiB while it is scrolled.
func BenchmarkView32MiB(b *testing.B) {
	for _, name := range []string{"lines", "one-line"} {
		b.Run(name, func(b *testing.B) {
			m := bigModel(b, bigBody(name == "one-line"))
			keys := []string{"pgdown", "pgdown", "pgup", "j", "G", "k", "g"}
			for i := 0; b.Loop(); i++ {
				m.Update(keyMsg(keys[i%len(keys)]))
				_ = m.View()
			}
		})
	}
}
