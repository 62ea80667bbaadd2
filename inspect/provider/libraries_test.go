package provider

import "testing"

// What the providers' own libraries, or their pages, take.
func TestAsLibrariesDo(t *testing.T) {
	const (
		body   = `{"a":1}`
		ts     = "1760000000"
		ms     = ts + "000"
		shown  = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY" // the base64 of decoded
		bare   = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
		key    = "ABCDEFGHIJKLMNOPQRSTUVWX"
		signed = "msg_1." + ts + "." + body
	)
	standard := func(key string) []string {
		return []string{"Webhook-Id", "msg_1", "Webhook-Timestamp", ts, "Webhook-Signature", "v1," + base64MAC(key, signed)}
	}
	hubspot := func(url string) []string {
		return []string{"X-Hubspot-Request-Timestamp", ms, "X-Hubspot-Signature-V3", base64MAC("k", "POST"+url+body+ms)}
	}
	const escaped = "https://example.test/h?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B%3b&b=%25%20%26+c"
	const plain = "https://example.test/h?a=:/?@!$'()*,;;&b=%25%20%26+c"
	tests := []struct {
		name, provider, secret, url string
		headers                     []string
		want
	}{
		// openai-node and openai-go: base64 behind whsec_, and text without it.
		{"OpenAI, as shown", "openai", shown, "", standard(key), want{Valid, CodeOK, ""}},
		{"OpenAI, text", "openai", "a plain secret!", "", standard("a plain secret!"), want{Valid, CodeOK, ""}},
		{"OpenAI, text that is base64, too", "openai", bare, "", standard(bare), want{Valid, CodeOK, ""}},
		{"OpenAI, prefix lost", "openai", bare, "", standard(key), want{Invalid, CodeSecretForm, "if it were decoded from base64; OpenAI takes it as text, unless it begins with whsec_"}},
		{"OpenAI, no base64 behind the prefix", "openai", "whsec_!", "", standard("!"), want{Invalid, CodeSecretForm, ""}},
		{"Standard Webhooks, prefix lost", "standardwebhooks", bare, "", standard(key), want{Valid, CodeOK, ""}},

		{"ElevenLabs, the other name", "elevenlabs", "k", "", []string{"X-Elevenlabs-Signature", "t=" + ts + ",v0=" + hexMAC("k", ts+"."+body)}, want{Valid, CodeOK, ""}},
		{"ElevenLabs, the other name, old", "elevenlabs", "k", "", []string{"X-Elevenlabs-Signature", "t=1759998199,v0=" + hexMAC("k", "1759998199."+body)}, want{Invalid, CodeTooOld, ""}},

		// HubSpot's page has some escapes decoded, its library has none.
		{"HubSpot, as it stands", "hubspot", "k", escaped, hubspot(escaped), want{Valid, CodeOK, ""}},
		{"HubSpot, decoded", "hubspot", "k", escaped, hubspot(plain), want{Valid, CodeOK, ""}},
		{"HubSpot, decoded, and another host", "hubspot", "k", escaped, hubspot("https://evil.test/h?a=:/?@!$'()*,;;&b=%25%20%26+c"), want{Invalid, CodeWrongSecret, ""}},
		{"HubSpot, all decoded", "hubspot", "k", escaped, hubspot("https://example.test/h?a=:/?@!$'()*,;;&b=% &+c"), want{Invalid, CodeWrongSecret, ""}},

		// RFC 3986, section 6.2.3: an empty path is /.
		{"Square, no path, given with one", "square", "k", "https://example.test/", []string{"X-Square-Hmacsha256-Signature", base64MAC("k", "https://example.test"+body)}, want{Valid, CodeOK, ""}},
		{"Square, /, given without", "square", "k", "https://example.test", []string{"X-Square-Hmacsha256-Signature", base64MAC("k", "https://example.test/"+body)}, want{Valid, CodeOK, ""}},
		{"Square, no path and a query", "square", "k", "https://example.test/?a=/", []string{"X-Square-Hmacsha256-Signature", base64MAC("k", "https://example.test?a=/"+body)}, want{Valid, CodeOK, ""}},
		{"Square, a slash more", "square", "k", "https://example.test/hook", []string{"X-Square-Hmacsha256-Signature", base64MAC("k", "https://example.test/hook/"+body)}, want{Invalid, CodeURLDiffers, ""}},

		// GitLab sends both while one takes the other's place.
		{"GitLab, the token, which is base64", "gitlab", bare, "", append(standard("another"), "X-Gitlab-Token", bare), want{Valid, CodeOK, "token"}},
		{"GitLab, the token, which is not", "gitlab", "a token!", "", append(standard("another"), "X-Gitlab-Token", "a token!"), want{Valid, CodeOK, "token"}},
		{"GitLab, the signing token", "gitlab", shown, "", append(standard(key), "X-Gitlab-Token", bare), want{Valid, CodeOK, "v1"}},
		{"GitLab, a wrong signing token", "gitlab", shown, "", append(standard("another"), "X-Gitlab-Token", bare), want{Invalid, CodeWrongSecret, ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := arrived(body, tt.headers...)
			if tt.url != "" {
				r.URL, r.Target = tt.url, targetOf(tt.url)
			}
			diagnose(t, checkerFor(tt.provider, tt.secret), r, tt.want)
		})
	}
}

