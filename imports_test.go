package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says which of our own packages each package may import, besides
// what is said of tests below. Arrows point one way:
//
//	main ─► cli ─► tui, web ─► replay ─► inspect ─► inspect/provider
//	          └──► tunnel (imports no sibling)
var mayImport = map[string][]string{
	"":                 {"cli"},
	"cli":              {"tui", "web", "replay", "replay/mockapi", "inspect", "inspect/provider", "tunnel"},
	"cli/livetest":     {"inspect/provider"}, // a module of its own
	"tui":              {"replay", "inspect", "inspect/provider", "tunnel"},
	"web":              {"replay", "inspect", "inspect/provider", "tunnel"},
	"replay":           {"inspect", "inspect/provider"},
	"replay/mockapi":   {"inspect", "inspect/provider"},
	"inspect":          {"inspect/provider"},
	"inspect/provider": {},
	"tunnel":           {},
	"tunnel/ngroktest": {},
}

// standIns may be imported by any test.
var standIns = []string{"tunnel/ngroktest"}

const ngrokSDK = "golang.ngrok.com/ngrok"

func TestImportRules(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		files++
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(file))
		if pkg == "." {
			pkg = ""
		}
		isTest := strings.HasSuffix(file, "_test.go")
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := forbidden(pkg, imported, isTest); why != "" {
				t.Errorf("%s imports %s: %s", file, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("only %d files were looked at", files)
	}
}

// forbidden says why pkg may not import imported, or "".
func forbidden(pkg, imported string, isTest bool) string {
	if pkg == "tunnel/ngroktest" && strings.HasPrefix(imported, ngrokSDK) {
		return "the stand-in must not know the SDK it is there to test"
	}
	own, ok := strings.CutPrefix(imported, "hookloop/")
	if !ok || own == pkg {
		return ""
	}
	allowed, known := mayImport[pkg]
	switch {
	case !known:
		return "the package is not in the design: add it to DESIGN.md's picture and to mayImport"
	case slices.Contains(allowed, own):
		return ""
	case isTest && slices.Contains(standIns, own):
		return ""
	}
	return "the design has no such arrow"
}

// TestForbidden shows that the rules forbid something.
func TestForbidden(t *testing.T) {
	for _, tt := range []struct {
		pkg, imported string
		isTest        bool
		want          bool
	}{
		{"tui", "hookloop/web", false, true},
		{"web", "hookloop/tui", true, true},
		{"inspect", "hookloop/replay", false, true},
		{"tunnel", "hookloop/inspect", false, true},
		{"tunnel/ngroktest", "golang.ngrok.com/ngrok/v2", true, true},
		{"nowhere", "hookloop/inspect", false, true},
		{"cli", "hookloop/tunnel/ngroktest", false, true},
		{"cli", "hookloop/tunnel/ngroktest", true, false},
		{"tui", "hookloop/replay", false, false},
		{"tui", "net/http", false, false},
	} {
		if got := forbidden(tt.pkg, tt.imported, tt.isTest) != ""; got != tt.want {
			t.Errorf("forbidden(%q, %q, %v) = %v, want %v", tt.pkg, tt.imported, tt.isTest, got, tt.want)
		}
	}
}
