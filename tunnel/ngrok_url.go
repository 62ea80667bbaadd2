package tunnel

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// normaliseURL turns what a user types for a public URL into the form that
// ngrok takes: a scheme and a host, nothing else. "" stays "": ngrok chooses.
// A host without a scheme is https; standard ports are left out.
func normaliseURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	full := text
	if !strings.Contains(text, "://") {
		full = "https://" + text
	}
	u, err := url.Parse(full)
	if err != nil || u.Hostname() == "" {
		return "", urlError(text, "is not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", urlError(text, "is not an http or https URL")
	case u.User != nil:
		return "", urlError(u.Redacted(), "has a user name; use basic auth instead")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", urlError(text, "has a path; a public URL is a host only")
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "" || port == standardPort(u.Scheme) {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host, nil
}

func standardPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

func urlError(text, what string) *Error {
	return &Error{Msg: fmt.Sprintf("the public URL %q %s; give a host such as my-name.ngrok.app, or leave it out", text, what)}
}

// connectHost is the host part of a connect address, without the brackets of
// an IPv6 address; the SDK would verify the certificate against "[".
func connectHost(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
