package provider

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"unicode/utf8"
)

func TestDocumentFind(t *testing.T) {
	tests := []struct {
		body, pointer string
		want          string // "-" = none
	}{
		{`{"a":1}`, "/a", "1"},
		{` {"a" : 1.50 , "b":[1,{"c":"x\ny\u00e9"}]} `, "/a", "1.50"},
		{`{"b":[1,{"c":"x\ny\u00e9\ud83d\ude00\ud800"}]}`, "/b/1/c", "x\nyé😀\uFFFD"},
		{`{"a":1,"a":2}`, "/a", "2"},
		{`{"x":{"a":1,"a":"last"}}`, "/x/a", "last"},
		{`{"a/b":{"m~n":true}}`, "/a~1b/m~0n", "true"},
		{`{"":7}`, "/", "7"},
		{`{"\u0061":7}`, "/a", "7"},
		{`[{"id":"e"}]`, "/0/id", "e"},
		{`[1,2]`, "/01", "-"},
		{`[1,2]`, "/2", "-"},
		{`[1,2]`, "/-", "-"},
		{`{"a":null}`, "/a", "-"},
		{`"text"`, "", "text"},
		{`{"a":1}`, "/a/b", "-"},
		{`{"a":1} x`, "/a", "-"},
		{`{"a":1,}`, "/a", "-"},
		{`{"a":1`, "/a", "-"},
		{`{"a":01}`, "/a", "-"},
		{"{\"a\":\"\x01\"}", "/a", "-"},
		{"\ufeff{\"a\":1}", "/a", "-"},
		{``, "/a", "-"},
		{`hello=world`, "/a", "-"},
	}
	for _, tt := range tests {
		s, err := parseSource("json:" + tt.pointer)
		if tt.pointer == "" {
			s, err = Source{text: "json:", kind: "json", names: []sourceName{{}}}, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		got, ok := s.first(&scope{r: &Request{Body: []byte(tt.body)}})
		if !ok {
			got = "-"
		}
		if got != tt.want {
			t.Errorf("%s of %q = %q, want %q", tt.pointer, tt.body, got, tt.want)
		}
	}
}

func TestDocumentEach(t *testing.T) {
	d := document{text: []byte(`{"items":[{"x":{"n":1}},{"y":0},{"x":{"n":2}}],"m":{"a":{"n":3},"b":{"n":4}}}`)}
	for pattern, want := range map[string]string{"/items/*/x/n": "1 2 ", "/m/*/n": "3 4 ", "/items/1/y": "0 ", "/no/*": ""} {
		p, _ := parsePointer(pattern)
		got := ""
		d.each(p, func(v span) bool { got += string(d.text[v.start:v.end]) + " "; return true })
		if got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}

// FuzzDocument compares the scanner with encoding/json.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0.5e+3,"\u12ab\\"],"b":{"c":null}}`, `[[[]]]`, `"\ud83d\ude00"`, `{"a":tru}`, `-`, `1e`, `{"a" 1}`, `[1 2]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d := document{text: body}
		if got, want := d.look(), json.Valid(body); got != want {
			t.Fatalf("valid = %v, encoding/json says %v of %q", got, want, body)
		}
		if !d.valid || !utf8.Valid(body) {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Skip(err)
		}
		compare(t, &d, nil, v)
	})
}

func compare(t *testing.T, d *document, p pointer, want any) {
	at, ok := d.find(p)
	if !ok {
		t.Fatalf("%q: nothing at %q", d.text, p)
	}
	raw := d.text[at.start:at.end]
	got, notNull := jsonText(raw)
	switch want := want.(type) {
	case nil:
		if notNull {
			t.Errorf("%q: %q is %q, want null", d.text, p, got)
		}
	case string:
		if got != want {
			t.Errorf("%q: %q is %q, want %q", d.text, p, got, want)
		}
	case json.Number:
		if got != want.String() {
			t.Errorf("%q: %q is %q, want %q", d.text, p, got, want)
		}
	case bool:
		if got != strconv.FormatBool(want) {
			t.Errorf("%q: %q is %q, want %v", d.text, p, got, want)
		}
	case map[string]any:
		for key, value := range want {
			compare(t, d, append(p[:len(p):len(p)], key), value)
		}
	case []any:
		for i, value := range want {
			compare(t, d, append(p[:len(p):len(p)], strconv.Itoa(i)), value)
		}
	}
}
