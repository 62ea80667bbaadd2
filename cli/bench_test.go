package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkLoop compares, in one interleaved run on loopback, the handler
// alone, a bare httputil.ReverseProxy in front of it, and hookloop listen
// --tunnel none, which stores every request and response durably. Each is a
// process of its own. The work is a POST of 2 KiB of JSON with 15 headers.
func BenchmarkLoop(b *testing.B) {
	const rounds, window = 3, 3 * time.Second
	handler := startPeer(b, "handler", "")
	bare := startPeer(b, "proxy", handler.url)
	loop := startHookloop(b, handler.url)
	peers := []*benchPeer{handler, bare, loop}
	connections := []int{1, 16, 64}

	for range b.N {
		runs := map[string][]benchRun{}
		for round := range rounds {
			for _, n := range connections {
				for i := range peers { // another order in each round
					p := peers[(i+round)%len(peers)]
					key := fmt.Sprint(p.name, n)
					runs[key] = append(runs[key], p.load(b, n, window, 1<<62))
				}
			}
		}
		median := func(p *benchPeer, n int, of func(benchRun) float64) float64 {
			var all []float64
			for _, r := range runs[fmt.Sprint(p.name, n)] {
				all = append(all, of(r))
			}
			slices.Sort(all)
			return all[len(all)/2]
		}
		fmt.Printf("\n%-9s %5s %10s %9s %9s %10s\n", "", "conns", "req/s", "p50 ms", "p99 ms", "CPU µs/req")
		for _, n := range connections {
			for _, p := range peers {
				fmt.Printf("%-9s %5d %10.0f %9.3f %9.3f %10.0f\n", p.name, n,
					median(p, n, benchRun.rate), median(p, n, benchRun.p50), median(p, n, benchRun.p99), median(p, n, benchRun.cpu))
			}
		}
		for _, n := range connections {
			ratio := median(loop, n, benchRun.rate) / median(bare, n, benchRun.rate)
			fmt.Printf("%d connections: hookloop has %.2f of the bare proxy's throughput\n", n, ratio)
			b.ReportMetric(ratio, fmt.Sprintf("xproxy@%d", n))
		}
		p50 := func(p *benchPeer) float64 { return median(p, 1, benchRun.p50) }
		fmt.Printf("1 connection: p50 %+.3f ms over the bare proxy, %+.3f ms over the handler alone\n", p50(loop)-p50(bare), p50(loop)-p50(handler))
		b.ReportMetric(p50(loop)-p50(bare), "ms-over-proxy@1")

		if missing := 100_000 - loop.sent; missing > 0 {
			loop.load(b, 16, time.Hour, missing)
		}
		fmt.Printf("resident memory after %d captured: %.0f MiB\n\n", loop.sent, loop.rss(b))
		b.ReportMetric(loop.rss(b), "MiB-RSS")
	}
}

// A benchPeer is a process under load.
type benchPeer struct {
	name string
	url  string
	cmd  *exec.Cmd
	sent int // requests so far
}

// A benchRun is what one window of load measured.
type benchRun struct {
	latencies []time.Duration // sorted
	took      time.Duration
	used      time.Duration // CPU of the peer
}

func (r benchRun) rate() float64 { return float64(len(r.latencies)) / r.took.Seconds() }
func (r benchRun) p50() float64  { return r.latencies[len(r.latencies)/2].Seconds() * 1000 }
func (r benchRun) p99() float64  { return r.latencies[len(r.latencies)*99/100].Seconds() * 1000 }
func (r benchRun) cpu() float64 {
	return float64(r.used.Microseconds()) / float64(len(r.latencies))
}

// startPeer runs this test binary as one of the peers; see runPeer.
func startPeer(b *testing.B, kind, target string) *benchPeer {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), "HOOKLOOP_BENCH_PEER="+kind, "HOOKLOOP_BENCH_TARGET="+target)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	start(b, cmd)
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return &benchPeer{name: kind, url: strings.TrimSpace(addr), cmd: cmd}
}

func start(b *testing.B, cmd *exec.Cmd) {
	b.Helper()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
}

// runPeer is main for a process that startPeer began; it reports whether this is one.
func runPeer() bool {
	kind := os.Getenv("HOOKLOOP_BENCH_PEER")
	if kind == "" {
		return false
	}
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"received":true}`)
	})
	if kind == "proxy" {
		target, err := url.Parse(os.Getenv("HOOKLOOP_BENCH_TARGET"))
		if err != nil {
			panic(err)
		}
		h = &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true},
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + ln.Addr().String())
	_ = http.Serve(ln, h)
	return true
}

func startHookloop(b *testing.B, handler string) *benchPeer {
	b.Helper()
	more := append([]string{"--keep-count", "-1", "--keep-bytes", "-1"}, strings.Fields(os.Getenv("HOOKLOOP_BENCH_ARGS"))...)
	cmd, receiver := startListen(b, buildHookloop(b), handler, filepath.Join(b.TempDir(), "data"), more...)
	return &benchPeer{name: "hookloop", url: receiver, cmd: cmd}
}

// load sends requests on n connections until the time is up or count are sent.
func (p *benchPeer) load(b *testing.B, n int, window time.Duration, count int) benchRun {
	b.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		b.Fatal(err)
	}
	request := benchRequest(u.Host)
	var mu sync.Mutex
	var run benchRun
	var wg sync.WaitGroup
	cpu, began := p.cpu(b), time.Now()
	for i := range n {
		share := (count + n - 1 - i) / n
		wg.Go(func() {
			mine, err := loadConnection(u.Host, request, began.Add(window), share)
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			run.latencies = append(run.latencies, mine...)
		})
	}
	wg.Wait()
	run.took, run.used = time.Since(began), p.cpu(b)-cpu
	if len(run.latencies) == 0 {
		b.Fatalf("%s answered nothing", p.name)
	}
	slices.Sort(run.latencies)
	p.sent += len(run.latencies)
	return run
}

func loadConnection(host string, request []byte, until time.Time, count int) (latencies []time.Duration, err error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for at := time.Now(); at.Before(until) && len(latencies) < count; {
		if _, err := conn.Write(request); err != nil {
			return latencies, err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return latencies, err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return latencies, err
		}
		if resp.StatusCode != http.StatusOK {
			return latencies, fmt.Errorf("answered %s", resp.Status)
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(at))
		at = now
	}
	return latencies, nil
}

func benchRequest(host string) []byte {
	body := `{"id":"evt_1","type":"invoice.paid","data":{"text":"` + strings.Repeat("abcdefgh ", 220) + `"}}`
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /webhooks/stripe?attempt=1 HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", host, len(body))
	for i := range 12 {
		fmt.Fprintf(&b, "X-Header-%d: value-%d-%s\r\n", i, i, strings.Repeat("x", 20))
	}
	b.WriteString("User-Agent: bench/1.0\r\nAccept: */*\r\n\r\n" + body)
	return b.Bytes()
}

// cpu returns the processor time that the peer has used; 0 where the system does not tell.
func (p *benchPeer) cpu(b *testing.B) time.Duration {
	b.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime, proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// rss returns the peer's resident memory in MiB; 0 where the system does not tell.
func (p *benchPeer) rss(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			kib, err := strconv.Atoi(f[1])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	return 0
}
