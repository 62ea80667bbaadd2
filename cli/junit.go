package cli

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hookloop/inspect"
)

// The shape that CI systems read: one suite a simulation, one case
// a topic of its findings, whose name stays whatever they say.
// https://github.com/testmoapp/junitxml
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
		Out       string      `xml:"system-out,omitempty"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
	}
)

// junitReport returns a simulation as JUnit XML. A case fails with the findings
// on it that failed, and is skipped where any could not be made. What was found
// and noted, word for word, is in the suite's output.
func junitReport(sim *inspect.Simulation) []byte {
	suite := junitSuite{
		Name: "hookloop simulate " + sim.Kind, Timestamp: sim.StartedAt.UTC().Format("2006-01-02T15:04:05"),
		Time: junitSeconds(sim.EndedAt.Sub(sim.StartedAt)),
	}
	lines := []string{inspect.Escape(sim.Title)}
	for i := range sim.Steps {
		lines = append(lines, stepLine(&sim.Steps[i]))
	}
	said := map[string]map[inspect.Verdict][]string{} // by topic
	for _, r := range sim.Reasons {
		lines = append(lines, reasonMarks[r.Verdict]+" "+inspect.Escape(r.Text))
		if r.Verdict == "" {
			continue
		}
		topic := junitTopic(r.Text)
		if said[topic] == nil {
			said[topic] = map[inspect.Verdict][]string{}
		}
		said[topic][r.Verdict] = append(said[topic][r.Verdict], inspect.Escape(r.Text))
	}
	for _, topic := range slices.Sorted(maps.Keys(said)) {
		c := junitCase{Name: topic, Class: "hookloop.simulate." + sim.Kind, Time: "0"}
		if bad := said[topic][inspect.Fail]; bad != nil {
			suite.Failures++
			c.Failure = &junitMessage{strings.Join(bad, "; ")}
		} else if unknown := said[topic][inspect.Inconclusive]; unknown != nil {
			suite.Skipped++
			c.Skipped = &junitMessage{strings.Join(unknown, "; ")}
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Tests, suite.Out = len(suite.Cases), strings.Join(lines, "\n")
	var out bytes.Buffer
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(&out)
	enc.Indent("", "  ")
	_ = enc.Encode(junitSuites{Suites: []junitSuite{suite}}) // of strings and numbers, into memory
	out.WriteByte('\n')
	return out.Bytes()
}

// junitTopic is what a finding is about: what the probe showed, or how the
// handler answered.
func junitTopic(text string) string {
	for _, word := range []string{"side effect", "the count ", "probe"} {
		if strings.Contains(text, word) {
			return "side effect"
		}
	}
	return "answers"
}

func junitSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", max(d, 0).Seconds()) }
