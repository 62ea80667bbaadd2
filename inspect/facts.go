package inspect

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"

	"hookloop/inspect/provider"
)

// maxFact bounds, in bytes, each text of a delivery's facts, of which a list
// has all: an event's ID is a sender's to choose.
const maxFact = 1024

// boundFacts returns f with texts that are UTF-8 and no longer than maxFact.
func boundFacts(f provider.Facts) provider.Facts {
	for _, s := range []*string{&f.Provider, &f.Event, &f.EventID, &f.Handshake, &f.SignatureReason, &f.Scheme, &f.Secret} {
		*s = clip(*s, maxFact)
	}
	return f
}

// clip returns s as UTF-8, cut to at most n bytes, the last of which are "…".
func clip(s string, n int) string {
	if len(s) <= n && utf8.ValidString(s) {
		return s
	}
	const more = "…"
	s = strings.ToValidUTF8(s[:min(len(s), n+utf8.UTFMax)], "\ufffd") // which may have become longer
	if len(s) <= n {
		return s
	}
	end := n - len(more)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

// encodeFacts returns f as JSON, nil for the zero value.
func encodeFacts(f provider.Facts) ([]byte, error) {
	if reflect.ValueOf(f).IsZero() {
		return nil, nil
	}
	return json.Marshal(f)
}

// scanFacts is the inverse of encodeFacts. What is not read is not known.
func scanFacts(stmt *sqlite.Stmt, col int) (f provider.Facts) {
	if b := columnBytes(stmt, col); b != nil {
		_ = json.Unmarshal(b, &f)
	}
	return f
}

// encodeOutlook returns o as JSON, nil for nil.
func encodeOutlook(o *provider.Outlook) ([]byte, error) {
	if o == nil {
		return nil, nil
	}
	return json.Marshal(o)
}

// scanOutlook is the inverse of encodeOutlook.
func scanOutlook(stmt *sqlite.Stmt, col int) *provider.Outlook {
	b := columnBytes(stmt, col)
	if b == nil {
		return nil
	}
	o := new(provider.Outlook)
	_ = json.Unmarshal(b, o)
	return o
}

// SetFacts replaces what is known of a delivery's sender and signature; the
// request itself is never changed. Texts that are too long for a list are cut.
// The error wraps [ErrNotFound] where the delivery does not exist.
func (s *Store) SetFacts(ctx context.Context, id int64, f provider.Facts) error {
	f = boundFacts(f)
	facts, err := encodeFacts(f)
	if err != nil {
		return err
	}
	return s.do(ctx, func(w *writer) error {
		err := w.exec("UPDATE deliveries SET provider=?, event_type=?, event_id=?, signature=?, facts=? WHERE id=?",
			f.Provider, f.Event, f.EventID, string(f.Signature), facts, id)
		if err != nil {
			return err
		}
		if w.conn.Changes() == 0 {
			return noDelivery(id)
		}
		w.change(id)
		return nil
	})
}
