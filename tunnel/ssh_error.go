package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"
)

// sshKind says what to do about a fault after having been online.
type sshKind int

const (
	sshNetwork sshKind = iota // try again
	sshForward                // try again; the old connection may still hold the port
	sshLogin                  // try again a few times; the server may be starting
	sshHostKey                // give up at once
)

// An sshFault is why a connection could not be made. Its text is safe to show.
type sshFault struct {
	kind sshKind
	msg  string
	err  error // may hold any bytes that the server sent
}

func (f *sshFault) Error() string { return f.msg }

// public is the form for callers: the cause can be matched, and its text is safe.
func (f *sshFault) public() *Error {
	if f.err == nil {
		return &Error{Msg: f.msg}
	}
	return &Error{Msg: f.msg, Err: sshCause{f.err}}
}

// sshCause is an error whose text is made safe for terminals.
type sshCause struct{ err error }

func (c sshCause) Error() string { return sshPrintable(c.err.Error()) }
func (c sshCause) Unwrap() error { return c.err }

// sshPrintable makes text from outside fit for a terminal and a single line:
// control, bidi and zero-width characters are escaped, and the length bounded.
func sshPrintable(s string) string {
	const limit = 200
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= limit {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// dialFault explains why no TCP connection could be made.
func (t sshTarget) dialFault(err error) *sshFault {
	why := err
	if op, ok := errors.AsType[*net.OpError](err); ok {
		why = op.Err // without the addresses
	}
	return &sshFault{err: err, msg: fmt.Sprintf("%s cannot be reached (%s); check the address and the network", t.addr(), sshPrintable(why.Error()))}
}

// handshakeFault explains why the SSH handshake failed.
func (s *sshEndpoint) handshakeFault(err error) *sshFault {
	if f, ok := errors.AsType[*sshFault](err); ok {
		return f
	}
	addr := s.target.addr()
	if f, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
		return &sshFault{err: err, msg: addr + " and we have no " + sshPrintable(f.What) + " in common; update the SSH server"}
	}
	text := err.Error()
	if strings.Contains(text, "unable to authenticate") || strings.Contains(text, "authentication failures") {
		return s.auth.refused(s.target, err)
	}
	if errors.Is(err, io.EOF) {
		return &sshFault{err: err, msg: addr + " closed the connection during the handshake; check that it is an SSH server and does not block you"}
	}
	return &sshFault{err: err, msg: fmt.Sprintf("the SSH handshake with %s failed (%s); check that it is an SSH server", addr, sshPrintable(text))}
}

// endFault explains why the context of a start ended.
func (t sshTarget) endFault(ctx context.Context, timeout time.Duration) *sshFault {
	if errors.Is(context.Cause(ctx), errSSHSlow) {
		return &sshFault{err: context.DeadlineExceeded, msg: fmt.Sprintf(
			"%s did not answer within %v; check the address and the network, or give it more time", t.addr(), timeout)}
	}
	return &sshFault{err: ctx.Err(), msg: "connecting to " + t.addr() + " was given up, because we were told to; start again"}
}

var errSSHSlow = errors.New("start timeout")
