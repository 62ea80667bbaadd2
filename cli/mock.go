package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/replay/mockapi"
)

// mockFlags are the settings of mock.
type mockFlags struct {
	port                    int
	keys                    []string
	secret                  string
	speed                   float64
	latency                 mockapi.Latency
	failRate, duplicateRate float64
	rateLimit               float64
	allowTarget             []string
	readyFile               string
	asJSON                  bool
}

// A mocked API is one of those that mock stands in for.
type mockedAPI struct {
	name, title, example string
	port                 int
	signs                bool
	models               bool // of several types, each with a latency of its own
	make                 func(mockapi.Config, string) (h http.Handler, stop func())
}

var mockedAPIs = []mockedAPI{
	{
		"apixo", "APIXO's generation API", `hookloop mock apixo --speed 60x
curl http://127.0.0.1:4050/api/v1/generateTask/nano-banana \
  -H 'Authorization: Bearer any' -H 'Content-Type: application/json' \
  -d '{"request_type":"callback","callback_url":"http://127.0.0.1:4041/callback",
       "input":{"prompt":"a cat"}}'
curl "http://127.0.0.1:4050/api/v1/statusTask/nano-banana?taskId=$ID" \
  -H 'Authorization: Bearer any'

# a bad day
hookloop mock apixo --fail-rate 0.2 --duplicate-rate 0.5 --latency image=1s,video=10s`, 4050, false, true,
		func(c mockapi.Config, _ string) (http.Handler, func()) {
			api := &mockapi.APIXO{Config: c}
			return api, api.Close
		},
	},
	{
		"daglo", "daglo's speech recognition API", `hookloop mock daglo --secret env:DAGLO_WEBHOOK_SECRET
curl http://127.0.0.1:4051/stt/v1/async/transcripts \
  -H 'Authorization: Bearer any' -H 'Content-Type: application/json' \
  -d '{"audio":{"source":{"url":"https://example.com/a.mp3"}},
       "callback":{"url":"http://127.0.0.1:4041/callback"}}'`, 4051, true, false,
		func(c mockapi.Config, secret string) (http.Handler, func()) {
			api := &mockapi.Daglo{Config: c, Secret: secret}
			return api, api.Close
		},
	},
}

func (a *app) mockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mock",
		Short: "Stand in for an asynchronous API: submit, poll, callback",
		Long: "mock runs an API on this machine that takes tasks, tells their state, and calls back with the provider's\n" +
			"own retries, so that the whole flow can be built without credits or a network. Every call is kept and shown,\n" +
			"and every callback, also one that goes straight to a handler: `hookloop list source:mock`.",
		Example: "hookloop mock apixo\nhookloop mock daglo",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no mock of %q: there are apixo and daglo", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, api := range mockedAPIs {
		cmd.AddCommand(a.mockAPICommand(api))
	}
	return cmd
}

