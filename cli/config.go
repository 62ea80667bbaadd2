package cli

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// Settings are the flags of `hookloop listen` and the ones every command has.
// (What the file says of providers besides is in sections.go.)
// Each can stand in hookloop.yaml under its flag's name and in the environment
// as HOOKLOOP_ and that name in capitals. Flags win over the environment, the
// environment over the file.

const configName = "hookloop.yaml"

// settingAliases are names in the file that are not their flags' own.
var settingAliases = map[string]string{
	"tunnel.use":                "tunnel",
	"tunnel.ngrok.connect_addr": "ngrok-connect-addr",
	"tunnel.ngrok.ca_file":      "ngrok-ca-file",
	"tunnel.ngrok.authtoken":    "authtoken",
	"tunnel.ngrok.url":          "url",
	"tunnel.ssh.server":         "ssh-server",
	"tunnel.ssh.identity":       "ssh-identity",
	"tunnel.ssh.remote":         "ssh-remote",
}

// notInFile are flags that make no sense in a file.
var notInFile = map[string]bool{"config": true, "help": true, "version": true}

// sectionInFile are flags that stand in the environment, but not in the file,
// which has a section instead.
var sectionInFile = map[string]bool{"secret": true, "set": true}

// An entry is one setting of the file.
type entry struct {
	values []string
	where  string // "hookloop.yaml:3"
	err    error  // why there are no values: the environment has no such variable
}

// configure gives the flags of cmd that the user did not set their values from
// the environment or the file.
func (a *app) configure(cmd *cobra.Command) error {
	known := map[string]bool{}
	listen, _, err := cmd.Root().Find([]string{"listen"})
	if err != nil {
		return err
	}
	for _, set := range []*pflag.FlagSet{listen.LocalFlags(), cmd.Root().PersistentFlags()} {
		set.VisitAll(func(f *pflag.Flag) {
			if !notInFile[f.Name] {
				known[f.Name] = true
			}
		})
	}
	file, err := a.findConfig()
	if err != nil {
		return err
	}
	entries := map[string]entry{}
	if file != "" {
		if entries, err = a.readConfig(file, known); err != nil {
			return settingError{err}
		}
	}
	a.secretTyped = cmd.Flags().Changed("secret")
	if a.file.places == nil {
		a.file.places = map[string]string{}
	}
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		_, own := f.Annotations[ownFlag]
		if f.Changed || !known[f.Name] || own {
			return
		}
		env := "HOOKLOOP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := a.Getenv(env); v != "" {
			errs = append(errs, setFlag(cmd.Flags(), f, env, v))
			a.file.places[f.Name] = env
		} else if e, ok := entries[f.Name]; ok && e.err != nil {
			errs = append(errs, e.err)
		} else if ok {
			errs = append(errs, setFlag(cmd.Flags(), f, e.where, e.values...))
			a.file.places[f.Name] = e.where
		}
	})
	if err := errors.Join(errs...); err != nil {
		return settingError{err}
	}
	return nil
}

func setFlag(set *pflag.FlagSet, f *pflag.Flag, where string, values ...string) error {
	if slice, ok := f.Value.(pflag.SliceValue); ok {
		f.Changed = true
		return slice.Replace(values)
	}
	if len(values) != 1 {
		return fmt.Errorf("%s: %s takes one value, not a list", where, f.Name)
	}
	if err := set.Set(f.Name, values[0]); err != nil {
		return fmt.Errorf("%s: %s %q: give %s", where, f.Name, values[0], wanted(f))
	}
	return nil
}

// inSetting has an error that begins with a flag begin with the place where the
// flag's value stands, if that is one of places; ok is false for any other.
func inSetting(err error, places map[string]string) (_ error, ok bool) {
	text, ok := strings.CutPrefix(err.Error(), "--")
	if !ok {
		text, ok = strings.CutPrefix(err.Error(), "-H:")
		text = "header:" + text
	}
	name := text
	if end := strings.IndexAny(text, " :"); end >= 0 {
		name = text[:end]
	}
	where := places[name]
	if !ok || where == "" {
		return err, false
	}
	return settingError{fmt.Errorf("%s: %s", where, text)}, true
}

// findConfig returns the configuration file, or "" if there is none.
func (a *app) findConfig() (string, error) {
	file := a.configFile
	if file == "" {
		file = a.Getenv("HOOKLOOP_CONFIG")
	}
	if file != "" {
		if _, err := os.Stat(file); err != nil {
			return "", usagef("there is no configuration file %s: correct --config", file)
		}
		return file, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", nil
	}
	for {
		file := filepath.Join(dir, configName)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

// A configReader reads one file.
type configReader struct {
	a        *app
	file     string
	lines    []string
	topLines []int           // the lines of the keys that are not nested
	known    map[string]bool // the flags
	entries  map[string]entry
	sections fileConfig
}

// readConfig reads the settings of a file by their flags' names, and its
// sections into a.file. A key that is not known is refused with its line and
// the nearest one that is.
func (a *app) readConfig(file string, known map[string]bool) (map[string]entry, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // which editors on Windows begin with
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%s is not UTF-8 text: save it as that", file)
	}
	if err := provider.CheckYAML(text); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, notYAML(file, err)
	}
	c := &configReader{a: a, file: file, lines: strings.Split(string(text), "\n"), known: known, entries: map[string]entry{}}
	c.sections.file, c.sections.places = file, map[string]string{}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if pairs, ok := pairsOf(doc.Body); ok {
			for _, p := range pairs {
				c.topLines = append(c.topLines, p.Key.GetToken().Position.Line)
			}
		}
		if err := c.readNode("", doc.Body); err != nil {
			return nil, err
		}
	}
	a.file = c.sections
	return c.entries, nil
}

