package cli

import (
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"
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
