package provider

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

func TestCatalogRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown field", "acme:\n  schemes:\n    - name: v1\n      kind: hmac-sha256\n      signture: header:X", "hookloop.yaml:24: providers.acme.schemes[0].signture: there is no such field, did you mean signature?"},
		{"unknown field of delivery", "acme:\n  delivery:\n    timout: 3s", "hookloop.yaml:22: providers.acme.delivery.timout: there is no such field, did you mean timeout?"},
		{"unknown field of a retry", "acme:\n  delivery:\n    retry: {delay: [3s]}", "hookloop.yaml:22: providers.acme.delivery.retry.delay: there is no such field, did you mean delays?"},
		{"unknown field of a variant", "acme:\n  delivery:\n    variants:\n      test: {sucess: 200}", "hookloop.yaml:23: providers.acme.delivery.variants.test.sucess: there is no such field, did you mean success?"},
		{"unknown field, nothing near", "acme:\n  zzzzzzz: 1", "hookloop.yaml:21: providers.acme.zzzzzzz: there is no such field"},
		{"kind", "acme:\n  schemes:\n    - name: v1\n      kind: hmac-sha265", "hookloop.yaml:23: providers.acme.schemes[0].kind: \"hmac-sha265\" is no kind of signature: write one of " + joinKinds() + ", did you mean hmac-sha256?"},
		{"no kind", "acme:\n  schemes:\n    - name: v1", "hookloop.yaml:22: providers.acme.schemes[0]: scheme v1 has no kind: write one of " + joinKinds()},
		{"no name", "acme:\n  schemes:\n    - kind: none", "hookloop.yaml:22: providers.acme.schemes[0]: a scheme has no name: write name: v1"},
		{"no message", "acme:\n  schemes:\n    - {name: v1, kind: hmac-sha256, signature: \"header:X|hex\"}", "hookloop.yaml:22: providers.acme.schemes[0]: scheme v1 does not say what is signed: write message: \"{body}\""},
		{"no signature", "acme:\n  schemes:\n    - {name: v1, kind: hmac-sha256, message: \"{body}\"}", "hookloop.yaml:22: providers.acme.schemes[0]: scheme v1 does not say where its signature stands: write signature: header:NAME"},
		{"tolerance alone", "acme:\n  schemes:\n    - {name: v1, kind: hmac-sha256, signature: \"header:X|hex\", message: \"{body}\", tolerance: 5s}", "hookloop.yaml:22: providers.acme.schemes[0]: scheme v1 has a tolerance and no timestamp"},
		{"two of a name", "acme:\n  schemes:\n    - {name: a, kind: none}\n    - {name: a, kind: none}", "hookloop.yaml:23: providers.acme.schemes[1].name: there are two schemes \"a\": give each a name of its own"},
		{"source", "acme:\n  event: jason:/type", "hookloop.yaml:21: providers.acme.event: \"jason:/type\" is neither a source, as json:/id, nor a template, as {body.sha256}"},
		{"template", "acme:\n  schemes:\n    - name: v1\n      kind: hmac-sha256\n      signature: header:X|hex\n      message: \"{body\"", "hookloop.yaml:25: providers.acme.schemes[0].message: \"{body\" has a lone {: write it twice where it is no token"},
		{"key form", "acme:\n  schemes:\n    - name: v1\n      kind: hmac-sha256\n      key: base46", "hookloop.yaml:24: providers.acme.schemes[0].key: \"base46\" is no form of a key: write utf8, hex, base64 or base64url, and before it strip:PREFIX| where a prefix is to go"},
		{"shared key fetched", "acme:\n  schemes:\n    - {name: v1, kind: hmac-sha256, signature: \"header:X|hex\", message: \"{body}\", key_source: {jwks: \"https://example.test/k\"}}", "hookloop.yaml:22: providers.acme.schemes[0].key_source: kind hmac-sha256 has a shared secret, so no key is fetched: take key_source out"},
		{"any host", "acme:\n  schemes:\n    - {name: v1, kind: rsa-sha256, signature: \"header:X|hex\", message: \"{body}\", key_source: {cert_url: \"header:C\"}}", "hookloop.yaml:22: providers.acme.schemes[0].key_source: the sender could name any certificate: add hosts, from which alone it is fetched"},
		{"plain http", "acme:\n  schemes:\n    - {name: v1, kind: ed25519, signature: \"header:X|hex\", message: \"{body}\", key_source: {jwks: \"http://example.test/k\"}}", "hookloop.yaml:22: providers.acme.schemes[0].key_source: jwks \"http://example.test/k\" is no https address"},
		{"condition", "acme:\n  recognize:\n    - when: [\"heder:X\"]\n      certainty: certain", "hookloop.yaml:22: providers.acme.recognize[0].when[0]: condition \"heder:X\": \"heder:X\" is no source: write header:NAME, query:NAME, form:NAME, json:/POINTER, json-key:/POINTER, form-json:NAME/POINTER or method"},
		{"certainty", "acme:\n  recognize:\n    - when: [\"header:X\"]\n      certainty: certian", "hookloop.yaml:23: providers.acme.recognize[0].certainty: \"certian\" is no certainty: write certain, likely or guess, did you mean certain?"},
		{"no certainty", "acme:\n  recognize:\n    - when: [\"header:X\"]", "hookloop.yaml:22: providers.acme.recognize[0]: it has no certainty: write certain, likely or guess"},
		{"confidence", "acme:\n  delivery:\n    confidence: high", "hookloop.yaml:22: providers.acme.delivery.confidence: \"high\" is no mark of confidence: write A, B, C or \"?\""},
		{"status", "acme:\n  delivery:\n    success: [200, 2000]", "hookloop.yaml:22: providers.acme.delivery.success[1]: \"2000\" is no HTTP status: write 200, 2xx, 200..204 or 4xx-except-429"},
		{"interval", "acme:\n  delivery:\n    retry: {delays: [5 min]}", "hookloop.yaml:22: providers.acme.delivery.retry.delays[0]: \"5 min\" is no time: write 30s, 2m, 72h or 15d"},
		{"address", "acme:\n  delivery:\n    addresses: [10.0.0.1, 10.0.0.0/99]", "hookloop.yaml:22: providers.acme.delivery.addresses[1]: \"10.0.0.0/99\" is no address: write 192.0.2.7 or 192.0.2.0/24"},
		{"docs", "acme:\n  docs: http://example.test", "hookloop.yaml:21: providers.acme.docs: \"http://example.test\" is neither an address nor a sentence: write https://… or say where the documentation is"},
		{"setting of a handshake", "acme:\n  handshakes:\n    - {name: hello, when: [\"method=GET\"], require: {value: \"query:t\", setting: token}}", "hookloop.yaml:22: providers.acme.handshakes[0].require: there is no setting \"token\": add it to settings, with its usage"},
		{"sample without a body", "acme:\n  samples:\n    - event: paid", "hookloop.yaml:22: providers.acme.samples[0]: it has no body: write what the provider sends"},
		{"placeholder", "acme:\n  samples:\n    - event: paid\n      body: '{\"id\":\"{{uid}}\"}'", "hookloop.yaml:23: providers.acme.samples[0].body: there is no placeholder {{uid}}: write {{" + strings.Join(placeholders, "}}, {{") + "}}"},
		{"entry's name", "Acme Pay:\n  docs: a page", "hookloop.yaml:20: providers.Acme Pay: a provider's name has only lower-case letters, digits and hyphens: write such as my-gateway"},
		{"empty entry", "acme:", "hookloop.yaml:20: providers.acme: it is empty: write at least schemes, or like: NAME"},
		{"no mapping", "- acme", "hookloop.yaml:20: providers: a mapping belongs here: names, each with a colon and a value"},
		{"like nobody", "acme:\n  like: strip", "hookloop.yaml:21: providers.acme.like: there is no provider \"strip\" to be like, did you mean stripe?"},
		{"like each other", "a:\n  like: b\nb:\n  like: a", "hookloop.yaml:21: providers.a.like: the entries that it is like are in the end like itself: one of them has to stand by itself\nhookloop.yaml:23: providers.b.like: the entries that it is like are in the end like itself: one of them has to stand by itself"},
		{"like one with a fault", "a:\n  like: b\nb:\n  zzzzzzz: a", "hookloop.yaml:21: providers.a.like: b has a fault of its own\nhookloop.yaml:23: providers.b.zzzzzzz: there is no such field"},
		{"no YAML", "acme:\n  docs: [", "hookloop.yaml:21: sequence end token ']' not found"},
		{"text, not a mapping", "acme:\n  delivery: fast", "hookloop.yaml:21: providers.acme.delivery: a mapping belongs here: names, each with a colon and a value"},
		{"text, not a list", "acme:\n  samples: some", "hookloop.yaml:21: providers.acme.samples: a list belongs here: write [ and ] around it, or each on a line of its own after a hyphen"},
		{"text, not a number", "acme:\n  delivery:\n    redirects: many", "hookloop.yaml:22: providers.acme.delivery.redirects: a number belongs here"},
		{"text, not a bool", "acme:\n  delivery:\n    resign: maybe", "hookloop.yaml:22: providers.acme.delivery.resign: true or false belongs here"},
		{"list, not text", "acme:\n  docs: [a]", "hookloop.yaml:21: providers.acme.docs: text belongs here, no list and no mapping"},
		{"twice", "acme:\n  docs: a b\n  docs: c d", "hookloop.yaml:22: mapping key \"docs\" stands there twice: take one of them out"},
		{"alias to elsewhere", "acme:\n  samples:\n    - {event: a, body: b, headers: *h}", "hookloop.yaml:22: providers.acme.samples[0].headers: could not find alias \"h\""},
		{"two at once", "acme:\n  zzzzzzz: 1\nbeta:\n  docs: x", "hookloop.yaml:21: providers.acme.zzzzzzz: there is no such field\nhookloop.yaml:23: providers.beta.docs: \"x\" is neither an address nor a sentence: write https://… or say where the documentation is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := BuiltIn()
			err := c.Add([]byte(tt.text), "hookloop.yaml", 20)
			if err == nil {
				t.Fatalf("got no error, want %s", tt.want)
			}
			if got := err.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if len(c.Names()) != len(BuiltIn().Names()) {
				t.Errorf("something was added in spite of the error: %v", c.Names())
			}
		})
	}
}

