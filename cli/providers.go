package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

func (a *app) providersCommand() *cobra.Command {
	var f providerFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "providers [NAME]",
		Short: "List the webhook providers hookloop knows, or explain one",
		Long: "providers lists who can be recognised, how their signatures are checked, how long they wait, when they\n" +
			"deliver again, and how many of their deliveries are kept here. With a name it explains that one.\n" +
			"FACTS says how sure the facts about retries are: A the provider's own text, B quoted by others, C hearsay,\n" +
			"? not published. Your own providers stand in " + configName + ", under `providers:`.",
		Example: `hookloop providers
hookloop providers stripe
hookloop providers --json`,
		Args: args(0, 1, "one provider at most"),
		ValidArgsFunction: func(cmd *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(given) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.providerNames(cmd, "")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.checker(&f)
			if err != nil {
				return err
			}
			list := c.Catalog.All()
			if len(args) > 0 {
				if err := knownProvider(c.Catalog, args[0]); err != nil {
					return usageError{err}
				}
				list = []*provider.Provider{c.Catalog.Provider(args[0])}
			}
			received := a.received(cmd.Context())
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			switch {
			case asJSON:
				return printProvidersJSON(a.Stdout, c, list, received)
			case len(args) > 0:
				explainProvider(printer{a.Stdout}, c, list[0], received)
				return nil
			}
			return printProviders(a.Stdout, list, received)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "a provider's secret, as in `hookloop listen --help`")
	a.completeProviders(cmd, "secret", "=")
	return cmd
}

// A tally is how many deliveries of each event type were kept.
type tally map[string]int

func (t tally) sum() (n int) {
	for _, events := range t {
		n += events
	}
	return n
}

// receipts are how many deliveries of each provider were kept, by event type.
type receipts struct {
	byProvider map[string]map[string]int
	unknown    bool // the store could not be read
}

// received counts the deliveries kept here. Without a data folder there are
// none, and none is made. What is known of providers needs no store: one that
// cannot be read is told, and no error.
func (a *app) received(ctx context.Context) receipts {
	dir, err := a.stateDir()
	if err != nil {
		return receipts{} // no place for deliveries: there are none
	}
	if _, err := os.Stat(dir); err != nil {
		return receipts{}
	}
	var counts map[string]map[string]int
	store, err := a.openStore(inspect.Options{})
	if err == nil {
		counts, err = store.CountEvents(ctx)
		_ = store.Close()
	}
	if err != nil && ctx.Err() == nil {
		a.sayf("hookloop: how many deliveries were received is not known: %s", err)
	}
	return receipts{counts, err != nil}
}

func printProviders(w io.Writer, list []*provider.Provider, received receipts) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tVERIFIED BY\tLIMIT\tRETRIES\tHANDSHAKE\tSAMPLES\tRECEIVED\tFACTS")
	for _, p := range list {
		count := ""
		if n := tally(received.byProvider[p.Name]).sum(); n > 0 {
			count = fmt.Sprint(n)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", inspect.Escape(p.Name), strings.Join(kinds(p), ", "), limit(p),
			p.Delivery.Brief(), strings.Join(handshakes(p), ", "), len(p.Samples), count, confidence(p))
	}
	return table.Flush()
}

