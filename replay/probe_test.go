package replay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// shell returns a probe that runs a script.
func shell(t *testing.T, script string) *Probe {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("there is no shell")
	}
	return &Probe{Command: []string{"/bin/sh", "-c", script}}
}

func readProbe(t *testing.T, p *Probe) (string, error) {
	t.Helper()
	s := &Simulator{Sender: &Sender{}}
	probe, err := s.newProbe(p)
	if err != nil {
		return "", err
	}
	probe.facts(&inspect.Delivery{ID: 12, Facts: provider.Facts{EventID: "evt\x00_1; rm -rf /"}})
	return probe.read(t.Context())
}

func TestProbeCommand(t *testing.T) {
	for _, tt := range []struct{ script, want, err string }{
		{"echo 4", "4", ""},
		{"printf '  4\\n\\n'", "4", ""},
		{"true", "", ""},
		{`printf '%s' "$HOOKLOOP_DELIVERY_ID $HOOKLOOP_EVENT_ID"`, "12 evt_1; rm -rf /", ""},
		{`printf '\377\033[31m4'`, "\ufffd\x1b[31m4", ""}, // viewers make it visible
		{"echo no such table >&2; exit 3", "", `/bin/sh failed (exit status 3): "no such table"`},
		{`printf '\033[31m' >&2; exit 1`, "", `\x1b[31m`},
		{"exit 1", "", "failed (exit status 1)"},
		{"head -c 100000 /dev/zero", "", "more than 64 KiB"},
		{"head -c 5000 /dev/zero", "", "longer than 4 KiB"},
		{"kill -9 $$", "", "killed"},
	} {
		got, err := readProbe(t, shell(t, tt.script))
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q %v, want %q and an error with %q", tt.script, got, err, tt.want, tt.err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\x00") {
			t.Errorf("%s: the error %q is not fit for a terminal", tt.script, err)
		}
	}
	if _, err := readProbe(t, &Probe{Command: []string{"no-such-program"}}); err == nil || !strings.Contains(err.Error(), "cannot be run") {
		t.Errorf("no program: %v", err)
	}
}

// A probe that fails is not read again, and says once why.
func TestFailingProbe(t *testing.T) {
	s := setStage(t, "stripe", eventBody, idempotent())
	p := shell(t, "exit 3")
	p.Command = append(p.Command, "|", "cat")
	sim := s.run(t, Spec{Kind: "duplicates", Probe: p}, inspect.Inconclusive, "without a shell: write sh -c")
	if len(sim.Probes) != 1 {
		t.Errorf("it was read %d times: %+v", len(sim.Probes), sim.Probes)
	}
}

// A probe that hangs is ended with all that it started.
func TestProbeTimeout(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alive")
	p := shell(t, "sh -c 'while true; do date >"+file+"; sleep 0.05; done' & sleep 60")
	p.Timeout = 300 * time.Millisecond
	began := time.Now()
	_, err := readProbe(t, p)
	if err == nil || !strings.Contains(err.Error(), "had not ended after 300 ms") {
		t.Errorf("got %v, want that it had not ended", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	checkQuiet(t, file)

	// So is what a probe leaves behind.
	if got, err := readProbe(t, shell(t, "sh -c 'while true; do date >"+file+"; sleep 0.05; done' >/dev/null & echo 4")); got != "4" || err != nil {
		t.Errorf("got %q %v, want 4", got, err)
	}
	checkQuiet(t, file)
}

// checkQuiet checks that nobody writes the file any more.
func checkQuiet(t *testing.T, file string) {
	t.Helper()
	_ = os.Remove(file)
	time.Sleep(300 * time.Millisecond) // what is killed would have written six times
	if _, err := os.Stat(file); err == nil {
		t.Error("what the probe started still runs")
	}
}

func TestProbeURL(t *testing.T) {
	slow := make(chan struct{})
	t.Cleanup(func() { close(slow) })
	addr := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/text":
			_, _ = fmt.Fprintln(w, " 5 ")
		case "/json":
			_, _ = fmt.Fprint(w, `{"data":{"count":7,"list":["a"],"name":"x"}}`)
		case "/moved":
			http.Redirect(w, r, "/text", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, 1<<20))
		case "/slow":
			<-slow
		default:
			http.NotFound(w, r)
		}
	})
	for _, tt := range []struct{ path, json, want, err string }{
		{"/text", "", "5", ""},
		{"/json", "data.count", "7", ""},
		{"/json", "data.list.0", "a", ""},
		{"/json", "data.name", "x", ""},
		{"/json", "data.counts", "", "has no data.counts"},
		{"/text", "data.x", "", "has no data.x"},
		{"/gone?token=secret", "", "", "answered 404 Not Found"},
		{"/moved", "", "", "answered 302 Found"},
		{"/large", "", "", "more than 64 KiB"},
		{"/slow", "", "", "had not ended after"},
	} {
		p := &Probe{URL: "http://" + addr + tt.path, JSON: tt.json}
		if tt.path == "/slow" {
			p.Timeout = 100 * time.Millisecond
		}
		got, err := readProbe(t, p)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s %s: got %q %v, want %q and an error with %q", tt.path, tt.json, got, err, tt.want, tt.err)
		}
	}
	for _, address := range []string{"http://169.254.169.254/latest", "http://192.0.2.7/count", "http://[::ffff:169.254.169.254]/"} {
		if _, err := readProbe(t, &Probe{URL: address}); err == nil {
			t.Errorf("%s was asked", address)
		}
	}
}

