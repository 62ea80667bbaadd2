package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hookloop/inspect/provider"
)

// TestTriggerBody has --file read standard input only where it names it: that
// may be a pipe which nobody closes.
func TestTriggerBody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte("from the file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		reads      bool // of standard input
	}{
		{file, "from the file", false},
		{"-", "from standard input", true},
	} {
		read, stdin := false, strings.NewReader("from standard input")
		env := Env{Stdin: readerFunc(func(b []byte) (int, error) {
			read = true
			return stdin.Read(b)
		})}
		tr := &trigger{a: &app{Env: env}, f: &triggerFlags{bodyFile: tt.name}}
		if err := tr.makeBody(t.Context()); err != nil || tr.sample.Body != tt.want || read != tt.reads {
			t.Errorf("--file %s: got %q, %v, standard input read: %t; want %q, %t", tt.name, tr.sample.Body, err, read, tt.want, tt.reads)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// TestTriggerSigns has every sample of the catalog signed, with secrets that
// are made for it, and verified at the address that is said to be called.
func TestTriggerSigns(t *testing.T) {
	dir := t.TempDir()
	for _, p := range provider.BuiltIn().All() {
		for _, s := range p.Samples {
			t.Run(p.Name+"/"+s.Event, func(t *testing.T) {
				var said bytes.Buffer
				a := &app{Env: Env{Getenv: func(string) string { return "" }, Stderr: &said}}
				f := &triggerFlags{count: 1, providerFlags: providerFlags{set: settingsFor(p)}}
				checker, err := a.checker(&f.providerFlags)
				if err != nil {
					t.Fatal(err)
				}
				tr, err := a.newTrigger(f, checker, []string{p.Name, s.Event})
				if err != nil {
					t.Fatal(err)
				}
				tr.base = "https://public.example.test"
				first, err := tr.request(dir)
				if err != nil {
					t.Fatal(err)
				}
				second, err := tr.request(dir)
				if err != nil {
					t.Fatal(err)
				}
				id := checker.Catalog.Recognize(first, p.Name).EventID
				if id != "" && id == checker.Catalog.Recognize(second, p.Name).EventID {
					t.Errorf("both have the event ID %s", id)
				}
				if first.URL != "https://public.example.test/"+p.Name && !strings.HasPrefix(first.URL, "https://public.example.test/"+p.Name+"?") {
					t.Errorf("URL: got %s", first.URL)
				}
				if !signsAnything(p) {
					if !strings.Contains(said.String(), "signs nothing") {
						t.Errorf("said %q", &said)
					}
					return
				}
				if got := strings.Count(said.String(), "is configured, so this is signed with one made for tests"); got != 1 {
					t.Errorf("it is told %d times: %q", got, &said)
				}
				checked := tr.checker
				for i := range p.Schemes {
					if p.Schemes[i].KeySource != nil {
						t.Skip("what verifies it is fetched")
					}
				}
				for _, r := range []*provider.Request{first, second} {
					if d := checked.Verify(t.Context(), r); d.Result != provider.Valid {
						t.Errorf("%s: %s", d.Result, d.Reason)
					}
				}
			})
		}
	}
}

// settingsFor returns a --set for each setting of p.
func settingsFor(p *provider.Provider) (set []string) {
	for _, s := range p.Settings {
		value := "X-Token"
		if s.Key != "header" {
			value = "value"
		}
		set = append(set, p.Name+"."+s.Key+"="+value)
	}
	return set
}
