package provider

import (
	"slices"
	"strings"
)

// The forms of a URL that a scheme may accept besides the given one.
var urlVariants = []string{"add-port", "strip-port", "decode-reserved"}

// urls returns the forms of a URL that the scheme accepts, the given one first.
// A host without a path counts as with /, as RFC 3986 has it (section 6.2.3).
func (c *check) urls(url string) []string {
	all := []string{url}
	if !c.s.Message.uses("url") {
		return all
	}
	add := func(other string) {
		if !slices.Contains(all, other) {
			all = append(all, other)
		}
	}
	for _, v := range c.s.URLVariants {
		switch v {
		case "add-port":
			add(withPort(url))
		case "strip-port":
			add(withoutPort(url))
		case "decode-reserved":
			add(withReserved(url))
		}
	}
	for _, one := range all {
		add(withOtherRoot(one))
	}
	return all
}

// reserved has the characters that stand for themselves where HubSpot signs:
// https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
var reserved = replacer{
	"%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
	"%3a", ":", "%2f", "/", "%3f", "?", "%2a", "*", "%2c", ",", "%3b", ";",
}

// withReserved writes the escapes of reserved characters as themselves.
func withReserved(url string) string {
	before, host, after, ok := cutHost(url)
	if !ok || !strings.Contains(after, "%") {
		return url
	}
	return before + host + string(reserved.replace([]byte(after)))
}

// withOtherRoot writes / where a URL has no path, and no path where it has /.
func withOtherRoot(url string) string {
	before, host, after, ok := cutHost(url)
	rest, slash := strings.CutPrefix(after, "/")
	if !ok || rest != "" && rest[0] != '?' && rest[0] != '#' {
		return url
	}
	if !slash {
		rest = "/" + rest
	}
	return before + host + rest
}

// cutHost takes a URL apart before and after its host, port included. The user
// stands before it.
func cutHost(url string) (before, host, after string, ok bool) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "", "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	user := strings.LastIndexByte(rest[:end], '@') + 1
	return scheme + "://" + rest[:user], rest[user:end], rest[end:], true
}

func withPort(url string) string {
	before, host, after, ok := cutHost(url)
	if !ok || hostPort(host) != "" {
		return url
	}
	port := ":443"
	if strings.HasPrefix(before, "http://") {
		port = ":80"
	}
	return before + host + port + after
}

func withoutPort(url string) string {
	before, host, after, ok := cutHost(url)
	if !ok {
		return url
	}
	return before + strings.TrimSuffix(host, hostPort(host)) + after
}

// hostPort returns the port of a host with its colon, or "".
func hostPort(host string) string {
	at := strings.LastIndexByte(host, ':')
	if at < 0 || strings.HasSuffix(host, "]") {
		return ""
	}
	return host[at:]
}
