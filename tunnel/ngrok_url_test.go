package tunnel

import "testing"

func TestGotchaURLIsNormalised(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"hooks.test":                  "https://hooks.test",
		" Hooks.Test/ ":               "https://hooks.test",
		"hooks.test:8080":             "https://hooks.test:8080",
		"hooks.test:443":              "https://hooks.test",
		"https://hooks.test:443/":     "https://hooks.test",
		"https://hooks.test:8443":     "https://hooks.test:8443",
		"http://hooks.test":           "http://hooks.test",
		"http://hooks.test:80":        "http://hooks.test",
		"http://hooks.test:443":       "http://hooks.test:443",
		"localhost:8080":              "https://localhost:8080",
		"https://my-service.internal": "https://my-service.internal",
	} {
		if got, err := normaliseURL(text); err != nil || got != want {
			t.Errorf("normaliseURL(%q): got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"tcp://x:1", "https://", "https://x/path", "https://x?q", "https://x#f", "https://u:p@x", "a b", "://x"} {
		if got, err := normaliseURL(text); err == nil {
			t.Errorf("normaliseURL(%q): got %q, want an error", text, got)
		}
	}
}

func TestConnectHost(t *testing.T) {
	for addr, want := range map[string]string{
		"connect.ngrok-agent.com:443": "connect.ngrok-agent.com",
		"127.0.0.1:1":                 "127.0.0.1",
		"[::1]:1":                     "::1",
		"bare":                        "bare",
	} {
		if got := connectHost(addr); got != want {
			t.Errorf("connectHost(%q): got %q, want %q", addr, got, want)
		}
	}
}
