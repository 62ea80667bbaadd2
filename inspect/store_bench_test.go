package inspect

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"hookloop/inspect/provider"
)

// benchDelivery is a webhook of common size: 2 KiB of JSON, 15 headers.
func benchDelivery() *Delivery {
	d := testDelivery(`{"id":"evt_1","type":"invoice.paid","data":{"text":"` + strings.Repeat("abcdefgh ", 220) + `"}}`)
	d.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"bench/1.0"}, "Accept": {"*/*"}}
	for i := range 12 {
		d.Header["X-Header-"+strconv.Itoa(i)] = []string{"value-" + strings.Repeat("x", 20)}
	}
	d.Facts = provider.Facts{Provider: "stripe", Certainty: provider.Certain, Event: "invoice.paid", EventID: "evt_1", Signature: provider.Valid, SignatureCode: provider.CodeOK, SignatureReason: "valid: v1, with STRIPE_WEBHOOK_SECRET", Scheme: "v1", Secret: "STRIPE_WEBHOOK_SECRET"}
	return d
}

// BenchmarkCapture stores a delivery and its answered attempt, as the receiver
// does: one after the other, and from as many goroutines as connections.
func BenchmarkCapture(b *testing.B) {
	capture := func(b *testing.B, s *Store) {
		d, a := benchDelivery(), newAttempt(Initial)
		if err := s.Add(b.Context(), d, a); err != nil {
			b.Error(err)
		}
		a.State, a.Duration = Answered, time.Millisecond
		a.Outlook = &provider.Outlook{Provider: "stripe", Verdict: provider.Accepted, Text: "Stripe: accepted", Confidence: "A", Limit: 20 * time.Second}
		a.Response = &Response{
			Status: 200, Proto: "HTTP/1.1", Body: []byte(`{"received":true}`), Size: 17,
			Header: http.Header{"Content-Type": {"application/json"}, "Date": {"Sat, 21 Nov 2026 22:42:59 GMT"}, "Content-Length": {"17"}},
		}
		if err := s.Finish(a); err != nil {
			b.Error(err)
		}
	}
	b.Run("serial", func(b *testing.B) {
		s := openStore(b, b.TempDir())
		b.ReportAllocs()
		for b.Loop() {
			capture(b, s)
		}
	})
	b.Run("parallel64", func(b *testing.B) {
		s := openStore(b, b.TempDir())
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				capture(b, s)
			}
		})
	})
}

// BenchmarkList reads the newest page of a store with 20,000 deliveries.
func BenchmarkList(b *testing.B) {
	s := openStore(b, b.TempDir())
	for range 20_000 {
		wait, err := s.AddAsync(b.Context(), benchDelivery(), newAttempt(Initial))
		if err != nil {
			b.Fatal(err)
		}
		_ = wait
	}
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if list, err := s.List(b.Context(), ListOptions{Limit: 50}); err != nil || len(list) != 50 {
			b.Fatal(len(list), err)
		}
	}
}
