package cli

import "testing"

// Without a tunnel, --url is the address of the user's own proxy.
func TestProxyURL(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "https://pub.example.test": "https://pub.example.test", "http://pub.example.test:81/": "http://pub.example.test:81",
		"pub.example.test": "!", "ftp://pub.example.test": "!", "https://pub.example.test/hooks": "!", "https://u:p@pub.example.test": "!", "https://pub.example.test?x": "!",
	} {
		s := &session{}
		err := s.openTunnel(&listenFlags{tunnel: "none", url: given})
		if got := s.proxyURL; want == "!" && err == nil || want != "!" && (err != nil || got != want) {
			t.Errorf("%s: got %q %v, want %q", given, got, err, want)
		}
		if want != "" && want != "!" && s.calledURL() != want {
			t.Errorf("%s: what arrives has the base %q", given, s.calledURL())
		}
	}
}
