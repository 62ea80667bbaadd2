package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
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

// escapings are the characters that programs differ in, with the ways to write
// each; the first of each is as it is. All of their combinations are tried.
var escapings = [3][]style{
	{asIs, {`non-ASCII as \u escapes`, escapeUnicode}, {`\u escapes as the characters themselves`, unescapeUnicode}},
	{asIs, {`/ as \/`, escapeSlash}, {`\/ as /`, unescapeSlash}},
	{asIs, {"<, > and & as HTML escapes", escapeHTML}, {"<, > and & as themselves", func(b []byte) []byte { return htmlPlain.replace(b) }}},
}

var asIs = style{"", func(b []byte) []byte { return b }}

// jsonBodies tries the ways in which programs write JSON.
func jsonBodies(b []byte, yield func(string, []byte) bool) bool {
	if !json.Valid(b) {
		return true
	}
	try := func(body []byte, names ...string) bool {
		names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
		how := "the body as re-serialised JSON"
		if len(names) > 0 {
			how = fmt.Sprintf("re-serialised JSON (%s)", strings.Join(names, ", "))
		}
		return yield(how, body) && yield(how+" with a trailing newline", with(body, "\n"))
	}
	for _, layout := range layouts {
		laid := layout.write(bytes.TrimSpace(b))
		if laid == nil {
			continue
		}
		ok := escaped(laid, func(body []byte, names [3]string) bool {
			return try(body, layout.name, names[0], names[1], names[2])
		})
		if !ok || !try(dotnet(laid), layout.name, "as .NET escapes it") {
			return false
		}
	}
	return true
}

// escaped tries the combinations of escapings, without those that change nothing.
func escaped(b []byte, try func(body []byte, names [3]string) bool) bool {
	for _, html := range escapings[2] {
		one := html.write(b)
		if html.name != "" && bytes.Equal(one, b) {
			continue
		}
		for _, slash := range escapings[1] {
			two := slash.write(one)
			if slash.name != "" && bytes.Equal(two, one) {
				continue
			}
			for _, unicode := range escapings[0] {
				three := unicode.write(two)
				if unicode.name != "" && bytes.Equal(three, two) {
					continue
				}
				if !try(three, [3]string{unicode.name, slash.name, html.name}) {
					return false
				}
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
