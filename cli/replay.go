package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tui"
)

// replayFlags are the flags of replay.
type replayFlags struct {
	handlerFlags
	providerFlags
	to       string
	failed   bool
	query    string
	edit     bool
	bodyFile string
	asJSON   bool
	resign   bool
	noResign bool
}

func (a *app) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:     "replay ID|last|A..B …",
		Aliases: []string{"resend", "retry"},
		Short:   "Send deliveries to the handler again",
		Long: "replay makes another attempt of each delivery named, as it was received, and prints the answer.\n" +
			"It goes to the handler of a running listen, else to where the delivery went before, or to --to.\n" +
			"Where the handler would refuse the signature (its timestamp has aged, the body was edited) and there is a\n" +
			"secret, it is signed again, as the provider would sign it now.\n" +
			"The exit status is 0 if every answer was a 2xx, else 1.",
		Example: `hookloop replay last
hookloop replay 3..7
hookloop replay --failed
hookloop replay 12 --to http://localhost:4000 -H 'X-Debug: 1'
hookloop replay 12 --edit --secret stripe=env:STRIPE_WEBHOOK_SECRET
hookloop replay 12 --no-resign`,
		ValidArgsFunction: a.completeIDs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.replay(cmd.Context(), &f, args) },
	}
	f.handlerFlags.add(cmd.Flags())
	f.providerFlags.add(a, cmd)
	set := cmd.Flags()
	_ = set.MarkHidden("show-secrets") // it shows none
	set.StringVar(&f.to, "to", "", "send to this port, host:port or URL instead; a path in it replaces the delivery's")
	set.BoolVar(&f.failed, "failed", false, "all deliveries whose latest attempt failed")
	set.StringVar(&f.query, "query", "", "all deliveries that match, see `hookloop list --help`")
	set.BoolVar(&f.edit, "edit", false, "edit the body in $EDITOR first")
	set.StringVar(&f.bodyFile, "body-file", "", "send this file's content as the body; - reads standard input")
	set.BoolVar(&f.resign, "resign", false, "sign again, as the provider would sign it now")
	set.BoolVar(&f.noResign, "no-resign", false, "keep the old signature, even where it would be refused")
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object an attempt")
	return cmd
}

func (a *app) replay(ctx context.Context, f *replayFlags, exprs []string) error {
	signing, err := f.signing()
	if err != nil {
		return err
	}
	store, err := a.openKept()
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	ids, err := f.choose(ctx, store, exprs)
	if err != nil {
		return err
	}
	if (f.edit || f.bodyFile != "") && len(ids) != 1 {
		return usagef("--edit and --body-file are for one delivery, and %d are named", len(ids))
	}
	sender, err := a.replaySender(&f.handlerFlags, store)
	if err != nil {
		return err
	}
	if sender.Checker, err = a.checker(&f.providerFlags); err != nil { // without a secret too it tells what would be refused
		return err
	}
	defer sender.Stop()
	ok := true
	for i, id := range ids {
		if ctx.Err() != nil {
			return a.replayStopped(ctx, nil, ids[i:])
		}
		o := replay.Options{To: f.to, Signing: signing}
		if f.edit || f.bodyFile != "" {
			if o, err = a.edited(ctx, f, store, id, o); err != nil {
				return err
			}
		}
		a.sayForecast(ctx, sender, id, o)
		at, err := sender.Replay(ctx, id, o)
		if err != nil {
			if ctx.Err() != nil {
				return a.replayStopped(ctx, nil, ids[i:])
			}
			if len(ids) == 1 {
				return err
			}
			a.sayf("hookloop: %s", err)
			ok = false
			continue
		}
		ok = ok && at.Summary().OK()
		if err := a.printAttempt(context.WithoutCancel(ctx), f, store, at, len(ids) == 1); err != nil {
			return err
		}
		if at.State != inspect.Answered && ctx.Err() != nil {
			return a.replayStopped(ctx, at, ids[i+1:])
		}
	}
	if !ok {
		return errSilent
	}
	return nil
}

// replayStopped says what the end of ctx left undone: the attempt that was on
// its way, nil for none, and the deliveries that were not sent.
func (a *app) replayStopped(ctx context.Context, cut *inspect.Attempt, unsent []int64) error {
	const most = 5
	var words []string
	if cut != nil {
		words = append(words, fmt.Sprintf("the handler had not answered #%d", cut.DeliveryID))
	}
	switch n := len(unsent); {
	case n == 1:
		words = append(words, fmt.Sprintf("#%d was not sent", unsent[0]))
	case n > most:
		words = append(words, fmt.Sprintf("%d deliveries were not sent, from #%d to #%d", n, unsent[0], unsent[n-1]))
	case n > 1:
		var names []string
		for _, id := range unsent {
			names = append(names, fmt.Sprintf("#%d", id))
		}
		words = append(words, strings.Join(names, ", ")+" were not sent")
	}
	a.sayf("hookloop: stopped; %s", strings.Join(words, ", and "))
	return ctx.Err()
}

