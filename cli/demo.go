package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/replay/mockapi"
)

func (a *app) demoCommand() *cobra.Command {
	var output, inspector string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole story on this machine, without an account",
		Long: "demo starts a small image service as the handler and a stand-in of APIXO's API, and shows what happens to callbacks:\n" +
			"one fails, is retried by the provider's clock (compressed), comes twice, is processed twice, and then, with the service\n" +
			"mended, once. Nothing is kept.",
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

// How much faster than APIXO's clock the demo's is, and how long it pauses
// between the parts of its story.
const (
	demoSpeed      = 30
	demoWatchSpeed = 3 // where a person watches: the retry comes when its caption has been read
	demoWatchPace  = 4 * time.Second
)

// demo runs the demo in a folder that it removes again.
func (a *app) demo(ctx context.Context, f *listenFlags, output string) (err error) {
	dir, err := os.MkdirTemp("", "hookloop-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	a.dataDir = dir
	service, err := startImageService()
	if err != nil {
		return err
	}
	defer service.close()
	s, err := a.open(ctx, f, &replay.Handler{URL: service.url})
	if err != nil {
		return err
	}
	defer s.close()
	s.checker.AddSecret("stripe", provider.Secret{Label: "the secret of the image service", Value: service.secret})
	s.probe = service.probe()
	d := &demo{s: s, service: service, speed: demoSpeed, out: printer{io.Discard}}
	if output == "tui" {
		d.speed, d.pace = demoWatchSpeed, demoWatchPace
	}
	closeAPI, err := d.startAPI()
	if err != nil {
		return err
	}
	defer closeAPI()
	if output == "compact" {
		d.out = printer{a.Stdout}
		return d.tell(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	view := s.view()
	view.LiveNotice = d.notice
	ended := make(chan error, 1)
	go func() {
		ended <- d.play(ctx)
		if output != "tui" {
			cancel() // nobody is there to press q
		}
	}()
	err = s.show(ctx, output, view, func() error { return nil })
	cancel()
	if playErr := <-ended; err == nil && output != "tui" {
		err = playErr
	}
	return err
}

// A demo is the story and those in it.
type demo struct {
	s       *session
	service *imageService
	api     string  // base URL of the stand-in
	speed   float64 // of its clock
	pace    time.Duration
	out     printer
	said    atomic.Pointer[string]
}

// startAPI serves the stand-in of APIXO's API on a free port.
func (d *demo) startAPI() (stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := &mockapi.APIXO{Config: mockapi.Config{Speed: d.speed}}
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	d.api = "http://" + ln.Addr().String()
	return func() {
		_ = srv.Close()
		api.Close()
	}, nil
}

// tell plays the story and tells it in lines.
func (d *demo) tell(ctx context.Context) error {
	d.out.linef("hookloop demo: an image service, and a stand-in of APIXO's API %g times as fast, all on this machine.", d.speed)
	d.out.linef("")
	d.s.greet(d.out.w)
	d.out.linef("")
	if err := d.play(ctx); err != nil {
		return err
	}
	c, err := d.s.store.Counters(ctx)
	if err != nil {
		return err
	}
	d.out.linef("")
	d.out.linef("Received %d = %d forwarded. Attempts %d = %d answered 2xx + %d answered 5xx. Nothing is lost, nothing overwritten.",
		c.Received, c.Forwarded, c.Attempts, c.Status2xx, c.Status5xx)
	d.out.linef("Now with your own handler: hookloop listen 3000")
	return nil
}

// say tells the next part of the story, to the terminal UI's reader too.
func (d *demo) say(ctx context.Context, text string) {
	d.begin(text)
	d.sleep(ctx)
}

// begin tells the next part without a pause, for what is soon to be seen.
func (d *demo) begin(text string) {
	d.caption(text)
	d.out.linef("%s", text)
}

// caption is told the terminal UI's reader alone.
func (d *demo) caption(text string) {
	d.said.Store(&text)
	d.s.store.Notify()
}

func (d *demo) sleep(ctx context.Context) {
	if d.pace == 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d.pace):
	}
}

// notice is what is said last.
func (d *demo) notice() string {
	if text := d.said.Load(); text != nil {
		return *text
	}
	return ""
}

// result prints how an attempt ended, what its signature is worth and what the
// provider would do now.
func (d *demo) result(ctx context.Context, id int64) error {
	delivery, err := d.s.store.Delivery(ctx, id)
	if err != nil {
		return err
	}
	at, err := d.s.store.Attempt(ctx, id, 1)
	if err != nil {
		return err
	}
	answer := at.Error
	if at.Response != nil {
		answer = strings.TrimSpace(string(at.Response.Body))
		d.out.linef("   #%d %s %s → %d %s", id, delivery.Facts.Provider, delivery.Facts.Event, at.Response.Status, inspect.Escape(answer))
	} else {
		d.out.linef("   #%d → %s", id, inspect.Escape(answer))
	}
	if delivery.Facts.Signature == provider.Valid {
		d.out.linef("   %s", inspect.Escape(delivery.Facts.SignatureReason))
	}
	told := fmt.Sprintf("#%d is answered: %s", id, inspect.Escape(answer))
	if at.Response != nil {
		told = fmt.Sprintf("#%d is answered %d: %s", id, at.Response.Status, inspect.Escape(answer))
	}
	if at.Outlook != nil {
		d.out.linef("   %s", inspect.Escape(at.Outlook.Text))
		told += ". " + inspect.Escape(at.Outlook.Text)
	}
	d.caption(told)
	return nil
}
