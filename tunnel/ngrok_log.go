package tunnel

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// A masker hides the authtoken in text. ngrok repeats the token in its errors,
// and the SDK logs those errors whole.
type masker struct {
	token string
}

var tokenLine = regexp.MustCompile(`(?i)(your authtoken:)[^\r\n]*`)

// minTokenLen is how long a token must be to be looked for everywhere in a
// text: a shorter one is no token, and may be part of any word.
const minTokenLen = 8

func (m masker) text(s string) string {
	if len(m.token) >= minTokenLen {
		s = strings.ReplaceAll(s, m.token, "[hidden]")
	}
	return tokenLine.ReplaceAllString(s, "$1 [hidden]")
}

// sdkHandler receives the SDK's log. It passes everything on at debug level,
// since the SDK calls harmless things errors (a heartbeat that times out on a
// connection replaced long ago), and it masks the token.
type sdkHandler struct {
	next slog.Handler
	mask masker
}

func (h sdkHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.next.Enabled(ctx, slog.LevelDebug)
}

func (h sdkHandler) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, slog.LevelDebug, "ngrok: "+h.mask.text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

func (h sdkHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = h.attr(a)
	}
	return sdkHandler{h.next.WithAttrs(masked), h.mask}
}

func (h sdkHandler) WithGroup(name string) slog.Handler {
	return sdkHandler{h.next.WithGroup(name), h.mask}
}

// attr renders whatever is not a plain value, so that no other handler can
// find the token by looking inside it.
func (h sdkHandler) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, h.mask.text(v.String()))
	case slog.KindAny:
		return slog.String(a.Key, h.mask.text(fmt.Sprintf("%+v", v.Any())))
	case slog.KindGroup:
		group := make([]slog.Attr, 0, len(v.Group()))
		for _, g := range v.Group() {
			group = append(group, h.attr(g))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(group...)}
	default:
		return slog.Attr{Key: a.Key, Value: v}
	}
}
