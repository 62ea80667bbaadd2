package tunnel

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestGotchaTokenIsMaskedInLogs(t *testing.T) {
	const token = "2secret_token_of_ann"
	for name, handler := range map[string]func(*bytes.Buffer, slog.Level) slog.Handler{
		"text": func(b *bytes.Buffer, l slog.Level) slog.Handler {
			return slog.NewTextHandler(b, &slog.HandlerOptions{Level: l})
		},
		"json": func(b *bytes.Buffer, l slog.Level) slog.Handler {
			return slog.NewJSONHandler(b, &slog.HandlerOptions{Level: l})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(sdkHandler{handler(&out, slog.LevelDebug), masker{token}})
			log.Error("it is "+token, "err", errors.New("Your authtoken: "+token))
			log.With("with", token).WithGroup("g").Warn("x", slog.Group("h", "in", struct{ T string }{token}), "n", 1)
			got := out.String()
			if strings.Contains(got, token) {
				t.Errorf("the token is in %s", got)
			}
			for _, want := range []string{"[hidden]", "DEBUG"} {
				if !strings.Contains(got, want) {
					t.Errorf("got %s, want it to contain %q", got, want)
				}
			}

			out.Reset()
			log = slog.New(sdkHandler{handler(&out, slog.LevelInfo), masker{token}})
			log.Error("heartbeat timeout, terminating session")
			if out.Len() > 0 {
				t.Errorf("an SDK message reached a log at info level: %s", out.String())
			}
		})
	}
}

func TestMasker(t *testing.T) {
	tests := []struct{ token, text, want string }{
		{"longtoken", "a longtoken b", "a [hidden] b"},
		{"a", "a bad cat", "a bad cat"},
		{"a", "Your authtoken: a\nmore", "Your authtoken: [hidden]\nmore"},
		{"", "nothing", "nothing"},
		{"x y", "your authtoken: x y", "your authtoken: [hidden]"},
	}
	for _, tt := range tests {
		if got := (masker{tt.token}).text(tt.text); got != tt.want {
			t.Errorf("mask %q in %q: got %q, want %q", tt.token, tt.text, got, tt.want)
		}
	}
}