func (a *app) mockAPICommand(api mockedAPI) *cobra.Command {
	var f mockFlags
	cmd := &cobra.Command{
		Use: api.name, Short: "Stand in for " + api.title, Example: api.example,
		Args:              args(0, 0, "no arguments"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.mock(cmd.Context(), &f, api, cmd.Flags().Changed("port"))
	}
	set := cmd.Flags()
	set.IntVar(&f.port, "port", api.port, "port on this machine; 0 = any")
	set.StringArrayVar(&f.keys, "key", nil, "the API key that is taken, as env:NAME, file:PATH or itself (repeatable; default: any)")
	if api.signs {
		set.StringVar(&f.secret, "secret", "", "have callbacks carry a JWT made with it: env:NAME, file:PATH or itself")
	}
	set.Var((*speed)(&f.speed), "speed", "how much faster than the real API, such as 60x")
	set.Var(&f.latency, "latency", "how long tasks take: 2s, or image=2s,video=1m,audio=20s")
	if !api.models {
		latency := set.Lookup("latency")
		latency.Usage, latency.DefValue = "how long tasks take, such as 2s", f.latency.Of(mockapi.Audio).String()
	}
	set.Float64Var(&f.failRate, "fail-rate", 0, "how many tasks fail, from 0 to 1")
	set.Float64Var(&f.duplicateRate, "duplicate-rate", 0, "how many callbacks come a second time, from 0 to 1")
	set.Float64Var(&f.rateLimit, "rate-limit", 0, "requests a second and key, beyond which it answers 429 (default: no limit)")
	set.StringArrayVar(&f.allowTarget, "allow-target", nil, "another machine that callbacks may go to (repeatable)")
	set.StringVar(&f.readyFile, "ready-file", "", "write the address to this file when ready")
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object an event")
	ownFlags(set, "port", "ready-file", "allow-target")
	if api.signs {
		ownFlags(set, "secret")
	}
	return cmd
}

// config returns the stand-in's settings.
func (f *mockFlags) config(a *app) (mockapi.Config, error) {
	c := mockapi.Config{
		Speed: f.speed, Latency: f.latency, FailRate: f.failRate, DuplicateRate: f.duplicateRate, RateLimit: f.rateLimit,
		Client: replay.NewTransport(replay.TransportOptions{Guard: &replay.Guard{Allow: f.allowTarget}}),
	}
	for name, rate := range map[string]float64{"fail-rate": f.failRate, "duplicate-rate": f.duplicateRate} {
		if !(rate >= 0 && rate <= 1) {
			return c, usagef("--%s is %g: give a share from 0 to 1", name, rate)
		}
	}
	if f.rateLimit < 0 {
		return c, usagef("--rate-limit is %g: give a number from 0 on", f.rateLimit)
	}
	for _, text := range f.keys {
		key, err := a.secret(text, "--key", "")
		if err != nil {
			return c, usagef("--key: %w", err)
		}
		c.Keys = append(c.Keys, key.Value)
	}
	return c, nil
}

func (a *app) mock(ctx context.Context, f *mockFlags, api mockedAPI, portSet bool) error {
	c, err := f.config(a)
	if err != nil {
		return err
	}
	secret := ""
	if f.secret != "" {
		s, err := a.secret(f.secret, "--secret", "")
		if err != nil {
			return usagef("--secret: %w", err)
		}
		secret = s.Value
	}
	c.OnEvent = a.mockEvents(f.asJSON)
	ln, err := listenNear(net.JoinHostPort("127.0.0.1", fmt.Sprint(f.port)), portSet)
	if err != nil {
		return fmt.Errorf("the port of the mock: %w; choose another with --port, or --port 0 for any", err)
	}
	defer func() { _ = ln.Close() }()
	store, err := a.openStore(inspect.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	c.Client = recordedCallbacks{c.Client, store}
	handler, stop := api.make(c, secret)
	defer stop()
	return a.serveMock(ctx, f, api, ln, store, handler)
}

// serveMock serves until ctx ends. Every call is a delivery whose handler is
// the stand-in.
func (a *app) serveMock(ctx context.Context, f *mockFlags, api mockedAPI, ln net.Listener, store *inspect.Store, handler http.Handler) error {
	self := &url.URL{Scheme: "http", Host: ln.Addr().String()}
	sender := &replay.Sender{Store: store, Handler: &replay.Handler{URL: self}, Transport: inProcess{handler}}
	defer sender.Stop()
	rc := &inspect.Receiver{Store: store, OnError: func(err error) { a.sayf("hookloop: a call could not be kept: %s", err) }}
	rc.Forward = func(d *inspect.Delivery) (*inspect.Attempt, func(http.ResponseWriter, *http.Request)) {
		d.Source = inspect.FromMock
		return sender.Forward(d)
	}
	defer rc.Wait()
	srv := &http.Server{
		Handler: rc, ReadHeaderTimeout: 30 * time.Second, DisableGeneralOptionsHandler: true, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context {
			return inspect.WithEndpoint(context.Background(), self.String)
		},
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	defer func() {
		stopping, cancel := context.WithTimeout(context.Background(), stopLimit)
		defer cancel()
		_ = srv.Shutdown(stopping)
		_ = srv.Close()
	}()
	if err := a.mockReady(f, api, self, store.Dir()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return err
	}
}

func (a *app) mockReady(f *mockFlags, api mockedAPI, self *url.URL, dir string) error {
	ready := struct {
		Type        string `json:"type"` // "ready"
		API         string `json:"api"`
		ReceiverURL string `json:"receiver_url"`
		DataDir     string `json:"data_dir"`
	}{"ready", api.name, self.String(), dir}
	if f.asJSON {
		if err := inspect.NewJSONEncoder(a.Stdout).Encode(ready); err != nil {
			return err
		}
	} else {
		printer{a.Stdout}.linef("A stand-in for %s is at %s; `hookloop mock %s --help` shows calls", api.title, self, api.name)
	}
	if f.readyFile == "" {
		return nil
	}
	text, err := json.Marshal(ready)
	if err == nil {
		err = writePrivate(f.readyFile, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("cannot write --ready-file: %w", err)
	}
	return nil
}

// mockEvents prints what happens to tasks.
func (a *app) mockEvents(asJSON bool) func(mockapi.Event) {
	if !asJSON {
		p := printer{a.Stdout}
		return func(e mockapi.Event) { p.linef("%s %s", shortTime(e.Time), inspect.Escape(e.String())) }
	}
	enc := inspect.NewJSONEncoder(a.Stdout)
	return func(e mockapi.Event) {
		_ = enc.Encode(struct {
			Type     string            `json:"type"` // "task"
			Time     time.Time         `json:"time"`
			Kind     mockapi.EventKind `json:"kind"`
			TaskID   string            `json:"task_id"`
			Model    string            `json:"model,omitempty"`
			State    string            `json:"state"`
			Callback string            `json:"callback,omitempty"`
			Attempt  int               `json:"attempt,omitempty"`
			Attempts int               `json:"attempts,omitempty"`
			Status   int               `json:"status,omitempty"`
			Error    string            `json:"error,omitempty"`
			Accepted bool              `json:"accepted"`
			NextMS   int64             `json:"next_ms,omitempty"`
		}{"task", e.Time, e.Kind, e.TaskID, e.Model, e.State, e.Callback, e.Attempt, e.Attempts, e.Status, e.Err, e.Accepted, e.Next.Milliseconds()})
	}
}

// inProcess is the way to a handler of this process.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	u, err := url.ParseRequestURI(in.RequestURI)
	if err != nil {
		return nil, err
	}
	in.URL, in.RemoteAddr = u, "127.0.0.1:0"
	defer func() { _ = in.Body.Close() }()
	w := &memoryResponse{header: http.Header{}}
	t.handler.ServeHTTP(w, in)
	w.WriteHeader(http.StatusOK) // unless it has
	return &http.Response{
		StatusCode: w.status, Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, ContentLength: int64(w.body.Len()), Body: io.NopCloser(strings.NewReader(w.body.String())), Request: r,
	}, nil
}

// memoryResponse keeps a response.
type memoryResponse struct {
	header, sent http.Header
	status       int
	body         strings.Builder
}

func (w *memoryResponse) Header() http.Header { return w.header }

func (w *memoryResponse) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *memoryResponse) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
