package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookloop/inspect"
)

// TestKillLosesNothing kills a real hookloop under load, 20 times on one data
// folder, and checks each time that every delivery whose sender got an answer
// is in the store, byte for byte, and that every delivery the handler saw is.
func TestKillLosesNothing(t *testing.T) {
	bin := buildHookloop(t)
	data := filepath.Join(t.TempDir(), "data")
	var seen sync.Map // bodies that the handler saw
	handler := serveHandler(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			seen.Store(string(body), true)
		}
		_, _ = io.WriteString(w, "ok")
	})
	var answered sync.Map // bodies whose sender got an answer
	var count atomic.Int64
	for round := range 20 {
		before := count.Load()
		cmd, receiver := startListen(t, bin, handler, data)
		ctx, cancel := context.WithCancel(t.Context())
		var senders sync.WaitGroup
		for i := range 8 {
			senders.Go(func() { sendUntilDead(ctx, receiver, fmt.Sprintf("%d-%d", round, i), &answered, &count) })
		}
		// Another moment each time: after this many answers.
		for end := time.Now().Add(patience); count.Load() < before+int64(20+13*round); {
			if time.Now().After(end) {
				t.Fatalf("round %d: only %d answers", round, count.Load()-before)
			}
			time.Sleep(time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		cancel()
		senders.Wait()
	}
	checkStored(t, data, &answered, &seen)
}

// checkStored opens the store as the next command would.
func checkStored(t *testing.T, data string, answered, seen *sync.Map) {
	t.Helper()
	store, err := inspect.Open(data, inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if store.Notice() != "" {
		t.Errorf("the store was damaged: %s", store.Notice())
	}
	stored := map[string]bool{}
	for before := int64(0); ; {
		page, err := store.List(t.Context(), inspect.ListOptions{Before: before, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page {
			d, err := store.Delivery(t.Context(), s.ID)
			if err != nil {
				t.Fatal(err)
			}
			stored[string(d.Body)] = true
			if s.Last == nil || s.Last.State == inspect.Pending {
				t.Fatalf("#%d has an attempt without an end: %+v", s.ID, s.Last)
			}
			before = s.ID
		}
		if len(page) < 500 {
			break
		}
	}
	for name, bodies := range map[string]*sync.Map{"answered": answered, "seen by the handler": seen} {
		total, lost := 0, 0
		bodies.Range(func(body, _ any) bool {
			total++
			if !stored[body.(string)] {
				lost++
			}
			return true
		})
		t.Logf("%d deliveries %s, %d stored", total, name, len(stored))
		if lost > 0 || total < 1000 {
			t.Errorf("of %d deliveries %s, %d are lost", total, name, lost)
		}
	}
	c, err := store.Counters(t.Context())
	if err != nil || c.Received != int64(len(stored)) || c.Pending != 0 ||
		c.Received != c.Forwarded+c.Held+c.Refused || c.Attempts != c.Status2xx+c.Errors {
		t.Errorf("the accounts do not add up: %+v, %d stored (%v)", c, len(stored), err)
	}
}

func sendUntilDead(ctx context.Context, receiver, name string, answered *sync.Map, count *atomic.Int64) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := 0; ctx.Err() == nil; n++ {
		body := name + "-" + strconv.Itoa(n) + strings.Repeat(" \x00\xff", 100)
		resp, err := client.Post(receiver+"/hook", "application/octet-stream", strings.NewReader(body))
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return
		}
		answered.Store(body, true)
		count.Add(1)
	}
}

// buildHookloop builds the real binary, once a test.
func buildHookloop(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "hookloop")
	build := exec.Command("go", "build", "-o", bin, "hookloop")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// startListen starts a listen and returns its receiver's address.
func startListen(t testing.TB, bin, handler, data string, more ...string) (*exec.Cmd, string) {
	t.Helper()
	args := append([]string{
		"listen", handler, "--tunnel", "none", "--port", "0", "--inspector", "off", "--output", "quiet", "--data-dir", data,
	}, more...)
	cmd := exec.Command(bin, args...)
	cmd.Dir = t.TempDir() // away from anybody's hookloop.yaml
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	file := filepath.Join(cmd.Dir, "ready.json")
	cmd.Args = append(cmd.Args, "--ready-file", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(patience); ; {
		if text, err := os.ReadFile(file); err == nil {
			var ready struct {
				ReceiverURL string `json:"receiver_url"`
			}
			if err := json.Unmarshal(text, &ready); err != nil {
				t.Fatal(err)
			}
			return cmd, ready.ReceiverURL
		}
		if time.Now().After(end) {
			t.Fatalf("hookloop is not ready: %s", stderr.String())
		}
		time.Sleep(5 * time.Millisecond) // between two looks, not for a result
	}
}

func serveHandler(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	ln, err := listenNear("127.0.0.1:0", true)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the handler ended: %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

// TestInterrupted interrupts a command that waits for its input.
func TestInterrupted(t *testing.T) {
	cmd := exec.Command("hookloop", "verify", "-", "--data-dir", t.TempDir())
	cmd.Dir = t.TempDir()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()
	if _, err := in.Write(make([]byte, 1<<20)); err != nil { // more than a pipe holds, so it reads
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || out.Len() > 0 {
		t.Errorf("exit status %d, output %q, want %d and nothing", code, &out, exitInterrupted)
	}
}
