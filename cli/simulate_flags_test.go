package cli

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

func TestParseSimulation(t *testing.T) {
	store, err := inspect.Open(t.TempDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for range 3 {
		d := &inspect.Delivery{Method: "POST", Target: "/", ReceivedAt: time.Now(), Disposition: inspect.Held}
		if err := store.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
	}
	s := &session{ctx: context.Background(), store: store}
	for _, tc := range []struct {
		line string
		want replay.Spec
	}{
		{"duplicates", replay.Spec{Kind: "duplicates", Deliveries: []int64{9}, Count: 2, Mode: "serial"}},
		{"hookloop simulate duplicates last -n 3 --mode overlap --to 3000", replay.Spec{Kind: "duplicates", Deliveries: []int64{3}, Count: 3, Mode: "overlap", To: "3000"}},
		{"retries --policy custom:30s,2m --speed 60x --fail-first 2", replay.Spec{Kind: "retries", Deliveries: []int64{9}, Policy: "custom:30s,2m", Speed: 60, StopWhen: "accepted", FailFirst: 2, FailStatus: 500}},
		{"simulate reorder 1..3 --all-orders", replay.Spec{Kind: "reorder", Deliveries: []int64{1, 2, 3}, AllOrders: true}},
		{"tamper --probe 'go \"a b\"'", replay.Spec{Kind: "tamper", Deliveries: []int64{9}, Probe: &replay.Probe{Command: []string{"go", "a b"}, Timeout: 10 * time.Second, Settle: 2 * time.Second}}},
		{"lost-ack -n 2 --how reset --wait 1m", replay.Spec{Kind: "lost-ack", Count: 2, How: inspect.LostReset, Wait: time.Minute}},
		{"catch-up", replay.Spec{Kind: "catch-up"}},
	} {
		got, err := s.parseSimulation(tc.line, 9)
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %+v, %v; want %+v", tc.line, got, err, tc.want)
		}
	}
	for line, want := range map[string]string{
		"":                              "say what to rehearse",
		"hookloop simulate":             "say what to rehearse",
		"dupes":                         "it is one of burst, catch-up, duplicates",
		"duplicates --nope":             "unknown flag: --nope: `hookloop simulate duplicates --help` has what there is",
		"duplicates -n x":               "invalid argument",
		"duplicates 99":                 "no delivery #99",
		"duplicates 'last":              "a quote is not closed",
		"duplicates --probe-json a.b":   "there is no probe",
		"lost-ack 3":                    "lost-ack is of no one delivery: leave 3 out",
		"catch-up --to 3000":            "unknown flag: --to",
		"duplicates --help":             "help",
		"retries last --query is:fail":  "",
		"retries --speed fast --policy": "",
	} {
		if _, err := s.parseSimulation(line, 9); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", line, err, want)
		}
	}
}
