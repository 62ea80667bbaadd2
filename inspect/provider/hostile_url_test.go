package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// A signature of the URL alone vouches for no body.
func TestTwilioBodyThatIsNotCovered(t *testing.T) {
	const url, form = "https://example.test/hook", "application/x-www-form-urlencoded"
	c, sig := checkerFor("twilio", "k"), twilioSign("k", "https://example.test/hook")
	missing := want{Invalid, CodeMissing, "the body is not covered: it is no form, and the hash of it in query parameter bodySHA256 is missing"}
	for kind, body := range map[string]string{"application/json": `{"evil":1}`, "text/plain": "Body=evil", "multipart/form-data; boundary=x": "evil", "": "[1]"} {
		r := arrived(body, "X-Twilio-Signature", sig)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		diagnose(t, c, r, missing)
	}
	diagnose(t, c, arrived("", "X-Twilio-Signature", sig, "Content-Type", "application/json"), want{Valid, CodeOK, ""})
	diagnose(t, c, arrived("A=1", "X-Twilio-Signature", twilioSign("k", url+"A1"), "Content-Type", form), want{Valid, CodeOK, ""})
}

// The hash counts that is signed, not one in another request line.
func TestQueryThatIsNotSigned(t *testing.T) {
	hash := func(body string) string {
		sum := sha256.Sum256([]byte(body))
		return hex.EncodeToString(sum[:])
	}
	r := arrived(`{"evil":1}`, "Content-Type", "application/json")
	r.URL, r.Target = "https://example.test/hook?bodySHA256="+hash(`{"good":1}`), "/hook?bodySHA256="+hash(`{"evil":1}`)
	r.Header.Set("X-Twilio-Signature", twilioSign("k", r.URL))
	diagnose(t, checkerFor("twilio", "k"), r, want{Invalid, CodeURLDiffers, "the query is not covered"})
	r.URL = "https://example.test/hook?bodySHA256=" + hash(`{"evil":1}`) + "#rc=2"
	r.Header.Set("X-Twilio-Signature", twilioSign("k", "https://example.test/hook?bodySHA256="+hash(`{"evil":1}`)))
	diagnose(t, checkerFor("twilio", "k"), r, want{Valid, CodeOK, ""})
}
