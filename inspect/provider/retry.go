package provider

import "time"

// A Retry is when a provider delivers again.
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
	Only        []string   `yaml:"only,omitempty"` // failures it retries: connect, timeout, statuses; nil = all
}

// A Curve is first, then base × factor^n up to a cap.
type Curve struct {
	First  *Interval `yaml:"first,omitempty"`
	Base   Duration  `yaml:"base"`
	Factor float64   `yaml:"factor"`
	Cap    Interval  `yaml:"cap"`
}

// An Interval is a time, or a random one between two: "5m..15m".
type Interval struct{ Min, Max time.Duration }
