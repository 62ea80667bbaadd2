package tunnel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
)

// How long to believe in a refusal by the service, by code. At the start every
// coded refusal is final, because the user is waiting for it.
type refusalKind int

const (
	retryForEver refusalKind = iota // not in the table, or a passing state of the service
	retryAWhile                     // may be our own lost session, or somebody else: NgrokConfig.ConflictTimeout
	final                           // waiting cannot mend it
)

// A refusal says what one of the service's codes means for a user of this
// program. %s in say is the URL that was asked for.
type refusal struct {
	kind refusalKind
	say  string
}

const (
	tokenPage  = "https://dashboard.ngrok.com/get-started/your-authtoken"
	domainPage = "https://dashboard.ngrok.com/domains"
	agentPage  = "https://dashboard.ngrok.com/agents"
	planPage   = "https://dashboard.ngrok.com/billing/choose-a-plan"
	endsPage   = "https://dashboard.ngrok.com/endpoints"
)

// ngrokRefusals holds every code that the service answers a connecting agent
// with, as far as its documentation tells.
var ngrokRefusals = map[string]refusal{
	"105":   {final, "the ngrok authtoken is not in the right form; copy it again from " + tokenPage},
	"106":   {final, "the authtoken is one of the retired ngrok 1; get a new one at " + tokenPage},
	"107":   {final, "ngrok does not accept the authtoken (it may have been reset); copy the current one from " + tokenPage},
	"300":   {final, "the ngrok authtoken has been revoked; get another one at " + tokenPage},
	"4018":  {final, "ngrok needs an authtoken; sign up for free, copy it from " + tokenPage + " and set NGROK_AUTHTOKEN"},
	"108":   {retryAWhile, "the ngrok account already runs as many agents as its plan allows; stop one of them at " + agentPage},
	"120":   {final, "ngrok no longer accepts this program's version of its protocol; update the program"},
	"121":   {final, "ngrok no longer accepts this program's version of its protocol; update the program"},
	"123":   {final, "the ngrok account's e-mail address is not verified; follow the link in ngrok's e-mail, then start again"},
	"9009":  {final, "ngrok's free plan does not work through an HTTP proxy; connect without the proxy, or upgrade at " + planPage},
	"9040":  {final, "ngrok does not accept agents from this machine's IP address; check the account's IP restrictions"},
	"313":   {final, "the ngrok plan does not include the address %s; leave the URL out to use the account's own domain"},
	"314":   {final, "the ngrok plan does not include the domain %s; leave the URL out to use the account's own domain"},
	"319":   {final, "the domain of %s is not reserved for this ngrok account; reserve it at " + domainPage + ", or leave the URL out"},
	"320":   {final, "the domain of %s belongs to another ngrok account; choose another one, or leave the URL out"},
	"15002": {final, "ngrok wants a domain to be registered before %s can be used; do that at " + domainPage},
	"15013": {final, "the ngrok account has no domain of its own yet; claim its free one at " + domainPage},
	"324":   {retryAWhile, "the ngrok account already has as many endpoints as its plan allows; stop one at " + endsPage},
	"350":   {retryAWhile, "the ngrok account already has as many endpoints as its plan allows; stop one at " + endsPage},
	"326":   {final, "ngrok does not accept %s as a public URL; check its spelling, or leave it out"},
	"9037":  {final, "ngrok does not accept %s as a public URL; check its spelling, or leave it out"},
	"334":   {retryAWhile, "%s is already online elsewhere; stop the other program that uses it (see " + endsPage + "), or choose another URL"},
	"18016": {final, "%s is online elsewhere without endpoint pooling; stop the other program, or choose another URL"},
	"18017": {final, "%s is online elsewhere with endpoint pooling; stop the other program, or choose another URL"},
	"18019": {final, "the ngrok plan does not include endpoint pooling; upgrade at " + planPage},
	"8013":  {final, "ngrok wants a credit card on file for this kind of endpoint; use an https URL instead"},
}

