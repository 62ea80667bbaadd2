package cli

import (
	"fmt"
	"net/url"
	"os"
	"time"

	"hookloop/tui"
	"hookloop/tunnel"
)

// What a session tells of itself: its addresses, to other commands and to viewers.

func (s *session) receiverURL() string { return "http://" + s.local.Addr().String() }

func (s *session) inspectorURL() string {
	if s.page == nil {
		return ""
	}
	return "http://" + s.page.Addr().String() + "/?token=" + url.QueryEscape(s.token)
}

// deliveryURL is the address of a delivery on the page.
func (s *session) deliveryURL(id int64) string { return fmt.Sprintf("%s#%d", s.inspectorURL(), id) }

func (s *session) status() tunnel.Status {
	if s.endpoint == nil {
		return tunnel.Status{Provider: "none", State: tunnel.Local, Reason: s.tunnelNo}
	}
	return s.endpoint.Status()
}

// announce leaves the addresses where other commands find them.
func (s *session) announce() error {
	id, err := s.store.Session(s.ctx)
	if err != nil {
		return err
	}
	l := live{
		Session: id, PID: os.Getpid(), PublicURL: s.status().URL, ReceiverURL: s.receiverURL(), InspectorURL: s.inspectorURL(),
		Secrets: secretsOfListen(s.checker),
	}
	if s.handler != nil {
		if s.handler.URL != nil {
			l.Handler = s.handler.URL.String()
		}
		for _, r := range s.handler.Routes {
			l.Routes = append(l.Routes, r.Prefix+"="+r.URL.String())
		}
	}
	for _, addr := range s.listeners() {
		l.Listeners = append(l.Listeners, addr.String())
	}
	s.removeLive, err = l.write(s.store.Dir())
	return err
}

func (s *session) ready() tui.Ready {
	r := tui.Ready{
		ReceiverURL: s.receiverURL(), InspectorURL: s.inspectorURL(), Handler: describe(s.handler), DataDir: s.store.Dir(), Time: time.Now(),
	}
	if url := s.status().URL; url != "" {
		r.PublicURL = &url
	}
	return r
}

func (s *session) view() tui.Config {
	return tui.Config{
		Store: s.store, Sender: s.sender, Running: s.running, ParseSimulation: s.parseSimulation, Receiver: s.rc, Tunnel: s.status, Health: s.monitor.Health,
		HandlerURL: describe(s.handler), ReceiverURL: s.receiverURL(), InspectorURL: s.inspectorURL(),
		Version: version(), Editor: s.a.editor(), OpenURL: openURL,
		DeliveryURL: s.deliveryURL, Checker: s.checker, AnswerHandshakes: s.rc.AnswerHandshakes, Probe: s.probe, ShowSecrets: s.showSecrets,
	}
}
