package tunnel

import (
	"fmt"
	"net"
	"net/url"
	"os/user"
	"strconv"
	"strings"
)

// An sshService is what we know about a hosted service, from its documentation.
type sshService struct {
	domain     string
	user       string // the one to use without an account; "" means any
	sshPort    int    // 0 means 22
	remotePort int    // what to ask for; 0 means that the service chooses
	command    string // what to run in the session instead of a shell
	renamed    string // lines with these words announce a new URL at any time; "" means that none do
}

var sshServices = []sshService{
	{
		domain: "localhost.run", user: "nokey", remotePort: 80,
		command: "--output json", renamed: "tunneled with tls termination",
	},
	{domain: "pinggy.io", sshPort: 443},
	{domain: "serveo.net", remotePort: 80},
}

// sshTarget is a parsed SSHConfig.Server.
type sshTarget struct {
	user, password string
	host           string // without brackets
	port           int
	service        *sshService // nil if it is none that we know
}

func (t sshTarget) addr() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

// parseSSHServer reads [ssh://][user[:password]@]host[:port].
// Its errors never repeat a password.
func parseSSHServer(server string) (sshTarget, error) {
	bad := func(why string) (sshTarget, error) {
		return sshTarget{}, &Error{Msg: "the SSH server is not understood (" + why + "); give it as ssh://user@host:port"}
	}
	if server == "" {
		return bad("it is empty")
	}
	if scheme, _, ok := strings.Cut(server, "://"); !ok {
		server = "ssh://" + server
	} else if scheme != "ssh" {
		return bad(fmt.Sprintf("its scheme is %q", scheme))
	}
	u, err := url.Parse(server)
	switch {
	case err != nil: // err repeats the text, and with it perhaps a password
		return bad("it is not a valid URL")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "": // perhaps the rest of a password
		return bad("nothing may follow the port")
	case u.Hostname() == "":
		return bad("the host is missing")
	case !sshHostOK(u.Hostname()):
		return bad(fmt.Sprintf("%q is not a host name", u.Hostname()))
	}
	t := sshTarget{host: strings.ToLower(u.Hostname()), port: 22, user: u.User.Username()}
	t.password, _ = u.User.Password()
	t.service = sshServiceOf(t.host)
	if t.service != nil && t.service.sshPort != 0 {
		t.port = t.service.sshPort
	}
	if p := u.Port(); p != "" {
		if t.port, err = strconv.Atoi(p); err != nil || t.port < 1 || t.port > 65535 {
			return bad(fmt.Sprintf("the port %q is out of range", p))
		}
	}
	if t.user == "" {
		t.user = defaultSSHUser(t.service)
	}
	return t, nil
}

func sshServiceOf(host string) *sshService {
	for i := range sshServices {
		d := sshServices[i].domain
		if host == d || strings.HasSuffix(host, "."+d) {
			return &sshServices[i]
		}
	}
	return nil
}

func defaultSSHUser(service *sshService) string {
	if service != nil && service.user != "" {
		return service.user
	}
	u, err := user.Current()
	if err != nil {
		return "hookloop"
	}
	name := u.Username // DOMAIN\name on Windows
	return name[strings.LastIndexByte(name, '\\')+1:]
}

// sshHostOK reports whether h can be a host name or an IP address.
func sshHostOK(h string) bool {
	if net.ParseIP(h) != nil {
		return true
	}
	if len(h) > 253 || strings.HasPrefix(h, "-") {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(h, "."), ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}
