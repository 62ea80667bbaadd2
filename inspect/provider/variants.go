package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxVariants is the size of a body up to which more is tried than its line
// ends and a few URLs: a signature is made for each.
const maxVariants = 128 << 10

// bodies yields what a body may have been before something on the way changed
// it, with words for it that stand after "matches".
func bodies(r *Request) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for how, body := range allBodies(r) {
			if !bytes.Equal(body, r.Body) && !yield(how, body) {
				return
			}
		}
	}
}

func allBodies(r *Request) iter.Seq2[string, []byte] {
	b := r.Body
	return func(yield func(string, []byte) bool) {
		bare := bytes.TrimRight(b, "\r\n")
		unix := bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		ok := yield("the body without its trailing newline", bare) &&
			yield("the body with a trailing newline (LF)", with(bare, "\n")) &&
			yield("the body with a trailing newline (CRLF)", with(bare, "\r\n")) &&
			yield("the body with two trailing newlines", with(bare, "\n\n")) &&
			yield("the body with LF line endings, not CRLF", unix) &&
			yield("the body with CRLF line endings, not LF", bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n"))) &&
			yield("the body without its byte order mark", bytes.TrimPrefix(b, []byte("\ufeff"))) &&
			yield("the body with a byte order mark", append([]byte("\ufeff"), b...)) &&
			yield("the body without the spaces around it", bytes.TrimSpace(b)) &&
			yield("an empty body", nil)
		if !ok || len(b) > maxVariants {
			return
		}
		if ok = formBodies(r, yield); ok {
			jsonBodies(bytes.TrimPrefix(b, []byte("\ufeff")), yield)
		}
	}
}

func with(b []byte, end string) []byte { return append(bytes.Clone(b), end...) }

// formBodies tries a form for what is in it, and the other way round.
func formBodies(r *Request, yield func(string, []byte) bool) bool {
	text := string(r.Body)
	if plain, err := url.QueryUnescape(text); err == nil && plain != text {
		if !yield("the form decoded", []byte(plain)) {
			return false
		}
	}
	for _, p := range parsePairs(r.Body) {
		if p.name == "payload" && !yield("the payload of the form", []byte(p.value())) {
			return false
		}
	}
	return yield("the body as a form (payload=…)", []byte("payload="+url.QueryEscape(text)))
}

// A style is a way to write JSON.
type style struct {
	name  string
	write func([]byte) []byte
}

var layouts = []style{
	{"", func(b []byte) []byte { return b }},
	{"compact", compact},
	{"with spaces after , and : as Python writes it", pythonic},
	{"indented by 2", func(b []byte) []byte { return indent(b, "  ") }},
	{"indented by 4", func(b []byte) []byte { return indent(b, "    ") }},
	{"indented with tabs", func(b []byte) []byte { return indent(b, "\t") }},
	{"compact, with sorted keys", sorted},
	{"with sorted keys, and spaces after , and :", func(b []byte) []byte { return pythonic(sorted(b)) }},
	{"with sorted keys, indented by 2", func(b []byte) []byte { return indent(sorted(b), "  ") }},
}

var escapings = []style{
	{"", func(b []byte) []byte { return b }},
	{`non-ASCII as \u escapes`, escapeUnicode},
	{`\u escapes as the characters themselves`, unescapeUnicode},
	{"<, > and & as HTML escapes", func(b []byte) []byte {
		var out bytes.Buffer
		json.HTMLEscape(&out, b)
		return out.Bytes()
	}},
	{"<, > and & as themselves", func(b []byte) []byte { return htmlPlain.replace(b) }},
	{`/ as \/`, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("/"), []byte(`\/`)) }},
	{`\/ as /`, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`\/`), []byte("/")) }},
}

