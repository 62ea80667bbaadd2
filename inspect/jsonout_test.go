package inspect

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
	"testing"
)

// hostile holds what a terminal obeys or hides and encoding/json lets pass.
const hostile = "\u009b31m\u0085\u202e\u200b\U000e0041\x7f<&>é"

func TestJSONForATerminal(t *testing.T) {
	d := &Delivery{Method: "POST", Target: "/" + hostile, Body: []byte(hostile), Header: map[string][]string{"X": {hostile}}}
	records := iter.Seq2[Record, error](func(yield func(Record, error) bool) { yield(Record{Delivery: d}, nil) })
	for name, write := range map[string]func(*bytes.Buffer) error{
		"any":   func(b *bytes.Buffer) error { return NewJSONEncoder(b).Encode(hostile) },
		"jsonl": func(b *bytes.Buffer) error { return WriteJSONL(b, records) },
		"har":   func(b *bytes.Buffer) error { return WriteHAR(b, "dev", records) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := b.String(); EscapeLines(got) != got || !strings.Contains(got, "<&>é") {
			t.Errorf("%s: got %q, want nothing in it to escape", name, got)
		}
		if !json.Valid(b.Bytes()) {
			t.Errorf("%s: got %q, want JSON", name, b.Bytes())
		}
	}
	var b bytes.Buffer
	var back string
	if err := NewJSONEncoder(&b).Encode(hostile); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != hostile {
		t.Errorf("read again: got %q %v, want %q", back, err, hostile)
	}
}
