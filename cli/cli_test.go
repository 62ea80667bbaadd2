package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// runHere runs a command in this process, in an empty folder.
func runHere(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	t.Chdir(t.TempDir())
	env := map[string]string{"XDG_STATE_HOME": t.TempDir()}
	var out, errs bytes.Buffer
	status = Run(Env{
		Args: args, Getenv: func(name string) string { return env[name] },
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
	})
	return out.String(), errs.String(), status
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		line   string
		status int
		want   string // all of standard error
	}{
		{"show abc", 2, "hookloop: \"abc\" is not a delivery: give a number such as 12, `last`, `last~2` or a range such as 3..7\nTry `hookloop show --help`.\n"},
		{"replay last~x", 2, "hookloop: \"last~x\" is not a delivery: give `last`, or `last~2` for the third newest\nTry `hookloop replay --help`.\n"},
		{"show 99", 1, "hookloop: there is no delivery #99: `hookloop list` shows those there are\n"},
		{"export 3..7", 1, "hookloop: there is no delivery from #3 to #7: `hookloop list` shows those there are\n"},
		{"show", 2, "hookloop: show takes one delivery, a number or `last`, and 0 are given\nTry `hookloop show --help`.\n"},
		{"listen 3000 4000", 2, "hookloop: listen takes one handler at most, and 2 are given\nTry `hookloop listen --help`.\n"},
		{"listen --prot 1", 2, "hookloop: there is no flag --prot: did you mean --port?\nTry `hookloop listen --help`.\n"},
		{"listen --wholly-unknown", 2, "hookloop: there is no flag --wholly-unknown\nTry `hookloop listen --help`.\n"},
		{"listen --timeout soon", 2, "hookloop: --timeout \"soon\": give a duration such as 30s or 5m\nTry `hookloop listen --help`.\n"},
		{"rm", 2, "hookloop: remove what? Name deliveries by ID, or use --query or --all\nTry `hookloop rm --help`.\n"},
		{"rm --all --query is:failed --yes", 2, "hookloop: deliveries are named in more than one way: use IDs, --query or --all\nTry `hookloop rm --help`.\n"},
		{"verify", 2, "hookloop: verify takes one file, or one delivery, and 0 are given\nTry `hookloop verify --help`.\n"},
		{"verify 12", 2, "hookloop: there is no delivery #12: `hookloop list` shows those there are\nTry `hookloop verify --help`.\n"},
		{"providers strpe", 2, "hookloop: there is no provider \"strpe\", did you mean \"stripe\"?\nTry `hookloop providers --help`.\n"},
		{"listen --provider strpe", 2, "hookloop: --provider: there is no provider \"strpe\", did you mean \"stripe\"?\nTry `hookloop listen --help`.\n"},
		{"listen --port 0 --inspector off --tunnel none --probe nosuchcmd", 2, "hookloop: --probe: the program \"nosuchcmd\" cannot be run: executable file not found in $PATH\nTry `hookloop listen --help`.\n"},
		{"listen --concurrency many", 2, "hookloop: --concurrency \"many\": give a number\nTry `hookloop listen --help`.\n"},
		{"mock apixo --latency foo=2s", 2, "hookloop: --latency \"foo=2s\": give a time such as 2s, or one for some of image, video and audio: image=2s,video=1m,audio=20s\nTry `hookloop mock apixo --help`.\n"},
		{"mock daglo --speed fast", 2, "hookloop: --speed \"fast\": give a factor such as 60x\nTry `hookloop mock daglo --help`.\n"},
	} {
		t.Run(test.line, func(t *testing.T) {
			stdout, stderr, status := runHere(t, strings.Fields(test.line)...)
			if status != test.status || stderr != test.want || stdout != "" {
				t.Errorf("got status %d, output %q, errors\n%s\nwant status %d, no output, errors\n%s", status, stdout, stderr, test.status, test.want)
			}
		})
	}
}

