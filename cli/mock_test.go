package cli

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"hookloop/replay"
)

// TestMockTargets has callbacks go to this machine alone, unless told.
func TestMockTargets(t *testing.T) {
	a := &app{Env: Env{Getenv: func(string) string { return "" }}}
	for _, tc := range []struct {
		allow   []string
		refused bool
	}{{nil, true}, {[]string{"192.0.2.1"}, false}} {
		f := &mockFlags{allowTarget: tc.allow}
		c, err := f.config(a)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // there is nothing at the address
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://192.0.2.1/callback", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Client.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		var target *replay.TargetError
		if errors.As(err, &target) != tc.refused {
			t.Errorf("allowed %v: %v", tc.allow, err)
		}
	}
}
