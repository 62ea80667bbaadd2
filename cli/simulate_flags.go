package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hookloop/inspect"
	"hookloop/replay"
)

// specFlags add the flags of a kind of simulation, which set a spec of it.
var specFlags = map[string]func(*pflag.FlagSet, *replay.Spec){
	"duplicates": addDuplicates,
	"retries":    addRetries,
	"reorder":    addReorder,
	"burst":      addBurst,
	"slow":       addSlow,
	"tamper":     addNothing,
	"lost-ack":   addLostAck,
	"catch-up":   addNothing,
}

func addDuplicates(set *pflag.FlagSet, spec *replay.Spec) {
	set.IntVarP(&spec.Count, "count", "n", 2, "how many deliveries in all")
	set.StringVar(&spec.Mode, "mode", "serial", "serial, concurrent, or overlap: the next at the provider's deadline, while the handler still works")
	set.DurationVar(&spec.Deadline, "deadline", 0, "how long the provider waits (default: what is known of it, else 10s)")
}

func addRetries(set *pflag.FlagSet, spec *replay.Spec) {
	set.StringVar(&spec.Policy, "policy", "", "whose schedule: a provider, or custom:30s,2m,10m (default: the delivery's provider)")
	set.StringVar(&spec.Variant, "variant", "", "a mode of the provider's, such as sandbox; `hookloop providers NAME` has them")
	set.Var((*speed)(&spec.Speed), "speed", "how much faster than the provider's clock, such as 60x")
	set.BoolVar(&spec.Step, "step", false, "wait for Enter before each attempt instead of for its time")
	set.StringVar(&spec.StopWhen, "stop-when", "accepted", "accepted: as the provider stops; never: the whole schedule")
	set.IntVar(&spec.FailFirst, "fail-first", 0, "answer so many attempts in the handler's place, with --fail-status")
	set.IntVar(&spec.FailStatus, "fail-status", 500, "the status of those answers")
	set.DurationVar(&spec.Deadline, "deadline", 0, "how long the provider waits (default: what is known of it, else 10s)")
}

func addReorder(set *pflag.FlagSet, spec *replay.Spec) {
	set.BoolVar(&spec.AllOrders, "all-orders", false, "every order there is, up to a bound")
}

func addBurst(set *pflag.FlagSet, spec *replay.Spec) {
	set.IntVarP(&spec.Count, "count", "n", 200, "how many deliveries")
	set.IntVarP(&spec.Concurrency, "concurrency", "c", 20, "how many at a time")
	ownFlags(set, "concurrency")
}

func addSlow(set *pflag.FlagSet, spec *replay.Spec) {
	set.StringVar(&spec.Slow, "how", "", "trickle, cut or ignore (default: each of them)")
}

func addLostAck(set *pflag.FlagSet, spec *replay.Spec) {
	set.IntVarP(&spec.Count, "count", "n", 1, "how many answers to lose")
	set.StringVar((*string)(&spec.How), "how", string(inspect.LostStatus), "what the provider gets instead: 500, timeout or reset")
	set.DurationVar(&spec.Wait, "wait", replay.DefaultLostAckWait, "how long to wait for deliveries, and for each to come again")
}

func addNothing(*pflag.FlagSet, *replay.Spec) {}

// speed is a factor such as 60x.
type speed float64

func (s *speed) Type() string { return "speed" }

func (s *speed) String() string {
	if *s == 0 {
		return "1x"
	}
	return fmt.Sprintf("%gx", float64(*s))
}

func (s *speed) Set(text string) error {
	var v float64
	if n, err := fmt.Sscanf(strings.TrimSuffix(text, "x"), "%g", &v); n != 1 || err != nil || v <= 0 || v > 1e9 {
		return fmt.Errorf("give a factor such as 60x")
	}
	*s = speed(v)
	return nil
}

// checkNumbers refuses numbers below 1, of which a Spec's 0 is a default.
func checkNumbers(set *pflag.FlagSet, spec *replay.Spec) error {
	switch {
	case set.Lookup("count") != nil && spec.Count < 1:
		return usagef("-n is %d: at least 1 is needed", spec.Count)
	case set.Lookup("concurrency") != nil && spec.Concurrency < 1:
		return usagef("-c is %d: at least 1 is needed", spec.Concurrency)
	}
	return nil
}

// parseSimulation reads what a user of the terminal or the page writes as after
// "hookloop simulate", and resolves the deliveries; delivery is meant where the
// line names none. The error is a sentence.
func (s *session) parseSimulation(line string, delivery int64) (replay.Spec, error) {
	words, err := splitWords(line)
	if err != nil {
		return replay.Spec{}, err
	}
	for _, own := range []string{"hookloop", "simulate"} {
		if len(words) > 0 && words[0] == own {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return replay.Spec{}, usagef("say what to rehearse, such as duplicates -n 3, or retries --policy custom:30s,2m,10m")
	}
	spec := replay.Spec{Kind: words[0]}
	add := specFlags[spec.Kind]
	if add == nil {
		return replay.Spec{}, usagef("there is no simulation %q: it is one of %s", spec.Kind, strings.Join(slices.Sorted(maps.Keys(specFlags)), ", "))
	}
	var probe probeFlags
	set := pflag.NewFlagSet(spec.Kind, pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	add(set, &spec)
	probe.add(set)
	ofDelivery := spec.Kind != "lost-ack" && spec.Kind != "catch-up"
	query := ""
	if ofDelivery {
		set.StringVar(&spec.To, "to", "", "")
		set.StringVar(&query, "query", "", "")
	}
	if err := set.Parse(words[1:]); err != nil {
		return replay.Spec{}, usagef("%w: `hookloop simulate %s --help` has what there is", err, spec.Kind)
	}
	if spec.Probe, err = probe.newProbe(); err != nil {
		return replay.Spec{}, err
	}
	if err := checkNumbers(set, &spec); err != nil {
		return replay.Spec{}, err
	}
	switch {
	case !ofDelivery && set.NArg() > 0:
		return replay.Spec{}, usagef("%s is of no one delivery: leave %s out", spec.Kind, set.Arg(0))
	case !ofDelivery:
	case set.NArg() == 0 && query == "":
		spec.Deliveries = []int64{delivery}
	default:
		spec.Deliveries, err = (&replayFlags{query: query}).choose(s.ctx, s.store, set.Args())
	}
	return spec, err
}
