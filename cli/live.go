package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hookloop/inspect"
	"hookloop/replay"
)

// A live is what a running listen leaves in the data folder, so that commands
// in another terminal find it. It is removed on exit; one whose session has
// died is stale and counts for nothing.
type live struct {
	Session      int64    `json:"session"`
	PID          int      `json:"pid"`
	PublicURL    string   `json:"public_url,omitempty"`
	ReceiverURL  string   `json:"receiver_url"`
	InspectorURL string   `json:"inspector_url,omitempty"` // with its token
	Handler      string   `json:"handler,omitempty"`
	Routes       []string `json:"routes,omitempty"`
	Secrets      []string `json:"secrets,omitempty"` // the names of the providers whose secrets it has, and nothing of those
	Listeners    []string `json:"listeners"`         // addresses that must not be sent to
}

func livePath(dir string, session int64) string {
	return filepath.Join(dir, "sessions", strconv.FormatInt(session, 10)+".json")
}

func (l live) write(dir string) (remove func(), err error) {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return nil, err
	}
	path := livePath(dir, l.Session)
	if err := writePrivate(path, append(text, '\n')); err != nil {
		return nil, fmt.Errorf("cannot leave the addresses in the data folder: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil
}

// readLive returns the running listens of a data folder, the newest last, and
// removes what dead ones have left.
func readLive(dir string) []live {
	paths, _ := filepath.Glob(filepath.Join(dir, "sessions", "*.json"))
	var running []live
	for _, path := range paths {
		id, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), ".json"), 10, 64)
		if err != nil {
			continue
		}
		if !inspect.SessionAlive(dir, id) {
			_ = os.Remove(path)
			continue
		}
		var l live
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &l) == nil {
			running = append(running, l)
		}
	}
	slices.SortFunc(running, func(x, y live) int { return int(x.Session - y.Session) })
	return running
}

// handler returns the handler of a running listen, nil for none.
func (l live) handler() (*replay.Handler, error) {
	h := &replay.Handler{}
	var errs []error
	if l.Handler != "" {
		u, err := url.Parse(l.Handler)
		errs = append(errs, err)
		h.URL = u
	}
	for _, r := range l.Routes {
		route, err := replay.ParseRoute(r)
		errs = append(errs, err)
		h.Routes = append(h.Routes, route)
	}
	if h.URL == nil && len(h.Routes) == 0 {
		return nil, nil
	}
	return h, errors.Join(errs...)
}

// ownAddresses returns the listeners of every hookloop that runs on a data
// folder, for a Guard.
func ownAddresses(dir string) func() []netip.AddrPort {
	return func() (addrs []netip.AddrPort) {
		for _, l := range readLive(dir) {
			for _, a := range l.Listeners {
				if ap, err := netip.ParseAddrPort(a); err == nil {
					addrs = append(addrs, ap)
				}
			}
		}
		return addrs
	}
}