// Of GitLab's two secrets the signing token decides where both are known.
func TestGitLabBothSecrets(t *testing.T) {
	const token, shown = "QUJDREVG", "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
	r := arrived("{}", "X-Gitlab-Token", token, "Webhook-Id", "1", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v1,"+base64MAC("evil", "1.1760000000.{}"))
	diagnose(t, checkerFor("gitlab", token, shown), r, want{Invalid, CodeWrongSecret, ""})
	r.Header.Set("Webhook-Signature", "v1,"+base64MAC("ABCDEFGHIJKLMNOPQRSTUVWX", "1.1760000000.{}"))
	diagnose(t, checkerFor("gitlab", token, shown), r, want{Valid, CodeOK, "v1"})
}

// The name of an authentication scheme is written in any case (RFC 9110, section 11.1).
func TestAuthorizationInAnyCase(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
	tests := []struct {
		provider, secret, header string
		result                   Result
	}{
		{"cloudevents", "k", "Bearer k", Valid},
		{"cloudevents", "k", "bearer k", Valid},
		{"cloudevents", "k", "BEARER k", Valid},
		{"cloudevents", "k", "bearer K", Invalid},
		{"cloudevents", "k", "bearerk", Invalid},
		{"cloudevents", "k", "k", Invalid},
		{"daglo", "your-256-bit-secret", jwt, Valid},
		{"daglo", "your-256-bit-secret", "Bearer " + jwt, Valid},
		{"daglo", "your-256-bit-secret", "bearer " + jwt, Valid},
		{"daglo", "your-256-bit-secret", "Basic " + jwt, Invalid},
	}
	for _, tt := range tests {
		r := arrived("{}", "Authorization", tt.header)
		c := checkerFor(tt.provider, tt.secret)
		if got := c.Verify(t.Context(), r); got.Result != tt.result {
			t.Errorf("%s, %s: got %s %s, want %s", tt.provider, tt.header, got.Result, got.Reason, tt.result)
		}
		s, err := c.Sign(r, captured, true)
		if err != nil {
			t.Errorf("%s, %s: %v", tt.provider, tt.header, err)
		} else if got := c.Verify(t.Context(), &s.Request); got.Result != Valid {
			t.Errorf("%s, %s: signed as %s: got %s %s", tt.provider, tt.header, s.Request.Header["Authorization"], got.Result, got.Reason)
		}
	}
	// GitHub's sha256= is no such name.
	r := arrived("{}", "X-Hub-Signature-256", "SHA256="+hexMAC("k", "{}"))
	diagnose(t, checkerFor("github", "k"), r, want{Invalid, CodeMalformed, "sha256= is expected"})
}

// The token signs nothing, even where it could be decoded.
func TestGitLabSignsWithToken(t *testing.T) {
	const token = "QUJDREVG"
	r := arrived("{}", "X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", token, "Webhook-Id", "1", "Webhook-Timestamp", "1760000000", "Webhook-Signature", "v1,old")
	s, err := checkerFor("gitlab", token).Sign(r, captured, true)
	if err != nil || s.Scheme != "token" || s.Request.Header.Get("Webhook-Signature") != "v1,old" {
		t.Errorf("got %+v %v, want the token, and the signature left alone", s, err)
	}
	s, err = checkerFor("gitlab", token, "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY").Sign(r, captured, true)
	if err != nil || s.Scheme != "v1" || s.Secret != "S2" {
		t.Errorf("got %+v %v, want v1 with S2", s, err)
	}
}