// signing is the way that --resign and --no-resign choose.
func (f *replayFlags) signing() (replay.Signing, error) {
	switch {
	case f.resign && f.noResign:
		return "", usagef("--resign and --no-resign say opposite things: use one of them")
	case f.resign:
		return replay.SignAgain, nil
	case f.noResign:
		return replay.AsReceived, nil
	}
	return replay.SignIfNeeded, nil
}

// sayForecast tells of a signature that would be refused, before it is sent,
// and what becomes of it. Errors are left to the replay.
func (a *app) sayForecast(ctx context.Context, s *replay.Sender, id int64, o replay.Options) {
	f, err := s.Forecast(ctx, id, o)
	if err != nil || f.Refused == "" && (f.CanSign || o.Signing != replay.SignAgain) {
		return
	}
	then := "sent with the old signature; --resign signs it again"
	switch {
	case f.Sign && o.Signing == replay.SignAgain:
		then = "signed again with " + f.Secret
	case f.Sign:
		then = "signed again with " + f.Secret + "; --no-resign keeps the old signature"
	case o.Signing == replay.SignAgain: // the replay says why not
		if text := elsewhere(ctx, s, id); text != "" {
			a.sayf("hookloop: #%d: %s", id, inspect.Escape(text))
		}
		return
	case o.Signing == replay.AsReceived:
		then = "sent with the old signature"
	case !f.CanSign:
		then = "not signed again: " + f.Why
		if text := elsewhere(ctx, s, id); text != "" {
			then = "not signed again: " + text
		}
	}
	a.sayf("hookloop: #%d: %s: %s", id, inspect.Escape(f.Refused), inspect.Escape(then))
}

// elsewhere is what secretElsewhere says of a delivery's provider, where s has
// no secret of it; "" otherwise.
func elsewhere(ctx context.Context, s *replay.Sender, id int64) string {
	d, err := s.Store.Delivery(ctx, id)
	if err != nil {
		return ""
	}
	p := s.Checker.Recognize(d.Request()).Provider
	if p == nil || s.Checker.HasSecret(d.Request(), p.Name) {
		return ""
	}
	return secretElsewhere(s.Store.Dir(), p)
}

// choose returns the deliveries to replay, at least one.
func (f *replayFlags) choose(ctx context.Context, store *inspect.Store, exprs []string) ([]int64, error) {
	query := f.query
	if f.failed {
		query += " is:failed"
	}
	switch {
	case query == "" && len(exprs) == 0:
		return nil, usagef("replay what? Name a delivery, as in `hookloop replay last`, or use --failed or --query")
	case query != "" && len(exprs) > 0:
		return nil, usagef("deliveries are named both by ID and by --failed or --query: use one of them")
	}
	if query != "" {
		query += " -source:mock"
	}
	ids, err := choose(ctx, store, exprs, query)
	if err == nil && query == "" {
		err = refuseMock(ctx, store, ids)
	}
	if err == nil && len(ids) == 0 {
		err = errors.New("no delivery matches, so nothing was sent")
	}
	return ids, err
}

