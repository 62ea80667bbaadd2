package replay

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

// benchRequest is a delivery of 2 KiB with 15 headers.
func benchRequest(b *testing.B, addr string) *http.Request {
	b.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/hooks/stripe?a=1", nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 12 {
		req.Header.Set(fmt.Sprint("X-Header-", i), strings.Repeat("v", 24))
	}
	req.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	req.Header.Set("Content-Type", "application/json")
	return req
}

// BenchmarkReceiver is the whole way of a delivery over loopback: received,
// stored, forwarded, answered.
func BenchmarkReceiver(b *testing.B) {
	addr := serveHTTP(b, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	r := new(rig).start(b, addr)
	client := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	b.Cleanup(client.CloseIdleConnections)
	body := bytes.Repeat([]byte("{\"a\":1}\n"), 256)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		req := benchRequest(b, r.addr)
		for pb.Next() {
			req.Body = io.NopCloser(bytes.NewReader(body))
			req.ContentLength = int64(len(body))
			resp, err := client.RoundTrip(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("got %s", resp.Status)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkDirect is the same without hookloop between, to compare with.
func BenchmarkDirect(b *testing.B) {
	addr := serveHTTP(b, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	client := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	b.Cleanup(client.CloseIdleConnections)
	body := bytes.Repeat([]byte("{\"a\":1}\n"), 256)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		req := benchRequest(b, addr)
		for pb.Next() {
			req.Body = io.NopCloser(bytes.NewReader(body))
			req.ContentLength = int64(len(body))
			resp, err := client.RoundTrip(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
}

// instant is a transport that answers at once.
type instant struct{}

func (instant) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	return &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", Header: http.Header{"Content-Length": {"2"}}, ContentLength: 2,
		Body: io.NopCloser(strings.NewReader("ok")), Request: r,
	}, nil
}

// BenchmarkSend is what the Sender itself costs, without network and store.
func BenchmarkSend(b *testing.B) {
	store, err := inspect.Open(b.TempDir(), inspect.Options{})
	if err != nil {
		b.Fatal(err)
	}
	_ = store.Close() // a record that is finished is thrown away
	s := &Sender{Store: store, Transport: instant{}, Handler: &Handler{URL: mustURL(b, "3000")}}
	d := &inspect.Delivery{
		Method: "POST", Target: "/hooks/stripe?a=1", Host: "example.test", Header: benchRequest(b, "x").Header,
		Body: bytes.Repeat([]byte("x"), 2048), ReceivedAt: time.Now(),
	}
	b.ReportAllocs()
	for b.Loop() {
		_, send := s.Forward(d)
		req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
		send(discard{http.Header{}}, req)
	}
}

// discard is a provider that ignores its answer.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
