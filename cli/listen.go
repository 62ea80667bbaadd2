package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tui"
)

func (a *app) listenCommand() *cobra.Command {
	var f listenFlags
	cmd := &cobra.Command{
		Use:     "listen [PORT|HOST:PORT|URL]",
		Aliases: []string{"http", "forward"},
		Short:   "Receive webhooks, keep them, and forward them to your handler",
		Long: "listen gets a public URL, keeps every delivery that arrives there, forwards it to your handler,\n" +
			"and shows both. Without a handler it keeps deliveries and answers 200.",
		Example: `# forward to a handler on port 3000, on a public URL of ngrok
NGROK_AUTHTOKEN=… hookloop listen 3000

# everything to one path of the handler
hookloop listen http://localhost:3000/webhooks

# no account: your own SSH server, or none at all
hookloop listen 3000 --tunnel ssh://you@example.com
hookloop listen 3000 --tunnel none

# verify signatures, and see what Stripe would do after each answer
hookloop listen 3000 --secret stripe=env:STRIPE_WEBHOOK_SECRET

# answer Slack's url_verification before the handler is there
hookloop listen --answer-handshakes --secret slack=file:signing.secret

# for scripts and CI
hookloop listen 3000 --output json --ready-file ready.json`,
		Args:              args(0, 1, "one handler at most"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.portSet, f.inspectorSet = cmd.Flags().Changed("port"), cmd.Flags().Changed("inspector")
			f.fileRoutes, f.strict = a.file.routes, true
			h, err := f.handler(args)
			if err != nil {
				return err
			}
			return a.listen(cmd.Context(), &f, h)
		},
	}
	f.add(a, cmd)
	return cmd
}

const (
	gcPercent = 400
	gcLimit   = 512 << 20 // bytes of memory above which gcPercent counts for nothing
)

func (a *app) listen(ctx context.Context, f *listenFlags, h *replay.Handler) error {
	output, err := a.output(f.output)
	if err != nil {
		return err
	}
	// Bodies come and go: with little that stays, collecting less often costs
	// a few MiB and saves a quarter of the work. Large ones, of which that would
	// let several times their bytes pile up, are another matter.
	if a.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
		if a.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(gcLimit)
		}
	}
	polls, err := a.filePolls()
	if err != nil {
		return err
	}
	s, err := a.open(ctx, f, h)
	if err != nil {
		return err
	}
	defer s.close()
	s.startPolls(polls)
	return s.show(ctx, output, s.view(), func() error { return s.writeReady(f.readyFile) })
}

// writeReady writes the ready object to a file, if one is named.
func (s *session) writeReady(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.Marshal(s.ready())
	if err == nil {
		err = writePrivate(file, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("cannot write --ready-file: %w", err)
	}
	return nil
}

// output returns the form in which to show what happens.
func (a *app) output(name string) (string, error) {
	switch name {
	case "":
		if isTerminal(a.Stdin) && isTerminal(a.Stdout) {
			return "tui", nil
		}
		return "compact", nil
	case "tui":
		if !isTerminal(a.Stdin) || !isTerminal(a.Stdout) {
			return "", usagef("--output tui needs a terminal: use compact or json here")
		}
		return name, nil
	case "compact", "json", "quiet":
		return name, nil
	}
	return "", usagef("--output %q: give tui, compact, json or quiet", name)
}

// show shows what happens until ctx ends or the user quits. It calls ready
// when every delivery from then on will be shown.
func (s *session) show(ctx context.Context, output string, view tui.Config, ready func() error) error {
	if output == "tui" {
		if view.Notice == "" && view.LiveNotice == nil {
			view.Notice = s.tunnelNotice()
		}
		defer s.told.takeScreen(&view)()
		if err := ready(); err != nil {
			return err
		}
		return tui.Run(ctx, view)
	}
	if output == "quiet" {
		if err := ready(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	// The lines go on until the last attempt has ended.
	following, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		s.drain()
		cancel()
	})
	defer stop()
	follower, err := tui.Follow(following, view)
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	if output == "json" {
		return follower.JSON(following, s.a.Stdout, s.ready())
	}
	s.greet(s.a.Stdout)
	return follower.Compact(following, s.a.Stdout)
}

// greet says where everything is.
func (s *session) greet(w io.Writer) {
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(w, "%-10s %s\n", name, inspect.Escape(value))
		}
	}
	line("Public", s.status().URL)
	line("Receiver", s.receiverURL())
	handler := describe(s.handler)
	if handler == "" {
		handler = "none: deliveries are kept and answered 200; name one, as in `hookloop listen 3000`"
	}
	line("Handler", handler)
	line("Inspector", s.inspectorURL())
}
