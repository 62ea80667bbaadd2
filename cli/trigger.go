package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
)

// triggerFlags are the settings of trigger.
type triggerFlags struct {
	handlerFlags
	providerFlags
	override, add, remove []string
	edit                  bool
	bodyFile              string
	count                 int
	list                  bool
	to, path              string
	unsigned              bool
	asJSON                bool
}

func (a *app) triggerCommand() *cobra.Command {
	var f triggerFlags
	cmd := &cobra.Command{
		Use:   "trigger PROVIDER [EVENT]",
		Short: "Send a realistic, signed sample event",
		Long: "trigger sends a sample event of a provider, with new ids and times and signed with the configured secret,\n" +
			"to the receiver of the running `hookloop listen`, or straight to --to. It is a delivery like any other,\n" +
			"marked as triggered. Without a secret it makes one, and says how to give it to the handler.\n" +
			"The exit status is 0 when the provider would take the answer as success, else 1.",
		Example: `hookloop trigger stripe invoice.paid
hookloop trigger --list
hookloop trigger stripe --override data.object.amount_paid=4200 --remove livemode
hookloop trigger github push -n 10 --to http://localhost:3000/hooks

# your own body; {{id}}, {{uuid}}, {{s}} and {{rfc3339}} in it become new ids and times
hookloop trigger stripe --file body.json`,
		Args:              args(0, 2, "a provider and an event"),
		ValidArgsFunction: a.completeEvents,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.trigger(cmd.Context(), &f, args) },
	}
	f.handlerFlags.add(cmd.Flags())
	f.providerFlags.add(a, cmd)
	set := cmd.Flags()
	set.StringArrayVar(&f.override, "override", nil, "set a value of the body: PATH=VALUE, such as data.object.amount=4200 (repeatable)")
	set.StringArrayVar(&f.add, "add", nil, "add a value to the body: PATH=VALUE (repeatable)")
	set.StringArrayVar(&f.remove, "remove", nil, "take a value out of the body: PATH (repeatable)")
	set.BoolVar(&f.edit, "edit", false, "edit the body in $EDITOR first")
	set.StringVar(&f.bodyFile, "file", "", "send this file's content as the body; - reads standard input")
	set.IntVarP(&f.count, "count", "n", 1, "how many, each with ids of its own")
	set.BoolVar(&f.list, "list", false, "list the events of a provider, or of all")
	set.StringVar(&f.to, "to", "", "send to this port, host:port or URL instead of to the running listen")
	set.StringVar(&f.path, "path", "", "the path that the provider calls (default: the provider's route, else / and its name)")
	set.BoolVar(&f.unsigned, "unsigned", false, "leave the signature out")
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object an event")
	for _, name := range []string{"provider", "show-secrets", "host-header"} {
		_ = set.MarkHidden(name)
	}
	ownFlags(set, "path", "header", "provider", "host-header")
	return cmd
}

// ownFlag marks a flag whose name a setting of listen has too, but not its
// meaning: it takes no value of the configuration.
const ownFlag = "hookloop-own"

func ownFlags(set *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = set.SetAnnotation(name, ownFlag, nil)
	}
}

func (a *app) trigger(ctx context.Context, f *triggerFlags, args []string) error {
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		if err := knownProvider(catalog, args[0]); err != nil {
			return usageError{err}
		}
		f.provider = args[0] // so that --secret and --set need not name it
	}
	checker, err := a.checker(&f.providerFlags)
	if err != nil {
		return err
	}
	if f.list {
		return a.listEvents(f, checker.Catalog, args)
	}
	t, err := a.newTrigger(f, checker, args)
	if err != nil {
		return err
	}
	store, err := a.openStore(inspect.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	send, err := t.sender(ctx, store)
	if err != nil {
		return err
	}
	if err := t.makeBody(ctx); err != nil {
		return err
	}
	if err := t.checkBody(); err != nil {
		return err
	}
	ok := true
	for range f.count {
		r, err := t.request(store.Dir())
		if err != nil {
			return err
		}
		o, err := send(ctx, r)
		if err != nil {
			return err
		}
		ok = ok && o.accepted(t.p, r)
		t.vouch(ctx, store, o.id)
		if err := a.printTriggered(f, t.p, r, o); err != nil {
			return err
		}
	}
	if !ok {
		return errSilent
	}
	return nil
}

// vouch keeps what this command knows of the signature of a delivery that it
// made: with a secret made here the running listen cannot check it.
func (t *trigger) vouch(ctx context.Context, store *inspect.Store, id int64) {
	d, err := store.Delivery(ctx, id)
	if err != nil || d.Facts.Signature == provider.Valid || len(t.checker.Secrets[t.p.Name]) == 0 {
		return
	}
	if facts, pending := t.checker.Assess(d.Request()); !pending && facts.Signature == provider.Valid {
		_ = store.SetFacts(ctx, id, facts) // it goes on without
	}
}

