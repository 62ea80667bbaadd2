package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// sshAuth is what we can log in with.
type sshAuth struct {
	keys      []ssh.Signer
	files     []string // of keys
	encrypted []string // files that we cannot open
	socket    string
	password  string
	guess     bool // a hosted service: answer its password prompt even with nothing
}

// loadSSHAuth reads the key files. Missing and encrypted ones are not an error
// yet: the server may not want them.
func loadSSHAuth(cfg SSHConfig, target sshTarget) (*sshAuth, error) {
	a := &sshAuth{socket: cfg.AgentSocket, password: target.password, guess: target.service != nil}
	for _, file := range cfg.Identities {
		pem, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &Error{Msg: "the key file " + file + " cannot be read; check its permissions", Err: err}
		}
		key, err := ssh.ParsePrivateKey(pem)
		if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
			a.encrypted = append(a.encrypted, file)
			continue
		}
		if err != nil {
			return nil, &Error{Msg: "the file " + file + " is not a private key that can be used; give the one without .pub, in OpenSSH or PEM format", Err: err}
		}
		a.keys, a.files = append(a.keys, key), append(a.files, file)
	}
	return a, nil
}

// methods returns the ways to log in. done closes the connection to the agent,
// which is made when it is needed and lasts until ctx ends at most.
func (a *sshAuth) methods(ctx context.Context) (methods []ssh.AuthMethod, done func()) {
	closeAgent := func() {}
	if len(a.keys) > 0 || a.socket != "" {
		methods = append(methods, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			signers := a.keys
			if a.socket == "" {
				return signers, nil
			}
			var d net.Dialer
			c, err := d.DialContext(ctx, "unix", a.socket)
			if err != nil {
				return signers, nil // explained if the login is refused
			}
			unwatch := context.AfterFunc(ctx, func() { _ = c.Close() })
			closeAgent = func() {
				unwatch()
				_ = c.Close()
			}
			if more, err := agent.NewClient(c).Signers(); err == nil {
				signers = append(signers[:len(signers):len(signers)], more...)
			}
			return signers, nil
		}))
	}
	if a.password != "" || a.guess {
		methods = append(methods, ssh.Password(a.password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range answers {
					answers[i] = a.password
				}
				return answers, nil
			}))
	}
	return methods, func() { closeAgent() }
}

// refused says what was tried and what to do.
func (a *sshAuth) refused(target sshTarget, err error) *sshFault {
	var tried, hints []string
	tried = append(tried, a.files...)
	if a.socket != "" {
		tried = append(tried, a.agentSays())
	}
	if a.password != "" {
		tried = append(tried, "a password")
	}
	if len(tried) == 0 {
		tried = []string{"nothing, because no key, agent or password was given"}
	}
	if len(a.encrypted) > 0 {
		hints = append(hints, "add the encrypted key "+strings.Join(a.encrypted, ", ")+" to an agent with ssh-add")
	}
	hints = append(hints, "put the public key into authorized_keys there, or give another user or key")
	return &sshFault{kind: sshLogin, err: err, msg: fmt.Sprintf("%s refused to log in %q (tried: %s); %s",
		target.addr(), target.user, strings.Join(tried, ", "), strings.Join(hints, ", or "))}
}

// agentSays describes what the agent has to offer.
func (a *sshAuth) agentSays() string {
	c, err := net.Dial("unix", a.socket)
	if err != nil {
		return "an agent that does not answer at " + a.socket
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	keys, err := agent.NewClient(c).List()
	if err != nil {
		return "an agent that does not answer at " + a.socket
	}
	return fmt.Sprintf("%d keys of the agent", len(keys))
}
