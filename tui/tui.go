// Package tui is the terminal inspector of hookloop, and its plain output
// where there is no terminal.
//
// [Run] shows what a Store holds and keeps it current; [Follow] writes the
// same as lines, for people ([Follower.Compact]) or programs ([Follower.JSON]).
//
// Promises:
//   - Nothing captured reaches the terminal as it is: controls, bidi overrides
//     and invisible characters are made visible first.
//   - It never slows the traffic: it is woken by a signal that holds nothing,
//     reads the store, and draws at most 30 times a second.
//   - The cost of a frame is that of what is on the screen, however many
//     deliveries there are and however large a body is.
//   - A key that does nothing now says why.
package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/tunnel"
)

// Config is what the inspector shows and what it may do. Only Store is needed.
// Its funcs are called from other goroutines than Run's, about once a second
// and after changes; call Store.Notify to have them read at once.
type Config struct {
	// Store holds the deliveries. It must not be nil.
	Store *inspect.Store
	// Sender makes replays; nil turns their keys off.
	Sender *replay.Sender
	// Running runs simulations; it is for the caller to close. nil turns their key off.
	Running *replay.Running
	// ParseSimulation reads what a user writes after "hookloop simulate", for a
	// delivery where the line names none; nil leaves that out.
	ParseSimulation func(line string, delivery int64) (replay.Spec, error)
	// Receiver is whose answers to providers can be lost; nil leaves that out.
	Receiver *inspect.Receiver
	// Tunnel returns how the endpoint is doing; nil shows that there is no tunnel.
	Tunnel func() tunnel.Status
	// Probe is read before and after the attempts of the simulations that are
	// begun here; nil leaves it out.
	Probe *replay.Probe
	// Checker explains signatures, confirms handshakes and knows the providers'
	// limits; nil leaves those out.
	Checker *provider.Checker
	// AnswerHandshakes says that the receiver answers providers' handshakes where it can.
	AnswerHandshakes bool
	// ShowSecrets shows expected signatures whole.
	ShowSecrets bool
	// Health returns how the handler is doing; nil shows it as not tried yet.
	Health func() replay.Health

	// HandlerURL is where deliveries are sent; "" means that they are held.
	HandlerURL string
	// ReceiverURL is where this machine reaches the receiver, "http://127.0.0.1:4041".
	ReceiverURL string
	// InspectorURL is the page's address; "" leaves it out and turns o off.
	InspectorURL string
	// Version is shown in the header's corner.
	Version string

	// Editor is the program and its arguments that e runs with a file's name
	// added; empty turns e off.
	Editor []string
	// OpenURL opens an address in the user's browser; nil turns o off. It may block.
	OpenURL func(url string) error
	// DeliveryURL returns the address of a delivery's page; nil means that o
	// opens InspectorURL.
	DeliveryURL func(id int64) string

	// Notice is a line about what to do next; "" shows none.
	Notice string
	// LiveNotice returns the line instead of Notice, so that it may change; nil keeps Notice.
	LiveNotice func() string
}

// Run shows the inspector on the terminal until its user quits or ctx ends,
// both of which return nil, and then restores the terminal. Signals are left
// to the caller, which ends ctx. opts go to Bubble Tea, for tests.
func Run(ctx context.Context, c Config, opts ...tea.ProgramOption) error {
	if c.Store == nil {
		return errors.New("the inspector needs a store")
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	m := newModel(inner, c)
	defer m.close()
	opts = append([]tea.ProgramOption{
		tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithFPS(30),
	}, opts...)
	_, err := tea.NewProgram(m, opts...).Run()
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, tea.ErrInterrupted):
		return nil
	}
	return fmt.Errorf("the terminal inspector ended: %w", err)
}
