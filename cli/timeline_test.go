package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

func flag(ok bool) *bool { return &ok }

func TestStepLine(t *testing.T) {
	for _, tt := range []struct {
		step inspect.Step
		want string
	}{
		{inspect.Step{Label: "attempt 1 of 4", State: inspect.StepDone, Status: 500, Duration: 12 * time.Millisecond, OK: flag(false), Note: "would retry"}, "✗ attempt 1 of 4 → 500 in 12 ms · would retry"},
		{inspect.Step{Label: "attempt 2 of 4", State: inspect.StepDone, Status: 200, Duration: 3 * time.Millisecond, OK: flag(true), Offset: 30*time.Second + 7*time.Millisecond}, "✓ attempt 2 of 4 (+30 s) → 200 in 3.0 ms"},
		{inspect.Step{Label: "cut", State: inspect.StepDone, Error: "reset\x1b[31m", Duration: time.Second}, `· cut → reset\x1b[31m in 1.00 s`},
		{inspect.Step{Label: "later", State: inspect.StepSkipped, Note: "it was accepted"}, "- later: skipped: it was accepted"},
	} {
		if got := stepLine(&tt.step); got != tt.want {
			t.Errorf("stepLine = %q, want %q", got, tt.want)
		}
	}
}

// TestTimelineOfMany prints of a burst only what went wrong, and how many there were.
func TestTimelineOfMany(t *testing.T) {
	var out bytes.Buffer
	a := &app{Env: Env{Stdout: &out}}
	sim := &inspect.Simulation{ID: 3, Kind: "burst", Title: "many", Verdict: inspect.Fail, Reasons: []inspect.Reason{{Verdict: inspect.Fail, Text: "one failed"}}, MoreSteps: 5}
	for i := range 100 {
		sim.Steps = append(sim.Steps, inspect.Step{Label: fmt.Sprint("delivery ", i), State: inspect.StepDone, Status: 200, OK: flag(i != 40)})
	}
	shown := a.newTimeline()
	shown.show(sim)
	shown.close()
	shown.end(sim)
	want := "simulation 3: many\n  ✗ delivery 40 → 200 in 0 µs\n  … 104 more\n\nFAIL\n  ✗ one failed\n"
	if got := out.String(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// TestTimelineOfGood says of a burst of which nothing is printed why.
func TestTimelineOfGood(t *testing.T) {
	var out bytes.Buffer
	sim := &inspect.Simulation{Title: "many", Verdict: inspect.Pass, Reasons: []inspect.Reason{{Text: "a note"}}}
	for range maxStepLines + 1 {
		sim.Steps = append(sim.Steps, inspect.Step{State: inspect.StepDone, Status: 200, OK: flag(true)})
	}
	(&timeline{p: printer{&out}}).end(sim)
	if got, want := out.String(), "simulation: many\n  31 deliveries went as they should\n\nPASS\n  · a note\n"; got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	out.Reset()
	sim.Steps[0].State = inspect.StepPlanned
	(&timeline{p: printer{&out}}).end(sim)
	if !strings.Contains(out.String(), "… 31 more") {
		t.Errorf("of one that did not end: %s", out.String())
	}
}
