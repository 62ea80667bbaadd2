package replay

import (
	"testing"
	"time"

	"hookloop/inspect"
)

// TestLostAckCountsOnce has a delivery whose attempt goes on count as one.
func TestLostAckCountsOnce(t *testing.T) {
	r := new(rig).start(t, "")
	w := &lostWatch{
		LostAckWatch: &LostAckWatch{Store: r.store, N: 3}, events: map[string]*lostEvent{}, seen: map[int64]string{},
		record: record{store: r.store},
	}
	for id := range int64(2) {
		d := &inspect.Delivery{Method: "POST", Target: "/x", ReceivedAt: time.Now(), Disposition: inspect.Forwarded, Reason: inspect.LostReset.Reason()}
		if err := r.store.Add(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			s := &inspect.Summary{ID: id + 1, Method: "POST", Path: "/x", Disposition: inspect.Forwarded, Reason: d.Reason}
			s.EventID = "e"
			if err := w.look(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.lost != 2 || len(w.events) != 1 {
		t.Errorf("%d answers of %d events were lost, want 2 of 1", w.lost, len(w.events))
	}
}
