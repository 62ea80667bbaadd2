package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"strings"
)

// static is the page. It is served as it lies there: no build step.
//
//go:embed static
var static embed.FS

//go:embed openapi.json
var openapiJSON []byte

//go:embed locked.html
var lockedPage []byte

// lockedPolicy allows the locked page's own style, by its hash, and nothing else.
func lockedPolicy() string {
	_, rest, _ := bytes.Cut(lockedPage, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// page serves the files of the page; only GET and HEAD.
func (s *Server) page() http.Handler {
	root, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	files := http.FileServerFS(root)
	return s.adapt(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			return problemf(http.StatusMethodNotAllowed, "%s is not possible at %s; use GET.", r.Method, r.URL.Path)
		}
		if strings.HasSuffix(r.URL.Path, "/") && r.URL.Path != "/" { // no lists of folders
			return problemf(http.StatusNotFound, "There is nothing at %s; the inspector is at /.", r.URL.Path)
		}
		w.Header().Set("Cache-Control", "no-cache") // a new hookloop brings a new page
		files.ServeHTTP(w, r)
		return nil
	})
}

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openapiJSON)
	return nil
}
