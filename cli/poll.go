package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hookloop/inspect"
	"hookloop/replay"
)

// pollFlags are the settings of poll, and of an item of polls in the
// configuration file.
type pollFlags struct {
	providerFlags
	name, url     string
	headers       []string
	preset        string
	every, max    time.Duration
	backoff       float64
	waitFirst     time.Duration
	timeout       time.Duration
	until, failOn []string
	unless        string
	cron, changed string
	to, path      string
	insecure      bool
	ca            string
	allowTarget   []string
	asJSON        bool
}

// pollPresets are the intervals that providers recommend.
var pollPresets = map[string]struct{ waitFirst, every, timeout time.Duration }{
	"apixo-image-fast": {5 * time.Second, 3 * time.Second, 2 * time.Minute},
	"apixo-image":      {10 * time.Second, 5 * time.Second, 3 * time.Minute},
	"apixo-video":      {time.Minute, 15 * time.Second, 10 * time.Minute},
	"apixo-audio":      {30 * time.Second, 10 * time.Second, 5 * time.Minute},
}

const presetNames = "apixo-image-fast, apixo-image, apixo-video or apixo-audio"

func (a *app) pollCommand() *cobra.Command {
	var f pollFlags
	cmd := &cobra.Command{
		Use:   "poll URL|NAME",
		Short: "Ask a status URL, and deliver the result to your handler",
		Long: "poll asks a status URL until the result is there, and delivers it to your handler as a callback would,\n" +
			"so that the handler can be built before any webhook works, and a lost callback is caught up.\n" +
			"NAME is one of `polls:` in " + configName + ", which a running listen keeps asking, too.\n" +
			"It goes to --path, else to where the provider's callbacks went last, else to /poll.\n" +
			"The exit status is 0 when the handler took the result, when a delivery has it already, and when the result\n" +
			"is held because there is no handler yet; 1 when it has failed, or the handler refused it or was not reached;\n" +
			"3 when there was none in time.",
		Example: `hookloop poll https://api.example.com/tasks/42 --every 3s \
  --until data.state=success --fail-on data.state=failed \
  -H 'Authorization: Bearer ${API_KEY}' --path /webhooks/tasks

# the intervals that APIXO recommends; and only if the callback does not come
hookloop poll "https://api.apixo.ai/api/v1/statusTask/nano-banana?taskId=$ID" \
  --preset apixo-image-fast --unless-delivered data.taskId=$ID \
  -H 'Authorization: Bearer ${APIXO_KEY}' --path /webhook/apixo

# keep asking, and deliver what changed
hookloop poll https://api.example.com/orders/latest --cron '*/5 * * * *' \
  --changed order.updated_at --path /webhooks/orders`,
		Args:              args(1, 1, "one URL, or the name of a poll"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f.add(a, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.url = args[0]
		if err := f.splitTo(cmd.Flags()); err != nil {
			return err
		}
		if !strings.Contains(f.url, "://") {
			if err := a.applyFilePoll(&f, cmd.Flags(), args[0]); err != nil {
				return err
			}
		}
		p, err := f.poll(a, cmd.Flags())
		if err != nil {
			return usageError{err}
		}
		return a.poll(cmd.Context(), &f, p)
	}
	return cmd
}

func (f *pollFlags) add(a *app, cmd *cobra.Command) {
	f.providerFlags.add(a, cmd)
	set := cmd.Flags()
	set.StringArrayVarP(&f.headers, "header", "H", nil, "set a header of the requests: 'Name: value', with ${VAR} from the environment (repeatable)")
	set.StringVar(&f.preset, "preset", "", "intervals and states that a provider recommends: "+presetNames)
	set.DurationVar(&f.every, "every", replay.DefaultPollEvery, "how long to wait between two requests")
	set.Float64Var(&f.backoff, "backoff", 1, "how many times longer each wait is than the one before")
	set.DurationVar(&f.max, "max", 0, "the longest wait (default: no bound)")
	set.DurationVar(&f.waitFirst, "wait-first", 0, "how long to wait before the first request")
	set.DurationVar(&f.timeout, "timeout", replay.DefaultPollTimeout, "how long to wait for the result in all")
	set.StringArrayVar(&f.until, "until", nil, "the result is there when PATH=VALUE holds of the answer, such as data.state=success (repeatable: all must)")
	set.StringArrayVar(&f.failOn, "fail-on", nil, "and has failed when PATH=VALUE holds (repeatable: one is enough)")
	set.StringVar(&f.unless, "unless-delivered", "", "only if no delivery has PATH=VALUE in its body, such as data.taskId=42: the callback came first")
	set.StringVar(&f.cron, "cron", "", "keep asking by this schedule, such as '*/5 * * * *', and deliver what changed")
	set.StringVar(&f.changed, "changed", "", "what counts as a change: the value at this path (default: the whole body)")
	set.StringVar(&f.to, "to", "", "deliver to this port, host:port or URL instead of to the handler of the running listen")
	set.StringVar(&f.path, "path", "", "the path that the result is delivered to (default: where the provider's callbacks went last, else /poll; of a poll with a name /poll/NAME)")
	set.BoolVar(&f.insecure, "insecure", false, "accept any certificate")
	set.StringVar(&f.ca, "ca", "", "file with certificates (PEM) to trust besides the system's")
	set.StringArrayVar(&f.allowTarget, "allow-target", nil, "another machine that results may be delivered to (repeatable)")
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object a request, and one for the delivery")
	ownFlags(set, "header", "timeout", "path", "insecure", "ca")
	_ = set.MarkHidden("show-secrets")
	_ = cmd.RegisterFlagCompletionFunc("preset", cobra.FixedCompletions([]string{"apixo-image-fast", "apixo-image", "apixo-video", "apixo-audio"}, cobra.ShellCompDirectiveNoFileComp))
}

// poll returns what is to be asked, without a transport.
func (f *pollFlags) poll(a *app, set *pflag.FlagSet) (*replay.Poll, error) {
	if preset, ok := pollPresets[f.preset]; ok {
		for name, value := range map[string]struct{ to, from *time.Duration }{
			"wait-first": {&f.waitFirst, &preset.waitFirst}, "every": {&f.every, &preset.every}, "timeout": {&f.timeout, &preset.timeout},
		} {
			if !set.Changed(name) {
				*value.to = *value.from
			}
		}
		if len(f.until) == 0 && f.cron == "" {
			f.until = []string{"data.state=success"}
		}
		if len(f.failOn) == 0 && f.cron == "" {
			f.failOn = []string{"data.state=failed"}
		}
	} else if f.preset != "" {
		return nil, fmt.Errorf("--preset %q: give %s", f.preset, presetNames)
	}
	p := &replay.Poll{URL: f.url, Every: f.every, Backoff: f.backoff, Max: f.max, WaitFirst: f.waitFirst, Timeout: f.timeout, Changed: f.changed}
	var lines []string
	for _, line := range f.headers {
		line, err := a.expand("-H", line)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	var err error
	if p.Header, err = parseHeaders(lines); err != nil {
		return nil, errors.New("-H: give 'Name: value', such as 'Authorization: Bearer ${API_KEY}'") // and repeat nothing of it
	}
	if f.cron != "" {
		if p.Schedule, err = replay.ParseCron(f.cron); err != nil {
			return nil, fmt.Errorf("--cron: %w", err)
		}
	}
	for flag, list := range map[string]struct {
		texts   []string
		matches *[]replay.Match
	}{"--until": {f.until, &p.Until}, "--fail-on": {f.failOn, &p.FailOn}} {
		for _, text := range list.texts {
			m, err := replay.ParseMatch(text)
			if err != nil {
				return nil, fmt.Errorf("%s %w", flag, err)
			}
			*list.matches = append(*list.matches, m)
		}
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return p, p.Check()
}

// minEvery is the shortest time between two requests.
const minEvery = 100 * time.Millisecond

// check says what does not go together.
func (f *pollFlags) check() error {
	switch {
	case f.cron == "" && len(f.until) == 0:
		return errors.New("say when the result is there, with --until such as data.state=success, or give --cron to deliver whatever changes")
	case f.cron == "" && f.changed != "":
		return errors.New("--changed goes with --cron")
	case f.cron != "" && f.unless != "":
		return errors.New("--unless-delivered is for one result, and --cron keeps asking: use one of them")
	case f.path != "" && !strings.HasPrefix(f.path, "/"):
		return fmt.Errorf("--path %q is no path: give one such as /webhooks", f.path)
	}
	if f.unless != "" {
		if _, err := replay.ParseMatch(f.unless); err != nil {
			return fmt.Errorf("--unless-delivered %w", err)
		}
	}
	return f.checkTimes()
}

func (f *pollFlags) checkTimes() error {
	switch {
	case f.every < minEvery:
		return fmt.Errorf("--every %s asks too often: give %s or more", f.every, minEvery)
	case f.max < 0 || f.max > 0 && f.max < f.every:
		return fmt.Errorf("--max %s is the longest wait, and --every %s the first: give %s or more", f.max, f.every, f.every)
	case !(f.backoff >= 1):
		return fmt.Errorf("--backoff %g: it is a factor, from 1 on, such as 1.5", f.backoff)
	case f.waitFirst < 0:
		return fmt.Errorf("--wait-first %s: give a time from 0 on, such as 5s", f.waitFirst)
	case f.timeout <= 0:
		return fmt.Errorf("--timeout %s: give a time above 0, such as 5m", f.timeout)
	case f.cron == "" && f.waitFirst >= f.timeout:
		return fmt.Errorf("nothing would be asked: --wait-first %s is not shorter than --timeout %s", f.waitFirst, f.timeout)
	}
	return nil
}

// splitTo has the path in --to be that of --path, which may not name another.
func (f *pollFlags) splitTo(set *pflag.FlagSet) error {
	if f.to == "" {
		return nil
	}
	u, err := replay.ParseHandler(f.to)
	if err != nil {
		return usagef("--to: %w", err)
	}
	if (u.Path == "" || u.Path == "/") && u.RawQuery == "" {
		return nil
	}
	if f.path != "" {
		return usagef("both --to %s and --path %s name a path: give it once", f.to, f.path)
	}
	f.to, f.path = u.Scheme+"://"+u.Host, u.RequestURI()
	set.Lookup("path").Changed = true
	return nil
}

// poll runs one poll of the command line.
func (a *app) poll(ctx context.Context, f *pollFlags, p *replay.Poll) error {
	store, err := a.openStore(inspect.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	sender, err := a.replaySender(&handlerFlags{hostHeader: "preserve", timeout: replay.DefaultTimeout, allowTarget: f.allowTarget}, store)
	if err != nil {
		return err
	}
	if f.to != "" {
		u, err := replay.ParseHandler(f.to)
		if err != nil {
			return usageError{err}
		}
		sender.Handler = &replay.Handler{URL: u}
	}
	if sender.Checker, err = a.checker(&f.providerFlags); err != nil {
		return err
	}
	defer sender.Stop()
	r := &pollRun{a: a, f: f, p: p, store: store, sender: sender}
	if f.asJSON {
		r.out = jsonPoll{inspect.NewJSONEncoder(a.Stdout)}
	} else {
		r.out = linesPoll{printer{a.Stdout}}
	}
	return r.run(ctx)
}