// A trigger makes the requests of one command.
type trigger struct {
	a       *app
	f       *triggerFlags
	p       *provider.Provider
	sample  provider.Sample
	checker *provider.Checker
	edits   []replay.Edit
	edited  []byte // the body that the user's editor left; nil = not edited
	base    string // the URL that the provider calls, without the path
	path    string
	told    bool // about the secret
}

func (a *app) newTrigger(f *triggerFlags, checker *provider.Checker, args []string) (*trigger, error) {
	if len(args) == 0 {
		return nil, usagef("trigger what? Name a provider, as in `hookloop trigger stripe invoice.paid`; --list shows what there is")
	}
	t := &trigger{a: a, f: f, p: checker.Catalog.Provider(args[0]), checker: onlyFor(checker, args[0])}
	if err := t.choose(args[1:]); err != nil {
		return nil, err
	}
	switch {
	case f.count < 1:
		return nil, usagef("-n is %d: at least 1 is needed", f.count)
	case f.edit && f.count > 1:
		return nil, usagef("--edit is for one event, and -n is %d: use --override, or --file", f.count)
	case f.path != "" && !strings.HasPrefix(f.path, "/"):
		return nil, usagef("--path %q is no path: give one such as /webhooks", f.path)
	}
	for _, given := range []struct {
		how  replay.EditKind
		list []string
	}{{replay.Remove, f.remove}, {replay.Add, f.add}, {replay.Override, f.override}} {
		for _, text := range given.list {
			e, err := replay.ParseEdit(given.how, text)
			if err != nil {
				return nil, usageError{err}
			}
			t.edits = append(t.edits, e)
		}
	}
	t.path = f.path
	for _, r := range a.file.routes {
		if t.path == "" && r.provider == t.p.Name {
			t.path = r.path
		}
	}
	if t.path == "" {
		t.path = "/" + t.p.Name
	}
	return t, nil
}

// choose takes the sample of an event, the first where none is named.
func (t *trigger) choose(event []string) error {
	if len(t.p.Samples) == 0 {
		if len(event) > 0 || t.f.bodyFile == "" {
			return usagef("there is no sample event of %s: send one of your own, as in `hookloop trigger %s --file body.json`", t.p.Title, t.p.Name)
		}
		return nil
	}
	t.sample = t.p.Samples[0]
	if len(event) == 0 {
		return nil
	}
	var names []string
	for _, s := range t.p.Samples {
		if s.Event == event[0] {
			t.sample = s
			return nil
		}
		names = append(names, s.Event)
	}
	if near := inspect.Nearest(event[0], names); near != "" {
		return usagef("there is no sample %q of %s, did you mean %q?", event[0], t.p.Title, near)
	}
	return usagef("there is no sample %q of %s: there are %s", event[0], t.p.Title, strings.Join(names, ", "))
}

// onlyFor returns c as it is for requests of one provider.
func onlyFor(c *provider.Checker, name string) *provider.Checker {
	only := &provider.Checker{Catalog: c.Catalog, Default: name, Secrets: c.Secrets, Settings: c.Settings}
	for _, r := range c.Routes {
		if r.Provider == name || r.Provider == "" {
			only.Routes = append(only.Routes, r)
		}
	}
	return only
}

func (a *app) listEvents(f *triggerFlags, catalog *provider.Catalog, args []string) error {
	list := catalog.All()
	if len(args) > 0 {
		list = []*provider.Provider{catalog.Provider(args[0])}
	}
	p := printer{a.Stdout}
	for _, who := range list {
		events := []string{}
		for _, s := range who.Samples {
			events = append(events, s.Event)
		}
		if f.asJSON {
			err := inspect.NewJSONEncoder(a.Stdout).Encode(map[string]any{"provider": who.Name, "events": events})
			if err != nil {
				return err
			}
			continue
		}
		p.linef("%-18s %s", who.Name, inspect.Escape(strings.Join(events, ", ")))
	}
	return nil
}

// completeEvents offers providers, then the events of the one named.
func (a *app) completeEvents(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.providerNames(cmd, "")
	}
	catalog, err := a.catalog()
	if err != nil || len(args) > 1 || catalog.Provider(args[0]) == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var events []cobra.Completion
	for _, s := range catalog.Provider(args[0]).Samples {
		events = append(events, s.Event)
	}
	return events, cobra.ShellCompDirectiveNoFileComp
}
