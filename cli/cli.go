// Package cli is the command line: it reads flags, environment and
// configuration, and composes all the other packages. Nothing else in hookloop
// looks at the environment or the standard streams.
//
// Its rules:
//   - Standard output is for data, standard error for messages.
//   - An error is one sentence on standard error: what happened, what to do.
//   - Exit status: 0 done, 1 it failed, 2 wrong usage or configuration,
//     3 gave up waiting, 130 interrupted.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"charm.land/fang/v2"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"zombiezen.com/go/sqlite"

	"hookloop/inspect"
	"hookloop/replay/mockapi"
)

// Env is what a command gets from the world.
type Env struct {
	Args   []string // without the program's name
	Getenv func(string) string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// OS returns the process's own Env.
func OS() Env {
	return Env{Args: os.Args[1:], Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitGaveUp      = 3   // it could not be told, or not in time
	exitInterrupted = 130 // by a signal, before there was anything to tell; as shells have it
)

// A usageError is the user's to mend on the command line or in the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// A settingError is the user's to mend in the configuration or the environment,
// where the help of no command helps.
type settingError struct{ error }

func (e settingError) Unwrap() error { return e.error }

// errSilent ends a command with status 1 after it has said why itself;
// errGaveUp does with status 3.
var (
	errSilent = errors.New("failed")
	errGaveUp = errors.New("gave up")
)

// app is what the commands share.
type app struct {
	Env
	dataDir    string
	configFile string

	file        fileConfig // what the configuration file says of providers
	secretTyped bool       // --secret stands on the command line
}

// Run runs one command and returns its exit status.
func Run(env Env) int {
	// The first signal ends the command in good order, the second at once.
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	context.AfterFunc(ctx, stop)

	a := &app{Env: env}
	root := a.root()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := fang.Execute(ctx, root, fang.WithVersion(version()), fang.WithErrorHandler(func(io.Writer, fang.Styles, error) {}))
	if ctx.Err() != nil && interrupted(err) {
		return exitInterrupted
	}
	cmd, _, findErr := root.Find(env.Args)
	if findErr != nil {
		cmd = root
	}
	return a.report(cmd, err)
}

// interrupted reports whether err is of a command that its context ended. What
// the store was asked meanwhile fails in SQLite's own words.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || sqlite.ErrCode(err) == sqlite.ResultInterrupt
}

// report says what went wrong in cmd and returns the exit status.
func (a *app) report(cmd *cobra.Command, err error) int {
	var usage usageError
	var setting settingError
	if errors.As(err, &usage) {
		err, _ = inSetting(err, a.file.places)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFailed
	case errors.Is(err, errGaveUp):
		return exitGaveUp
	case errors.As(err, &setting):
		a.sayf("hookloop: %s", err)
		return exitUsage
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		a.sayf("hookloop: %s", err)
		a.sayf("Try `%s --help`.", cmd.CommandPath())
		return exitUsage
	}
	a.sayf("hookloop: %s", err)
	return exitFailed
}

// sayf writes a line to standard error.
func (a *app) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(a.Stderr, format+"\n", args...)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hookloop",
		Short: "Receive, inspect and replay webhooks on your own machine",
		Long: "hookloop gives your localhost a public webhook URL, keeps every delivery that arrives,\n" +
			"and replays it to your handler until the handler is right.",
		Example: `# forward webhooks to a handler on port 3000
hookloop listen 3000

# see how it works, without an account
hookloop demo

# send the last delivery again
hookloop replay last`,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.configure(cmd) },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.dataDir, "data-dir", "", "folder that keeps the deliveries (default: the platform's state folder)")
	flags.StringVar(&a.configFile, "config", "", "configuration file (default: hookloop.yaml, searched upward from here)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{flagError(cmd, err)} })
	cobra.EnableCommandSorting = false // the help begins with what people want first
	root.AddCommand(
		a.listenCommand(), a.demoCommand(), a.listCommand(), a.showCommand(),
		a.replayCommand(), a.triggerCommand(), a.pollCommand(), a.mockCommand(), a.simulateCommand(), a.verifyCommand(), a.confirmCommand(), a.providersCommand(), a.exportCommand(), a.rmCommand(), a.versionCommand(),
	)
	mendHelp(root)
	return root
}

// flagError says what is wrong with a flag in words that help.
func flagError(cmd *cobra.Command, err error) error {
	if unknown := new(pflag.NotExistError); errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := inspect.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return fmt.Errorf("there is no flag --%s: did you mean --%s?", unknown.GetSpecifiedName(), near)
		}
		return fmt.Errorf("there is no flag --%s", unknown.GetSpecifiedName())
	}
	if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) {
		return fmt.Errorf("--%s %q: give %s", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid.GetFlag()))
	}
	return err
}

// wanted says what a flag's value should be.
func wanted(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		return "a duration such as 30s or 5m"
	case "age":
		return "a duration such as 12h or 30d, or -1"
	case "bool":
		return "true or false"
	case "speed":
		return "a factor such as 60x"
	case new(mockapi.Latency).Type():
		return "a time such as 2s, or one for some of image, video and audio: image=2s,video=1m,audio=20s"
	}
	return "a number"
}

// args allows so many positional arguments, of which what says what they are.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if len(given) < least || len(given) > most {
			return usagef("%s takes %s, and %d are given", cmd.Name(), what, len(given))
		}
		return nil
	}
}

// isTerminal reports whether f is a terminal.
func isTerminal(f any) bool {
	file, ok := f.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(file.Fd())
}
