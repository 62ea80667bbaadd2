package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"hookloop/inspect/provider"
)

// parseRequest reads an HTTP request as it was saved: a request line, header
// lines, an empty line, and the body, which is every byte after that. Lines may
// end in LF or CRLF, and the version may be missing.
//
// Content-Length cuts off what an editor appended, and a chunked body is put
// together; the notes say where that, or the lack of it, changed something.
// An error names the line.
func parseRequest(text []byte, at time.Time) (r *provider.Request, notes []string, err error) {
	if wide(text) {
		return nil, nil, errors.New("it is UTF-16 text, which no webhook is: save it as UTF-8, byte for byte")
	}
	s := &lineScanner{rest: bytes.TrimPrefix(text, []byte(byteOrderMark))}
	line := s.next()
	for line == "" && len(s.rest) > 0 { // as RFC 9112, section 2.2 has it
		line = s.next()
	}
	if line == "" {
		return nil, nil, errors.New("there is no request in it: it is empty")
	}
	r = &provider.Request{Header: http.Header{}, Time: at}
	if r.Method, r.Target, err = requestLine(line); err != nil {
		return nil, nil, fmt.Errorf("line %d: %w", s.line, err)
	}
	host := ""
	for line = s.next(); line != ""; line = s.next() {
		name, value, err := headerLine(line)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", s.line, err)
		}
		if name == "Host" {
			host = value
			continue
		}
		r.Header[name] = append(r.Header[name], value)
	}
	r.Body = s.rest
	if notes, err = frame(r); err != nil {
		return nil, nil, err
	}
	if u, err := url.Parse(r.Target); err == nil && u.Host != "" { // absolute form
		r.URL = r.Target
		if _, rest, _ := strings.Cut(r.Target, "://"); strings.ContainsAny(rest, "/?") {
			r.Target = "/" + strings.TrimPrefix(rest[strings.IndexAny(rest, "/?"):], "/")
		} else {
			r.Target = "/"
		}
		if host != "" { // the one that a tunnel goes by
			r.URL = schemeFor(host) + "://" + host + r.Target
		}
	} else if host != "" && r.Target != "*" {
		r.URL = schemeFor(host) + "://" + host + r.Target
	}
	return r, notes, nil
}

// A lineScanner gives out lines without their endings.
type lineScanner struct {
	rest []byte
	line int // number of the latest, from 1
}

// next returns the next line; "" also at the end.
func (s *lineScanner) next() string {
	line, rest, _ := bytes.Cut(s.rest, []byte("\n"))
	s.rest = rest
	s.line++
	return string(bytes.TrimSuffix(line, []byte("\r")))
}

var httpVersion = regexp.MustCompile(`^HTTP/[0-9](\.[0-9])?$`)

func requestLine(line string) (method, target string, err error) {
	words := strings.Split(line, " ")
	switch {
	case strings.HasPrefix(line, "HTTP/"):
		return "", "", errors.New("this is a response: a request begins with a line such as `POST /hook HTTP/1.1`")
	case len(words) == 3 && httpVersion.MatchString(words[2]), len(words) == 2:
		method, target = words[0], words[1]
	}
	u, parseErr := url.Parse(target)
	absolute := parseErr == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
	if !httpguts.ValidHeaderFieldName(method) || !absolute && !strings.HasPrefix(target, "/") && target != "*" {
		return "", "", errors.New("this is no request line: it should be one such as `POST /hook HTTP/1.1`")
	}
	return method, target, nil
}

func headerLine(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return "", "", errors.New("the header goes on from the line before: write it on one line")
	case !ok || !httpguts.ValidHeaderFieldName(name):
		return "", "", errors.New("this is no header: it should be one such as `Content-Type: application/json`, and an empty line goes before the body")
	}
	value = strings.Trim(value, " \t")
	if !httpguts.ValidHeaderFieldValue(value) {
		return "", "", fmt.Errorf("the header %s has a control character in it", name)
	}
	return http.CanonicalHeaderKey(name), value, nil
}

// frame takes the transfer's form off the body.
func frame(r *provider.Request) (notes []string, err error) {
	if coding := r.Header.Values("Transfer-Encoding"); len(coding) > 0 {
		if !strings.EqualFold(strings.Join(coding, ","), "chunked") {
			return nil, fmt.Errorf("the Transfer-Encoding is not chunked, and no other is known here")
		}
		body, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(r.Body)))
		if err != nil {
			return []string{"the body does not consist of chunks, as Transfer-Encoding has it, so it was taken as it stands"}, nil
		}
		r.Body = body
		return nil, nil
	}
	lengths := r.Header.Values("Content-Length")
	if len(lengths) == 0 {
		return nil, nil
	}
	n, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil || len(lengths) > 1 {
		return nil, errors.New("the Content-Length is not one number")
	}
	have := uint64(len(r.Body))
	switch {
	case n < have:
		notes = []string{fmt.Sprintf("Content-Length is %d, so what follows was left out (bytes: %d)", n, have-n)}
		r.Body = r.Body[:n]
	case n > have:
		notes = []string{fmt.Sprintf("Content-Length is %d, but only %d bytes of body are there: what was saved is not all of it", n, have)}
	}
	return notes, nil
}

// schemeFor is https, but http for this machine.
func schemeFor(host string) string {
	name := (&url.URL{Host: host}).Hostname()
	if ip, err := netip.ParseAddr(name); err == nil && ip.IsLoopback() || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return "http"
	}
	return "https"
}

// publicURL is the address that the provider called: given as a whole, or
// without a path, to which the target is added.
func publicURL(given, target string) (string, error) {
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usagef("--url %q: give the address that the provider called, such as https://example.com/hook", given)
	}
	if u.Path == "" && u.RawQuery == "" {
		return given + target, nil
	}
	return given, nil
}
