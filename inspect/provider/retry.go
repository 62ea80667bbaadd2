package provider

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// A Retry is when a provider delivers again: after each of Delays, then as one
// of Every, Then, Curve or Unpublished says, as often as Attempts and Window
// allow. In YAML the scalar never is short for {never: true}.
type Retry struct {
	Never       bool       `yaml:"never,omitempty"`       // it does not
	Delays      []Interval `yaml:"delays,omitempty"`      // after the first, second, … failure
	Every       *Interval  `yaml:"every,omitempty"`       // the same interval always
	Then        *Interval  `yaml:"then,omitempty"`        // after Delays, until Window
	Attempts    int        `yaml:"attempts,omitempty"`    // how many retries; 0 = as many as Delays or Window make
	Window      Duration   `yaml:"window,omitempty"`      // since the first delivery
	Curve       *Curve     `yaml:"curve,omitempty"`       // published as a formula
	Unpublished string     `yaml:"unpublished,omitempty"` // how it is worded where the intervals are not published: "exponential"
	Suggest     []Interval `yaml:"suggest,omitempty"`     // what we draw then; nil = an exponential curve through Attempts and Window
	Jitter      bool       `yaml:"jitter,omitempty"`
	Only        []string   `yaml:"only,omitempty"` // failures it retries: connect, timeout, tls, other, statuses ("5xx"); nil = all
	// For are other plans after some statuses. The first that has the status counts.
	For []RetryFor `yaml:"for,omitempty"`
}

// A RetryFor is a plan for some statuses alone.
type RetryFor struct {
	Statuses Statuses `yaml:"statuses"`
	Retry    Retry    `yaml:"retry"`
}

// A Curve is first, then base × factor^n up to a cap.
type Curve struct {
	First  *Interval `yaml:"first,omitempty"`
	Base   Duration  `yaml:"base"`
	Factor float64   `yaml:"factor"`
	Cap    Interval  `yaml:"cap"` // zero = none
}

// An Interval is a time, or a random one between two: "5m..15m".
type Interval struct{ Min, Max time.Duration }

// UnmarshalYAML reads a mapping, or never.
func (r *Retry) UnmarshalYAML(node ast.Node) error {
	*r = Retry{}
	if _, ok := node.(ast.ScalarNode); ok {
		if text, err := scalarText(node); err != nil || text != "never" {
			return faultAt(node, "retry is a mapping, or the word never")
		}
		r.Never = true
		return nil
	}
	type plain Retry
	if err := yaml.NodeToValue(node, (*plain)(r), yaml.Strict()); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return faultAt(node, "%v", err)
	}
	return nil
}

// check says what in r contradicts itself.
func (r *Retry) check() error {
	var ways []string
	for name, set := range map[string]bool{
		"never": r.Never, "every": r.Every != nil, "then": r.Then != nil,
		"curve": r.Curve != nil, "unpublished": r.Unpublished != "",
	} {
		if set {
			ways = append(ways, name)
		}
	}
	slices.Sort(ways)
	switch {
	case len(ways) > 1:
		return fmt.Errorf("%s cannot stand together: keep one", joinWords(ways, "and"))
	case r.Never && len(r.Delays) > 0:
		return fmt.Errorf("never and delays cannot stand together: keep one")
	case r.Every != nil && len(r.Delays) > 0:
		return fmt.Errorf("every and delays cannot stand together, for every is the interval always: write then: %s for what comes after the delays", r.Every.yaml())
	case len(r.Suggest) > 0 && r.Unpublished == "":
		return fmt.Errorf(`suggest is for intervals that are not published: add unpublished: "exponential", or write delays`)
	case (r.Every != nil || r.Then != nil || r.Curve != nil) && r.Attempts == 0 && r.Window == 0:
		return fmt.Errorf("%s never ends: add attempts or window", ways[0])
	case r.Attempts < 0 || r.Attempts > 1000:
		return fmt.Errorf("attempts is %d: write how many retries there are, at most 1000", r.Attempts)
	case len(ways) == 0 && r.Attempts > len(r.Delays) && len(r.Delays) > 0:
		return fmt.Errorf("attempts is %d, but there are %d delays: add then", r.Attempts, len(r.Delays))
	case r.Curve != nil && (r.Curve.Base <= 0 || r.Curve.Factor < 1):
		return fmt.Errorf("curve needs a base of more than 0s and a factor of 1 or more")
	case !r.Never && len(ways) == 0 && len(r.Delays) == 0 && len(r.For) == 0:
		return fmt.Errorf("nothing says when: write delays, every, curve, unpublished or never")
	}
	for _, what := range r.Only {
		if _, err := parseStatus(what); err != nil && !slices.Contains(failureNames, what) {
			return fmt.Errorf("only has %q: write %s or a status such as 5xx", what, strings.Join(failureNames, ", "))
		}
	}
	return nil
}

// UnmarshalYAML reads "30s" or "5m..15m".
func (i *Interval) UnmarshalYAML(node ast.Node) error {
	text, err := scalarText(node)
	if err != nil {
		return err
	}
	low, high, ranged := strings.Cut(text, "..")
	if i.Min, err = parseDuration(low); err != nil {
		return faultAt(node, "%v", err)
	}
	i.Max = i.Min
	if !ranged {
		return nil
	}
	if i.Max, err = parseDuration(high); err != nil {
		return faultAt(node, "%v", err)
	}
	if i.Min > i.Max {
		return faultAt(node, "%s is longer than %s: write the shorter time first", low, high)
	}
	return nil
}

// UnmarshalYAML reads "30s", "1h30m" or "15d".
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	text, err := scalarText(node)
	if err != nil {
		return err
	}
	v, err := parseDuration(text)
	if err != nil {
		return faultAt(node, "%v", err)
	}
	*d = Duration(v)
	return nil
}

// longest bounds every time of a plan.
const longest = 10 * 365 * 24 * time.Hour

// parseDuration reads a time that is not negative and of at most ten years.
func parseDuration(text string) (time.Duration, error) {
	v, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil {
			v = time.Duration(min(n, 1e5)) * 24 * time.Hour
		}
	}
	if err != nil || v < 0 || v > longest {
		return 0, fmt.Errorf("%q is no time: write 30s, 2m, 72h or 15d", text)
	}
	return v, nil
}

// String returns d in words: "30 s", "3 days".
func (d Duration) String() string { return InWords(time.Duration(d)) }

// String returns i in words: "30 s", "5 min to 15 min".
func (i Interval) String() string {
	if i.Min == i.Max {
		return InWords(i.Min)
	}
	return InWords(i.Min) + " to " + InWords(i.Max)
}

// yaml returns i as it is written in YAML.
func (i Interval) yaml() string {
	if i.Min == i.Max {
		return shortest(i.Min)
	}
	return shortest(i.Min) + ".." + shortest(i.Max)
}

// shortest returns d without the units that it has none of: "1m", not "1m0s".
func shortest(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// scalarText returns the text of a scalar node.
func scalarText(node ast.Node) (string, error) {
	text, ok := nodeText(node)
	if !ok {
		return "", faultAt(node, "one word or number belongs here, without sub-keys")
	}
	return text, nil
}

func faultAt(node ast.Node, format string, args ...any) error {
	return errorAt(node, fmt.Errorf(format, args...))
}
