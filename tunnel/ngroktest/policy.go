package ngroktest

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml"
)

// policy is the part of a Traffic Policy that the stand-in applies: basic-auth
// and restrict-ips in on_http_request, without expressions. Like the service it
// takes YAML or JSON, and refuses to bind what it cannot read.
type policy struct {
	OnHTTPRequest []struct {
		Actions []policyAction `yaml:"actions"`
	} `yaml:"on_http_request"`
}

type policyAction struct {
	Type   string `yaml:"type"`
	Config struct {
		Realm       string   `yaml:"realm"`
		Credentials []string `yaml:"credentials"`
		Enforce     *bool    `yaml:"enforce"`
		Allow       []string `yaml:"allow"`
		Deny        []string `yaml:"deny"`
	} `yaml:"config"`
	allow, deny []netip.Prefix
}

func parsePolicy(text string) (*policy, error) {
	pol := new(policy)
	if strings.TrimSpace(text) == "" {
		return pol, nil
	}
	if err := yaml.Unmarshal([]byte(text), pol); err != nil {
		return nil, Errorf(0, "The traffic policy is not valid: %s", firstLine(err.Error()))
	}
	for i := range pol.OnHTTPRequest {
		actions := pol.OnHTTPRequest[i].Actions
		for j := range actions {
			if err := actions[j].check(); err != nil {
				return nil, err
			}
		}
	}
	return pol, nil
}

func (a *policyAction) check() (err error) {
	if len(a.Config.Credentials) > 10 {
		return Errorf(0, "The traffic policy is not valid: at most 10 credentials are allowed.")
	}
	for _, pair := range a.Config.Credentials {
		_, password, ok := strings.Cut(pair, ":")
		if !ok || len(password) < 8 || len(password) > 128 {
			return Errorf(0, "The traffic policy is not valid: a password must have 8 to 128 characters.")
		}
	}
	if a.allow, err = prefixes(a.Config.Allow); err == nil {
		a.deny, err = prefixes(a.Config.Deny)
	}
	return err
}

func prefixes(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, Errorf(0, "The traffic policy is not valid: %q is no CIDR block.", text)
		}
		all = append(all, p)
	}
	return all, nil
}

// wrap applies the policy before h.
func (pol *policy) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, rule := range pol.OnHTTPRequest {
			for i := range rule.Actions {
				if a := &rule.Actions[i]; a.enforced() && !a.admit(w, r) {
					return
				}
			}
		}
		h.ServeHTTP(w, r)
	})
}

func (a *policyAction) enforced() bool { return a.Config.Enforce == nil || *a.Config.Enforce }

// admit says whether r may pass, and answers it if not.
func (a *policyAction) admit(w http.ResponseWriter, r *http.Request) bool {
	switch a.Type {
	case "basic-auth":
		user, password, ok := r.BasicAuth()
		for _, pair := range a.Config.Credentials {
			if ok && pair == user+":"+password {
				return true
			}
		}
		realm := a.Config.Realm
		if realm == "" {
			realm = "ngrok"
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="`+realm+`"`)
		http.Error(w, "You are not authorized to reach this endpoint.", http.StatusUnauthorized)
		return false
	case "restrict-ips":
		if a.allows(r.RemoteAddr) {
			return true
		}
		http.Error(w, "Your address may not reach this endpoint.", http.StatusForbidden)
		return false
	default:
		return true
	}
}

func (a *policyAction) allows(client string) bool {
	host, _, _ := net.SplitHostPort(client)
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range a.deny {
		if p.Contains(ip) {
			return false
		}
	}
	for _, p := range a.allow {
		if p.Contains(ip) {
			return true
		}
	}
	return len(a.allow) == 0
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
