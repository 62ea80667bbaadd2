package replay

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestPollMissing(t *testing.T) {
	for answer, want := range map[string]struct {
		text    string
		noValue bool
	}{
		statePending:                  {"data.state is pending", false},
		`200 {"data":{"status":"x"}}`: {"data.state is not in the answer", true},
		`200 {"data":{"state":""}}`:   {"data.state is empty", false},
		`200 {"data":{"state":{"a":"` + strings.Repeat("é", 50) + `"}}}`: {`data.state is {"a":"` + strings.Repeat("é", 33) + "…", false},
		"200 <html>": {"the answer is not JSON, so it has no data.state", true},
		"200 ":       {"the answer is empty", true},
		"500 ":       {"", false}, // which is said of it already
	} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events []PollEvent
				p := newPoll(&statusAPI{answers: []string{answer, stateSuccess}})
				p.OnEvent = func(e PollEvent) { events = append(events, e) }
				if _, err := p.Await(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := events[0]; got.Missing != want.text || got.NoValue != want.noValue {
					t.Errorf("got %q %t, want %q %t", got.Missing, got.NoValue, want.text, want.noValue)
				}
				if got := events[1]; got.Missing != "" || got.NoValue {
					t.Errorf("of the result: got %q %t", got.Missing, got.NoValue)
				}
			})
		})
	}
}
