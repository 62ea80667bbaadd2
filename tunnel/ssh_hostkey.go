package tunnel

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshPins decides whether a host key is the right one: what the file says, else
// what was seen earlier in this endpoint's life, else it is pinned on first use.
type sshPins struct {
	file string // "" means memory only
	addr string // host:port

	mu     sync.Mutex
	seen   ssh.PublicKey // the key of the last good handshake; nil before it
	pinned bool          // seen was unknown before
}

// note returns the sentence to show if this endpoint pinned the key, or "".
func (p *sshPins) note() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.pinned {
		return ""
	}
	until := "from now on"
	if p.file == "" {
		until = "for this run"
	}
	return fmt.Sprintf("the host key of %s was not known and is trusted %s: %s", p.addr, until, ssh.FingerprintSHA256(p.seen))
}

// check is a callback for x/crypto. Its errors are *sshFault of kind sshHostKey.
func (p *sshPins) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, err := p.lookup(remote, key)
	if err != nil {
		return err
	}
	if !known {
		if p.seen != nil && !bytes.Equal(p.seen.Marshal(), key.Marshal()) {
			return p.changed(key, []ssh.PublicKey{p.seen}, "earlier in this run", "start again")
		}
		if err := p.record(key); err != nil {
			return &sshFault{
				kind: sshHostKey, err: err,
				msg: "the host key of " + p.addr + " cannot be recorded in " + p.file + " (" + sshPrintable(err.Error()) + "); make that file writable",
			}
		}
		p.pinned = p.pinned || p.seen == nil
	}
	p.seen = key
	return nil
}

// lookup reports whether the file knows key. A key that the file contradicts is an error.
func (p *sshPins) lookup(remote net.Addr, key ssh.PublicKey) (bool, error) {
	err := p.ask(remote, key)
	if err == nil {
		return true, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if revoked, ok := errors.AsType[*knownhosts.RevokedError](err); ok {
		return false, &sshFault{kind: sshHostKey, err: err, msg: fmt.Sprintf(
			"the host key of %s is marked as revoked in %s line %d; do not use this server until you know why",
			p.addr, p.file, revoked.Revoked.Line)}
	}
	mismatch, ok := errors.AsType[*knownhosts.KeyError](err)
	if !ok {
		return false, &sshFault{kind: sshHostKey, err: err, msg: "the known hosts in " + p.file +
			" cannot be read (" + sshPrintable(err.Error()) + "); mend that file or choose another"}
	}
	if len(mismatch.Want) == 0 {
		return false, nil
	}
	var want []ssh.PublicKey
	for _, k := range mismatch.Want {
		want = append(want, k.Key)
	}
	where := fmt.Sprintf("%s line %d", p.file, mismatch.Want[0].Line)
	return false, p.changed(key, want, "in "+where, "remove that line and try again")
}

// ask passes on what x/crypto's reader of the file says.
func (p *sshPins) ask(remote net.Addr, key ssh.PublicKey) error {
	if p.file == "" {
		return fs.ErrNotExist
	}
	check, err := knownhosts.New(p.file)
	if err != nil {
		return err
	}
	return check(p.addr, remote, key)
}

func (p *sshPins) changed(now ssh.PublicKey, want []ssh.PublicKey, where, remedy string) *sshFault {
	was := want[0]
	for _, k := range want {
		if k.Type() == now.Type() {
			was = k
		}
	}
	return &sshFault{kind: sshHostKey, msg: fmt.Sprintf(
		"the host key of %s has changed: it is %s, but %s was pinned %s; someone may be listening in, so ask whoever runs the server, and only if the change is right, %s",
		p.addr, ssh.FingerprintSHA256(now), ssh.FingerprintSHA256(was), where, remedy)}
}

// record adds key to the file in one write, so that other processes may do the same.
func (p *sshPins) record(key ssh.PublicKey) (err error) {
	if p.file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(p.file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	line := knownhosts.Line([]string{p.addr}, key) + "\n"
	if st, err := f.Stat(); err == nil && st.Size() > 0 {
		last := []byte{0}
		if _, err := f.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = f.WriteString(line)
	return err
}

// algorithms returns the host key algorithms to offer: first those of the pinned
// keys, so that a server with several keys shows the one that we know. The others
// follow, so that a change of the kind is seen as a change.
func (p *sshPins) algorithms() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var types []string
	if p.seen != nil {
		types = append(types, p.seen.Type())
	}
	probe, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err == nil {
		err = p.ask(&net.TCPAddr{IP: net.IPv4zero, Port: 22}, probe)
	}
	if mismatch, ok := errors.AsType[*knownhosts.KeyError](err); ok {
		for _, k := range mismatch.Want {
			types = append(types, k.Key.Type())
		}
	}
	all := []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
	known := func(algo string) bool {
		if algo == ssh.KeyAlgoRSASHA512 || algo == ssh.KeyAlgoRSASHA256 {
			algo = ssh.KeyAlgoRSA
		}
		return slices.Contains(types, algo)
	}
	slices.SortStableFunc(all, func(a, b string) int {
		switch ka, kb := known(a), known(b); {
		case ka == kb:
			return 0
		case ka:
			return -1
		}
		return 1
	})
	return all
}
