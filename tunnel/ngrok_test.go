package tunnel_test

import (
	"testing"

	"hookloop/tunnel/ngroktest"
)

func TestNgrokDelivery(t *testing.T) {
	for _, scheme := range []string{"https", "http"} {
		t.Run(scheme, func(t *testing.T) {
			leaks(t)
			s := startService(t, ngroktest.Config{})
			cfg := configFor(t, s)
			cfg.URL = scheme + "://hooks.test"
			ep := openNgrok(t, cfg)
			serve(t, ep, hello)
			if got, want := ep.Status().URL, scheme+"://hooks.test"; got != want {
				t.Errorf("URL: got %q, want %q", got, want)
			}
			wantGet(t, s.Client(), ep.Status().URL, 200, "hello")
		})
	}
}
