package replay

import (
	"testing"
	"testing/synctest"
	"time"

	"hookloop/inspect"
)

// TestRecordEnds has the verdict be that of the worst finding, which stands first.
func TestRecordEnds(t *testing.T) {
	for _, tt := range []struct {
		found []inspect.Verdict
		want  inspect.Verdict
	}{
		{nil, inspect.Inconclusive},
		{[]inspect.Verdict{""}, inspect.Inconclusive},
		{[]inspect.Verdict{"", inspect.Pass}, inspect.Pass},
		{[]inspect.Verdict{inspect.Pass, inspect.Inconclusive}, inspect.Inconclusive},
		{[]inspect.Verdict{inspect.Pass, "", inspect.Inconclusive, inspect.Fail}, inspect.Fail},
	} {
		r := &record{}
		for _, v := range tt.found {
			r.find(inspect.CheckRedelivered, v, "one")
		}
		sim := r.end(t.Context())
		if sim.Verdict != tt.want || sim.Reasons[0].Verdict != tt.want {
			t.Errorf("%q: the verdict is %s, its reasons %+v; want %s", tt.found, sim.Verdict, sim.Reasons, tt.want)
		}
	}
}

// TestRecordIsBounded shows no more steps than are stored.
func TestRecordIsBounded(t *testing.T) {
	var shown *inspect.Simulation
	r := &record{onChange: func(sim *inspect.Simulation) { shown = sim }}
	r.sim.Steps = make([]inspect.Step, inspect.MaxSteps+7)
	r.save()
	if len(shown.Steps) != inspect.MaxSteps || shown.MoreSteps != 7 || len(r.sim.Steps) != inspect.MaxSteps+7 {
		t.Errorf("of %d steps %d are shown, and %d more", len(r.sim.Steps), len(shown.Steps), shown.MoreSteps)
	}
}

// TestCatchUpOfMany stores and shows what many deliveries come to a few times a
// second, each time being as long as all of them.
func TestCatchUpOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := 0
		r := &record{onChange: func(*inspect.Simulation) { saved++ }}
		r.sim.Steps = make([]inspect.Step, 2*inspect.MaxSteps)
		for i := range r.sim.Steps {
			r.sim.Steps[i].DeliveryID = int64(i + 1)
		}
		for i := range r.sim.Steps {
			r.delivered(&inspect.Attempt{DeliveryID: int64(i + 1), State: inspect.Answered}, true)
			time.Sleep(saveInterval / 10)
		}
		if most := len(r.sim.Steps)/10 + 1; saved > most || saved < most/2 {
			t.Errorf("saved %d times, want about %d", saved, most)
		}
	})
}
