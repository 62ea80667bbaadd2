package web

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hookloop/inspect"
)

// The live socket. One goroutine reads it, only to notice pongs and the end;
// one writes. The writer waits for the store's signal, reads what changed
// since the last frame and sends that, so a burst, or a slow browser, makes
// fewer and larger frames and never a queue. A browser that comes back says
// from which revision on, and gets what it missed in the same way.

const (
	maxSockets   = 64
	writeWait    = 10 * time.Second      // a frame must be taken within this
	pongWait     = 60 * time.Second      // a peer silent for longer is gone
	pingEvery    = 20 * time.Second      //
	frameEvery   = 40 * time.Millisecond // at most this often
	closeWait    = time.Second           // a viewer that does not read keeps Close no longer
	statusEvery  = 2 * time.Second       // how late a change of status without a signal is seen
	maxReadFrame = 1 << 10               // the page sends nothing but control frames
)

// A frame is what the live socket carries. A field that did not change since
// the last frame is left out.
type frame struct {
	Rev        int64             `json:"rev"`   // go on from here: ?since=REV
	Reset      bool              `json:"reset"` // the revision is unknown or too old: list again
	Deliveries []inspect.Summary `json:"deliveries,omitempty"`
	Removed    []int64           `json:"removed,omitempty"`
	Counters   *inspect.Counters `json:"counters,omitempty"`
	Status     *statusView       `json:"status,omitempty"`

	// Those that began or ended; at first the newest there are.
	Simulations []rehearsed `json:"simulations,omitempty"`
}

// sockets counts the live sockets, so that there are not too many and Close
// can wait for them.
type sockets struct {
	mu     sync.Mutex
	n      int
	closed bool
	wg     sync.WaitGroup
}

func (l *sockets) add() *problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return problemf(http.StatusServiceUnavailable, "hookloop is stopping; connect again when it is back.")
	}
	if l.n >= maxSockets {
		return problemf(http.StatusServiceUnavailable, "%d live viewers are connected already; close some pages first.", maxSockets)
	}
	l.n++
	l.wg.Add(1)
	return nil
}

func (l *sockets) done() {
	l.mu.Lock()
	l.n--
	l.mu.Unlock()
	l.wg.Done()
}

func (l *sockets) wait() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wg.Wait()
}

// liveSocket upgrades to a WebSocket. A page of another origin is refused: its
// browser would send our cookie along. A script without an Origin is not.
func (s *Server) liveSocket(w http.ResponseWriter, r *http.Request) error {
	since, err := number(r.URL.Query().Get("since"), "since", -1)
	if err != nil {
		return err
	}
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		return problemf(http.StatusUpgradeRequired, "This address is a WebSocket; connect with one, or ask /api/v1/deliveries.")
	}
	if p := s.live.add(); p != nil {
		return p
	}
	defer s.live.done()
	if since < 0 { // only what happens from now on
		if since, err = s.Store.Rev(r.Context()); err != nil {
			return err
		}
	}
	up := websocket.Upgrader{
		HandshakeTimeout: writeWait,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			if status == http.StatusForbidden {
				writeProblem(w, problemf(status, "A page of another origin may not listen here; open the inspector itself."))
				return
			}
			writeProblem(w, problemf(status, "The WebSocket could not be opened: %s.", reason))
		},
	}
	conn, err := up.Upgrade(w, r, nil) // its CheckOrigin wants the Origin to be our Host
	if err != nil {
		return nil // up.Error has answered
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	stop := context.AfterFunc(s.ctx, func() {
		time.AfterFunc(closeWait, func() { _ = conn.Close() }) // which ends a write that is under way
	})
	defer stop()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer cancel()
		readUntilGone(conn)
	}()
	s.feed(ctx, conn, since)
	_ = conn.Close() // ends the reader
	<-read
	return nil
}

// readUntilGone returns when the peer has left, or been silent for pongWait.
func readUntilGone(conn *websocket.Conn) {
	conn.SetReadLimit(maxReadFrame)
	_ = conn.SetReadDeadline(time.Now().Add(pongWait))
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(pongWait)) })
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return
		}
	}
}

// feed sends frames until ctx ends or one can't be sent.
func (s *Server) feed(ctx context.Context, conn *websocket.Conn, rev int64) {
	signal, stop := s.Store.Watch()
	defer stop()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	look := time.NewTicker(statusEvery)
	defer look.Stop()

	f := feeder{s: s, rev: rev}
	for first := true; ; first = false {
		more, err := f.send(ctx, conn, first)
		if err != nil {
			s.sayGoodbye(ctx, conn, err)
			return
		}
		pause := time.NewTimer(frameEvery)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			s.sayGoodbye(ctx, conn, nil)
			return
		case <-signal:
		case <-look.C:
		case <-ping.C:
			if err := conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)); err != nil {
				return
			}
		}
	}
}

// errGone is a frame that the peer did not take.
var errGone = errors.New("the viewer is gone")

// sayGoodbye tells the page why its socket ends.
func (s *Server) sayGoodbye(ctx context.Context, conn *websocket.Conn, err error) {
	if errors.Is(err, errGone) || errors.Is(err, inspect.ErrClosed) {
		return
	}
	code, text := websocket.CloseGoingAway, "hookloop is stopping"
	if err != nil && ctx.Err() == nil {
		s.logger().Error("live feed ended", "err", err)
		code, text = websocket.CloseInternalServerErr, "the store could not be read"
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
}

// A feeder knows what its viewer has been told.
type feeder struct {
	s        *Server
	rev      int64
	counters inspect.Counters
	status   statusView

	newest  int64          // simulation
	running map[int64]bool // simulations
}

// send sends one frame, if there is anything to tell; the first is always
// sent. more means that there is something left to send at once.
func (f *feeder) send(ctx context.Context, conn *websocket.Conn, first bool) (more bool, err error) {
	changes, err := f.s.Store.Since(ctx, f.rev)
	if err != nil {
		return false, err
	}
	counters, err := f.s.Store.Counters(ctx)
	if err != nil {
		return false, err
	}
	simulations, running := []rehearsed(nil), f.running
	if first || changes.Reset || changes.Rev != f.rev {
		if simulations, running, err = rehearsedSince(ctx, f.s.Store, f.newest, f.running); err != nil {
			return false, err
		}
	}
	status := f.s.view()
	out := frame{Rev: changes.Rev, Reset: changes.Reset, Deliveries: changes.Deliveries, Removed: changes.Removed, Simulations: simulations}
	tell := first || changes.Reset || changes.Rev != f.rev
	if first || counters != f.counters {
		out.Counters, tell = &counters, true
	}
	if first || !reflect.DeepEqual(status, f.status) {
		out.Status, tell = &status, true
	}
	if !tell {
		return changes.More, nil
	}
	_ = conn.SetWriteDeadline(time.Now().Add(writeWait)) // never fails in gorilla's
	if err := conn.WriteJSON(out); err != nil {
		return false, errGone
	}
	f.rev, f.counters, f.status, f.running = changes.Rev, counters, status, running
	for i := range simulations {
		f.newest = max(f.newest, simulations[i].ID)
	}
	return changes.More, nil
}