// A value of the file is told with its place, not as a flag.
func TestMistakesInFile(t *testing.T) {
	for _, test := range []struct{ line, file, want string }{
		{"listen", "when-down: maybe", `hookloop.yaml:1: when-down "maybe": give refuse or hold`},
		{"listen", "\nanswer: 99", `hookloop.yaml:2: answer "99": give handler, or a status from 200 to 599`},
		{"listen", "timeout: -3s", `hookloop.yaml:1: timeout is -3s: give the handler some time, such as 30s`},
		{"replay 1 --timeout 0s", "timeout: 3s", `there is no delivery #1: .*`},
		{"listen", "concurrency: 0", `hookloop.yaml:1: concurrency is 0: at least 1 is needed`},
		{"listen", "forward-to: 99999", `hookloop.yaml:1: forward-to: "99999" is not the address of a handler: .*`},
		{"listen 99999", "port: 0", `"99999" is not the address of a handler: .*`},
		{"listen", "route: nowhere", `hookloop.yaml:1: route: "nowhere" is not a route: .*`},
		{"listen", "header: nothing", `hookloop.yaml:1: header: "nothing" is not a header: .*`},
		{"listen", "polls:\n  a: {url: http://localhost/, cron: x}", `hookloop.yaml:2: cron: the schedule "x" has 1 .*`},
		{"poll a", "polls:\n  a:\n    url: http://localhost/\n    cron: x", `hookloop.yaml:4: cron: the schedule "x" has 1 .*`},
		{"poll a --cron y", "polls: {a: {url: http://localhost/, cron: x}}", `--cron: the schedule "y" has 1 .*`},
		{"listen", "wholly-unknown: 1", `hookloop.yaml:1: there is no setting "wholly_unknown": there are the flags in .hookloop listen --help. without their --, and polls, providers, routes, secrets, settings`},
		{"listen", "tunnel:\n  ngrok:\n    wholly: 1", `hookloop.yaml:3: there is no setting "tunnel.ngrok.wholly": there are tunnel.ngrok.authtoken, tunnel.ngrok.ca_file, tunnel.ngrok.connect_addr, tunnel.ngrok.url`},
		{"listen", "keep-count: many", `hookloop.yaml:1: keep-count "many": give a number`},
	} {
		t.Run(test.line+" "+test.file, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			if err := os.WriteFile(configName, []byte(test.file+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"XDG_STATE_HOME": t.TempDir(), "HOOKLOOP_TUNNEL": "none", "HOOKLOOP_PORT": "0", "HOOKLOOP_INSPECTOR": "off"}
			var errs bytes.Buffer
			Run(Env{
				Args: strings.Fields(test.line), Getenv: func(name string) string { return env[name] },
				Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &errs,
			})
			got, _, _ := strings.Cut(strings.ReplaceAll(errs.String(), dir+string(filepath.Separator), ""), "\n")
			if want := "^hookloop: " + test.want + "$"; !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestFlagHelp(t *testing.T) {
	for _, test := range []struct{ line, want, not string }{
		{"simulate duplicates", "How: serial, concurrent", "Serial"},
		{"simulate duplicates", "(default: what is known of it, else 10s)\n", "(0s)"},
		{"simulate retries", "When to stop; accepted: as", "Accepted"},
		{"simulate slow", "In which way: trickle, cut", "Trickle"},
		{"simulate lost-ack", "What the provider gets instead: 500", "which way"},
		{"poll", "(default: no bound)\n", "no bound) ("},
		{"mock daglo", "such as 2s (20s)", "image="},
		{"mock apixo", "image=2s,video=1m,audio=20s", "such as 2s ("},
		{"list", "0 = all", "All"},
	} {
		stdout, _, _ := runHere(t, append(strings.Fields(test.line), "--help")...)
		lines := strings.Split(stdout, "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		if _, flags, _ := strings.Cut(strings.Join(lines, "\n"), "FLAGS"); !strings.Contains(flags, test.want) || strings.Contains(flags, test.not) {
			t.Errorf("%s: want %q and not %q in\n%s", test.line, test.want, test.not, flags)
		}
	}
}

func TestProvidersNameTheSecretAsTriggersDo(t *testing.T) {
	for name, want := range map[string]string{"slack": "SLACK_SIGNING_SECRET", "twilio": "TWILIO_AUTH_TOKEN", "github": "GITHUB_WEBHOOK_SECRET"} {
		if stdout, _, _ := runHere(t, "providers", name); !strings.Contains(stdout, "="+"env:"+want+",") {
			t.Errorf("want env:%s in\n%s", want, stdout)
		}
	}
}

func TestReadingMakesNoFolder(t *testing.T) {
	for line, want := range map[string]int{"list": exitOK, "show 1": exitFailed, "replay last": exitFailed, "verify 1": exitUsage, "confirm 1": exitFailed} {
		_, stderr, status := runHere(t, append(strings.Fields(line), "--data-dir", "typo")...)
		if _, err := os.Stat("typo"); err == nil || status != want || !strings.Contains(stderr, "there is no folder typo, so nothing was kept there yet") {
			t.Errorf("%s: got status %d, folder %v, errors %q", line, status, err, stderr)
		}
	}
}

// TestHelpFits checks that the table of the query language needs no more than 80 columns.
func TestHelpFits(t *testing.T) {
	for line := range strings.Lines(queryHelp()) {
		if n := len(strings.TrimRight(line, "\n")); n > 76 {
			t.Errorf("%d columns, want at most 76: %q", n, line)
		}
	}
}

func TestWritePrivateNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "nosuch", "ready"), dir} {
		if err := writePrivate(path, nil); err == nil || !strings.Contains(err.Error(), " "+path+": ") || strings.Contains(err.Error(), ".hookloop-") {
			t.Errorf("got %v, want an error that names %s alone", err, path)
		}
	}
}

func TestAge(t *testing.T) {
	for _, test := range []struct {
		in, out string
		want    time.Duration
	}{
		{"30d", "30d", 30 * 24 * time.Hour},
		{"48h", "2d", 48 * time.Hour},
		{"12h", "12h0m0s", 12 * time.Hour},
		{"-1", "-1ns", -1},
	} {
		var a age
		if err := a.Set(test.in); err != nil || time.Duration(a) != test.want || a.String() != test.out {
			t.Errorf("%q: got %v, %q, error %v; want %v, %q", test.in, time.Duration(a), a.String(), err, test.want, test.out)
		}
	}
	for _, bad := range []string{"", "d", "1.5d", "-2d", "99999d", "soon"} {
		if err := new(age).Set(bad); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

// TestOpenURLSaysWhenThereIsNoBrowser has a program that opens browsers and finds none.
func TestOpenURLSaysWhenThereIsNoBrowser(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it is xdg-open's way to fail")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	if err := openURL("http://127.0.0.1:1/"); err == nil || !strings.Contains(err.Error(), "xdg-open found no browser") {
		t.Errorf("got %v, want that there is no browser", err)
	}
}

// TestCompletion asks as the shells' scripts do.
func TestCompletion(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"show |", ":4"}, // no deliveries, and no files instead
		{"listen |", ":4"},
		{"listen --output |", "compact"},
		{"listen --ou|", "--output"},
		{"export --format |", "jsonl"},
		{"re|", "replay"},
		{"providers |", "stripe"},
		{"listen --provider |", "\ngithub\n"},
		{"listen --secret |", "slack="},
		{"listen --allow-ips |", "paypal"},
		{"verify --set |", "paypal."},
	} {
		words := strings.Fields("__complete " + strings.TrimSuffix(test.line, "|"))
		if strings.HasSuffix(test.line, " |") {
			words = append(words, "")
		}
		stdout, _, status := runHere(t, words...)
		if status != 0 || !strings.Contains(stdout, test.want) {
			t.Errorf("%s: got status %d and\n%s\nwant %s", test.line, status, stdout, test.want)
		}
	}
}

// TestExamplesFit keeps examples within what the help shows of a line.
func TestExamplesFit(t *testing.T) {
	const most = 100
	for _, line := range []string{"poll", "mock apixo", "mock daglo"} {
		cmd, _, err := (&app{}).root().Find(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range strings.Split(cmd.Example, "\n") {
			if n := len([]rune(example)); n > most {
				t.Errorf("%s: a line of %d, want at most %d: %s", line, n, most, example)
			}
		}
	}
}
