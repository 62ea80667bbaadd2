package tunnel

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rules for reading what a service prints:
//   - It is hostile: only a URL of plain host characters is taken from it, and
//     the rest is shown escaped or not at all.
//   - It is endless: a line is looked at up to sshMaxLine bytes.
//   - It is full of other links: a URL with a path, one of the service's own
//     host, or one of a usual help or account page is not the tunnel's.

const (
	sshMaxLine  = 16 << 10
	sshURLWait  = 10 * time.Second // for the first URL
	sshURLGrace = time.Second      // for an https URL, once there is one of http
)

var sshURLPattern = regexp.MustCompile(`https?://[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]{1,5})?(?:/[^\s"'<>\\]*)?`)

// sshOtherSites are first labels of hosts that services link to.
var sshOtherSites = map[string]bool{
	"www": true, "admin": true, "dashboard": true, "console": true, "account": true, "accounts": true,
	"docs": true, "doc": true, "help": true, "support": true, "status": true, "blog": true, "github": true,
}

// cleanSSHURL returns the URL as Status shows it: scheme and host, nothing else.
func cleanSSHURL(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || !sshHostOK(u.Hostname()) {
		return "", false
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return "", false
		}
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), true
}

// An sshURLs finds the public URL in what a session prints. It is safe for use
// by any goroutines.
type sshURLs struct {
	server  string        // its own host is never the tunnel's
	renamed string        // see sshService
	onNew   func(string)  // gets a renamed URL; it must not block or call back
	news    chan struct{} // capacity 1

	mu          sync.Mutex
	http, https string
	settled     bool
	words       string // the last line that has something in it, as it came
}

// line looks at one line, without its end.
func (w *sshURLs) line(b []byte) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.words = string(b[:min(len(b), 300)])
	for _, m := range sshURLPattern.FindAll(b, -1) {
		w.candidate(string(m), b)
	}
}

// candidate is called with the lock held.
func (w *sshURLs) candidate(match string, line []byte) {
	// What follows the host may be JSON or a colour, such as \nQR or ESC[0m.
	u, ok := cleanSSHURL(strings.TrimRight(match, `.,;:-_/`))
	if !ok {
		return
	}
	host := u[strings.Index(u, "://")+3:]
	label, rest, dotted := strings.Cut(host, ".")
	if !dotted || sshOtherSites[label] && strings.Contains(rest, ".") || strings.EqualFold(host, w.server) {
		return
	}
	if w.settled {
		if w.renamed != "" && bytes.Contains(line, []byte(w.renamed)) && strings.HasPrefix(u, "https:") && u != w.https {
			w.https = u
			w.onNew(u)
		}
		return
	}
	if strings.HasPrefix(u, "https:") && w.https == "" {
		w.https = u
	}
	if strings.HasPrefix(u, "http:") && w.http == "" {
		w.http = u
	}
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// read feeds everything that r brings to w, until it ends.
func (w *sshURLs) read(r io.Reader) {
	var line []byte
	chunk := make([]byte, 4<<10)
	for {
		n, err := r.Read(chunk)
		for rest := chunk[:n]; len(rest) > 0; {
			part, after, ended := bytes.Cut(rest, []byte{'\n'})
			line = append(line, part[:min(len(part), sshMaxLine-len(line))]...)
			if ended {
				w.line(line)
				line = line[:0]
			}
			rest = after
		}
		if err != nil {
			w.line(line)
			return
		}
	}
}

// found waits for the public URL; ended is closed when no more output comes.
// It returns "" if there is none in time, and what was printed last, as it came.
func (w *sshURLs) found(ctx context.Context, ended <-chan struct{}) (publicURL, words string) {
	wait := time.NewTimer(sshURLWait)
	defer wait.Stop()
	var grace <-chan time.Time
	for last := false; ; {
		w.mu.Lock()
		if w.https != "" || last {
			w.settled = true
			publicURL, words = w.https, w.words
			if publicURL == "" {
				publicURL = w.http
			}
			w.mu.Unlock()
			return publicURL, words
		}
		if w.http != "" && grace == nil {
			grace = time.After(sshURLGrace)
		}
		w.mu.Unlock()
		select {
		case <-w.news:
		case <-grace:
			last = true
		case <-ended:
			last = true
		case <-wait.C:
			last = true
		case <-ctx.Done():
			last = true
		}
	}
}
