package provider

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// isToken reports whether text is a name of a header (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// ownHeaders are those that the sender of a message makes itself.
var ownHeaders = []string{"Connection", "Content-Length", "Host", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// checkHeader says why a header cannot be sent, or nil.
func checkHeader(name, value string) error {
	switch {
	case !isToken(name):
		return fmt.Errorf("%q is no name of a header: write letters, digits and hyphens", name)
	case slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)):
		return fmt.Errorf("%s is set by what is sent: leave it out", name)
	case strings.ContainsFunc(value, unfit):
		return fmt.Errorf("the value of %s has a line end or another control character in it: take it out", name)
	}
	return nil
}

// checkHeaders is checkHeader for some, the first in order of their names.
func checkHeaders[V any](headers map[string]V, value func(V) string) error {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if err := checkHeader(name, value(headers[name])); err != nil {
			return err
		}
	}
	return nil
}

// check says what about an answer cannot be sent.
func (r *Reply) check() error {
	switch {
	case r.Status < 200 || r.Status > 599:
		return fmt.Errorf("it has no status: write status: 200")
	case !r.Body.IsZero() && (r.Status == http.StatusNoContent || r.Status == http.StatusNotModified):
		return fmt.Errorf("an answer with the status %d has no body: take the body out, or write status: 200", r.Status)
	}
	if err := checkHeader("Content-Type", r.Type); err != nil {
		return err
	}
	return checkHeaders(r.Headers, Template.String)
}