var ngrokCode = regexp.MustCompile(`ERR_NGROK_(\d+)`)

// codeOf finds the service's code in err. The SDK hides it in three ways: its
// own error type in results, another in events, and bare text for a rebind.
// refused says whether the service spoke at all, with or without a code.
func codeOf(err error) (code string, refused bool) {
	var inEvent interface{ ErrorCode() string }
	var inResult interface{ Code() string }
	switch {
	case errors.As(err, &inEvent):
		code, refused = inEvent.ErrorCode(), true
	case errors.As(err, &inResult):
		code, refused = inResult.Code(), true
	}
	if m := ngrokCode.FindString(err.Error()); code == "" && m != "" {
		code, refused = m, true
	}
	return code, refused
}

func kindOf(code string) refusalKind {
	return ngrokRefusals[strings.TrimPrefix(code, "ERR_NGROK_")].kind
}

// explainRefusal turns the service's refusal into an Error with one sentence.
func (c *NgrokConfig) explainRefusal(code string, err error) *Error {
	mask := masker{c.Authtoken}
	known, ok := ngrokRefusals[strings.TrimPrefix(code, "ERR_NGROK_")]
	msg := known.say
	switch {
	case !ok:
		msg = "ngrok refused: " + oneLine(mask.text(ngrokText(err)))
		if code != "" {
			msg += "; see https://ngrok.com/docs/errors/" + strings.ToLower(code)
		}
	case strings.Contains(msg, "%s"):
		msg = fmt.Sprintf(msg, c.urlOrDefault())
	}
	if ok {
		msg += " (" + code + ")"
	}
	return &Error{Code: code, Msg: msg, Err: errors.New(mask.text(err.Error()))}
}

func (c *NgrokConfig) urlOrDefault() string {
	if c.URL == "" {
		return "the account's default domain"
	}
	return c.URL
}

// ngrokText is the service's text without the code and the SDK's words.
func ngrokText(err error) string {
	var withMsg interface{ Msg() string }
	if errors.As(err, &withMsg) {
		return withMsg.Msg()
	}
	text, _, _ := strings.Cut(err.Error(), "\n\n")
	return text
}

// oneLine joins the lines of s, drops the line that shows the token and cuts
// what is too long for a sentence.
func oneLine(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if line != "" && !ngrokCode.MatchString(line) && !tokenLine.MatchString(line) {
			lines = append(lines, strings.TrimRight(line, "."))
		}
	}
	const most = 300
	s = strings.Join(lines, "; ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// explainNetwork says why the service cannot be reached and what to do.
func (c *NgrokConfig) explainNetwork(err error) string {
	err = errors.New(masker{c.Authtoken}.text(plainCause(err)))
	return fmt.Sprintf("ngrok at %s cannot be reached (%v); check the network connection%s",
		c.address(), err, c.proxyHint())
}

// explainLoss says that a connection broke. The way back has not failed yet.
func (c *NgrokConfig) explainLoss(err error) string {
	return fmt.Sprintf("the connection to ngrok was lost (%s); it comes back by itself",
		masker{c.Authtoken}.text(plainCause(err)))
}

func (c *NgrokConfig) proxyHint() string {
	if c.Proxy == nil {
		return ""
	}
	return " and the proxy " + c.Proxy.Redacted()
}

// explainCertificate is for a service whose certificate is not ngrok's.
func (c *NgrokConfig) explainCertificate(err error) string {
	return fmt.Sprintf("the certificate of %s is not ngrok's (%v), so something between here and ngrok reads the traffic; "+
		"connect from another network, or give that something's CA file", c.address(), err)
}

// isCertificate reports whether err says that the peer's certificate is wrong.
func isCertificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verify) || errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

// plainCause is err in the few words that matter to a user.
func plainCause(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "the name " + dns.Name + " was not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	}
	return oneLine(err.Error())
}
