package cli

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

func TestJUnit(t *testing.T) {
	sim := &inspect.Simulation{
		Kind: "tamper", Title: "#1 <tampered>", StartedAt: time.Unix(1, 0), EndedAt: time.Unix(3, 500_000_000), Verdict: inspect.Fail,
		Reasons: []inspect.Reason{
			{Verdict: inspect.Pass, Check: inspect.CheckForgeries, Text: "good"},
			{Verdict: inspect.Fail, Check: inspect.CheckForgeries, Text: "bad \x1b & <ugly>"},
			{Verdict: inspect.Inconclusive, Check: inspect.CheckSideEffect, Text: "before, it failed"},
			{Verdict: inspect.Pass, Text: "stored before there were checks"},
			{Text: "a note"},
		},
		Steps: []inspect.Step{{Label: "one", State: inspect.StepDone, Status: 200}},
	}
	report := junitReport(sim)
	var got junitSuites
	if err := xml.Unmarshal(report, &got); err != nil {
		t.Fatalf("%v in\n%s", err, report)
	}
	s := got.Suites[0]
	if s.Tests != 3 || s.Failures != 1 || s.Errors != 1 || s.Time != "2.500" || s.Name != "hookloop simulate tamper" {
		t.Errorf("suite = %+v", s)
	}
	if c := s.Cases[0]; c.Name != "findings" || c.Failure != nil || c.Error != nil {
		t.Errorf("what has no check: %+v", c)
	}
	if c := s.Cases[1]; c.Name != "forgeries_refused" || c.Class != "hookloop.simulate.tamper" || c.Failure == nil || c.Failure.Message != `bad \x1b & <ugly>` {
		t.Errorf("the forgeries: %+v", c)
	}
	if c := s.Cases[2]; c.Name != "side_effect" || c.Error == nil || c.Error.Message != "before, it failed" {
		t.Errorf("the side effect: %+v", c)
	}
	for _, want := range []string{"✓ good", "· a note"} {
		if !strings.Contains(s.Out, want) {
			t.Errorf("the output lacks %q: %q", want, s.Out)
		}
	}
	if !strings.Contains(s.Out, "one → 200") {
		t.Errorf("output = %q", s.Out)
	}
}

// TestChecksAreDocumented holds the API's description to the checks that there are.
func TestChecksAreDocumented(t *testing.T) {
	source, err := os.ReadFile("../inspect/simulation.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`Check\w+ +Check += "(\w+)"`).FindAllSubmatch(source, -1) {
		want = append(want, string(m[1]))
	}
	text, err := os.ReadFile("../web/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Enum []string `json:"enum"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	if got := api.Components.Schemas["Reason"].Properties["check"].Enum; len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the API's description has the checks %q, and there are %q", got, want)
	}
}
