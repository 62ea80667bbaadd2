package replay

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Handler is the developer's endpoint, or several of them by path.
type Handler struct {
	URL    *url.URL // where deliveries go that no route takes; nil = they are held
	Routes []Route
}

// A Route sends the deliveries below a path to a handler of their own.
type Route struct {
	Prefix string   // "/stripe" takes /stripe and /stripe/…, not /stripes
	URL    *url.URL // as for Handler
}

// ParseHandler reads the address of a handler: a port ("3000", "3000/path"),
// "host:port", or an http or https URL. With a path, every delivery goes to exactly that
// path; without one, each keeps its own. A delivery always keeps its query.
func ParseHandler(s string) (*url.URL, error) {
	raw := strings.TrimSpace(s)
	bad := func(why string) error {
		return fmt.Errorf("%q is not the address of a handler: %s; give a port (3000), host:port, or a URL such as http://localhost:3000/webhooks", s, why)
	}
	if port, err := strconv.Atoi(raw); err == nil {
		if port < 1 || port > 65535 {
			return nil, bad("a port is from 1 to 65535")
		}
		return &url.URL{Scheme: "http", Host: net.JoinHostPort("localhost", raw)}, nil
	}
	if port, path, ok := strings.Cut(raw, "/"); ok && isNumber(port) {
		raw = "localhost:" + port + "/" + path
	}
	switch {
	case raw == "":
		return nil, bad("it is empty")
	case strings.ContainsFunc(raw, unicode.IsSpace):
		return nil, bad("it has a space in it")
	case strings.HasPrefix(raw, "/"):
		return nil, bad("it names no host")
	case strings.HasPrefix(raw, ":"):
		raw = "http://localhost" + raw
	case !strings.Contains(raw, "://"):
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, bad("it cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, bad("its scheme is " + u.Scheme)
	case u.Hostname() == "":
		return nil, bad("it names no host")
	case u.User != nil:
		return nil, bad("it holds a user name, which would be stored with every attempt; send an Authorization header with -H instead")
	case u.Fragment != "":
		return nil, bad("it has a fragment (#), which is never sent")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, bad("a port is from 1 to 65535")
		}
	}
	return u, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// ParseRoute reads "/prefix=ADDRESS", the address as for ParseHandler.
func ParseRoute(s string) (Route, error) {
	prefix, addr, ok := strings.Cut(s, "=")
	if !ok || !strings.HasPrefix(prefix, "/") {
		return Route{}, fmt.Errorf("%q is not a route: give /path=ADDRESS, such as /stripe=http://localhost:4242/hook", s)
	}
	u, err := ParseHandler(addr)
	if err != nil {
		return Route{}, fmt.Errorf("route %s: %w", prefix, err)
	}
	if prefix != "/" {
		prefix = strings.TrimRight(prefix, "/")
	}
	return Route{Prefix: prefix, URL: u}, nil
}

// ParseHeader reads "Name: value"; "Name:" stands for removing it.
func ParseHeader(s string) (name string, values []string, err error) {
	name, value, ok := strings.Cut(s, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return "", nil, fmt.Errorf("%q is not a header: give 'Name: value', or 'Name:' to remove it", s)
	}
	name = http.CanonicalHeaderKey(strings.TrimSpace(name))
	if value = strings.TrimSpace(value); value != "" {
		values = []string{value}
	}
	return name, values, CheckHeader(http.Header{name: values})
}

// URLs returns the addresses that deliveries can go to, the routes' first.
func (h *Handler) URLs() (urls []*url.URL) {
	if h == nil {
		return nil
	}
	for _, r := range h.Routes {
		urls = append(urls, r.URL)
	}
	if h.URL != nil {
		urls = append(urls, h.URL)
	}
	return urls
}

// A destination is where one attempt goes.
type destination struct {
	scheme, host string
	uri          string // the request target, verbatim
}

func (d destination) String() string {
	if !strings.HasPrefix(d.uri, "/") {
		return d.scheme + "://" + d.host + " " + d.uri // OPTIONS *
	}
	return d.scheme + "://" + d.host + d.uri
}

// path is the target without its query.
func (d destination) path() string {
	path, _, _ := strings.Cut(d.uri, "?")
	return path
}

// parseDestination is the inverse of String.
func parseDestination(s string) (d destination, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	i := strings.IndexAny(rest, "/? ")
	if i < 0 {
		i = len(rest)
	}
	d = destination{scheme: scheme, host: rest[:i], uri: strings.TrimPrefix(rest[i:], " ")}
	if d.uri == "" || d.uri[0] == '?' {
		d.uri = "/" + d.uri
	}
	return d, ok && d.scheme != "" && d.host != ""
}

// url returns what makes a transport send d.uri verbatim. (Below "//", what a
// URL must escape is escaped: there is no way to hand that to a transport.)
func (d destination) url() *url.URL {
	u := &url.URL{Scheme: d.scheme, Host: d.host, Opaque: d.uri}
	if strings.HasPrefix(d.uri, "//") { // an Opaque would be taken for a host
		path, query, has := strings.Cut(d.uri, "?")
		u.Opaque, u.Path, u.RawQuery, u.ForceQuery = "", path, query, has
		if unescaped, err := url.PathUnescape(path); err == nil {
			u.Path, u.RawPath = unescaped, path
		}
	}
	return u
}

// target is where a delivery with that request target goes: to the longest
// route that takes its path, else to the handler. It is the zero destination
// where there is none.
func (h *Handler) target(requestTarget string) destination {
	path, _, _ := strings.Cut(originForm(requestTarget), "?")
	u, best := h.URL, -1
	for _, r := range h.Routes {
		below := path == r.Prefix || strings.HasPrefix(path, strings.TrimSuffix(r.Prefix, "/")+"/")
		if below && len(r.Prefix) > best {
			u, best = r.URL, len(r.Prefix)
		}
	}
	if u == nil {
		return destination{}
	}
	return join(u, requestTarget)
}

// join applies the rule of ParseHandler. The target is never re-parsed.
func join(u *url.URL, requestTarget string) destination {
	uri := originForm(requestTarget)
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		_, query, has := strings.Cut(uri, "?")
		path := u.EscapedPath()
		if path == "" || path == "/" {
			path, _, _ = strings.Cut(uri, "?")
		}
		queries := slices.DeleteFunc([]string{u.RawQuery, query}, func(q string) bool { return q == "" })
		uri = path
		if len(queries) > 0 || has {
			uri += "?" + strings.Join(queries, "&")
		}
	}
	return destination{scheme: u.Scheme, host: u.Host, uri: uri}
}

// originForm takes scheme and host off an absolute request target.
func originForm(target string) string {
	if strings.HasPrefix(target, "/") || target == "*" {
		return target
	}
	if i := strings.Index(target, "://"); i > 0 {
		rest := target[i+3:]
		if j := strings.IndexAny(rest, "/?"); j >= 0 {
			rest = rest[j:]
			if rest[0] == '?' {
				rest = "/" + rest
			}
			return rest
		}
	}
	return "/"
}
