package inspect

import (
	"maps"
	"testing"
)

// TestVerdicts has the latest simulation of each delivery count.
func TestVerdicts(t *testing.T) {
	ctx, s := t.Context(), openStore(t, t.TempDir())
	var ids []int64
	for range 5 {
		ids = append(ids, addDelivery(t, s, ""))
	}
	end := func(id int64, v Verdict) {
		sim := beginSimulation(t, s, id)
		sim.State, sim.Verdict = SimulationEnded, v
		if err := s.SaveSimulation(ctx, sim); err != nil {
			t.Fatal(err)
		}
	}
	end(1, Pass)
	end(2, Pass)
	end(2, Fail)
	end(3, Fail)
	beginSimulation(t, s, 3)
	end(5, Inconclusive)
	for _, tc := range []struct {
		ids  []int64
		want map[int64]string
	}{
		{ids, map[int64]string{1: "PASS", 2: "FAIL", 3: "running", 5: "INCONCLUSIVE"}},
		{ids[1:2], map[int64]string{2: "FAIL"}},
		{nil, nil},
	} {
		if got, err := s.Verdicts(ctx, tc.ids); err != nil || !maps.Equal(got, tc.want) {
			t.Errorf("%v: got %v %v, want %v", tc.ids, got, err, tc.want)
		}
	}
}
