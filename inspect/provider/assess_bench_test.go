package provider

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What looking at a delivery costs before it is stored.
func BenchmarkCapture(b *testing.B) {
	stripe := func(size int, key string) *Request {
		body := `{"id":"evt_1","type":"ping","data":"` + strings.Repeat("x", size-38) + `"}`
		return arrived(body, "Stripe-Signature", "t=1760000000,v1="+hexMAC(key, "1760000000."+body))
	}
	form := arrived(strings.Repeat("a&", 16<<20), "Content-Type", "application/x-www-form-urlencoded",
		"X-Twilio-Signature", base64.StdEncoding.EncodeToString(make([]byte, 20)))
	keys := "{" + strings.Repeat(`"":0,`, 6<<20) + `"z":0}`
	var million strings.Builder
	million.WriteString("{")
	for i := range 1 << 20 {
		fmt.Fprintf(&million, `"k%09d":"0123456789abcd",`, i)
	}
	million.WriteString(`"z":0}`)
	for _, bb := range []struct {
		name     string
		provider string
		r        *Request
	}{
		{"stripe 2 KiB valid", "stripe", stripe(2<<10, "whsec_k")},
		{"stripe 126 KB wrong", "stripe", stripe(126_000, "other")},
		{"twilio form 32 MB wrong", "twilio", form},
		{"json 32 MB of a million keys", "stripe", arrived(million.String())},
		{"json 32 MB of six million keys", "stripe", arrived(keys)},
		{"github json 32 MB wrong", "github", arrived(million.String(), "X-Github-Event", "push", "X-Hub-Signature-256", "sha256="+strings.Repeat("00", 32))},
	} {
		c := checkerFor(bb.provider, "whsec_k")
		bb.r.Header.Set("User-Agent", "x")
		if bb.r.Header.Get("Content-Type") == "" {
			bb.r.Header["Content-Type"] = http.Header{"Content-Type": {"application/json"}}["Content-Type"]
		}
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Assess(bb.r)
			}
		})
	}
}
