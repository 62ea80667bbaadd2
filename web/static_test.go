package web

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestThePageNeverParsesMarkup keeps captured text from ever becoming markup:
// our own scripts set text and properties only.
func TestThePageNeverParsesMarkup(t *testing.T) {
	t.Parallel()
	for _, name := range pageFiles(t) {
		b, err := static.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{
			"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment", "DOMParser",
			"eval(", "new Function", "javascript:", "srcdoc", "setHTML", "parseHTMLUnsafe", "<script>", " style=\"", "onclick=\"",
		} {
			if bytes.Contains(b, []byte(bad)) {
				t.Errorf("%s contains %q", name, bad)
			}
		}
	}
}

// TestThePageIsServed fetches every file of the page.
func TestThePageIsServed(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, name := range append(pageFiles(t), "static/vendor/preact-htm.js") {
		path := strings.TrimPrefix(name, "static")
		if path == "/index.html" {
			path = "/"
		}
		resp, body := rg.do("GET", path, "")
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ct := resp.Header.Get("Content-Type")
		if resp.StatusCode != 200 || body != string(want) || (strings.HasSuffix(path, ".js") && !strings.HasPrefix(ct, "text/javascript")) {
			t.Errorf("GET %s: got %d %s and %d bytes, want the file", path, resp.StatusCode, ct, len(body))
		}
	}
	for _, path := range []string{"/js/", "/vendor/", "/css", "/nothing", "/../server.go", "/js/..%2f..%2fserver.go"} {
		if resp, body := rg.do("GET", path, ""); resp.StatusCode == 200 {
			t.Errorf("GET %s: got 200 %.80q", path, body)
		}
	}
}
