package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"testing"
)

// What is not signed cannot ride along with what is.
func TestUnsignedItemsBesideASignedOne(t *testing.T) {
	key := make([]byte, 32)
	h := hmac.New(sha256.New, key)
	h.Write([]byte("p1::M:o-1:1900:EUR:AUTHORISATION:true"))
	fields := `"pspReference":"p1","merchantAccountCode":"M","merchantReference":"o-1","amount":{"value":1900,"currency":"EUR"},"eventCode":"AUTHORISATION","success":"true"`
	inner := fmt.Sprintf(`{"additionalData":{"hmacSignature":%q},%s}`, base64.StdEncoding.EncodeToString(h.Sum(nil)), fields)
	signed, bare := `{"NotificationRequestItem":`+inner+`}`, `{`+fields+`}`
	list := func(items string) string { return `{"live":"false","notificationItems":[` + items + `]}` }
	good := want{Valid, CodeOK, ""}
	other, twice := want{Invalid, CodeMalformed, "something else"}, want{Invalid, CodeMalformed, "twice"}
	for _, tt := range []struct {
		name, body string
		want
	}{
		{"one", list(signed), good},
		{"two", list(signed + "," + signed), good},
		{"another case", list(signed + `,{"notificationRequestItem":` + bare + `}`), other},
		{"bare", list(signed + "," + bare), other},
		{"no object", list(signed + `,"x"`), other},
		{"both cases", list(`{"NotificationRequestItem":` + inner + `,"notificationRequestItem":` + bare + `}`), twice},
		{"two lists", `{"notificationItems":[` + bare + `],"notificationItems":[` + signed + `]}`, twice},
		{"two lists, two cases", `{"NotificationItems":[` + bare + `],"notificationItems":[` + signed + `]}`, twice},
		{"escaped", `{"notification\u0049tems":[` + bare + `],"notificationItems":[` + signed + `]}`, twice},
		{"object", `{"notificationItems":{"0":` + signed + `}}`, want{Invalid, CodeMalformed, "no list"}},
		{"field twice", list(`{"NotificationRequestItem":` + inner[:len(inner)-1] + `,"Success":"false"}}`), twice},
		{"amount twice", list(`{"NotificationRequestItem":` + inner[:len(inner)-1] + `,"amount":{"value":1900,"currency":"EUR"}}}`), twice},
	} {
		t.Run(tt.name, func(t *testing.T) {
			diagnose(t, checkerFor("adyen", hex.EncodeToString(key)), arrived(tt.body), tt.want)
		})
	}
}
