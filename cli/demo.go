package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
)

func (a *app) demoCommand() *cobra.Command {
	var output, inspector string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole loop on this machine, without an account",
		Long: "demo starts a small order service as the handler, sends it signed sample deliveries, and shows what happens.\n" +
			"The service fails its first delivery, so that there is something to replay. Nothing is kept.",
		Example: "hookloop demo\nhookloop demo --output compact",
		Args:    args(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := a.defaultListenFlags()
			f.inspector, f.inspectorSet = inspector, cmd.Flags().Changed("inspector")
			f.tunnel, f.port = "none", 0
			output, err := a.output(output)
			if err != nil {
				return err
			}
			return a.demo(cmd.Context(), f, output)
		},
	}
	cmd.Flags().StringVar(&output, "output", "", outputUsage)
	cmd.Flags().StringVar(&inspector, "inspector", "127.0.0.1:4040", "address of the page, or off")
	return cmd
}

// demo runs the demo in a folder that it removes again.
func (a *app) demo(ctx context.Context, f *listenFlags, output string) (err error) {
	dir, err := os.MkdirTemp("", "hookloop-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	a.dataDir = dir
	service, err := startOrderService()
	if err != nil {
		return err
	}
	defer service.close()
	s, err := a.open(ctx, f, &replay.Handler{URL: service.url})
	if err != nil {
		return err
	}
	defer s.close()
	for _, name := range []string{"stripe", "github"} {
		s.checker.AddSecret(name, provider.Secret{Label: "the secret of the order service", Value: service.secret})
	}
	d := &demo{s: s, service: service}
	if output == "compact" {
		return d.tell(ctx, a.Stdout)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	view := s.view()
	view.LiveNotice = d.notice
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.play(ctx)
		if output != "tui" {
			cancel() // nobody is there to press q
		}
	}()
	err = s.show(ctx, output, view, func() error { return nil })
	cancel()
	<-ended
	return err
}

// A demo is the story: three deliveries, of which the first fails.
type demo struct {
	s       *session
	service *orderService
	sent    atomic.Int64
}

// pace is how far apart the deliveries arrive where a person watches.
const pace = 900 * time.Millisecond

// play sends the deliveries while somebody watches.
func (d *demo) play(ctx context.Context) {
	for _, sample := range samples() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pace):
		}
		if _, err := d.send(ctx, sample); err != nil {
			return
		}
	}
}

// send delivers a sample as its provider would, and returns the delivery's id
// when its attempt has ended.
func (d *demo) send(ctx context.Context, sample sample) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.s.receiverURL()+sample.path, strings.NewReader(sample.body))
	if err != nil {
		return 0, err
	}
	req.Header = sample.sign(d.service.secret)
	provider := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	resp, err := provider.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	id := d.sent.Add(1)
	return id, d.ended(ctx, id, 1)
}

// ended waits for the end of an attempt.
func (d *demo) ended(ctx context.Context, id int64, number int) error {
	signal, cancel := d.s.store.Watch()
	defer cancel()
	for {
		at, err := d.s.store.Attempt(ctx, id, number)
		if err != nil {
			return err
		}
		if at.State != inspect.Pending {
			return nil
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// notice tells the person at the terminal UI what to do next.
func (d *demo) notice() string {
	c, err := d.s.store.Counters(context.Background())
	switch {
	case err != nil || d.sent.Load() == 0:
		return "A sample order service is the handler. Three providers are about to send their webhooks …"
	case c.Received < int64(len(samples())):
		return "Deliveries arrive. The order service fails its first one; look at #1 in a moment …"
	case c.Attempts == c.Received:
		return "#1 failed with 500. Press g to go to it, enter to look, r to replay: same bytes, same signature"
	}
	return "That is the loop: fix, replay, look again. q quits; then try `hookloop listen 3000` with your own handler"
}

// tell plays the story and tells it in lines.
func (d *demo) tell(ctx context.Context, w io.Writer) error {
	p := printer{w}
	p.linef("hookloop demo: a sample order service and three providers, all on this machine.")
	p.linef("")
	d.s.greet(w)
	p.linef("")
	for i, sample := range samples() {
		p.linef("%d. %s", i+1, sample.story)
		id, err := d.send(ctx, sample)
		if err != nil {
			return err
		}
		if err := d.result(ctx, p, id, 1); err != nil {
			return err
		}
	}
	p.linef("4. The order service is up by now. hookloop replays #1: the same bytes, the same signature.")
	at, err := d.s.sender.Replay(ctx, 1, replay.Options{})
	if err != nil {
		return err
	}
	if err := d.ended(ctx, 1, at.Number); err != nil {
		return err
	}
	if err := d.result(ctx, p, 1, at.Number); err != nil {
		return err
	}
	c, err := d.s.store.Counters(ctx)
	if err != nil {
		return err
	}
	p.linef("")
	p.linef("Received %d = %d forwarded. Attempts %d = %d answered 2xx + %d answered 5xx. Nothing is lost, nothing overwritten.",
		c.Received, c.Forwarded, c.Attempts, c.Status2xx, c.Status5xx)
	p.linef("Now with your own handler: hookloop listen 3000")
	return nil
}

func (d *demo) result(ctx context.Context, p printer, id int64, number int) error {
	at, err := d.s.store.Attempt(ctx, id, number)
	if err != nil {
		return err
	}
	answer := at.Error
	if at.Response != nil {
		answer = fmt.Sprintf("%d %s", at.Response.Status, strings.TrimSpace(string(at.Response.Body)))
	}
	p.linef("   #%d attempt %d → %s", id, number, inspect.Escape(answer))
	return nil
}
