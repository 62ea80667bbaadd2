package replay

import (
	"reflect"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	h := &histogram{}
	if got := h.rows(); got != nil {
		t.Errorf("of nothing: got %v", got)
	}
	for i := range 100 {
		h.add(time.Duration(100-i) * time.Millisecond) // 1 ms to 100 ms
	}
	h.add(1500 * time.Millisecond)
	for _, tt := range []struct {
		part float64
		want time.Duration
	}{{0, time.Millisecond}, {0.5, 51 * time.Millisecond}, {0.9, 91 * time.Millisecond}, {0.99, 100 * time.Millisecond}, {1, 1500 * time.Millisecond}} {
		if got := h.at(tt.part); got != tt.want {
			t.Errorf("at %v: got %v, want %v", tt.part, got, tt.want)
		}
	}
	ms := time.Millisecond
	want := []bucket{{2 * ms, 1}, {5 * ms, 3}, {10 * ms, 5}, {20 * ms, 10}, {50 * ms, 30}, {100 * ms, 50}, {200 * ms, 1}, {500 * ms, 0}, {1000 * ms, 0}, {2000 * ms, 1}}
	if got := h.buckets(); !reflect.DeepEqual(got, want) {
		t.Errorf("buckets: got %v, want %v", got, want)
	}
	rows := h.rows()
	if got := rows[0]; got[0] != "1 ms to 2 ms" || got[1] != "1" || got[2] != "█" {
		t.Errorf("first row: %q", got)
	}
	if got, want := h.String(), "p50 51 ms, p90 91 ms, p99 100 ms, max 1.5 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := rows[len(rows)-1]; got[0] != "max" || got[1] != "1.5 s" {
		t.Errorf("last row: %q", got)
	}
}

func TestHistogramOfOne(t *testing.T) {
	h := &histogram{}
	h.add(300 * time.Microsecond)
	if got := h.rows(); len(got) != 5 || got[0][0] != "under 1 ms" || got[1][1] != "0.3 ms" {
		t.Errorf("got %v", got)
	}
}

func TestFigure(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 1440 * time.Microsecond: "1.4 ms", 9960 * time.Microsecond: "10 ms", 12 * time.Millisecond: "12 ms", 999_600 * time.Microsecond: "1 s",
		3240 * time.Millisecond: "3.2 s", 9970 * time.Millisecond: "10 s", 200 * time.Second: "200 s", 1000 * time.Second: "16 min 40 s",
	} {
		if got := figure(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
