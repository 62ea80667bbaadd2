package provider

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/providers.md and README.md's table")

const (
	docsFile   = "../../docs/providers.md"
	readmeFile = "../../README.md"
	tableBegin = "<!-- providers -->\n"
	tableEnd   = "<!-- /providers -->"
)

// TestDocs checks that what is generated from the catalog is up to date.
// Run with -update to make it so.
func TestDocs(t *testing.T) {
	c := BuiltIn()
	checkFile(t, docsFile, docs(t, c))
	readme := read(t, readmeFile)
	before, rest, ok := strings.Cut(readme, tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !ok || !ended {
		t.Fatalf("README.md has no %s and %s", strings.TrimSpace(tableBegin), tableEnd)
	}
	checkFile(t, readmeFile, before+tableBegin+table(c, "provider", "verified by", "limit", "retries", "handshake", "facts")+tableEnd+after)
}

func checkFile(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s is not up to date with the catalog: run go test ./inspect/provider -run TestDocs -update", name)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// table returns some columns of the catalog's table in Markdown.
func table(c *Catalog, columns ...string) string {
	rows := c.Table()
	var b strings.Builder
	for i, row := range rows {
		for _, column := range columns {
			fmt.Fprintf(&b, "| %s ", row[slices.Index(rows[0], column)])
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
		}
	}
	return b.String()
}

// docs returns the whole of docs/providers.md.
func docs(t *testing.T, c *Catalog) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Providers\n\n"+
		"What hookloop knows of %d providers of webhooks, of one entry for those that sign by hand, and how to tell it of [another](#a-provider-of-your-own). `hookloop providers` and `hookloop providers stripe` say the same.\n"+
		"This file is made of the catalog in [inspect/provider/catalog](../inspect/provider/catalog); `go test ./inspect/provider -run TestDocs -update` makes it anew.\n\n"+
		"Facts are marked **A** where they are from the provider's own documentation or code, **B** where others quote it, **C** where there are others only,\n"+
		"or they disagree, and **?** where next to nothing is published. A limit that is `?` is not published. Where the intervals of retries are not, hookloop draws\n"+
		"its own and says that they are a guess. Times of retries count from the first delivery, as if each failed at once.\n\n", len(c.Names())-1)
	b.WriteString(table(c, "provider", "name", "verified by", "signed again", "limit", "success", "retries", "handshake", "samples", "facts"))
	for _, p := range c.All() {
		fmt.Fprintf(&b, "\n## %s\n\n", p.Title)
		for _, line := range p.Describe() {
			text := strings.ReplaceAll(line.Text, "*", `\*`)
			fmt.Fprintf(&b, "- **%s**: %s\n", line.Label, strings.NewReplacer("<", "&lt;", "_", `\_`).Replace(text))
		}
	}
	return b.String() + "\n" + read(t, "testdata/providers_format.md")
}

// TestDocsExample reads the example of the documentation, and verifies with it.
func TestDocsExample(t *testing.T) {
	_, text, _ := strings.Cut(read(t, "testdata/providers_format.md"), "```yaml\nproviders:\n")
	text, _, _ = strings.Cut(text, "```")
	c := BuiltIn()
	if err := c.Add([]byte(text), "hookloop.yaml", 2); err != nil {
		t.Fatal(err)
	}
	p := c.Provider("acme")
	if p == nil || len(p.Samples) != 1 || c.Provider("stripe").Delivery.Timeout.String() != "20 s" {
		t.Fatalf("got %+v", p)
	}
	checkVerifies(t, c, p)
}
