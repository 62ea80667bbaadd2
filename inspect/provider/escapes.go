package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func escapeUnicode(b []byte) []byte { return escapeNonASCII(b, `\u%04x`) }

func escapeNonASCII(b []byte, format string) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf || r == utf8.RuneError && n == 1:
			out = append(out, b[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, format+format, high, low)
		default:
			out = fmt.Appendf(out, format, r)
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

func escapeHTML(b []byte) []byte {
	var out bytes.Buffer
	json.HTMLEscape(&out, b)
	return out.Bytes()
}

// escapeSlash writes / as PHP does.
func escapeSlash(b []byte) []byte {
	return escapes(unescapeSlash(b), func(out []byte, c byte) []byte {
		if c == '/' {
			out = append(out, '\\')
		}
		return append(out, c)
	}, nil)
}

func unescapeSlash(b []byte) []byte {
	return escapes(b, nil, func(out []byte, c byte) []byte {
		if c == '/' {
			return append(out, c)
		}
		return append(out, '\\', c)
	})
}

// dotnet escapes as System.Text.Json does.
func dotnet(b []byte) []byte {
	b = escapes(unescapeUnicode(htmlPlain.replace(unescapeSlash(b))), func(out []byte, c byte) []byte {
		if strings.IndexByte("<>&'+`", c) >= 0 {
			return fmt.Appendf(out, `\u%04X`, c)
		}
		return append(out, c)
	}, func(out []byte, c byte) []byte {
		if c == '"' {
			return append(out, `\u0022`...)
		}
		return append(out, '\\', c)
	})
	return escapeNonASCII(b, `\u%04X`)
}

// escapes copies JSON: plain appends what stands for itself, and after what
// stands after a backslash; nil = as it is.
func escapes(b []byte, plain, after func(out []byte, c byte) []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && i+1 < len(b):
			i++
			if after == nil {
				out = append(out, '\\', b[i])
			} else {
				out = after(out, b[i])
			}
		case plain == nil:
			out = append(out, b[i])
		default:
			out = plain(out, b[i])
		}
	}
	return out
}