// kinds are the algorithms that p signs with, each once, the strongest first.
func kinds(p *provider.Provider) (names []string) {
	for i := range p.Schemes {
		if k := string(p.Schemes[i].Kind); !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	return names
}

func handshakes(p *provider.Provider) (names []string) {
	for i := range p.Handshakes {
		names = append(names, inspect.Escape(p.Handshakes[i].Name))
	}
	return names
}

func confidence(p *provider.Provider) provider.Confidence {
	return cmp.Or(p.Delivery.Confidence, provider.Unknown)
}

// limit is how long p waits for an answer, "?" when that is not published.
func limit(p *provider.Provider) string {
	if p.Delivery.Timeout == 0 {
		return "?"
	}
	return p.Delivery.Timeout.String()
}

// providerJSON is a line of `providers --json`.
type providerJSON struct {
	Name       string              `json:"name"`
	Title      string              `json:"title"`
	Docs       string              `json:"docs"`
	VerifiedBy []string            `json:"verified_by"`
	LimitMS    *int64              `json:"limit_ms"` // null when not published
	Retries    *int                `json:"retries"`  // null when not published
	Never      bool                `json:"never_retries"`
	Guess      bool                `json:"retries_guessed"`
	Handshakes []string            `json:"handshakes"`
	Settings   []string            `json:"settings"`
	Samples    []string            `json:"samples"` // the events of which there are some
	Schemes    []schemeJSON        `json:"schemes"`
	Success    string              `json:"success"`     // what counts as taken; "" = not published
	Schedule   []stepJSON          `json:"schedule"`    // when it delivers again, as far as that is known or guessed
	Addresses  []string            `json:"addresses"`   // that it sends from, where they are published here
	Notes      []string            `json:"notes"`       // what a developer should know, in sentences
	Describe   []factJSON          `json:"description"` // all of the facts, in words, as providers NAME prints them
	Received   *int                `json:"received"`    // null when the store could not be read
	ByEvent    tally               `json:"received_by_event"`
	Secrets    []string            `json:"secrets"` // labels of those configured
	Confidence provider.Confidence `json:"confidence"`
}

type schemeJSON struct {
	Name        string `json:"name"`
	VerifiedBy  string `json:"verified_by"`
	Signature   string `json:"signature"`    // where it stands: "header:Stripe-Signature|…", as in the catalog
	Message     string `json:"message"`      // what is signed, as in the catalog
	ToleranceMS int64  `json:"tolerance_ms"` // 0 = no age counts
}

// A stepJSON is one time at which a provider delivers again.
type stepJSON struct {
	AfterMS int64 `json:"after_ms"` // after the first delivery, at the latest
	Guess   bool  `json:"guess"`
}

type factJSON struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// describe puts into v what is known of p besides its name and its deliveries here.
func (v *providerJSON) describe(p *provider.Provider, steps []provider.Step) {
	v.Schemes, v.Schedule, v.Notes, v.Describe = []schemeJSON{}, []stepJSON{}, []string{}, []factJSON{}
	for i := range p.Schemes {
		s := &p.Schemes[i]
		v.Schemes = append(v.Schemes, schemeJSON{
			s.Name, string(s.Kind), s.Signature.String(), s.Message.String(), time.Duration(s.Tolerance).Milliseconds(),
		})
	}
	for _, s := range steps {
		v.Schedule = append(v.Schedule, stepJSON{s.At.Max.Milliseconds(), s.Guess})
	}
	for _, text := range []string{p.Notes, p.Delivery.Notes} {
		if text != "" {
			v.Notes = append(v.Notes, text)
		}
	}
	for _, line := range p.Describe() {
		v.Describe = append(v.Describe, factJSON(line))
	}
	v.Success, v.Addresses = p.Delivery.Success.String(), append([]string{}, p.Delivery.Addresses...)
}

func printProvidersJSON(w io.Writer, c *provider.Checker, list []*provider.Provider, received receipts) error {
	enc := inspect.NewJSONEncoder(w)
	for _, p := range list {
		steps := p.Delivery.Retries()
		v := providerJSON{
			Name: p.Name, Title: p.Title, Docs: p.Docs, VerifiedBy: append([]string{}, kinds(p)...),
			Handshakes: append([]string{}, handshakes(p)...), Settings: []string{}, Samples: []string{},
			ByEvent: received.byProvider[p.Name], Secrets: secretLabels(c, p.Name), Confidence: confidence(p),
		}
		if d := p.Delivery; d.Timeout != 0 {
			ms := time.Duration(d.Timeout).Milliseconds()
			v.LimitMS = &ms
		}
		if n, known := p.Delivery.RetryCount(); known {
			v.Retries = &n
		}
		if n := v.ByEvent.sum(); !received.unknown {
			v.Received = &n
		}
		v.Never = p.Delivery.Retry != nil && p.Delivery.Retry.Never
		v.Guess = len(steps) > 0 && steps[len(steps)-1].Guess
		if v.ByEvent == nil {
			v.ByEvent = tally{}
		}
		v.describe(p, steps)
		for _, s := range p.Settings {
			v.Settings = append(v.Settings, s.Key)
		}
		for i := range p.Samples {
			v.Samples = append(v.Samples, p.Samples[i].Event)
		}
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// secretLabels are how the secrets of a provider are called, its routes' included.
func secretLabels(c *provider.Checker, name string) []string {
	labels := []string{}
	add := func(secrets []provider.Secret) {
		for _, s := range secrets {
			labels = append(labels, s.Label)
		}
	}
	add(c.Secrets[name])
	for _, r := range c.Routes {
		if r.Provider == name {
			add(r.Secrets)
		}
	}
	return labels
}

// byCount returns the event types of t, the most frequent first.
func (t tally) byCount() []string {
	return slices.SortedFunc(maps.Keys(t), func(x, y string) int {
		return cmp.Or(t[y]-t[x], strings.Compare(x, y))
	})
}
