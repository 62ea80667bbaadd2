package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/replay"
)

func (a *app) lostAckCommand() *cobra.Command {
	f := simulateFlags{spec: replay.Spec{Kind: "lost-ack"}}
	cmd := &cobra.Command{
		Use:   "lost-ack",
		Short: "Lose the handler's answers, so that the provider really delivers again",
		Long: "lost-ack has the running `hookloop listen` forward the next deliveries as ever, but answer their provider\n" +
			"500, nothing at all, or by a broken connection. The provider delivers them again, and hookloop sees whether\n" +
			"the handler takes an event that it has processed already; a probe shows whether it worked on it twice.",
		Example: `hookloop simulate lost-ack --probe http://localhost:3000/orders/count
hookloop simulate lost-ack -n 2 --how timeout --wait 30m`,
		Args:              args(0, 0, "no arguments"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return notRun(a.lostAck(cmd.Context(), &f)) },
	}
	set := cmd.Flags()
	specFlags[f.spec.Kind](set, &f.spec)
	f.probeFlags.add(set)
	set.BoolVar(&f.asJSON, "json", false, "print the simulation as one JSON object when it has ended")
	set.StringVar(&f.junit, "junit", "", "write the verdict to this file as JUnit XML, for CI")
	_ = cmd.RegisterFlagCompletionFunc("how", cobra.FixedCompletions([]string{"500", "timeout", "reset"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) lostAck(ctx context.Context, f *simulateFlags) error {
	spec := &f.spec
	switch {
	case spec.Count < 1:
		return usagef("-n is %d: at least 1 is needed", spec.Count)
	case spec.Wait <= 0:
		return usagef("--wait is %s: give the provider some time, such as 5m", spec.Wait)
	}
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	store, err := a.openStore(inspect.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := checkJUnit(f.junit); err != nil {
		return err
	}
	w := &replay.LostAckWatch{Store: store, Catalog: catalog, N: spec.Count, How: spec.How, Wait: spec.Wait}
	if w.Probe, err = f.newProbe(); err != nil {
		return err
	}
	sender, err := a.replaySender(&handlerFlags{hostHeader: "preserve", timeout: replay.DefaultTimeout}, store)
	if err != nil {
		return err
	}
	defer sender.Stop()
	w.Guard = sender.Guard
	if w.Since, err = store.Rev(ctx); err != nil {
		return err
	}
	begun := false
	w.Begin = func(ctx context.Context) error {
		if err := loseAcks(ctx, store.Dir(), spec.Count, spec.How); err != nil {
			return err
		}
		begun = true
		a.sayf("hookloop: %s (%s): have the provider deliver", nextLost(spec.Count), spec.How)
		return nil
	}
	// What is left of them is not lost once nobody watches.
	defer func() {
		if !begun {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		_ = loseAcks(ctx, store.Dir(), 0, spec.How)
	}()
	var shown *timeline
	if !f.asJSON {
		shown = a.newTimeline()
		defer shown.close()
		w.OnChange = shown.show
	}
	sim, err := w.Run(ctx)
	if err != nil {
		return err
	}
	return a.verdict(f, shown, sim)
}

func nextLost(n int) string {
	if n == 1 {
		return "the next answer is lost"
	}
	return fmt.Sprintf("the next %d answers are lost", n)
}

// askTimeout bounds what is asked of a running listen.
const askTimeout = 5 * time.Second

// loseAcks asks the newest running listen of a data folder to lose answers.
func loseAcks(ctx context.Context, dir string, n int, how inspect.LostAck) error {
	var inspector *url.URL
	for _, l := range readLive(dir) {
		if u, err := url.Parse(l.InspectorURL); err == nil && u.Host != "" {
			inspector = u
		}
	}
	if inspector == nil {
		return errors.New("there is no running `hookloop listen` with an inspector to ask: start one, without --inspector off")
	}
	body, err := json.Marshal(map[string]any{"n": n, "how": how})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+inspector.Host+"/api/v1/lost-acks", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+inspector.Query().Get("token"))
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the running `hookloop listen` does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var problem struct{ Detail string }
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err == nil && resp.StatusCode != http.StatusOK {
		if json.Unmarshal(text, &problem) != nil || problem.Detail == "" {
			problem.Detail = "the running `hookloop listen` answered " + resp.Status
		}
		return usagef("%s", inspect.Escape(problem.Detail))
	}
	return err
}
