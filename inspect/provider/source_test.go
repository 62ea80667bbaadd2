package provider

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func testRequest() *Request {
	return &Request{
		Method: "POST", Target: "/hook?a=1&b=x%20y&a=2", URL: "https://example.test/hook?a=1&b=x%20y&a=2#frag",
		Header: http.Header{
			"Stripe-Signature":       {"t=1, v1=aa,v1=bb,v0=cc", "v1=dd"},
			"X-Docusign-Signature-2": {"two"},
			"X-Docusign-Signature-1": {"one"},
			"Authorization":          {"Bearer tok"},
			"Content-Type":           {"application/json"},
		},
		Body: []byte(`{"type":"x","n":1.0,"data":{"id":"d"},"update_id":7,"message":{}}`),
	}
}

func TestSource(t *testing.T) {
	settings := map[string]string{"header": "authorization"}
	tests := []struct {
		source string
		want   []string
	}{
		{"header:stripe-signature|split:,|pre:v1=|hex", []string{"aa", "bb", "dd"}},
		{"header:No-Such,Stripe-Signature|split:,|pre:t=|unix", []string{"1"}},
		{"header:X-DocuSign-Signature-*|base64", []string{"one", "two"}},
		{"header:{setting.header}|opt:Bearer ", []string{"Bearer tok"[7:]}},
		{"header:{setting.other}", nil},
		{"header:Authorization|pre:Basic ", nil},
		{"query:a", []string{"1", "2"}},
		{"query:b", []string{"x y"}},
		{"form:a", nil},
		{"json:/n", []string{"1.0"}},
		{"json:/event/type,/type", []string{"x"}},
		{"json:/data", []string{`{"id":"d"}`}},
		{"json-key:/|not:update_id,type,n,data", []string{"message"}},
		{"method", []string{"POST"}},
	}
	for _, tt := range tests {
		s, err := parseSource(tt.source)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.values(&scope{r: testRequest(), settings: settings}); !slices.Equal(got, tt.want) {
			t.Errorf("%s = %q, want %q", tt.source, got, tt.want)
		}
		if s.String() != tt.source {
			t.Errorf("String() = %q, want %q", s, tt.source)
		}
	}
}