// jsonBodies tries the ways in which programs write JSON.
func jsonBodies(b []byte, yield func(string, []byte) bool) bool {
	if !json.Valid(b) {
		return true
	}
	for _, layout := range layouts {
		laid := layout.write(bytes.TrimSpace(b))
		for i, escaping := range escapings {
			body := escaping.write(laid)
			if laid == nil || i > 0 && bytes.Equal(body, laid) {
				continue
			}
			words := slices.DeleteFunc([]string{layout.name, escaping.name}, func(s string) bool { return s == "" })
			how := "the body as re-serialised JSON"
			if len(words) > 0 {
				how = fmt.Sprintf("re-serialised JSON (%s)", strings.Join(words, ", "))
			}
			if !yield(how, body) || !yield(how+" with a trailing newline", with(body, "\n")) {
				return false
			}
		}
	}
	return true
}

func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return nil
	}
	return out.Bytes()
}

func indent(b []byte, by string) []byte {
	var out bytes.Buffer
	if json.Indent(&out, b, "", by) != nil {
		return nil
	}
	return out.Bytes()
}

// pythonic writes JSON as Python's json.dumps does.
func pythonic(b []byte) []byte {
	b = compact(b)
	out := make([]byte, 0, len(b)+len(b)/8)
	inside := false
	for i := 0; i < len(b); i++ {
		out = append(out, b[i])
		switch {
		case inside && b[i] == '\\':
			i++
			out = append(out, b[i])
		case b[i] == '"':
			inside = !inside
		case !inside && (b[i] == ',' || b[i] == ':'):
			out = append(out, ' ')
		}
	}
	return out
}

// sorted writes JSON compactly with the keys of each object sorted.
func sorted(b []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return nil
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

func escapeUnicode(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf || r == utf8.RuneError && n == 1:
			out = append(out, b[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[n:]
	}
	return out
}

// unescapeUnicode writes \u escapes of what is not ASCII as the characters.
func unescapeUnicode(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		end := i + 2
		if b[i+1] == 'u' {
			end = i + 6
			if utf16.IsSurrogate(hex4(b[i+2:])) && end+6 <= len(b) && b[end] == '\\' {
				end += 6
			}
		}
		text := unquote([]byte(`"` + string(b[i:end]) + `"`))
		if text[0] >= utf8.RuneSelf {
			out = append(out, text...)
		} else {
			out = append(out, b[i:end]...)
		}
		i = end - 1
	}
	return out
}

// htmlPlain undoes what json.HTMLEscape does.
var htmlPlain = replacer{`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u003C`, "<", `\u003E`, ">"}

type replacer []string

func (r replacer) replace(b []byte) []byte {
	return []byte(strings.NewReplacer(r...).Replace(string(b)))
}

// addresses returns other URLs under which a provider may have called.
func addresses(r *Request) []string {
	before, host, rest, ok := cutHost(r.URL)
	if !ok {
		rest = r.Target
	}
	_, user, _ := strings.Cut(before, "://")
	hosts := []string{user + host, host, r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Original-Host"), r.Header.Get("Host"), "localhost", "127.0.0.1"}
	for _, at := range []string{host, r.Header.Get("Host")} {
		if port := hostPort(at); port != "" {
			hosts = append(hosts, "localhost"+port, "127.0.0.1"+port, "[::1]"+port)
		}
	}
	for _, port := range []string{"3000", "4041", "4242", "5000", "8000", "8080"} {
		hosts = append(hosts, "localhost:"+port)
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	if query != "" {
		query = "?" + query
	}
	slash := path + "/"
	if bare, ok := strings.CutSuffix(path, "/"); ok {
		slash = bare
	}
	rests := []string{rest, slash + query, path, slash, r.Target}
	if prefix := r.Header.Get("X-Forwarded-Prefix"); prefix != "" {
		rests = append(rests, prefix+rest)
	}
	var all []string
	for _, host := range hosts {
		if host == "" {
			continue
		}
		for _, scheme := range []string{"https://", "http://"} {
			for _, rest := range rests {
				url := scheme + host + rest
				for _, u := range []string{url, withPort(url), withoutPort(url)} {
					if len(r.Body) > maxVariants && len(all) == 20 {
						return all
					}
					if u != r.URL && !slices.Contains(all, u) {
						all = append(all, u)
					}
				}
			}
		}
	}
	return all
}
