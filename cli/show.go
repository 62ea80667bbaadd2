package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/tui"
)

func (a *app) showCommand() *cobra.Command {
	var asJSON, body, explain bool
	var attempt int
	var f providerFlags
	cmd := &cobra.Command{
		Use:   "show ID|last",
		Short: "Show one delivery and its attempts",
		Long: "show prints a delivery, who sent it, the attempts made of it, their responses,\n" +
			"and what the simulations of it came to.\n" +
			"Where a secret is configured, the signature is checked again, as of the time of capture.\n" +
			"--body prints a body alone, byte for byte: the delivery's, or with --attempt that of a response.",
		Example: `hookloop show last
hookloop show last --explain --secret stripe=env:STRIPE_WEBHOOK_SECRET
hookloop show 12 --json
hookloop show 12 --body > body.json
hookloop show 12 --attempt 2 --body`,
		ValidArgsFunction: a.completeIDs,
		Args:              args(1, 1, "one delivery, a number or `last`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if attempt != 0 && !body {
				return usagef("--attempt %d goes with --body: `show` prints all the attempts anyway", attempt)
			}
			c, err := a.checker(&f)
			if err != nil {
				return err
			}
			store, err := a.openKept()
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			ids, err := choose(cmd.Context(), store, args, "")
			if err != nil {
				return err
			}
			for _, id := range ids {
				switch {
				case body:
					err = printBody(cmd.Context(), a.Stdout, store, id, attempt)
				case asJSON:
					err = writeRecord(cmd.Context(), a.Stdout, store, id)
				default:
					err = (&shower{printer{a.Stdout}, store, c, explain, f.showSecrets}).delivery(cmd.Context(), id)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&explain, "explain", false, "show the exact string that is signed, and the signatures")
	f.add(a, cmd)
	cmd.Flags().BoolVar(&body, "body", false, "print the body alone, byte for byte")
	cmd.Flags().IntVar(&attempt, "attempt", 0, "with --body: the response of this attempt")
	return cmd
}

func printBody(ctx context.Context, w io.Writer, store *inspect.Store, id int64, attempt int) error {
	if attempt != 0 {
		at, err := store.Attempt(ctx, id, attempt)
		if err != nil {
			return err
		}
		if at.Response == nil {
			return fmt.Errorf("attempt %d of delivery #%d got no response: %s", attempt, id, at.Error)
		}
		_, err = w.Write(at.Response.Body)
		return err
	}
	d, err := store.Delivery(ctx, id)
	if err != nil {
		return err
	}
	_, err = w.Write(d.Body)
	return err
}

// A shower prints deliveries for people.
type shower struct {
	printer
	store       *inspect.Store
	checker     *provider.Checker
	explain     bool
	showSecrets bool
}

func (s *shower) delivery(ctx context.Context, id int64) error {
	d, err := s.store.Delivery(ctx, id)
	if err != nil {
		return err
	}
	attempts, err := s.store.Attempts(ctx, id)
	if err != nil {
		return err
	}
	s.linef("#%d %s %s", d.ID, inspect.Escape(d.Method), inspect.Escape(d.Target))
	s.linef("%s, %d bytes", cameFrom(d), d.Size)
	switch {
	case d.Reason == inspect.HeldReason && !d.Waiting && len(attempts) > 0:
		s.linef("%s: the handler was down; it was delivered when it answered again", d.Disposition)
	case d.Reason != "":
		s.linef("%s: %s", d.Disposition, inspect.Escape(d.Reason))
	}
	if err := s.sender(ctx, d); err != nil {
		return err
	}
	s.linef("")
	s.linef("Host: %s", inspect.Escape(d.Host))
	s.message(d.Header, d.Trailer, d.Body, d.Truncated)
	for i := range attempts {
		s.attempt(&attempts[i], attemptWord(d, &attempts[i]))
	}
	if len(attempts) == 0 && d.Disposition == inspect.Held && d.Facts.Handshake == "" {
		s.linef("held: there was no handler. `hookloop replay %d --to 3000` sends it to one", d.ID)
	}
	return s.simulations(ctx, id)
}

// A printer writes captured data for people, with nothing in it that a
// terminal would obey.
type printer struct{ w io.Writer }

func (p printer) linef(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format+"\n", args...) }

func (p printer) header(h http.Header) {
	for name, v := range inspect.HeaderLines(h) {
		p.linef("%s: %s", inspect.Escape(name), inspect.Escape(v))
	}
}

func (p printer) message(h, trailer http.Header, body []byte, truncated bool) {
	p.header(h)
	p.linef("")
	view := inspect.View(h, body, truncated)
	for _, line := range view.Lines.All() {
		p.linef("%s", line)
	}
	if view.Note != "" {
		p.linef("(%s)", view.Note)
	}
	p.header(trailer)
	if len(body) > 0 || len(trailer) > 0 {
		p.linef("")
	}
}

// cameFrom says when a delivery was received, and from where.
func cameFrom(d *inspect.Delivery) string {
	at := d.ReceivedAt.Local().Format("2006-01-02 15:04:05.000")
	switch {
	case d.Source == inspect.FromPoll:
		return fmt.Sprintf("polled %s from %s", at, inspect.Escape(d.Endpoint))
	case d.Source == inspect.FromMock:
		return fmt.Sprintf("asked of a mock API %s via %s", at, inspect.Escape(d.Endpoint))
	case d.Source == inspect.FromTrigger && d.RemoteAddr == "":
		return fmt.Sprintf("triggered %s for %s", at, inspect.Escape(d.Endpoint))
	case d.Source == inspect.FromTrigger:
		return fmt.Sprintf("triggered %s via %s", at, inspect.Escape(d.Endpoint))
	}
	return fmt.Sprintf("received %s from %s via %s", at, inspect.Escape(d.RemoteAddr), inspect.Escape(d.Endpoint))
}

// attemptWord is why an attempt was made.
func attemptWord(d *inspect.Delivery, at *inspect.Attempt) string {
	if at.Trigger == inspect.Replay && at.Number == 1 && d.Reason == inspect.HeldReason {
		return "after it was held"
	}
	return string(at.Trigger)
}

func (p printer) attempt(at *inspect.Attempt, why string) {
	p.linef("── attempt %d, %s, %s → %s", at.Number, why, shortTime(at.StartedAt), inspect.Escape(at.URL))
	if s := at.Sent; s != nil {
		if changes := sentChanges(s); changes != "" {
			p.linef("   sent with changes: %s", changes)
		}
		if s.Signed != "" {
			p.linef("   signed again: %s", inspect.Escape(s.Signed))
		}
		if s.Edited {
			if s.Header != nil {
				p.linef("")
			}
			p.message(s.Header, nil, s.Body, false)
		}
	}
	if at.NotSigned != "" {
		p.linef("   not signed again, although %s", inspect.Escape(at.NotSigned))
	}
	switch {
	case at.State == inspect.Pending:
		p.linef("   still running")
	case at.State == inspect.Interrupted: // nobody knows when
		p.linef("   %s: %s", at.State, inspect.Escape(at.Error))
	case at.Error != "":
		p.linef("   %s after %s: %s", at.State, tui.FormatDuration(at.Duration), inspect.Escape(at.Error))
	}
	if o := at.Outlook; o != nil {
		p.linef("   %s", outlookWords(o))
	}
	if r := at.Response; r != nil {
		protocol := at.Protocol
		if protocol != "" {
			protocol = ", " + protocol
		}
		p.linef("   %d %s in %s, %d bytes%s", r.Status, http.StatusText(r.Status), tui.FormatDuration(at.Duration), r.Size, protocol)
		p.linef("")
		p.message(r.Header, r.Trailer, r.Body, r.Truncated)
	}
}

func sentChanges(s *inspect.Sent) string {
	text := ""
	add := func(has bool, what string) {
		if has {
			if text != "" {
				text += ", "
			}
			text += what
		}
	}
	add(s.Method != "", "method "+inspect.Escape(s.Method))
	add(s.Host != "", "Host "+inspect.Escape(s.Host))
	add(s.Header != nil, "headers")
	add(s.Edited, fmt.Sprintf("body (%d bytes)", len(s.Body)))
	return text
}
