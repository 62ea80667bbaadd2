package ngroktest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"golang.ngrok.com/muxado/v2"
)

// The kinds of streams that one side opens to the other. Every stream starts
// with its kind, four bytes, big-endian; an RPC is then one JSON value each way.
const (
	streamAuth        = 0  // agent → service
	streamBind        = 1  // agent → service
	streamUnbind      = 2  // agent → service
	streamProxy       = 3  // service → agent: one public connection
	streamRestart     = 4  // service → agent
	streamStop        = 5  // service → agent
	streamUpdate      = 6  // service → agent
	streamServerInfo  = 8  // agent → service
	streamStopTunnel  = 9  // service → agent, never answered
	streamPatchTunnel = 10 // agent → service
	streamHeartbeat   = 0xFFFFFFFF
)

// Auth is how an agent introduced itself. The field names are the wire's.
type Auth struct {
	Version  []string
	ClientID string `json:"ClientId"` // "" for a new session
	Extra    struct {
		Authtoken          string
		ClientType         string
		Version            string
		UserAgent          string
		OS                 string
		Arch               string
		Metadata           string
		Cookie             string
		HeartbeatInterval  int64 // nanoseconds
		HeartbeatTolerance int64 // nanoseconds

		StopUnsupportedError    *string // "" means supported
		RestartUnsupportedError *string
		UpdateUnsupportedError  *string
	}
}

type authResp struct {
	Version  string
	ClientID string `json:"ClientId"`
	Error    string
	Extra    authRespExtra
}

type authRespExtra struct {
	AgentSessionID     string
	Region             string
	AccountName        string
	PlanName           string
	Banner             string
	Cookie             string
	DeprecationWarning any
}

// Bind is an agent's wish for a public URL. The field names are the wire's.
type Bind struct {
	ID         string `json:"Id"` // "" the first time, the endpoint's id when it comes back
	Proto      string // "https" or "http"
	ForwardsTo string
	Opts       struct {
		URL           string // "" asks for any
		TrafficPolicy string
		ProxyProto    int
	}
	Extra struct {
		Name           string
		Metadata       string
		Description    string
		Token          string
		PoolingEnabled bool
	}
}

type bindOpts struct {
	URL           string
	TrafficPolicy string
	ProxyProto    int
}

// bindResp is the answer to a Bind. The agent keeps Opts and sends it as the
// Opts of every rebind, so it must say everything about the endpoint.
type bindResp struct {
	ID    string `json:"Id"`
	URL   string
	Proto string
	Opts  bindOpts
	Error string
	Extra struct {
		Token    string
		TunnelID string
	}
}

type unbind struct {
	ID string `json:"Id"`
}

type patchTunnel struct {
	TunnelID      string `json:"TunnelId"`
	TrafficPolicy *string
	Metadata      *string
	Name          *string
}

type stopTunnel struct {
	ID        string `json:"Id"`
	Message   string
	ErrorCode string
}

// errorResp is the answer of every RPC that has nothing else to say.
type errorResp struct {
	Error string
}

type proxyHeader struct {
	ID             string `json:"Id"`
	ClientAddr     string
	Proto          string
	EdgeType       string
	PassthroughTLS bool
}

// An Error is a refusal in the service's own words.
type Error struct {
	Code int    // the number in ERR_NGROK_107; 0 for none
	Msg  string // what the service says; may have several lines
}

// Errorf returns an [*Error] with the given code, for the hooks of [Config].
func Errorf(code int, format string, args ...any) error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Code == 0 {
		return e.Msg
	}
	return e.Msg + " (" + e.name() + ")"
}

func (e *Error) name() string { return fmt.Sprintf("ERR_NGROK_%d", e.Code) }

// wireText is err as the service puts it into a response: the text, an empty
// line and the code, with CRLF between the parts.
func wireText(err error) string {
	if err == nil {
		return ""
	}
	e, ok := err.(*Error)
	if !ok || e.Code == 0 {
		return err.Error()
	}
	return strings.TrimRight(e.Msg, "\n") + "\r\n\r\n" + e.name() + "\r\n"
}

// call runs one RPC that the service starts.
func call(sess muxado.TypedStreamSession, kind muxado.StreamType, req, resp any) error {
	stream, err := sess.OpenTypedStream(kind)
	if err != nil {
		return err
	}
	defer stream.Close()
	if err := json.NewEncoder(stream).Encode(req); err != nil {
		return err
	}
	if resp == nil {
		return nil
	}
	return json.NewDecoder(stream).Decode(resp)
}

// writeProxyHeader starts a proxied connection. The length is little-endian,
// unlike every other number of the protocol.
func writeProxyHeader(w io.Writer, h proxyHeader) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	buf := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	_, err = w.Write(append(buf, text...))
	return err
}
