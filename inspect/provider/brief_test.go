package provider

import (
	"context"
	"strings"
	"testing"
)

// Why a signature does not hold is looked for by Verify, and not before a
// delivery is stored.
func TestBrief(t *testing.T) {
	body := strings.Repeat("x", 1<<20)
	r := arrived(body+"\n", "X-Hub-Signature-256", "sha256="+hexMAC("k", body))
	c := checkerFor("github", "k")
	f, pending := c.Assess(r)
	if f.Signature != Invalid || f.SignatureCode != CodeWrongSecret || f.SignatureReason != "the signature does not hold; looking why" || !pending {
		t.Errorf("assessed: %+v %t, want that the reason is not known yet", f, pending)
	}
	if f, pending := c.Assess(arrived(body, "X-Hub-Signature-256", "sha256="+hexMAC("k", body))); f.Signature != Valid || pending {
		t.Errorf("assessed: %+v %t, want it valid", f, pending)
	}
	diagnose(t, c, r, want{Invalid, CodeBodyChanged, "without its trailing newline"})
}

// A diagnosis hashes so much and no more.
func TestDiagnosisIsBounded(t *testing.T) {
	c := checkerFor("github", "k")
	body := strings.Repeat("x", 16<<20)
	for _, size := range []int{1 << 10, 16 << 20} {
		r := arrived(body[:size], "X-Hub-Signature-256", "sha256="+strings.Repeat("00", 32))
		v := c.begin(t.Context(), r, c.Recognize(r))
		d := v.run()
		large := size > 1<<20
		if v.cut != large || v.hashed > maxHashed+size+512 || strings.Contains(d.Reason, "not all that would make it match was tried") != large {
			t.Errorf("%d bytes: %d were hashed, cut is %t: %s", size, v.hashed, v.cut, d.Reason)
		}
	}
}

// A diagnosis ends with its context, in every one of its loops.
func TestDiagnosisIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	const github, square = "X-Hub-Signature-256", "X-Square-Hmacsha256-Signature"
	for _, tt := range []struct{ secret, provider, header, value, would string }{
		{`"k"`, "github", github, "sha256=" + hexMAC("k", "{}"), "without the quotes"},
		{"k", "github", github, "sha256=" + hexMAC("k", "{}\n"), "a trailing newline"},
		{"k", "github", github, "sha256=" + base64MAC("k", "{}"), "would hold with"},
		{"k", "square", square, base64MAC("k", "http://example.test/hook{}"), "matches http://"},
	} {
		c, r := checkerFor(tt.provider, tt.secret), arrived("{}", tt.header, tt.value)
		open, ended := c.Verify(t.Context(), r), c.Verify(ctx, r)
		if !strings.Contains(open.Reason, tt.would) || ended.Result != Invalid || strings.Contains(ended.Reason, tt.would) {
			t.Errorf("got %q, and with a context that has ended %q; want %q in the first", open.Reason, ended.Reason, tt.would)
		}
	}
}
