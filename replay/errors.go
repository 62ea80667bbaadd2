package replay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A timeoutError ends an attempt whose handler took too long.
type timeoutError struct {
	after time.Duration
	begun bool // the handler's answer had begun
}

func (e *timeoutError) Error() string { return "no answer within " + provider.InWords(e.after) }

func (e *timeoutError) sentence(base string) string {
	verb := "answered"
	if e.begun {
		verb = "finished its answer"
	}
	return fmt.Sprintf("the handler at %s had not %s after %s; --timeout gives it longer", base, verb, provider.InWords(e.after))
}

// A protocolError is an answer that is no HTTP answer to the request.
type protocolError struct{ what string }

func (e *protocolError) Error() string { return e.what }

// explain turns the error of an attempt into its kind and one sentence that
// says what happened and what to do.
func explain(err error, to destination) (inspect.ErrorKind, string) {
	base := to.scheme + "://" + to.host
	var (
		timeout  *timeoutError
		protocol *protocolError
		target   *TargetError
		planned  *rehearsedError
		dns      *net.DNSError
		record   tls.RecordHeaderError
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		network  net.Error
	)
	switch {
	case errors.As(err, &target):
		return inspect.ErrTarget, target.Error()
	case errors.As(err, &planned):
		return inspect.ErrCanceled, planned.Error()
	case errors.As(err, &timeout):
		return inspect.ErrTimeout, timeout.sentence(base)
	case errors.Is(err, errStopped):
		return inspect.ErrCanceled, err.Error()
	case errors.Is(err, errPanic):
		return inspect.ErrOther, err.Error()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return inspect.ErrCanceled, "the attempt was given up before the handler had answered"
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(err.Error(), "actively refused"):
		return inspect.ErrRefused, fmt.Sprintf("nothing listens at %s: start the handler there, or name another address", base)
	case errors.As(err, &dns) && (dns.IsTimeout || dns.IsTemporary):
		return inspect.ErrDNS, fmt.Sprintf("the name %s could not be looked up (%s): is the network up?", dns.Name, dns.Err)
	case errors.As(err, &dns):
		return inspect.ErrDNS, fmt.Sprintf("the name %s is not known: correct the handler's address", dns.Name)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return inspect.ErrTLS, fmt.Sprintf("the handler at %s does not speak TLS: use http:// for it", to.host)
	case errors.As(err, &unknown), errors.As(err, &verify):
		return inspect.ErrTLS, fmt.Sprintf("the certificate of %s does not verify (%v): trust its authority with --ca FILE, or skip the check with --insecure", base, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		strings.Contains(err.Error(), "server closed idle connection"), strings.Contains(err.Error(), "forcibly closed"):
		return inspect.ErrReset, fmt.Sprintf("the handler at %s broke the connection before its answer was whole: look for a crash in its log", base)
	case strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`): // an alert of TLS
		return inspect.ErrTLS, fmt.Sprintf("the handler at %s speaks TLS: use https:// for it", to.host)
	case errors.As(err, &protocol), strings.Contains(err.Error(), "malformed"), strings.Contains(err.Error(), "chunk"),
		strings.Contains(err.Error(), "transport connection broken"):
		return inspect.ErrProtocol, fmt.Sprintf("what listens at %s did not answer in HTTP: %v", base, innermost(err))
	case errors.As(err, &network) && network.Timeout():
		return inspect.ErrTimeout, fmt.Sprintf("the handler at %s could not be reached in time: is its address right, and the network up?", base)
	}
	return inspect.ErrOther, fmt.Sprintf("the handler at %s could not be asked: %v", base, innermost(err))
}

func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
