package cli

import (
	"cmp"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"hookloop/replay"
)

// probeFlags say what shows a handler's side effect.
type probeFlags struct {
	probe        string
	probeJSON    string
	probeTimeout time.Duration
	probeSettle  time.Duration

	set *pflag.FlagSet // that they were added to
}

func (f *probeFlags) add(set *pflag.FlagSet) {
	f.set = set
	set.StringVar(&f.probe, "probe", "", "what shows a simulation the side effect: a command with its arguments (no shell), or a URL to get")
	set.StringVar(&f.probeJSON, "probe-json", "", "the value in the probe's JSON that counts, such as data.count")
	set.DurationVar(&f.probeTimeout, "probe-timeout", 10*time.Second, "how long the probe may take")
	set.DurationVar(&f.probeSettle, "probe-settle", 2*time.Second, "how long the probe has to say the same after an attempt; 5 times as long where something is still to happen")
}

// newProbe returns the probe that the flags name; nil for none.
func (f *probeFlags) newProbe() (*replay.Probe, error) {
	switch {
	case strings.TrimSpace(f.probe) == "" && f.set.Changed("probe"):
		return nil, usagef("--probe is empty: give a command or a URL, or leave it out; is a variable of the shell not set?")
	case f.probe == "" && f.probeJSON == "":
		return nil, nil
	case f.probe == "":
		return nil, usagef("--probe-json %s says what counts in the probe's answer, and there is no probe: give --probe", f.probeJSON)
	}
	p := &replay.Probe{JSON: f.probeJSON, Timeout: f.probeTimeout, Settle: f.probeSettle}
	if strings.HasPrefix(f.probe, "http://") || strings.HasPrefix(f.probe, "https://") {
		p.URL = f.probe
		return p, nil
	}
	words, err := splitWords(f.probe)
	if err != nil {
		return nil, usagef("--probe: %w", err)
	}
	if len(words) > 0 && words[0] != "" { // else it is refused with the rest of what is wrong
		if _, err := exec.LookPath(words[0]); err != nil {
			return nil, usagef("--probe: the program %q cannot be run: %w", words[0], cmp.Or(errors.Unwrap(err), err))
		}
	}
	p.Command = words
	return p, nil
}