// refuseMock refuses what no provider sent, and no handler is to get.
func refuseMock(ctx context.Context, store *inspect.Store, ids []int64) error {
	for _, id := range ids {
		d, err := store.Delivery(ctx, id)
		if errors.Is(err, inspect.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if d.Source == inspect.FromMock && d.Reason == callbackReason {
			return usagef("#%d is a callback that a mock API made past hookloop: have its callback URL begin with what `hookloop listen` prints, and it can be sent again", id)
		}
		if d.Source == inspect.FromMock {
			return usagef("#%d is what you asked a mock API, and no delivery: name the callback that came of it, see `hookloop list -- -source:mock`", id)
		}
	}
	return nil
}

// replaySender returns a Sender that knows the handler of the running listen, if there is one.
func (a *app) replaySender(f *handlerFlags, store *inspect.Store) (*replay.Sender, error) {
	guard := &replay.Guard{Own: ownAddresses(store.Dir())}
	sender, err := f.sender(store, guard)
	if err != nil {
		return nil, err
	}
	running := readLive(store.Dir())
	for _, l := range slices.Backward(running) {
		h, err := l.handler()
		if err != nil || h == nil {
			continue
		}
		sender.Handler = h
		for _, u := range h.URLs() {
			guard.Allow = append(guard.Allow, u.Hostname())
		}
		break
	}
	return sender, nil
}

// edited puts the body to send into o: a file's, or what the user's editor leaves.
func (a *app) edited(ctx context.Context, f *replayFlags, store *inspect.Store, id int64, o replay.Options) (_ replay.Options, err error) {
	o.Edited = true
	switch {
	case f.edit && f.bodyFile != "":
		return o, usagef("--edit and --body-file both say what to send: use one of them")
	case f.bodyFile == "-":
		o.Body, err = io.ReadAll(a.Stdin)
	case f.bodyFile != "":
		o.Body, err = os.ReadFile(f.bodyFile)
	default:
		var d *inspect.Delivery
		if d, err = store.Delivery(ctx, id); err == nil {
			o.Body, err = a.runEditor(ctx, d.Body)
			o.Edited = !bytes.Equal(o.Body, d.Body)
		}
	}
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if f.bodyFile != "" && err != nil {
		return o, fmt.Errorf("there is no body to send: %w", err)
	}
	if err != nil {
		return o, fmt.Errorf("nothing was sent: %w", err)
	}
	if !o.Edited {
		a.sayf("hookloop: the body was left as it was")
		o.Body = nil
	}
	return o, nil
}

// runEditor returns what the user's editor makes of body.
func (a *app) runEditor(ctx context.Context, body []byte) ([]byte, error) {
	editor := a.editor()
	if editor == nil {
		return nil, errors.New("there is no editor: set EDITOR, or give the body in a file")
	}
	dir, err := os.MkdirTemp("", "hookloop-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "body")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, editor[0], append(editor[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.Stdin, a.Stdout, a.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the editor %s failed: %w", editor[0], err)
	}
	edited, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return replay.TrimEditorNewline(body, edited), nil
}

func (a *app) printAttempt(ctx context.Context, f *replayFlags, store *inspect.Store, at *inspect.Attempt, whole bool) error {
	if f.asJSON {
		return inspect.NewJSONEncoder(a.Stdout).Encode(viewReplay(at))
	}
	d, err := store.Delivery(ctx, at.DeliveryID)
	if err != nil {
		return err
	}
	p := printer{a.Stdout}
	answer, why := string(at.State), ""
	if at.Response != nil {
		answer = fmt.Sprintf("%d %s", at.Response.Status, http.StatusText(at.Response.Status))
	}
	if at.Error != "" {
		why = ": " + inspect.Escape(at.Error)
	}
	if at.Sent != nil && at.Sent.Signed != "" {
		why += ", signed again: " + inspect.Escape(at.Sent.Signed)
	}
	if at.NotSigned != "" {
		why += ", not signed again, although " + inspect.Escape(at.NotSigned)
	}
	p.linef("#%d %s %s → %s in %s (attempt %d, %s)%s", d.ID, inspect.Escape(d.Method), inspect.Escape(d.Path()), answer,
		tui.FormatDuration(at.Duration), at.Number, inspect.Escape(at.URL), why)
	if whole && at.Response != nil {
		p.linef("")
		p.message(at.Response.Header, at.Response.Trailer, at.Response.Body, at.Response.Truncated)
	}
	return nil
}

// A replayView is what --json prints of an attempt.
type replayView struct {
	DeliveryID int64  `json:"delivery_id"`
	URL        string `json:"url"`
	*inspect.AttemptSummary
	Signed    string    `json:"signed"`               // how it was signed again; "" = it was not
	NotSigned string    `json:"not_signed,omitempty"` // why the signature would be refused, and was left as it was
	Sent      *sentView `json:"sent"`                 // how what was sent differs from the delivery; null = it does not
}

type sentView struct {
	Method string      `json:"method,omitempty"`
	Host   string      `json:"host,omitempty"`
	Header http.Header `json:"headers,omitempty"` // the whole set
	Edited bool        `json:"edited"`            // the body is not the delivery's
	Size   int         `json:"size"`              // of that body
}

func viewReplay(at *inspect.Attempt) replayView {
	v := replayView{DeliveryID: at.DeliveryID, URL: at.URL, NotSigned: at.NotSigned, AttemptSummary: at.Summary()}
	if s := at.Sent; s != nil {
		v.Signed = s.Signed
		v.Sent = &sentView{Method: s.Method, Host: s.Host, Header: s.Header, Edited: s.Edited, Size: len(s.Body)}
	}
	return v
}
