package inspect

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// TriggerHeader is in a request that hookloop itself sends to a [Receiver], as
// a provider would. Its value is the Receiver's TriggerToken and, behind a
// space, the base URL that the provider would have called.
const TriggerHeader = "Hookloop-Trigger"

// TriggerToken returns the token that shows a Receiver that hookloop itself
// sends, made of a secret of the data folder that it does not tell.
func TriggerToken(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("trigger"))
	return hex.EncodeToString(mac.Sum(nil))
}

// markTrigger marks d as sent by hookloop where its header says so with the
// right token, and takes that header out. A header that says it wrongly is left
// as any other.
func (rc *Receiver) markTrigger(d *Delivery) {
	values := d.Header[TriggerHeader]
	if rc.TriggerToken == "" || len(values) != 1 {
		return
	}
	token, endpoint, _ := strings.Cut(values[0], " ")
	if subtle.ConstantTimeCompare([]byte(token), []byte(rc.TriggerToken)) != 1 {
		return
	}
	d.Source = FromTrigger
	d.Header = d.Header.Clone()
	delete(d.Header, TriggerHeader)
	if endpoint != "" {
		d.Endpoint = endpoint
	}
}
