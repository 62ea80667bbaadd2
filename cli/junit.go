package cli

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"hookloop/inspect"
)

// The shape that CI systems read: one suite a simulation, one case
// a check, with the name that it has in JSON.
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
		Errors    int         `xml:"errors,attr"`
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
		Error   *junitMessage `xml:"error"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
	}
)

// checkJUnit says why the verdict could not be written to a file, or nil. What
// there is stays as it is.
func checkJUnit(name string) error {
	if name == "" {
		return nil
	}
	had, err := os.Stat(name)
	if err == nil && !had.Mode().IsRegular() && !had.IsDir() { // such as a pipe, which whoever reads it would see closed
		return nil
	}
	file, open := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if open != nil {
		return notWritten(name, open)
	}
	_ = file.Close()
	if errors.Is(err, fs.ErrNotExist) {
		_ = os.Remove(name)
	}
	return nil
}

func notWritten(name string, err error) error {
	return fmt.Errorf("the verdict could not be written to --junit %s: %w", name, cmp.Or(errors.Unwrap(err), err))
}

// junitReport returns a simulation as JUnit XML. A case fails with the findings
// on it that failed, and is in error where any could not be made. What was found
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
	said := map[inspect.Check]map[inspect.Verdict][]string{}
	for _, r := range sim.Reasons {
		lines = append(lines, reasonMarks[r.Verdict]+" "+inspect.Escape(r.Text))
		if r.Verdict == "" {
			continue
		}
		check := cmp.Or(r.Check, uncheckedCase)
		if said[check] == nil {
			said[check] = map[inspect.Verdict][]string{}
		}
		said[check][r.Verdict] = append(said[check][r.Verdict], inspect.Escape(r.Text))
	}
	for _, check := range slices.Sorted(maps.Keys(said)) {
		c := junitCase{Name: string(check), Class: "hookloop.simulate." + sim.Kind, Time: "0"}
		if bad := said[check][inspect.Fail]; bad != nil {
			suite.Failures++
			c.Failure = &junitMessage{strings.Join(bad, "; ")}
		} else if unknown := said[check][inspect.Inconclusive]; unknown != nil {
			suite.Errors++
			c.Error = &junitMessage{strings.Join(unknown, "; ")}
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

// uncheckedCase is the case of findings that were stored before they had a check.
const uncheckedCase = "findings"

func junitSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", max(d, 0).Seconds()) }
