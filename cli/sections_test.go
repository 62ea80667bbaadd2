package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hookloop/inspect/provider"
)

// configured returns an app that has read a file, with files beside it.
func configured(t *testing.T, env map[string]string, files map[string]string) (*app, *bytes.Buffer, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	a := &app{Env: Env{Getenv: func(name string) string { return env[name] }, Stderr: &said}}
	_, err := a.readConfig(filepath.Join(dir, configName), map[string]bool{"port": true, "tunnel": true, "secret": true})
	return a, &said, err
}

func TestFileSecrets(t *testing.T) {
	file := strings.ReplaceAll(`# a comment
secrets:
  stripe: env:STRIPE
  github:
    - file:gh.secret
    - "${OLD}"
  twilio: 0123
  slack: file:win.secret
  sendgrid: |-
    -----BEGIN PUBLIC KEY-----
    abc
settings:
  paypal: {webhook_id: 017}
  assemblyai:
    header: X-${OLD}
routes:
  - {path: /a/, provider: github, secrets: [env:STRIPE, plain]}
  - path: /a/long
    to: localhost:3000
    secret: env:STRIPE
  - path: /nothing
    to: 4000
port: 1
`, "\n", "\r\n") // as editors on Windows have it
	a, said, err := configured(t, map[string]string{"STRIPE": "s1", "OLD": "old"}, map[string]string{
		configName: file, "gh.secret": "gh \n", "win.secret": "sl\r\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.checker(&providerFlags{strict: true, secrets: []string{"slack=env:OLD", "slack=a=b"}, set: []string{"assemblyai.header=X-Flag"}})
	if err != nil {
		t.Fatal(err)
	}
	wantSecrets := map[string][]provider.Secret{
		"stripe": {{Label: "STRIPE", Value: "s1"}},
		"github": {{Label: "the file gh.secret", Value: "gh "}, {Label: "OLD", Value: "old"}},
		"twilio": {{Label: "the secret of twilio in hookloop.yaml", Value: "0123"}},
		"slack":  {{Label: "OLD", Value: "old"}, {Label: "the second --secret slack", Value: "a=b"}}, // the flags' alone
		"sendgrid": {
			{Label: "the secret of sendgrid in hookloop.yaml", Value: "-----BEGIN PUBLIC KEY-----\nabc"},
		},
	}
	if !reflect.DeepEqual(c.Secrets, wantSecrets) {
		t.Errorf("got secrets\n%q, want\n%q", c.Secrets, wantSecrets)
	}
	wantSettings := map[string]map[string]string{"paypal": {"webhook_id": "017"}, "assemblyai": {"header": "X-Flag"}}
	if !reflect.DeepEqual(c.Settings, wantSettings) {
		t.Errorf("got settings %q, want %q", c.Settings, wantSettings)
	}
	wantRoutes := []provider.Route{
		{Prefix: "/a/long", Secrets: []provider.Secret{{Label: "STRIPE", Value: "s1"}}},
		{Prefix: "/a", Provider: "github", Secrets: []provider.Secret{{Label: "STRIPE", Value: "s1"}, {Label: "the second secret of the route /a in hookloop.yaml (line 17)", Value: "plain"}}},
	}
	if !reflect.DeepEqual(c.Routes, wantRoutes) {
		t.Errorf("got routes %+v, want %+v", c.Routes, wantRoutes)
	}
	if said.String() != "" {
		t.Errorf("got %q, want nothing said: the secret was not typed", said)
	}

	f := listenFlags{routes: []string{"/a/long=5000"}, fileRoutes: a.file.routes}
	h, err := f.handler(nil)
	if err != nil || len(h.Routes) != 2 || h.Routes[0].URL.Port() != "5000" || h.Routes[1].Prefix != "/nothing" || h.Routes[1].URL.Port() != "4000" {
		t.Errorf("got handler %+v, error %v; want the flag's route, and /nothing to port 4000", h, err)
	}
}

// TestFileProviders puts the section in all the places and forms that YAML allows.
func TestFileProviders(t *testing.T) {
	for _, test := range []struct{ name, file string }{
		{"last", "port: 1\nproviders:\n  acme: {name: Acme, docs: 'https://acme.test'}\n  b:\n    like: acme\n"},
		{"first, with a comment behind", "providers:\n  acme:\n    name: Acme\n    docs: https://acme.test\n  b: {like: acme}\n# port\n\nport: 1\n"},
		{"flow", "providers: {acme: {name: Acme, docs: 'https://acme.test'}, b: {like: acme}}\nport: 1\n"},
		{"flow of several lines", "providers: {\n  acme: {name: Acme, docs: 'https://acme.test'},\n  b: {like: acme}}\nport: 1"},
		{"not indented keys behind", "port: 1\n\nproviders:\n    acme: {name: \"${NAME}\", docs: 'https://acme.test'} # ${NAME}\n    # ${NOT_THERE}\n    b: {like: acme}\ntunnel: none\n"},
		{"two documents", "port: 1\n---\nproviders:\n  acme: {name: Acme, docs: 'https://acme.test'}\n  b: {like: acme}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, _, err := configured(t, map[string]string{"NAME": "Acme"}, map[string]string{configName: test.file})
			if err != nil {
				t.Fatal(err)
			}
			catalog, err := a.catalog()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"acme", "b"} {
				if p := catalog.Provider(name); p == nil || p.Docs != "https://acme.test" {
					t.Errorf("%s: got %+v, want one with Acme's docs", name, p)
				}
			}
		})
	}
}