func TestCondition(t *testing.T) {
	tests := map[string]bool{
		"header:Stripe-Signature":   true,
		"header:X-Other":            false,
		"!header:X-Other":           true,
		"header:Authorization=B*k":  true,
		"header:Authorization=B*x":  false,
		"!header:Authorization=B*k": false,
		"json:/type=x":              true,
		"json:/type=y":              false,
		"!json:/event":              true,
		"json:/n=1.0":               true,
		"method=POST":               true,
		"method=GET":                false,
		"query:a=2":                 true,
		"header:*-signature":        true,
		"json:/data/id":             true,
	}
	for text, want := range tests {
		c, err := parseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.holds(&scope{r: testRequest()}); got != want {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"abc", "abc", true},
		{"a*c", "ac", true},
		{"a*c", "abbc", true},
		{"a*b*c", "axbxc", true},
		{"a*b*c", "axcxb", false},
		{"ab*ba", "aba", false},
		{"*", "", true},
		{"*x", "xax", true},
		{"x*", "ax", false},
		{"", "a", false},
	}
	for _, tt := range tests {
		if got := match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("match(%q, %q) = %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
}

func TestTemplate(t *testing.T) {
	tests := []struct{ template, want string }{
		{"{ts}.{body}", `5.{"type":"x","n":1.0,"data":{"id":"d"},"update_id":7,"message":{}}`},
		{"{method}{url}|{query.b}", "POSThttps://example.test/hook?a=1&b=x%20y&a=2|x y"},
		{`{{"id":"{json./data/id}"}}`, `{"id":"d"}`},
		{"{json./none}-{setting.k}", "-v"},
		{"{body.crc32}", "3594526462"},
		{"{lines.type,no?,update_id}", "type\nx\nupdate_id\n7\n"},
		{"{hmac.sha256.hex:json./type}", "c38edc8815c8489f64738978f44008f8596345545f0baa68ef6fcf5c53e57189"},
		{"{attempt+1} {attempt} {reason}", "3 2 http_error"},
		{"{header.No,Authorization}", "Bearer tok"},
	}
	for _, tt := range tests {
		tpl, err := parseTemplate(tt.template)
		if err != nil {
			t.Fatal(err)
		}
		sc := &scope{r: testRequest(), ts: "5", key: []byte("k"), settings: map[string]string{"k": "v"}, vars: map[string]string{"attempt": "2", "reason": "http_error"}}
		got, err := tpl.expand(sc)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s = %q, %v, want %q", tt.template, got, err, tt.want)
		}
	}
}

func TestTemplateMissing(t *testing.T) {
	for text, want := range map[string]string{
		"{header.X}":   "header X is missing",
		"{query.q}":    "query q is missing",
		"{setting.s}":  "setting s is missing",
		"{ts}":         "the timestamp is missing",
		"{lines.Nope}": "Nope in the body is missing",
	} {
		tpl, err := parseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tpl.expand(&scope{r: testRequest()})
		var missing *missingError
		if !errors.As(err, &missing) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestTemplateInsideJSON(t *testing.T) {
	tpl, err := parseTemplate(`{{"a":"{json./a}"}}`)
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Body: []byte(`{"a":"x\",\"b\":1"}`)}
	got, err := tpl.expand(&scope{r: r, escape: true})
	if want := `{"a":"x\",\"b\":1"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestValues(t *testing.T) {
	v, err := parseValues("json:/none", "json:/empty", "{json./data/id}-{json./type}", "method")
	if err != nil {
		t.Fatal(err)
	}
	if got := v.first(&scope{r: testRequest()}); got != "d-x" {
		t.Errorf("got %q, want d-x", got)
	}
	if got := v.first(&scope{r: &Request{Method: "GET"}}); got != "GET" {
		t.Errorf("got %q, want GET", got)
	}
}

// A mistake in the catalog is told in words that say what to write.
func TestParseErrors(t *testing.T) {
	tests := []struct {
		parse func(string) error
		text  string
		want  string
	}{
		{sourceErr, "cookie:x", "is no source"},
		{sourceErr, "header:", "names nothing"},
		{sourceErr, "json:id", "with a slash"},
		{sourceErr, "header:X|hex|pre:a", "has to stand last"},
		{sourceErr, "header:X|trim", "is no operation"},
		{sourceErr, "header:X|pre:", "names nothing"},
		{sourceErr, "method:GET", "without a name"},
		{conditionErr, "type=x", "is no source"},
		{conditionErr, "method", "which method"},
		{templateErr, `{"type":1}`, "{{ for a brace"},
		{templateErr, "a}b", "lone }"},
		{templateErr, "a{b", "lone {"},
		{templateErr, "{hmac.md5.hex:json./x}", "hmac.sha256.hex"},
		{templateErr, "{lines.}", "names no key"},
		{keyErr, "rot13", "no form of a key"},
		{keyErr, "hex|strip:x", "has to stand last"},
		{valuesErr, "id", "neither a source"},
	}
	for _, tt := range tests {
		err := tt.parse(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want … %s …", tt.text, err, tt.want)
		}
	}
}

func sourceErr(s string) error    { _, err := parseSource(s); return err }
func conditionErr(s string) error { _, err := parseCondition(s); return err }
func templateErr(s string) error  { _, err := parseTemplate(s); return err }
func keyErr(s string) error       { _, err := parseKeyForm(s); return err }
func valuesErr(s string) error    { _, err := parseValues(s); return err }

// parseValues compiles values, as UnmarshalYAML does.
func parseValues(texts ...string) (Values, error) {
	var v Values
	for _, text := range texts {
		one, err := parseValue(text)
		if err != nil {
			return Values{}, err
		}
		v.list = append(v.list, one)
	}
	return v, nil
}

// first returns the first value that is not empty, or "".
func (v Values) first(sc *scope) string {
	for i := range v.list {
		if text := v.list[i].text(sc); text != "" {
			return text
		}
	}
	return ""
}

func TestFormJSON(t *testing.T) {
	form := func(body string) *scope {
		r := request("POST /\nContent-Type: application/x-www-form-urlencoded\n\n" + body)
		return &scope{r: r.sharing()}
	}
	for _, tt := range []struct{ source, body, want string }{
		{"form-json:payload/type", "payload=%7B%22type%22%3A%22a+b%22%7D", "a b"},
		{"form-json:payload/type", "payload=%7B%22type%22%3A%22a%2Bb%22%7D", "a+b"},
		{"form-json:payload/a/0", `x=1&payload={"a":[{"b":2}]}`, `{"b":2}`},
		{"form-json:payload/no,payload/a|pre:x", `payload={"a":"xy"}`, "y"},
		{"form-json:payload/a", `payload={"a":1&payload={"a":2}`, ""},
		{"form-json:payload/a", `other={"a":1}`, ""},
		{"form-json:payload/a", ``, ""},
	} {
		s, err := parseSource(tt.source)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := s.first(form(tt.body)); got != tt.want {
			t.Errorf("%s of %s: got %q, want %q", tt.source, tt.body, got, tt.want)
		}
	}
	for _, text := range []string{"form-json:payload", "form-json:/type", "form-json:{setting.x}/type", "form-json:"} {
		if _, err := parseSource(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
