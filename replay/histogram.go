package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookloop/inspect/provider"
)

// A histogram is how long attempts took.
type histogram struct {
	took   []time.Duration
	sorted bool
}

func (h *histogram) add(d time.Duration) { h.took, h.sorted = append(h.took, d), false }

// at returns the time within which a part of all, from 0 to 1, had ended; 0 without any.
func (h *histogram) at(part float64) time.Duration {
	if len(h.took) == 0 {
		return 0
	}
	if !h.sorted {
		slices.Sort(h.took)
		h.sorted = true
	}
	rank := int(part*float64(len(h.took))+0.999999) - 1 // the nearest rank
	return h.took[min(max(rank, 0), len(h.took)-1)]
}

// A bucket counts the times that are below its bound and not below that of the one before.
type bucket struct {
	below time.Duration
	count int
}

// buckets returns the counts in steps of 1, 2, 5, 10, from the first that is
// not empty to the last; nil without any.
func (h *histogram) buckets() (all []bucket) {
	if len(h.took) == 0 {
		return nil
	}
	slowest := h.at(1)
	i := 0
	for below := range bounds() {
		b := bucket{below: below}
		for i < len(h.took) && h.took[i] < below {
			b.count++
			i++
		}
		if b.count > 0 || len(all) > 0 {
			all = append(all, b)
		}
		if below > slowest {
			return all
		}
	}
	return all
}

// bounds yields 1, 2, 5, 10, 20, 50 … ms.
func bounds() func(func(time.Duration) bool) {
	return func(yield func(time.Duration) bool) {
		for unit := time.Millisecond; unit < 10_000*time.Hour; unit *= 10 {
			for _, n := range []time.Duration{1, 2, 5} {
				if !yield(n * unit) {
					return
				}
			}
		}
	}
}

// barWidth is the length of the longest bar.
const barWidth = 40

// rows returns a row for each bucket, "2 ms to 5 ms", its count and a bar, and
// one each for the median, p90, p99 and the longest.
func (h *histogram) rows() (rows [][]string) {
	all := h.buckets()
	most := 0
	for _, b := range all {
		most = max(most, b.count)
	}
	from := time.Duration(0)
	for below := range bounds() {
		if len(all) == 0 || below >= all[0].below {
			break
		}
		from = below
	}
	for _, b := range all {
		label := figure(from) + " to " + figure(b.below)
		if from == 0 {
			label = "under " + figure(b.below)
		}
		bar := 0
		if b.count > 0 {
			bar = max(1, b.count*barWidth/most)
		}
		rows = append(rows, []string{label, strconv.Itoa(b.count), strings.Repeat("█", bar)})
		from = b.below
	}
	if len(all) > 0 {
		for _, q := range quantiles {
			rows = append(rows, []string{q.name, figure(h.at(q.part)), ""})
		}
	}
	return rows
}

var quantiles = []struct {
	name string
	part float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}}

// String says it in a line: "p50 12 ms, p90 31 ms, p99 80 ms, max 84 ms".
func (h *histogram) String() string {
	var parts []string
	for _, q := range quantiles {
		parts = append(parts, q.name+" "+figure(h.at(q.part)))
	}
	return strings.Join(parts, ", ")
}

// figure is a time in words, with two or three figures: "1.4 ms", "12 ms", "3.2 s".
func figure(d time.Duration) string {
	switch {
	case d >= 10*time.Minute:
		return provider.InWords(d)
	case d >= 10*time.Second:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d >= time.Second-time.Millisecond/2: // or 999.9 ms would be 1000
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond)/time.Millisecond)
	}
	return strconv.FormatFloat(float64(d.Round(100*time.Microsecond))/1e6, 'f', -1, 64) + " ms"
}