// TestAddNode adds what a configuration file has, with its own lines.
func TestAddNode(t *testing.T) {
	parse := func(text string) ast.Node {
		tree, err := parser.ParseBytes([]byte(text), 0)
		if err != nil {
			t.Fatal(err)
		}
		return tree.Docs[0].Body.(*ast.MappingNode).Values[1].Value
	}
	c := BuiltIn()
	err := c.AddNode(parse("port: 4041\nproviders:\n  acme:\n    kind: 1\n"), "hookloop.yaml")
	if want := "hookloop.yaml:4: providers.acme.kind: there is no such field"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := c.AddNode(parse("port: 4041\nproviders:\n  acme:\n    docs: A page.\n"), "hookloop.yaml"); err != nil {
		t.Fatal(err)
	}
	if p := c.Provider("acme"); p == nil || p.Docs != "A page." || p.Title != "acme" {
		t.Errorf("got %+v", p)
	}
	if BuiltIn().Provider("acme") != nil {
		t.Error("another catalog has it too")
	}
}

func TestLike(t *testing.T) {
	c := BuiltIn()
	err := c.Add([]byte(`
stripe:
  like: stripe
  delivery: {timeout: 20s, addresses_url: , disable: null, success: }
my-stripe:
  like: stripe
  delivery: {retry: never}
mine:
  like: my-stripe
  name: Mine
  delivery:
`), "hookloop.yaml", 1)
	if err != nil {
		t.Fatal(err)
	}
	built := BuiltIn().Provider("stripe")
	own, my, mine := c.Provider("stripe"), c.Provider("my-stripe"), c.Provider("mine")
	if own.Title != "Stripe" || len(own.Recognize) != len(built.Recognize) || own.Delivery.Timeout.String() != "20 s" || own.Delivery.AddressesURL+own.Delivery.Disable != "" || !own.Delivery.Success.IsZero() || own.Delivery.Retry != built.Delivery.Retry {
		t.Errorf("stripe: got %+v", own)
	}
	if built.Delivery.Timeout != 0 || built.Delivery.AddressesURL == "" {
		t.Errorf("the entry built in was changed: %+v", built.Delivery)
	}
	if my.Title != "my-stripe" || len(my.Recognize) != 0 || my.Schemes[0].Name != "v1" || !my.Delivery.Retry.Never || my.Delivery.Timeout.String() != "20 s" {
		t.Errorf("my-stripe: got %+v", my)
	}
	if mine.Title != "Mine" || mine.Schemes[0].Name != "v1" || mine.Delivery.Retry != nil {
		t.Errorf("mine: got %+v", mine)
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{
		"strpie": "stripe", "Stripe": "stripe", "git-hub": "github", "standard": "standardwebhooks", "zzz": "", "": "", "gitlba": "gitlab",
	} {
		if got := BuiltIn().Nearest(word); got != want {
			t.Errorf("nearest to %q: got %q, want %q", word, got, want)
		}
	}
	if got := (*Catalog)(nil).Nearest("stripe"); got != "" {
		t.Errorf("of nothing: got %q", got)
	}
}