func TestProbeCheck(t *testing.T) {
	for text, p := range map[string]*Probe{
		"empty":      {},
		"both":       {Command: []string{"a"}, URL: "3000"},
		"no program": {Command: []string{"", "x"}},
		"timeout":    {URL: "3000", Timeout: -1},
		"scheme":     {URL: "ftp://x"},
		"user name":  {URL: "http://a:b@localhost/"},
	} {
		if err := p.check(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: got %v, want an error with %q", p, err, text)
		}
	}
	if err := (*Probe)(nil).check(); err != nil {
		t.Error(err)
	}
}

func TestJudgeProbe(t *testing.T) {
	for _, tt := range []struct {
		values     string
		want, done int
		verdict    inspect.Verdict
		text       string
	}{
		{"4 5 5", 1, 0, inspect.Pass, "the count went from 4 to 5: the side effect happened once"},
		{"4 5", 1, 0, inspect.Pass, "happened once"},
		{"4 5 6", 1, 0, inspect.Fail, "from 4 to 5 with the first attempt, and then to 6: the side effect happened twice, and was to happen once"},
		{"4 6 6", 1, 0, inspect.Fail, "from 4 to 6: the side effect happened twice"},
		{"4 7", 1, 0, inspect.Fail, "happened 3 times"},
		{"4 4 4", 1, 0, inspect.Fail, "stayed at 4: the side effect never happened"},
		{"4 5 4", 1, 0, inspect.Fail, "happened twice"},
		{"4 4 5", 1, 0, inspect.Pass, "happened once"},
		{"10 9 9", 1, 0, inspect.Pass, "happened once"}, // a stock
		{"4 4", 1, 1, inspect.Pass, "did not do it again"},
		{"4 5", 1, 1, inspect.Inconclusive, "it has done it again"},
		{"0 1", 1, 1, inspect.Pass, "happened once"}, // its data was reset
		{"4 6", 1, 1, inspect.Fail, "happened twice"},
		{"4 4", 0, 0, inspect.Pass, "there was no side effect"},
		{"4 5", 0, 0, inspect.Fail, "happened, and was not to"},
		{"4 7", 3, 0, inspect.Pass, "happened 3 times"},
		{"4 6", 3, 0, inspect.Fail, "happened only twice, and was to happen 3 times"},
		{"4 6", 3, 1, inspect.Pass, "happened twice"},
		{"a b b", 1, 0, inspect.Pass, `from "a" to "b" with the first attempt`},
		{"a b c", 1, 0, inspect.Fail, "more than once"},
		{"a b a", 1, 0, inspect.Fail, "more than once"},
		{"a a a", 1, 0, inspect.Fail, "never happened"},
		{"a a b", 1, 0, inspect.Inconclusive, "it is no count"},
		{"a b", 1, 0, inspect.Inconclusive, "it is no count"},
		{"a b b", 1, 1, inspect.Inconclusive, "it has done it again"},
		{"a a", 1, 1, inspect.Pass, "did not do it again"},
		{"a a", 0, 0, inspect.Pass, "no side effect"},
		{"a b", 0, 0, inspect.Fail, "was to be none"},
		{"0.5 1.5 1.5", 1, 0, inspect.Pass, "with the first attempt"},
		{"-9223372036854775808 9223372036854775807", 1, 0, inspect.Inconclusive, "it is no count"},
	} {
		got := judgeProbe(strings.Fields(tt.values), expectation{want: tt.want, done: tt.done})
		if got.Verdict != tt.verdict || !strings.Contains(got.Text, tt.text) {
			t.Errorf("%s, want %d, done %d: got %+v, want %s with %q", tt.values, tt.want, tt.done, got, tt.verdict, tt.text)
		}
	}
}

// A probe that fails leaves the verdict open, unless something else failed.
func TestProbeFails(t *testing.T) {
	s := setStage(t, "stripe", eventBody, idempotent())
	bad := &Probe{URL: "http://" + s.sender.Handler.URL.Host + "/count", JSON: "count"}
	sim := s.run(t, Spec{Kind: "duplicates", Probe: bad}, inspect.Inconclusive, "before, the probe's answer has no count")
	if len(sim.Probes) != 1 || sim.Probes[0].When != "before" || sim.Probes[0].Error == "" {
		t.Errorf("the readings are %+v", sim.Probes)
	}
	s = setStage(t, "stripe", eventBody, refusesDuplicates(500))
	s.run(t, Spec{Kind: "duplicates", Probe: &Probe{URL: bad.URL + "/x"}}, inspect.Fail, "500")
}

// The work that a handler does after it has answered counts.
func TestProbeWaits(t *testing.T) {
	for name, late := range map[string]time.Duration{"at once": 0, "later": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{}, 2)
			s := setStage(t, "stripe", eventBody, func(s *stage, _ http.ResponseWriter, _ *http.Request) {
				time.AfterFunc(late, func() { s.count.Add(1); done <- struct{}{} })
			})
			s.run(t, Spec{Kind: "duplicates", Mode: "concurrent", Probe: s.probe()}, inspect.Fail, "happened twice")
			<-done
			<-done
		})
	}
}

func TestProbeCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	probe := &prober{Probe: Probe{Command: []string{"/bin/sh", "-c", "sleep 60"}, Timeout: time.Minute}}
	if _, err := probe.read(ctx); err == nil {
		t.Error("no error")
	}
}

// TestBoundedBuffer has it keep the beginning, also of what is copied to it as
// package exec does.
func TestBoundedBuffer(t *testing.T) {
	b := &boundedBuffer{max: 10}
	n, err := io.Copy(b, io.LimitReader(strings.NewReader(strings.Repeat("0123456789", 1e5)), 1e6))
	if n != 1e6 || err != nil {
		t.Errorf("copied %d, %v", n, err)
	}
	if got := string(b.kept); got != "0123456789" {
		t.Errorf("%d bytes were kept, want 10", len(got))
	}
}
