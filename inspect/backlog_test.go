package inspect

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestBacklog(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	add := func(waiting bool) int64 {
		d := &Delivery{Method: "POST", Target: "/x", ReceivedAt: time.Now(), Disposition: Held, Waiting: waiting}
		if err := s.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	check := func(s *Store, want ...int64) {
		t.Helper()
		got, err := s.Waiting(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("waiting: got %v, %v; want %v", got, err, want)
		}
		for _, query := range []string{"is:waiting", "is:held"} {
			found, err := s.Matching(t.Context(), query)
			if err != nil || !slices.Equal(found, want) && query == "is:waiting" {
				t.Errorf("%s: got %v, %v", query, found, err)
			}
		}
		list, err := s.List(t.Context(), ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			whole, err := s.Delivery(t.Context(), d.ID)
			if waits := slices.Contains(want, d.ID); err != nil || d.Waiting != waits || whole.Waiting != waits {
				t.Errorf("#%d: waiting %v and %v, want %v; %v", d.ID, d.Waiting, whole.Waiting, waits, err)
			}
		}
	}
	first, second, third := add(true), add(false), add(true)
	check(s, first, third)
	for range 2 { // setting it again changes nothing
		if err := s.SetWaiting(t.Context(), second, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetWaiting(t.Context(), first, false); err != nil {
		t.Fatal(err)
	}
	check(s, second, third)
	if err := s.SetWaiting(t.Context(), 99, true); !errors.Is(err, ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	if n, err := s.Retain(t.Context(), Retention{Count: 1}); n != 1 || err != nil {
		t.Errorf("retention removed %d (%v), want the first alone", n, err)
	}
	check(s, second, third)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, dir)
	check(again, second, third)
	if _, err := again.Remove(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	check(again, third)
}
