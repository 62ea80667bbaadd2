package cli

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"hookloop/inspect"
)

// The shape that CI systems read: one suite a simulation, one case a finding.
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

// junitReport returns a simulation as JUnit XML. Findings that fail are
// failures, those that could not be made are skipped.
func junitReport(sim *inspect.Simulation) []byte {
	suite := junitSuite{
		Name: "hookloop simulate " + sim.Kind, Tests: len(sim.Reasons), Timestamp: sim.StartedAt.UTC().Format("2006-01-02T15:04:05"),
		Time: junitSeconds(sim.EndedAt.Sub(sim.StartedAt)),
	}
	for _, r := range sim.Reasons {
		c := junitCase{Name: inspect.Escape(r.Text), Class: inspect.Escape(sim.Title), Time: "0"}
		switch r.Verdict {
		case inspect.Fail:
			suite.Failures++
			c.Failure = &junitMessage{inspect.Escape(r.Text)}
		case inspect.Inconclusive:
			suite.Skipped++
			c.Skipped = &junitMessage{inspect.Escape(r.Text)}
		}
		suite.Cases = append(suite.Cases, c)
	}
	var lines []string
	for i := range sim.Steps {
		lines = append(lines, stepLine(&sim.Steps[i]))
	}
	suite.Out = strings.Join(lines, "\n")
	var out bytes.Buffer
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(&out)
	enc.Indent("", "  ")
	_ = enc.Encode(junitSuites{Suites: []junitSuite{suite}}) // of strings and numbers, into memory
	out.WriteByte('\n')
	return out.Bytes()
}

func junitSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", max(d, 0).Seconds()) }
