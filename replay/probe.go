package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// What is read of a probe.
const (
	defaultProbeTimeout = 10 * time.Second
	maxProbeOutput      = 64 << 10 // bytes that it may write
	maxProbeValue       = 4 << 10  // bytes that are compared
	maxProbeError       = 300      // bytes of what it says on standard error
)

// check says what is wrong with p, or nil.
func (p *Probe) check() error {
	switch {
	case p == nil:
		return nil
	case len(p.Command) == 0 && p.URL == "":
		return errors.New("the probe is empty: give a command, such as 'psql -tAc \"select count(*) from orders\"', or a URL")
	case len(p.Command) > 0 && p.URL != "":
		return errors.New("the probe has both a command and a URL: give one")
	case len(p.Command) > 0 && p.Command[0] == "":
		return errors.New("the probe's command has no program: its first word names one")
	case p.Timeout < 0:
		return fmt.Errorf("the probe's timeout is %s: give a time, such as 10s", p.Timeout)
	case p.Settle < 0 || p.Settle > maxSettle:
		return fmt.Errorf("the probe's settle time is %s: give a time up to %s, such as 2s", p.Settle, maxSettle)
	}
	if p.URL != "" {
		if _, err := ParseHandler(p.URL); err != nil {
			return fmt.Errorf("the probe's URL: %w", err)
		}
	}
	return nil
}

// A prober reads a Probe.
type prober struct {
	Probe
	url     *url.URL
	guard   *Guard
	env     []string
	eventID string        // in the place of the delivery's; "" = that
	before  string        // what the first reading had
	watched time.Time     // since when it was read again, after the first attempt
	moved   bool          // such a reading had something else
	lag     time.Duration // how long after watched
}

// newProbe returns nil for nil. The error is a usage error in words.
func (s *Simulator) newProbe(p *Probe) (*prober, error) {
	if p == nil {
		return nil, nil
	}
	probe := &prober{Probe: *p, guard: s.Sender.Guard}
	probe.Timeout, probe.Settle = cmp.Or(p.Timeout, defaultProbeTimeout), cmp.Or(p.Settle, defaultSettle)
	if p.URL == "" {
		if _, err := exec.LookPath(p.Command[0]); err != nil {
			return nil, fmt.Errorf("the probe's program %q cannot be run: %w", p.Command[0], innermost(err))
		}
		return probe, nil
	}
	var err error
	if probe.url, err = ParseHandler(p.URL); err != nil {
		return nil, err
	}
	return probe, s.Sender.Guard.check(probe.url.Host)
}

// facts sets what the program finds in its environment.
func (p *prober) facts(d *inspect.Delivery) {
	clean := strings.NewReplacer("\x00", "")
	p.env = append(os.Environ(),
		"HOOKLOOP_DELIVERY_ID="+strconv.FormatInt(d.ID, 10),
		"HOOKLOOP_EVENT_ID="+clean.Replace(cmp.Or(p.eventID, d.Facts.EventID)))
}

// read reads the value. It ends with ctx, or after the probe's timeout.
func (p *prober) read(ctx context.Context) (value string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	var text []byte
	if p.url != nil {
		text, err = p.get(ctx)
	} else {
		text, err = p.command(ctx)
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("the probe had not ended after %s", provider.InWords(p.Timeout))
	case err != nil:
		return "", err
	case len(text) > maxProbeOutput:
		return "", fmt.Errorf("the probe says more than %d KiB: have it say a number", maxProbeOutput>>10)
	}
	value = string(text)
	if p.JSON != "" {
		var ok bool
		if value, ok = ValueAt(text, p.JSON); !ok {
			return "", fmt.Errorf("the probe's answer has no %s: it begins with %s", p.JSON, quoted(string(text)))
		}
	}
	if value = strings.ToValidUTF8(strings.TrimSpace(value), "\ufffd"); len(value) > maxProbeValue {
		return "", fmt.Errorf("the probe's value is longer than %d KiB: have it say a number", maxProbeValue>>10)
	}
	return value, nil
}

func (p *prober) command(ctx context.Context) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	cmd.Env = p.env
	out, says := &boundedBuffer{max: maxProbeOutput + 1}, &boundedBuffer{max: maxProbeError}
	cmd.Stdout, cmd.Stderr = out, says
	cmd.WaitDelay = time.Second // for what it left running with its output open
	ownGroup(cmd)
	err := cmd.Run()
	killGroup(cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the program itself ended well
	}
	if err != nil {
		text := fmt.Sprintf("the probe %s failed (%v)", p.Command[0], innermost(err))
		if said := strings.TrimSpace(string(says.kept)); said != "" {
			text += ": " + quoted(said)
		}
		if slices.ContainsFunc(p.Command[1:], shellOnly) {
			text += "; it runs without a shell: write sh -c '…' for a pipe or the like"
		}
		return nil, errors.New(text)
	}
	return out.kept, nil
}

// shellOnly reports whether a word is one that only a shell understands.
func shellOnly(word string) bool {
	return slices.Contains([]string{"|", "||", "&&", ";", "&", "<", ">", ">>"}, word) || strings.HasPrefix(word, "$")
}

func (p *prober) get(ctx context.Context) ([]byte, error) {
	transport := NewTransport(TransportOptions{Guard: p.guard})
	transport.DisableKeepAlives = true
	defer transport.CloseIdleConnections()
	where := p.url.Scheme + "://" + p.url.Host + p.url.Path // without a query, which may hold a secret
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("the probe %s cannot be asked: %w", where, innermost(err))
	}
	req.Header.Set("User-Agent", "hookloop-probe")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("the probe %s cannot be asked: %w", where, innermost(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("the probe %s answered %s: it is to answer 200", where, statusText(resp.StatusCode))
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxProbeOutput+1))
	if err != nil {
		return nil, fmt.Errorf("the probe %s broke off: %w", where, innermost(err))
	}
	return text, nil
}

// A boundedBuffer keeps the first bytes that are written to it.
type boundedBuffer struct {
	max  int
	kept []byte
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), b.max-len(b.kept))]...)
	return len(p), nil
}

// quoted returns the beginning of a text, fit for a sentence.
func quoted(text string) string {
	const most = 120
	text = strings.ToValidUTF8(text, "\ufffd")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	text = inspect.Escape(text)
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
		return text // a JSON string has its own
	}
	return `"` + text + `"`
}
