package tunnel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.ngrok.com/ngrok/v2"
	"golang.ngrok.com/ngrok/v2/rpc"
)

// What happens to a session, and what it means for Status. Everything here may
// be called while the SDK holds its lock, so nothing here calls the SDK.

// probeTimeout bounds looking into the cause of an outage.
const probeTimeout = 5 * time.Second

// handleEvent is the SDK's event handler.
func (e *ngrokEndpoint) handleEvent(ev ngrok.Event) {
	switch ev := ev.(type) {
	case *ngrok.EventAgentConnectSucceeded:
		e.sessionOn()
	case *ngrok.EventAgentDisconnected:
		e.sessionOff(ev.Error)
	case *ngrok.EventAgentHeartbeatReceived:
		e.heartbeat(ev.Latency)
	}
}

func (e *ngrokEndpoint) sessionOn() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessionUp, e.lossSeen, e.probed = true, false, false
	e.stopConflict()
	if !e.over && e.status.State == Reconnecting {
		e.set(Online, "")
	}
	select {
	case e.up <- struct{}{}:
	default:
	}
}

// sessionOff is called for a session that was lost, for every failed try to
// get it back, and with nil when there will be no other.
func (e *ngrokEndpoint) sessionOff(err error) {
	if err == nil {
		e.endOnce.Do(func() { close(e.ended) })
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessionUp = false
	if e.over || e.failure != nil {
		return
	}
	if ours(err) {
		if e.remoteStop {
			e.fail(stoppedRemotely())
		}
		return
	}
	code, refused := codeOf(err)
	switch {
	case e.status.State == Connecting && refused:
		e.refuseStart(e.cfg.explainRefusal(code, err))
	case e.status.State == Connecting:
		e.lastErr = err
		e.probe()
	case refused && kindOf(code) == final:
		e.fail(e.cfg.explainRefusal(code, err))
	case refused:
		e.refused(code, err)
	default:
		e.lost(err)
	}
}

// ours reports whether a session ended because we ended it.
func ours(err error) bool {
	return err == nil || errors.Is(err, context.Canceled) ||
		strings.Contains(err.Error(), "session closed by the client side")
}

// refuseStart ends the start, which then returns err.
func (e *ngrokEndpoint) refuseStart(err *Error) {
	e.failure = err
	e.abandon(err)
}

// refused shows that the service does not take the endpoint back, and begins
// to count the time if it may never do.
func (e *ngrokEndpoint) refused(code string, err error) {
	why := e.cfg.explainRefusal(code, err)
	e.tried(why.Msg)
	if kindOf(code) == retryAWhile && e.conflict == nil {
		var timer *time.Timer
		timer = time.AfterFunc(e.cfg.ConflictTimeout, func() { e.giveUp(&timer, why) })
		e.conflict = timer
	}
}

func (e *ngrokEndpoint) giveUp(timer **time.Timer, why *Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || e.conflict != *timer {
		return
	}
	msg := fmt.Sprintf("%s; gave up after %v", why.Msg, e.cfg.ConflictTimeout)
	e.fail(&Error{Code: why.Code, Msg: msg, Err: why})
}

func (e *ngrokEndpoint) stopConflict() {
	if e.conflict != nil {
		e.conflict.Stop()
		e.conflict = nil
	}
}

// lost shows that the connection broke, or that a try to restore it did.
func (e *ngrokEndpoint) lost(err error) {
	e.stopConflict()
	switch {
	case e.status.State == Online:
		e.lossSeen = true
		e.set(Reconnecting, e.cfg.explainLoss(err))
	case !e.lossSeen: // dialFailed was faster than the news of the loss
		e.lossSeen = true
	default:
		e.tried(e.cfg.explainNetwork(err))
		e.probe()
	}
}

// dialFailed is told by the dialer that the service could not be reached.
func (e *ngrokEndpoint) dialFailed(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessionUp = false
	if e.over {
		return
	}
	if e.status.State == Connecting {
		e.lastErr = err
		return
	}
	e.stopConflict()
	e.tried(e.cfg.explainNetwork(err))
}

// tried shows one more failed try to come back.
func (e *ngrokEndpoint) tried(reason string) {
	retries := e.status.Retries + 1
	e.set(Reconnecting, reason)
	e.status.Retries = retries
}

// probe looks for the cause of a failure that the SDK tells only as a broken
// connection: a certificate that is not ngrok's. At the start that is final.
func (e *ngrokEndpoint) probe() {
	diagnoser, ok := e.agent.(ngrok.Diagnoser)
	if !ok || e.probed {
		return
	}
	e.probed = true
	e.wg.Go(func() {
		ctx, cancel := context.WithTimeout(e.life, probeTimeout)
		defer cancel()
		_, err := diagnoser.Diagnose(ctx, "")
		if err == nil || !isCertificate(err) {
			return
		}
		msg := e.cfg.explainCertificate(err)
		e.mu.Lock()
		defer e.mu.Unlock()
		switch {
		case e.over || e.failure != nil:
		case e.status.State == Connecting:
			e.refuseStart(&Error{Msg: msg, Err: err})
		case e.status.State == Reconnecting:
			e.status.Reason = msg
			e.signal()
		}
	})
}

func (e *ngrokEndpoint) heartbeat(latency time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status.State == Online {
		e.status.Latency = latency
		e.signal()
	}
}

// handleCommand answers the buttons of ngrok's dashboard. After a stop the SDK
// ends the session by itself, once the answer is sent.
func (e *ngrokEndpoint) handleCommand(_ context.Context, _ ngrok.AgentSession, req rpc.Request) ([]byte, error) {
	if req.Method() != rpc.StopAgentMethod {
		return nil, errors.New("this agent cannot restart or update itself; do that on its own machine")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remoteStop = true
	return nil, nil
}

func stoppedRemotely() *Error {
	return &Error{Msg: "the agent was stopped from ngrok's dashboard; start it again to come back"}
}

// listenerEnded is called when the SDK's listener delivers no more.
func (e *ngrokEndpoint) listenerEnded(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	code, refused := codeOf(err)
	switch {
	case e.over:
	case e.remoteStop:
		e.fail(stoppedRemotely())
	case refused:
		msg := "ngrok took the endpoint offline"
		text := oneLine(masker{e.cfg.Authtoken}.text(ngrokText(err)))
		if text != "" {
			msg += " (" + text + ")"
		}
		if code != "" {
			msg += ", " + code
		}
		e.fail(&Error{Code: code, Msg: msg + "; start it again to come back", Err: errors.New(text)})
	default:
		e.fail(&Error{Msg: "the ngrok session ended; start it again to come back", Err: err})
	}
}

// fail ends the endpoint for err. The lock is held.
func (e *ngrokEndpoint) fail(err *Error) {
	e.over, e.failure = true, err
	e.stopConflict()
	e.set(Failed, err.Msg)
	e.closeOnce.Do(func() { close(e.closed) })
	go e.takeDown(context.Background())
}

// set enters a state. Retries and Latency start afresh. The lock is held.
func (e *ngrokEndpoint) set(state State, reason string) {
	if e.status.State != state {
		e.status.State, e.status.Since = state, time.Now()
	}
	e.status.Reason, e.status.Retries, e.status.Latency = reason, 0, 0
	e.signal()
}

func (e *ngrokEndpoint) signal() {
	select {
	case e.changed <- struct{}{}:
	default:
	}
}
