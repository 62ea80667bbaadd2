package inspect

import (
	"bytes"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of what Curl puts where.
const (
	maxInlineBody = 64 << 10 // Linux takes no argument of 128 KiB
	maxPrintfBody = 16 << 10 // an escaped byte is four characters; base64 is shorter
)

// Curl returns a command for a POSIX shell that sends d to url with curl: the
// same method, request target, end-to-end headers and bytes of body, and
// nothing of curl's own. url is a whole address (such as d.URL(), or that of
// an attempt), or only a scheme and an authority, which get d's target.
//
// The text is safe to print and to paste: it holds no control or invisible
// character, and nothing in it that came from d is read by the shell. A body
// that is not plain text is written with printf, or, over 16 KiB, with base64.
// Trailers are left out, which curl cannot send, and of a truncated delivery
// there is only what was kept.
func Curl(url string, d *Delivery) string {
	authority, target := splitURL(url)
	if target == "" {
		target = d.Target
	}
	header := maps.Clone(EndToEnd(d.Header))
	delete(header, "Content-Length") // curl frames the body, and names the host
	delete(header, "Host")
	_, sized := d.Header["Content-Length"]
	stdin, heredoc, dataArg := curlBody(d.Body, sized)

	var args []string
	switch {
	case d.Method == http.MethodHead && len(d.Body) == 0:
		args, dataArg = append(args, "--head"), ""
	case d.Method == http.MethodHead: // curl has no name for it, and must not wait for a body
		args = append(args, "-X HEAD --ignore-content-length", "-H 'Connection: close'")
	case d.Method != http.MethodGet || dataArg != "":
		args = append(args, "-X "+shellWord(d.Method))
	}
	args = append(args, curlTarget(authority, target)...)
	if _, host, _ := strings.Cut(authority, "://"); d.Host != "" && d.Host != host {
		args = append(args, "-H "+shellQuote("Host: "+d.Host))
	}
	args = append(args, curlHeaders(header, dataArg != "", len(d.Body))...)
	if dataArg != "" {
		args = append(args, dataArg)
	}
	command := "curl " + strings.Join(args, " \\\n  ")
	if stdin != "" {
		command = stdin + " | " + command
	}
	return command + heredoc
}

// splitURL splits scheme and authority from what follows.
func splitURL(url string) (authority, target string) {
	start := 0
	if i := strings.Index(url, "://"); i >= 0 {
		start = i + len("://")
	}
	if i := strings.IndexAny(url[start:], "/?#"); i >= 0 {
		return url[:start+i], url[start+i:]
	}
	return url, ""
}

// curlTarget returns the arguments that make curl send target as it is.
func curlTarget(authority, target string) []string {
	if strings.HasPrefix(target, "?") {
		target = "/" + target
	}
	var args []string
	if strings.ContainsAny(authority, "[]{}") {
		args = append(args, "--globoff")
	}
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._~!$&'()*+,;=:@%?-"
	if !strings.HasPrefix(target, "/") || strings.Trim(target, plain) != "" {
		return append(args, "--request-target "+shellQuote(target), shellQuote(authority+"/"))
	}
	if path := strings.ToLower(target); strings.Contains(path, "/.") || strings.Contains(path, "%2e") {
		args = append(args, "--path-as-is")
	}
	return append(args, shellQuote(authority+target))
}

// curlHeaders returns the arguments for header, and those that keep curl from
// adding headers of its own.
func curlHeaders(header http.Header, hasData bool, size int) []string {
	var args []string
	for name, v := range HeaderLines(header) {
		if v = strings.Trim(v, " \t"); v == "" {
			args = append(args, "-H "+shellQuote(name+";"))
		} else {
			args = append(args, "-H "+shellQuote(name+": "+v))
		}
	}
	own := []string{"Accept", "User-Agent"}
	if hasData {
		own = append(own, "Content-Type")
	}
	if size >= 1<<10 { // older versions ask first from here on
		own = append(own, "Expect")
	}
	for _, name := range own {
		if len(header[name]) == 0 {
			args = append(args, "-H '"+name+":'")
		}
	}
	return args
}

// curlBody returns the argument that gives curl the body, and where that is
// its standard input, the command that writes it and the here-document that
// this command reads. sized says that there was a Content-Length.
func curlBody(body []byte, sized bool) (stdin, heredoc, dataArg string) {
	switch {
	case len(body) == 0 && sized:
		return "", "", "--data-raw ''"
	case len(body) == 0:
		return "", "", ""
	case len(body) <= maxInlineBody && plainText(string(body), true):
		return "", "", "--data-raw " + shellQuoteLines(string(body))
	case len(body) <= maxPrintfBody:
		return "printf " + printfFormat(string(body)), "", "--data-binary @-"
	}
	var b strings.Builder
	b.WriteString("\n")
	const perLine = 57 // 76 characters
	for line := range slices.Chunk(body, perLine) {
		b.WriteString(base64.StdEncoding.EncodeToString(line) + "\n")
	}
	b.WriteString("EOF\n")
	return "base64 -d <<'EOF'", b.String(), "--data-binary @-"
}

// plainText reports whether every character of s is safe inside single quotes
// on a terminal.
func plainText(s string, lines bool) bool { return cleanPrefix(s, lines) == len(s) }

// shellWord returns s as one word, in quotes only where it needs them.
func shellWord(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return shellQuote(s)
}

// shellQuote returns s as one word of a shell command, on one line. A trailing
// LF, which no part of a request's head has, would be lost.
func shellQuote(s string) string {
	if plainText(s, false) {
		return shellQuoteLines(s)
	}
	return `"$(printf ` + printfFormat(s) + `)"`
}

func shellQuoteLines(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// printfFormat returns the quoted argument from which printf makes s. It
// escapes by byte, in octal, what is not plain text; what a shell may read
// even inside quotes (! in an interactive bash); and a first -, an option.
func printfFormat(s string) string {
	var b bytes.Buffer
	b.WriteByte('\'')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '%':
			b.WriteString("%%")
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\'', r == '!', r == '-' && i == 0, r == utf8.RuneError && size == 1, !visible(r):
			for _, c := range []byte(s[i : i+size]) {
				b.Write([]byte{'\\', '0' + c>>6, '0' + c>>3&7, '0' + c&7})
			}
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	b.WriteByte('\'')
	return b.String()
}
