package ngroktest

import (
	"net/url"
	"slices"
	"strings"
)

// EndpointInfo describes an endpoint that is online.
type EndpointInfo struct {
	ID            string // the bind id
	TunnelID      string
	URL           string // as the agent shows it
	Proto         string
	Name          string
	Metadata      string
	TrafficPolicy string
	Pooling       bool
}

type endpoint struct {
	info   EndpointInfo
	host   string // the key in Server.endpoints
	policy *policy
	sess   *session
}

// bind gives the agent a URL: the one it asks for, the dev domain or a random
// one. A rebind keeps its id.
func (sess *session) bind(req Bind) any {
	s := sess.srv
	s.mu.Lock()
	s.binds = append(s.binds, req)
	s.mu.Unlock()
	ep, err := sess.newEndpoint(req)
	if err == nil && s.cfg.OnBind != nil {
		err = s.cfg.OnBind(req)
	}
	if err == nil {
		err = s.publish(ep)
	}
	if err != nil {
		return bindResp{ID: req.ID, Proto: req.Proto, Error: wireText(err)}
	}
	resp := bindResp{ID: ep.info.ID, URL: ep.info.URL, Proto: req.Proto}
	resp.Opts = bindOpts{URL: ep.info.URL, TrafficPolicy: req.Opts.TrafficPolicy, ProxyProto: req.Opts.ProxyProto}
	resp.Extra.Token = "token-" + ep.info.ID
	resp.Extra.TunnelID = ep.info.TunnelID
	return resp
}

func (sess *session) newEndpoint(req Bind) (*endpoint, error) {
	s := sess.srv
	if req.Proto != "http" && req.Proto != "https" {
		return nil, Errorf(9037, "The stand-in offers http and https endpoints only, not %q.", req.Proto)
	}
	pol, err := parsePolicy(req.Opts.TrafficPolicy)
	if err != nil {
		return nil, err
	}
	text := req.Opts.URL
	switch {
	case text != "":
	case s.cfg.DevDomain != "":
		text = s.cfg.DevDomain
	default:
		text = randomID("") + "." + s.cfg.BaseDomain
	}
	if !strings.Contains(text, "://") {
		text = req.Proto + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, Errorf(326, "The URL %q is not valid.", req.Opts.URL)
	}
	info := EndpointInfo{
		ID: req.ID, TunnelID: randomID("tn_"), URL: u.Scheme + "://" + u.Host, Proto: req.Proto,
		Name: req.Extra.Name, Metadata: req.Extra.Metadata, TrafficPolicy: req.Opts.TrafficPolicy,
		Pooling: req.Extra.PoolingEnabled,
	}
	if info.ID == "" {
		info.ID = randomID("ep_")
	}
	return &endpoint{info: info, host: hostKey(u.Host), policy: pol, sess: sess}, nil
}

// publish puts ep online unless somebody else has its URL.
func (s *Server) publish(ep *endpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sessions[ep.sess]; !ok {
		return Errorf(0, "ngroktest: bind before authentication")
	}
	for _, other := range s.endpoints[ep.host] {
		if !ep.info.Pooling || !other.info.Pooling {
			return Errorf(334, "The endpoint '%s' is already online. Either\n"+
				"1. stop your existing endpoint first, or\n2. start both endpoints with pooling enabled.", ep.info.URL)
		}
	}
	s.endpoints[ep.host] = append(s.endpoints[ep.host], ep)
	return nil
}

func (sess *session) unbind(req unbind) any {
	if !sess.srv.withdraw(func(ep *endpoint) bool { return ep.sess == sess && ep.info.ID == req.ID }) {
		return errorResp{"ngroktest: no such endpoint"}
	}
	return errorResp{}
}

// withdraw takes the endpoints offline that match, and says whether any did.
func (s *Server) withdraw(match func(*endpoint) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for host, eps := range s.endpoints {
		rest := slices.DeleteFunc(slices.Clone(eps), match)
		found = found || len(rest) < len(eps)
		if len(rest) == 0 {
			delete(s.endpoints, host)
		} else {
			s.endpoints[host] = rest
		}
	}
	return found
}

// drop forgets a session and all it holds.
func (s *Server) drop(sess *session) {
	s.withdraw(func(ep *endpoint) bool { return ep.sess == sess })
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
}

func (sess *session) patch(req patchTunnel) any {
	s := sess.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, eps := range s.endpoints {
		for _, ep := range eps {
			if ep.sess != sess || ep.info.TunnelID != req.TunnelID {
				continue
			}
			if req.TrafficPolicy != nil {
				pol, err := parsePolicy(*req.TrafficPolicy)
				if err != nil {
					return errorResp{wireText(err)}
				}
				ep.policy, ep.info.TrafficPolicy = pol, *req.TrafficPolicy
			}
			if req.Metadata != nil {
				ep.info.Metadata = *req.Metadata
			}
			if req.Name != nil {
				ep.info.Name = *req.Name
			}
			return errorResp{}
		}
	}
	return errorResp{"ngroktest: no such tunnel"}
}

// Endpoints returns what is online, in the order of the URLs.
func (s *Server) Endpoints() []EndpointInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	var infos []EndpointInfo
	for _, eps := range s.endpoints {
		for _, ep := range eps {
			infos = append(infos, ep.info)
		}
	}
	slices.SortFunc(infos, func(a, b EndpointInfo) int { return strings.Compare(a.URL, b.URL) })
	return infos
}

// pick returns the endpoint for a Host header, or nil. Pooled ones take turns.
func (s *Server) pick(host string) *endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := hostKey(host)
	eps := s.endpoints[key]
	if len(eps) == 0 {
		return nil
	}
	if len(eps) > 1 {
		s.endpoints[key] = append(slices.Clone(eps[1:]), eps[0])
	}
	return eps[0]
}

// hostKey is a URL's host, or a Host header, without case and standard ports.
func hostKey(host string) string {
	host = strings.ToLower(host)
	for _, port := range []string{":443", ":80"} {
		host = strings.TrimSuffix(host, port)
	}
	return host
}