// yamlPlace is what the parser's errors begin with.
var yamlPlace = regexp.MustCompile(`^\[([0-9]+):[0-9]+\] `)

// notYAML says where file is not YAML, and why.
func notYAML(file string, err error) error {
	why, _, _ := strings.Cut(err.Error(), "\n") // the rest shows the file's lines
	if at := yamlPlace.FindStringSubmatch(why); at != nil {
		file, why = file+":"+at[1], why[len(at[0]):]
	}
	return fmt.Errorf("%s: this is not valid YAML: %s", file, inspect.Escape(why))
}

func (c *configReader) readNode(prefix string, node ast.Node) error {
	pairs, ok := pairsOf(node)
	if !ok {
		return fmt.Errorf("%s: there should be settings here, such as `port: 4041`", c.where(node))
	}
	for _, pair := range pairs {
		key := prefix + strings.ReplaceAll(pair.Key.GetToken().Value, "-", "_")
		where := c.where(pair.Key)
		if read := sections[key]; read != nil {
			if err := read(c, pair); err != nil {
				return err
			}
			continue
		}
		name := settingAliases[key]
		if flag := strings.ReplaceAll(key, "_", "-"); name == "" && c.known[flag] && !sectionInFile[flag] {
			name = flag
		}
		_, nested := pair.Value.(*ast.MappingNode)
		if nested = nested || isMapping(pair.Value); nested && holdsSettings(key) {
			if err := c.readNode(key+".", pair.Value); err != nil {
				return err
			}
			continue
		}
		if name == "" {
			return fmt.Errorf("%s: there is no setting %q%s", where, key, suggest(key, c.known))
		}
		if nested {
			return fmt.Errorf("%s: %s takes a value, or a list of values%s", where, name, sectionHint(name))
		}
		if _, null := pair.Value.(*ast.NullNode); null {
			return fmt.Errorf("%s: %s has no value: give it one, or take the line out", where, name)
		}
		values, err := c.a.values(where, pair.Value)
		if unset := (unsetError{}); err != nil && !errors.As(err, &unset) {
			return fmt.Errorf("%w%s", err, sectionHint(name))
		}
		c.entries[name] = entry{values, where, err}
	}
	return nil
}

// holdsSettings reports whether settings have names below a key.
func holdsSettings(key string) bool {
	for name := range settingAliases {
		if strings.HasPrefix(name, key+".") {
			return true
		}
	}
	return false
}

// sectionHint names the section that takes the mappings which a setting does not.
func sectionHint(name string) string {
	if sections[name+"s"] == nil {
		return ""
	}
	return fmt.Sprintf("; mappings stand under `%ss:`", name)
}

func isMapping(node ast.Node) bool {
	_, ok := node.(*ast.MappingValueNode)
	return ok
}

// values returns a scalar, or a list of scalars, with ${VAR} replaced.
func (a *app) values(where string, node ast.Node) ([]string, error) {
	nodes := []ast.Node{node}
	if list, ok := node.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	values := make([]string, 0, len(nodes))
	for _, n := range nodes {
		scalar, ok := n.(ast.ScalarNode)
		if !ok {
			return nil, fmt.Errorf("%s: a value, or a list of values, is wanted here", where)
		}
		v, err := a.expand(where, fmt.Sprint(scalar.GetValue()))
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// An unsetError is about a ${VAR} that the environment does not have. Commands
// that do not use the value go on without it.
type unsetError struct{ error }

// expand replaces the ${VAR} of value. Its errors are unsetErrors.
func (a *app) expand(where, value string) (string, error) {
	var err error
	value = variable.ReplaceAllStringFunc(value, func(ref string) string {
		name := variable.FindStringSubmatch(ref)[1]
		v := a.Getenv(name)
		if v == "" {
			err = unsetError{fmt.Errorf("%s: the environment has no %s: set it, or take %s out", where, name, ref)}
		}
		return v
	})
	return value, err
}

// suggest returns ", did you mean …?" for a word that is nearly a known one,
// else where those there are stand; in a mapping, a list of its own.
func suggest(word string, known map[string]bool) string {
	names := slices.Concat(slices.Collect(maps.Keys(known)), slices.Collect(maps.Keys(settingAliases)), sectionNames())
	names = slices.DeleteFunc(names, func(name string) bool { return sectionInFile[name] })
	slices.Sort(names)
	if _, ok := sections[word+"s"]; ok {
		return fmt.Sprintf(", did you mean %q?", word+"s")
	}
	if word == "set" {
		return `, did you mean "settings"?`
	}
	if near := inspect.Nearest(strings.ReplaceAll(word, "_", "-"), names); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	if group := word[:strings.LastIndexByte(word, '.')+1]; group != "" {
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, group) })
		return ": there are " + strings.Join(names, ", ")
	}
	return ": there are the flags in `hookloop listen --help` without their --, and " + strings.Join(sectionNames(), ", ")
}