// Of several secrets the label tells which one it is, wherever they stand.
func TestSecretLabels(t *testing.T) {
	env := map[string]string{"OLDG": "o", "NEWG": "n"}
	labels := func(secrets []provider.Secret) (list []string) {
		for _, s := range secrets {
			list = append(list, s.Label)
		}
		return list
	}
	for _, tt := range []struct {
		file  string
		flags []string
		want  []string
	}{
		{"secrets: {github: ['${OLDG}', '${NEWG}']}", nil, []string{"OLDG", "NEWG"}},
		{"secrets:\n  github:\n    - a\n    - b\n", nil, []string{"the first secret of github in hookloop.yaml (line 3)", "the second secret of github in hookloop.yaml (line 4)"}},
		{"secrets: {github: 'x${OLDG}'}", nil, []string{"the secret of github in hookloop.yaml"}},
		{"secrets: {github: ['${OLDG}x', 'env:NEWG']}", nil, []string{"the first secret of github in hookloop.yaml (line 1)", "NEWG"}},
		{"", []string{"github=a"}, []string{"the secret given by --secret"}},
		{"", []string{"github=a", "slack=b"}, []string{"the secret given by --secret"}},
		{"", []string{"github=a", "slack=b", "github=c", "github=env:OLDG"}, []string{"the first --secret github", "the second --secret github", "OLDG"}},
	} {
		a, _, err := configured(t, env, map[string]string{configName: tt.file})
		if err != nil {
			t.Fatal(err)
		}
		a.secretTyped = true
		c, err := a.checker(&providerFlags{strict: true, secrets: tt.flags})
		if err != nil {
			t.Fatal(err)
		}
		if got := labels(c.Secrets["github"]); !slices.Equal(got, tt.want) {
			t.Errorf("%q %q: got %q, want %q", tt.file, tt.flags, got, tt.want)
		}
	}
}

func TestFileMistakes(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"port: 1\nsecrets:\n\tstripe: a\n", ":3: this is not valid YAML: found character"},
		{"secrets:\n  stripe: a\n  stripe: b\n", `:3: this is not valid YAML: mapping key "stripe" already defined at [2:3]`},
		{"secrets: x\n", ":1: secrets holds names with values, as in `stripe: env:STRIPE_WEBHOOK_SECRET`"},
		{"secrets:\n  stripe:\n", ":2: a value, or a list of values, is wanted here"},
		{"secrets:\n  stripe:\n    - a\n    - {b: c}\n", ":4: a value, or a list of values, is wanted here"},
		{"settings:\n  paypal: x\n", ":2: paypal holds names with values"},
		{"settings:\n  paypal:\n    webhook_id: [a, b]\n", ":3: webhook_id takes one value, not a list"},
		{"routes: {path: /x}\n", ":1: routes is a list"},
		{"routes:\n  - to: 3000\n", ":2: a route needs a path that begins with /"},
		{"routes:\n  - /x=3000\n", ":2: a route holds names with values"},
		{"routes:\n  - path: /x\n    secert: y\n", `:3: a route has no "secert", did you mean "secret"?`},
		{"providers: [a]\n", ":1: providers holds names with values"},
		{"secret: stripe=x\n", `:1: there is no setting "secret", did you mean "secrets"?`},
		{"secretz:\n  a: b\n", `:1: there is no setting "secretz", did you mean "secrets"?`},
		{"port: {a: b}\n", ":1: port takes a value, or a list of values"},
		{"tunnel: {usse: ngrok}\n", `:1: there is no setting "tunnel.usse", did you mean "tunnel.use"?`},
	} {
		_, _, err := configured(t, nil, map[string]string{configName: test.file})
		if err == nil || !strings.Contains(err.Error(), configName+test.want) {
			t.Errorf("%q: got %v, want %q in it", test.file, err, test.want)
		}
	}
}
