package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
)

// A plainError is an error in words for everybody.
type plainError struct {
	words string
	err   error
}

func (e *plainError) Error() string { return e.words }
func (e *plainError) Unwrap() error { return e.err }

// unreachable says that a host was called and did not answer, and why. It
// leaves out the address that was called, which may hold a token.
func unreachable(host string, err error) error {
	var called *url.Error
	if errors.As(err, &called) {
		err = called.Err
	}
	return &plainError{fmt.Sprintf("%s cannot be reached: %s", host, whyUnreachable(err)), err}
}

func whyUnreachable(err error) string {
	var lookup *net.DNSError
	var op *net.OpError
	var untrusted *tls.CertificateVerificationError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy that the environment names does not answer"
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "its host name does not resolve"
	case errors.As(err, &lookup):
		return "its host name could not be looked up"
	case errors.As(err, &untrusted):
		return "its certificate is not trusted here"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses the connection"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no network leads there"
	case errors.Is(err, context.Canceled):
		return "it was interrupted"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	}
	return "the connection failed (" + err.Error() + ")"
}
