package cli

import (
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/replay"
)

// TestPollKeys has every key of polls be a flag.
func TestPollKeys(t *testing.T) {
	a := &app{Env: Env{Getenv: func(string) string { return "" }}}
	cmd := &cobra.Command{}
	new(pollFlags).add(a, cmd)
	if !slices.IsSorted(pollKeys) {
		t.Error("they are not sorted")
	}
	for _, key := range pollKeys {
		if key != "url" && cmd.Flags().Lookup(key) == nil {
			t.Errorf("%s is no flag", key)
		}
	}
}

// TestPollPresets has the intervals that APIXO recommends, and those of the
// command line win.
func TestPollPresets(t *testing.T) {
	for _, tc := range []struct {
		args                 []string
		first, every, within time.Duration
	}{
		{[]string{"--preset", "apixo-image-fast"}, 5 * time.Second, 3 * time.Second, 2 * time.Minute},
		{[]string{"--preset", "apixo-image"}, 10 * time.Second, 5 * time.Second, 3 * time.Minute},
		{[]string{"--preset", "apixo-video"}, time.Minute, 15 * time.Second, 10 * time.Minute},
		{[]string{"--preset", "apixo-audio"}, 30 * time.Second, 10 * time.Second, 5 * time.Minute},
		{[]string{"--preset", "apixo-audio", "--every", "1s"}, 30 * time.Second, time.Second, 5 * time.Minute},
		{[]string{"--until", "a=b"}, 0, 3 * time.Second, 5 * time.Minute},
	} {
		a := &app{Env: Env{Getenv: func(string) string { return "" }}}
		f, cmd := &pollFlags{url: "https://api.example.test/"}, &cobra.Command{}
		f.add(a, cmd)
		if err := cmd.ParseFlags(tc.args); err != nil {
			t.Fatal(err)
		}
		p, err := f.poll(a, cmd.Flags())
		if err != nil {
			t.Fatal(err)
		}
		if p.WaitFirst != tc.first || p.Every != tc.every || p.Timeout != tc.within || len(p.Until) != 1 {
			t.Errorf("%v: got %+v", tc.args, p)
		}
	}
}

// TestPollLast finds what a poll delivered last, so that a restart does not
// deliver it again.
func TestPollLast(t *testing.T) {
	store, err := inspect.Open(t.TempDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	newRun := func(url, name string) *pollRun {
		return &pollRun{
			f: &pollFlags{name: name}, p: &replay.Poll{URL: url, Changed: "n"},
			store: store, sender: &replay.Sender{Store: store}, out: quietPoll{},
		}
	}
	r := newRun("https://api.example.test/orders?key=k", "orders")
	if got := r.lastDigest(t.Context()); got != "" {
		t.Errorf("before the first: %q", got)
	}
	for _, body := range []string{`{"n":1}`, `{"n":2}`} {
		if at, err := r.deliver(t.Context(), &replay.PollAnswer{Body: []byte(body), At: time.Now()}); at != nil || err != nil {
			t.Fatal(at, err)
		}
	}
	again := newRun("https://api.example.test/orders?key=k", "orders")
	if got, want := again.lastDigest(t.Context()), again.p.Digest([]byte(`{"n":2,"x":1}`)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, other := range []*pollRun{newRun("https://other.example.test/orders", "orders"), newRun("https://api.example.test/orders", "items")} {
		if got := other.lastDigest(t.Context()); got != "" {
			t.Errorf("another poll: %q", got)
		}
	}
}
