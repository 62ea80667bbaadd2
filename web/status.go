package web

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tunnel"
)

// A statusView is how everything does: the answer of /api/v1/status, and part
// of a live frame.
type statusView struct {
	Version      string       `json:"version"`
	Go           string       `json:"go"`
	InspectorURL string       `json:"inspector_url"`
	ReceiverURL  string       `json:"receiver_url"`
	Endpoint     endpointView `json:"endpoint"`
	Handler      handlerView  `json:"handler"`
	Replay       replayView   `json:"replay"`
	LosingAcks   int          `json:"losing_acks"` // how many of the next answers to providers are lost, see simulate lost-ack
}

type endpointView struct {
	Provider  string       `json:"provider"`
	State     tunnel.State `json:"state"`
	URL       string       `json:"url"`
	Reason    string       `json:"reason,omitempty"`
	Retries   int          `json:"retries,omitempty"`
	LatencyMS float64      `json:"latency_ms,omitempty"`
	Since     *time.Time   `json:"since,omitempty"`
}

type handlerView struct {
	URL    string     `json:"url"`
	State  string     `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
}

type replayView struct {
	Possible bool   `json:"possible"`
	Reason   string `json:"reason,omitempty"` // why it is not
}

// noSender is why a replay is refused where nothing can send.
const noSender = "This inspector can't send: it was opened without a handler. Start hookloop listen with a port or URL, or use hookloop replay."

func (s *Server) endpoint() tunnel.Status {
	if s.Tunnel == nil {
		return tunnel.Status{Provider: "none", State: tunnel.Local}
	}
	return s.Tunnel()
}

func (s *Server) view() statusView {
	v := statusView{
		Version: s.Version, Go: runtime.Version(), InspectorURL: s.InspectorURL, ReceiverURL: s.ReceiverURL,
		Endpoint: endpointOf(s.endpoint()),
		Handler:  handlerView{URL: s.HandlerURL, State: "unknown"},
		Replay:   replayView{Possible: true},
	}
	if v.Version == "" {
		v.Version = "dev"
	}
	if s.HandlerURL == "" {
		v.Handler.State = "none"
	}
	if s.Health != nil {
		v.Handler = handlerOf(s.HandlerURL, s.Health())
	}
	if s.Receiver != nil {
		v.LosingAcks = s.Receiver.LosingAcks()
	}
	if s.Sender == nil {
		v.Replay = replayView{Reason: noSender}
	}
	return v
}

func endpointOf(st tunnel.Status) endpointView {
	return endpointView{
		Provider: st.Provider, State: st.State, URL: st.URL, Reason: st.Reason, Retries: st.Retries,
		LatencyMS: float64(st.Latency.Microseconds()) / 1000, Since: timeOf(st.Since),
	}
}

func handlerOf(url string, h replay.Health) handlerView {
	return handlerView{URL: url, State: string(h.State), Reason: h.Reason, Since: timeOf(h.Since)}
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	counters, err := s.Store.Counters(r.Context())
	if err != nil {
		return err
	}
	rev, err := s.Store.Rev(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		statusView
		Counters inspect.Counters `json:"counters"`
		Rev      int64            `json:"rev"`
	}{s.view(), counters, rev})
}

// ready answers 200 when deliveries can arrive and be kept, else 503 with the
// reason. It needs no token and tells nothing else, so that a script can wait.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.Store.Rev(ctx); err != nil {
		s.logger().Error("store is not ready", "err", err)
		return problemf(http.StatusServiceUnavailable, "The store can't be read; hookloop's log says why.")
	}
	if st := s.endpoint(); st.State != tunnel.Online && st.State != tunnel.Local {
		return problemf(http.StatusServiceUnavailable, "The endpoint is %s; wait, or look at the inspector for the reason.", st.State)
	}
	return writeJSON(w, http.StatusOK, map[string]bool{"ready": true})
}

// tunnels answers in the shape of ngrok's agent, for scripts that ask it for
// the public URL. What hookloop does not measure is zero.
func (s *Server) tunnels(w http.ResponseWriter, r *http.Request) error {
	type object = map[string]any
	st := s.endpoint()
	list := []object{}
	if st.URL != "" && st.State != tunnel.Failed && st.State != tunnel.Stopped {
		counters, err := s.Store.Counters(r.Context())
		if err != nil {
			return err
		}
		proto, _, _ := strings.Cut(st.URL, "://")
		rates := func(count int64) object {
			return object{"count": count, "rate1": 0, "rate5": 0, "rate15": 0, "p50": 0, "p90": 0, "p95": 0, "p99": 0}
		}
		conns := rates(counters.Received)
		conns["gauge"] = 0
		list = append(list, object{
			"name": "command_line", "ID": "hookloop", "uri": "/api/tunnels/command_line",
			"public_url": st.URL, "proto": proto,
			"config":  object{"addr": s.HandlerURL, "inspect": true},
			"metrics": object{"conns": conns, "http": rates(counters.Received)},
		})
	}
	return writeJSON(w, http.StatusOK, object{"tunnels": list, "uri": "/api/tunnels"})
}
