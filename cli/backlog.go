package cli

import "hookloop/replay"

// prepareBacklog has deliveries wait while the handler is down, where that is
// wanted, and says what waits from before.
func (s *session) prepareBacklog(hold bool) error {
	b := &replay.Backlog{Sender: s.sender, OnError: func(err error) {
		s.told.tell("what waits could not be delivered: %s", err)
	}}
	waiting, err := b.Open(s.ctx)
	if err != nil {
		return err
	}
	if !hold {
		if waiting > 0 {
			s.told.tell("%d held deliveries wait for the handler: `hookloop simulate catch-up` delivers them, as does --when-down hold", waiting)
		}
		return nil
	}
	// With several handlers, one that is down says nothing of the others.
	if len(s.monitor.URLs) == 1 {
		b.Down = func() bool { return s.monitor.Health().State == replay.HealthDown }
	}
	s.monitor.OnChange = func() {
		s.store.Notify()
		b.Wake()
	}
	s.backlog, s.sender.Backlog = b, b
	s.rc.Hold = b.Hold
	return nil
}
