package cli

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdSign signs as a provider does, by hand, so that a session finds out what
// hookloop makes of it.
func cmdSign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sign stripe|slack|github|hmac SECRET FILE [AGE], sign twilio SECRET FILE URL, sign jwt SECRET")
	}
	secret, body, extra := args[1], "", ""
	if len(args) > 2 {
		body = ts.ReadFile(args[2])
	}
	if len(args) > 3 {
		extra = args[3]
	}
	at := time.Now()
	if args[0] != "twilio" && extra != "" {
		age, err := time.ParseDuration(extra)
		ts.Check(err)
		at = at.Add(-age)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	signature := ""
	switch args[0] {
	case "stripe":
		signature = "t=" + stamp + ",v1=" + hex.EncodeToString(mac(sha256.New, secret, stamp+"."+body))
	case "slack":
		signature = "v0=" + hex.EncodeToString(mac(sha256.New, secret, "v0:"+stamp+":"+body))
	case "github":
		signature = "sha256=" + hex.EncodeToString(mac(sha256.New, secret, body))
	case "hmac":
		signature = hex.EncodeToString(mac(sha256.New, secret, body))
	case "twilio":
		form, err := url.ParseQuery(body)
		ts.Check(err)
		message := extra
		for _, key := range slices.Sorted(maps.Keys(form)) {
			message += key + form.Get(key)
		}
		signature = base64.StdEncoding.EncodeToString(mac(sha1.New, secret, message))
	case "jwt":
		encode := base64.RawURLEncoding.EncodeToString
		message := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(fmt.Sprintf(`{"exp":%d}`, at.Add(time.Hour).Unix())))
		signature = message + "." + encode(mac(sha256.New, secret, message))
	default:
		ts.Fatalf("sign: there is no %s", args[0])
	}
	ts.Setenv("SIGNATURE", signature)
	ts.Setenv("TIMESTAMP", stamp)
}

func mac(h func() hash.Hash, key, message string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(message))
	return m.Sum(nil)
}
