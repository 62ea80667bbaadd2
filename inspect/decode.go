package inspect

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Limits of what a view decodes. The stored bytes have their own limit.
const (
	maxDecoded = 16 << 20 // bytes a decoded body may have
	maxRatio   = 250      // times its encoded size, where it is over ratioFree
	ratioFree  = 1 << 20
	maxCodings = 3       // one on top of the other
	zstdWindow = 8 << 20 // what RFC 9659 allows over HTTP
)

// Decode returns body without the Content-Encoding that header names (gzip,
// deflate, br, zstd, or several), and a note in case that is not all of it: a
// decoded body over 16 MiB or with an absurd ratio is cut, a damaged one is
// returned as far as it goes. Where nothing can be decoded, body is returned.
func Decode(header http.Header, body []byte) (decoded []byte, note string) {
	return decode(header, body, false)
}

// decode is [Decode] that knows whether body is only the beginning, so that
// its sudden end is no damage.
func decode(header http.Header, body []byte, truncated bool) (decoded []byte, note string) {
	codings := contentCodings(header)
	if len(codings) == 0 || len(body) == 0 {
		return body, ""
	}
	if len(codings) > maxCodings {
		return body, fmt.Sprintf("shown encoded: %d codings, more than %d", len(codings), maxCodings)
	}
	limit := min(maxDecoded, max(ratioFree, len(body)*maxRatio))
	decoded = body
	for _, coding := range slices.Backward(codings) { // the last was put on last
		out, cut, err := decodeOne(coding, decoded, limit)
		switch {
		case errors.Is(err, errCoding):
			return decoded, fmt.Sprintf("shown encoded: unknown Content-Encoding %s", Escape(coding))
		case err != nil && len(out) == 0:
			return decoded, fmt.Sprintf("shown as received: not valid %s (%s)", coding, Escape(err.Error()))
		case cut:
			return out, fmt.Sprintf("%s decoded, cut after %d bytes", coding, len(out))
		case err != nil && truncated:
			return out, fmt.Sprintf("%s decoded as far as it was kept", coding)
		case err != nil:
			return out, fmt.Sprintf("the %s is damaged after %d decoded bytes (%s)", coding, len(out), Escape(err.Error()))
		}
		decoded = out
	}
	return decoded, fmt.Sprintf("%s decoded, %d bytes as received", strings.Join(codings, ", "), len(body))
}

// contentCodings returns the codings that header names, in the order they were
// put on, in lower case, without identity.
func contentCodings(header http.Header) []string {
	var codings []string
	for _, value := range header.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "" && coding != "identity" {
				codings = append(codings, strings.TrimPrefix(coding, "x-"))
			}
		}
	}
	return codings
}

var errCoding = errors.New("unknown coding")

// decodeOne takes one coding off b. cut says that out is only the first limit
// bytes. With an error, out is what came before it.
func decodeOne(coding string, b []byte, limit int) (out []byte, cut bool, err error) {
	r, err := decoder(coding, b)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	var buf bytes.Buffer
	_, err = io.Copy(&buf, io.LimitReader(r, int64(limit)+1))
	if buf.Len() > limit {
		buf.Truncate(limit)
		return buf.Bytes(), true, nil
	}
	return buf.Bytes(), false, err
}

func decoder(coding string, b []byte) (io.ReadCloser, error) {
	r := bytes.NewReader(b)
	switch coding {
	case "gzip":
		return gzip.NewReader(r)
	case "deflate": // zlib by the standard, but many send it without its header
		if z, err := zlib.NewReader(r); err == nil {
			return z, nil
		}
		return flate.NewReader(bufio.NewReader(bytes.NewReader(b))), nil
	case "br":
		return io.NopCloser(brotli.NewReader(r)), nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(maxDecoded+zstdWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return nil, errCoding
}
