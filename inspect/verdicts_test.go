package inspect

import (
	"bytes"
	"errors"
	"maps"
	"strings"
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

// TestExportedVerdicts has an export tell them, on every row of a delivery.
func TestExportedVerdicts(t *testing.T) {
	ctx, s := t.Context(), openStore(t, t.TempDir())
	ids := []int64{addDelivery(t, s, ""), addDelivery(t, s, "")}
	sim := beginSimulation(t, s, ids[0])
	sim.State, sim.Verdict = SimulationEnded, Fail
	if err := s.SaveSimulation(ctx, sim); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a := newAttempt(Duplicate)
		a.DeliveryID = ids[0]
		if err := s.Begin(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	var lines, rows bytes.Buffer
	if err := errors.Join(WriteJSONL(&lines, s.Records(ctx, ids)), WriteCSV(&rows, s.Records(ctx, ids))); err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(lines.String(), "\n"); !strings.HasSuffix(got[0], `,"verdict":"FAIL"}`) || strings.Contains(got[1], "verdict") {
		t.Errorf("got\n%s", &lines)
	}
	got := strings.Split(rows.String(), "\r\n")
	for i, want := range []string{",verdict", ",FAIL", ",FAIL", ","} {
		if !strings.HasSuffix(got[i], want) {
			t.Errorf("row %d does not end with %q: %s", i, want, got[i])
		}
	}
	if strings.Contains(got[3], "FAIL") {
		t.Errorf("the other: %s", got[3])
	}
}
