package provider

import (
	"strings"
	"testing"
	"time"
)

// JSON that was written in one language and written again in another is found.
func TestRewrittenJSON(t *testing.T) {
	for name, tt := range map[string]struct{ signed, got, how string }{
		"PHP to others":             {`{"u":"h\u00e9\/x"}`, `{"u":"hé/x"}`, `re-serialised JSON (non-ASCII as \u escapes, / as \/)`},
		"PHP to others, indented":   {`{"u":"h\u00e9\/x","v":1}`, "{\n  \"u\": \"hé/x\",\n  \"v\": 1\n}", `re-serialised JSON (compact, non-ASCII as \u escapes, / as \/)`},
		"others to PHP":             {`{"u":"hé/x"}`, `{"u":"h\u00e9\/x"}`, `re-serialised JSON (\u escapes as the characters themselves, \/ as /)`},
		"Go to PHP":                 {`{"u":"h\u00e9\/x \u0026"}`, `{"u":"hé/x &"}`, `re-serialised JSON (non-ASCII as \u escapes, / as \/, <, > and & as HTML escapes)`},
		"PHP, without slashes":      {`{"u":"é","v":"\/"}`, `{"u":"\u00e9","v":"/"}`, `re-serialised JSON (\u escapes as the characters themselves, / as \/)`},
		".NET":                      {`{"u":"h\u00E9\u003C\u002B\u0022/\n"}`, `{"u": "hé<+\"/\n"}`, `re-serialised JSON (compact, as .NET escapes it)`},
		"a backslash before a /":    {`{"u":"a\\/b"}`, `{"u": "a\\/b"}`, `re-serialised JSON (compact)`},
		"a backslash before an \\/": {`{"u":"a\\\/b"}`, `{"u":"a\\/b"}`, `re-serialised JSON (/ as \/)`},
	} {
		r := arrived(tt.got, "X-Hub-Signature-256", "sha256="+hexMAC("k", tt.signed))
		d := checkerFor("github", "k").Verify(t.Context(), r)
		if d.Code != CodeBodyChanged || !strings.HasSuffix(d.Reason, tt.how) {
			t.Errorf("%s: got %s, %s, want … %s", name, d.Code, d.Reason, tt.how)
		}
	}
}

// What is tried is bounded, also for the largest body that it is tried for.
func TestRewrittenJSONIsBounded(t *testing.T) {
	n := 0
	for range bodies(&Request{Body: []byte(`{"u":"é/<","v":"\u00e9\/\u003c"}`)}) {
		n++
	}
	if n > 1000 {
		t.Errorf("%d bodies are tried", n)
	}
	text := `{"u":"` + strings.Repeat(`é/<\u00e9\/\u003c`, maxVariants/18) + `"}`
	began := time.Now()
	d := checkerFor("github", "k").Verify(t.Context(), arrived(text, "X-Hub-Signature-256", "sha256="+hexMAC("k", "x")))
	if d.Code != CodeWrongSecret {
		t.Errorf("got %+v", d)
	}
	t.Logf("%d bodies; %s for %d bytes", n, time.Since(began), len(text))
}
