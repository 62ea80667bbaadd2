package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// What an attacker tries who has seen some signed requests.

func TestUnknownVersionIsNotTheOldOne(t *testing.T) {
	sum := sha256.Sum256([]byte("k{}"))
	old := hex.EncodeToString(sum[:])
	c := checkerFor("hubspot", "k")
	diagnose(t, c, arrived("{}", "X-Hubspot-Signature", old, "X-Hubspot-Signature-Version", "v1"), want{Valid, CodeOK, ""})
	diagnose(t, c, arrived("{}", "X-Hubspot-Signature", old, "X-Hubspot-Signature-Version", "v9"), want{Invalid, CodeUnknownVersion, `is "v9", and v2 is expected`})
	diagnose(t, c, arrived("{}", "X-Hubspot-Signature", old), want{Valid, CodeOK, ""}) // the first version had no header for it

	c = checkerFor("sns")
	for version, code := range map[string]Code{`"SignatureVersion":"3",`: CodeUnknownVersion, "": CodeUnknownVersion, `"SignatureVersion":"1",`: CodeNoKey} {
		body := `{"Type":"Notification","MessageId":"m","TopicArn":"a","Message":"x","Timestamp":"t",` + version + `"Signature":"AAAA","SigningCertURL":"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"}`
		if d := c.Verify(t.Context(), arrived(body)); d.Code != code {
			t.Errorf("%q: %s %s, want %s", version, d.Code, d.Reason, code)
		}
	}
}

func TestNotesOfWhatIsNotCovered(t *testing.T) {
	for name, want := range map[string]string{"paypal": "CRC-32", "hubspot": "No time is covered"} {
		p := BuiltIn().Provider(name)
		c := &check{p: p, s: &p.Schemes[len(p.Schemes)-1]}
		if notes := strings.Join(c.s.warnings(), " "); !strings.Contains(notes, want) {
			t.Errorf("%s: notes %q, want %q", name, notes, want)
		}
	}
	message, err := parseTemplate("{ts}{body.crc32}")
	if err != nil || message.coversBody() {
		t.Errorf("a CRC-32 covers the body (%v)", err)
	}
}
