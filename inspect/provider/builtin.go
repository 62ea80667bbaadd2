package provider

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// One file a provider, named as the provider.
//
//go:embed catalog/*.yaml
var files embed.FS

const filesDir = "catalog"

var builtins struct {
	once    sync.Once
	entries map[string]*entry
}

// builtIn returns the entries built in, which must not be changed. A fault in
// them is a fault of the program, which its tests find: it panics.
func builtIn() map[string]*entry {
	builtins.once.Do(func() {
		dir, err := files.ReadDir(filesDir)
		if err != nil {
			panic(err)
		}
		builtins.entries = make(map[string]*entry, len(dir))
		for _, file := range dir {
			name := strings.TrimSuffix(file.Name(), ".yaml")
			path := filesDir + "/" + file.Name()
			builtins.entries[name] = &entry{
				name:     name,
				rules:    sync.OnceValue(func() []Rule { return readRules(path) }),
				provider: sync.OnceValue(func() *Provider { return readProvider(name, path) }),
			}
		}
	})
	return builtins.entries
}

// readProvider reads a whole file.
func readProvider(name, path string) *Provider {
	text, err := files.ReadFile(path)
	if err != nil {
		panic(err)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", path, err))
	}
	l := &loader{file: path, catalog: &Catalog{entries: builtIn()}}
	p, err := l.read(name, tree.Docs[0].Body)
	if err != nil {
		panic(err)
	}
	return p
}

// readRules reads only how a provider's requests are recognised, which is
// needed of all providers at once: a tenth of the time that all of it would take.
func readRules(path string) []Rule {
	text, err := files.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var part struct {
		Recognize []Rule `yaml:"recognize"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(section(string(text), "recognize")), &part, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("%s: %v", path, err))
	}
	return part.Recognize
}

// section returns the lines of a top-level key in block style.
func section(text, key string) string {
	_, text, found := strings.Cut("\n"+text, "\n"+key+":")
	if !found {
		return ""
	}
	end := 0
	for line := range strings.Lines(text) {
		if end > 0 && !strings.HasPrefix(line, " ") {
			break
		}
		end += len(line)
	}
	return key + ":" + text[:end]
}
