package ngroktest

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"

	"golang.ngrok.com/muxado/v2"
)

// A session is one connection of an agent.
type session struct {
	srv  *Server
	conn *faultConn
	mux  muxado.TypedStreamSession
	dead chan struct{} // closed when mux is

	clientID string // guarded by srv.mu; "" until authenticated
}

// serveAgent runs one agent's connection to its end, then frees what it held.
func (s *Server) serveAgent(fc *faultConn, conn *tls.Conn) {
	if conn.Handshake() != nil {
		return
	}
	mux := muxado.NewTypedStreamSession(muxado.Server(conn, nil))
	sess := &session{srv: s, conn: fc, mux: mux, dead: make(chan struct{})}
	s.wg.Go(func() {
		_, _, _ = mux.Wait()
		close(sess.dead)
	})
	defer s.drop(sess)
	defer mux.Close()
	for {
		stream, err := mux.AcceptTypedStream()
		if err != nil {
			select {
			case <-sess.dead:
				return
			default:
				continue // only that stream failed
			}
		}
		s.wg.Go(func() { sess.serve(stream) })
	}
}

// serve answers one stream.
func (sess *session) serve(stream muxado.TypedStream) {
	defer stream.Close()
	switch kind := stream.StreamType(); kind {
	case streamHeartbeat:
		echo(stream)
	case streamAuth:
		answer(stream, sess.auth)
	case streamBind:
		answer(stream, sess.bind)
	case streamUnbind:
		answer(stream, sess.unbind)
	case streamPatchTunnel:
		answer(stream, sess.patch)
	case streamServerInfo:
		answer(stream, func(struct{}) any { return struct{ Region string }{"test"} })
	default:
		_ = json.NewEncoder(stream).Encode(errorResp{fmt.Sprintf("ngroktest: unknown request %d", kind)})
	}
}

// echo answers heartbeats: four bytes each, as often as the agent likes.
func echo(stream io.ReadWriter) {
	var beat [4]byte
	for {
		if _, err := io.ReadFull(stream, beat[:]); err != nil {
			return
		}
		if _, err := stream.Write(beat[:]); err != nil {
			return
		}
	}
}

func answer[Req any](stream io.ReadWriter, fn func(Req) any) {
	var req Req
	if err := json.NewDecoder(stream).Decode(&req); err != nil {
		return
	}
	_ = json.NewEncoder(stream).Encode(fn(req))
}

// auth admits the agent or says why not. An agent that comes back under its
// old id replaces its old session, whose URLs it may then bind again.
func (sess *session) auth(req Auth) any {
	s := sess.srv
	s.mu.Lock()
	s.auths = append(s.auths, req)
	s.mu.Unlock()
	if err := s.checkAuth(req); err != nil {
		return authResp{Version: "3", Error: wireText(err)}
	}
	id := req.ClientID
	if id == "" {
		id = randomID("cl_")
	}
	s.replace(id, sess)
	s.mu.Lock()
	defer s.mu.Unlock()
	if max := s.cfg.MaxSessions; max > 0 && len(s.sessions) >= max {
		return authResp{Version: "3", Error: wireText(Errorf(108,
			"Your account is limited to %d simultaneous ngrok agent sessions.", max))}
	}
	select {
	case <-sess.dead:
		return authResp{Version: "3", Error: "ngroktest: the session is over"}
	default:
	}
	sess.clientID = id
	s.sessions[sess] = struct{}{}
	return authResp{Version: "3", ClientID: id, Extra: authRespExtra{
		AgentSessionID: randomID("ts_"), Region: "test", AccountName: "Test Account",
		PlanName: "Free", Cookie: "cookie-" + id,
	}}
}

// replace ends the session that had the client id before.
func (s *Server) replace(id string, by *session) {
	s.mu.Lock()
	var old []*session
	for sess := range s.sessions {
		if sess.clientID == id && sess != by {
			old = append(old, sess)
		}
	}
	s.mu.Unlock()
	for _, sess := range old {
		s.drop(sess)
		sess.conn.cut()
	}
}

var properToken = regexp.MustCompile(`^[A-Za-z0-9_]{8,}$`)

func (s *Server) checkAuth(req Auth) error {
	token := req.Extra.Authtoken
	switch {
	case s.cfg.Authtokens == nil, slices.Contains(s.cfg.Authtokens, token):
	case token == "":
		return Errorf(4018, "Usage of ngrok requires a verified account and authtoken.\n\n"+
			"Sign up for an account: https://dashboard.ngrok.com/signup")
	case !properToken.MatchString(token):
		return Errorf(105, "The authtoken you specified does not look like a proper ngrok authtoken.\nYour authtoken: %s", token)
	default:
		return Errorf(107, "The authtoken you specified is properly formed, but it is invalid.\nYour authtoken: %s", token)
	}
	if s.cfg.OnAuth != nil {
		return s.cfg.OnAuth(req)
	}
	return nil
}
