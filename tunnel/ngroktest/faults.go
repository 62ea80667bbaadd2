package ngroktest

import (
	"errors"
	"fmt"

	"golang.ngrok.com/muxado/v2"
)

// DropSessions cuts every agent's connection, as a broken network does.
func (s *Server) DropSessions() {
	for _, c := range s.agentConns() {
		c.cut()
	}
}

// StallSessions makes a black hole of every agent's present connection: it
// stays open and nothing arrives any more. New connections work.
func (s *Server) StallSessions() {
	for _, c := range s.agentConns() {
		c.stall()
	}
}

// Refuse makes the service hang up on every new agent, until it is called with
// false. Connections that are open stay so.
func (s *Server) Refuse(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = refuse
}

func (s *Server) agentConns() []*faultConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*faultConn
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// StopEndpoint takes the endpoint with the given URL offline and tells its agent
// why, as the service does when an endpoint is stopped from the dashboard. The
// code is such as "ERR_NGROK_702"; it may be "".
func (s *Server) StopEndpoint(url, code, message string) error {
	var stopped *endpoint
	s.withdraw(func(ep *endpoint) bool {
		if ep.info.URL != url {
			return false
		}
		stopped = ep
		return true
	})
	if stopped == nil {
		return fmt.Errorf("ngroktest: %s is not online", url)
	}
	return call(stopped.sess.mux, streamStopTunnel, stopTunnel{stopped.info.ID, message, code}, nil)
}

// Command sends "stop", "restart" or "update" to every agent, as the dashboard
// does, and returns an agent's refusal as an error.
func (s *Server) Command(name string) error {
	kind, ok := map[string]muxado.StreamType{
		"stop": streamStop, "restart": streamRestart, "update": streamUpdate,
	}[name]
	if !ok {
		return fmt.Errorf("ngroktest: unknown command %q", name)
	}
	s.mu.Lock()
	var sessions []*session
	for sess := range s.sessions {
		sessions = append(sessions, sess)
	}
	s.mu.Unlock()
	var errs []error
	for _, sess := range sessions {
		var resp errorResp
		if err := call(sess.mux, kind, struct{}{}, &resp); err != nil {
			errs = append(errs, err)
		} else if resp.Error != "" {
			errs = append(errs, errors.New(resp.Error))
		}
	}
	return errors.Join(errs...)
}
