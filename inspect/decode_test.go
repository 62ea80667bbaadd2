package inspect

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// encode puts the codings on body, one after the other. "raw" is deflate
// without its zlib header.
func encode(tb testing.TB, body []byte, codings ...string) []byte {
	tb.Helper()
	for _, coding := range codings {
		var buf bytes.Buffer
		var w io.WriteCloser
		var err error
		switch coding {
		case "gzip":
			w = gzip.NewWriter(&buf)
		case "deflate":
			w = zlib.NewWriter(&buf)
		case "raw":
			w, err = flate.NewWriter(&buf, flate.BestCompression)
		case "br":
			w = brotli.NewWriterLevel(&buf, brotli.BestSpeed)
		case "zstd":
			w, err = zstd.NewWriter(&buf)
		}
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			tb.Fatal(err)
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
		body = buf.Bytes()
	}
	return body
}

func TestDecode(t *testing.T) {
	text := []byte(`{"hello":"` + strings.Repeat("wörld ", 100) + `"}`)
	coded := func(codings ...string) []byte { return encode(t, text, codings...) }
	tests := []struct {
		name, encoding string
		body           []byte
		want           []byte
		note           string // a part of it
	}{
		{"none", "", text, text, ""},
		{"identity", "Identity", text, text, ""},
		{"empty", "gzip", nil, nil, ""},
		{"gzip", "gzip", coded("gzip"), text, "gzip decoded, "},
		{"x-gzip", "X-GZIP", coded("gzip"), text, "gzip decoded, "},
		{"two gzip members", "gzip", append(coded("gzip"), coded("gzip")...), append(bytes.Clone(text), text...), "gzip decoded"},
		{"deflate", "deflate", coded("deflate"), text, "deflate decoded"},
		{"raw deflate", "deflate", coded("raw"), text, "deflate decoded"},
		{"br", "br", coded("br"), text, "br decoded"},
		{"zstd", "zstd", coded("zstd"), text, "zstd decoded"},
		{"two", "gzip, br", coded("gzip", "br"), text, "gzip, br decoded"},
		{"too many", "gzip,gzip,gzip,gzip", coded("gzip"), coded("gzip"), "4 codings, more than 3"},
		{"unknown", "aes\x1b128", text, text, `unknown Content-Encoding aes\x1b128`},
		{"not gzip", "gzip", text, text, "shown as received: not valid gzip (gzip: invalid header)"},
		{"not br", "br", text, text, "not valid br"},
		{"not zstd", "zstd", text, text, "not valid zstd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			if tt.encoding != "" {
				header.Set("Content-Encoding", tt.encoding)
			}
			got, note := Decode(header, tt.body)
			if !bytes.Equal(got, tt.want) {
				t.Errorf("decoded %q, want %q", got, tt.want)
			}
			if !strings.Contains(note, tt.note) || (tt.note == "") != (note == "") {
				t.Errorf("note %q, want %q", note, tt.note)
			}
		})
	}
}

func TestDecodeDamaged(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef\n"), 10_000)
	for _, coding := range []string{"gzip", "deflate", "br"} {
		body := encode(t, text, coding)
		header := http.Header{"Content-Encoding": {coding}}
		body = body[:len(body)-8]
		got, note := Decode(header, body)
		if !bytes.HasPrefix(text, got) || !strings.HasPrefix(note, "the "+coding+" is damaged after ") {
			t.Errorf("%s without its end: %d bytes decoded, note %q", coding, len(got), note)
		}
		v := View(header, body, true)
		if want := coding + " decoded as far as it was kept"; !strings.Contains(v.Note, want) {
			t.Errorf("%s cut when it arrived: note %q, want %q", coding, v.Note, want)
		}
	}
}

// A bomb costs no more than the limits say.
func TestDecodeBounded(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, maxDecoded+1<<20)
	for _, coding := range []string{"gzip", "br", "zstd"} {
		body := encode(t, zeros, coding)
		got, note := Decode(http.Header{"Content-Encoding": {coding}}, body)
		want := min(maxDecoded, max(ratioFree, len(body)*maxRatio))
		if len(got) != want || !strings.Contains(note, "cut after") {
			t.Errorf("%s of %d bytes: %d bytes decoded (%s), want %d and a note", coding, len(body), len(got), note, want)
		}
	}
	nested := encode(t, zeros, "zstd", "gzip", "gzip")
	if got, note := Decode(http.Header{"Content-Encoding": {"zstd", "gzip, gzip"}}, nested); len(got) > maxDecoded || note == "" {
		t.Errorf("nested: %d bytes decoded, note %q", len(got), note)
	}
}

func TestViewDecodes(t *testing.T) {
	body := encode(t, []byte(`{"a":1}`), "gzip")
	header := http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}}
	v := View(header, body, false)
	if v.Kind != KindJSON || string(v.Decoded) != `{"a":1}` || v.Lines.Line(1) != `  "a": 1` {
		t.Errorf("kind %q, decoded %q, line 1 %q", v.Kind, v.Decoded, v.Lines.Line(1))
	}
}

func FuzzDecode(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		f.Add(coding, encode(f, []byte("hello hello hello"), coding))
	}
	f.Fuzz(func(t *testing.T, coding string, body []byte) {
		got, note := Decode(http.Header{"Content-Encoding": {coding}}, body)
		if len(got) > maxDecoded && len(got) > len(body) {
			t.Errorf("%d bytes decoded", len(got))
		}
		if problem := unprintable(note, false); problem != "" {
			t.Errorf("note %q: %s", note, problem)
		}
	})
}
