package inspect

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"hookloop/inspect/provider"
)

// This file exports to HAR 1.2, which other tools read. HAR has one request
// and one response in each entry, so an entry is an attempt; a delivery that
// was never handed to anyone is an entry with status 0, which is how HAR says
// that there was no response. What HAR has no field for is in two of ours:
//
//   - "_hookloop", in an entry, has the delivery and what is known of its
//     sender and signature, the attempt and its error, and what the provider
//     would do after it;
//   - "_hookloop_base64", in postData, has a body that is not UTF-8, of which
//     "text" can say nothing and is empty.
//
// Bodies are as they were sent, with their Content-Encoding. A header value
// that is not UTF-8 is read as Latin-1; JSONL is the export that keeps it.

type harEntry struct {
	StartedDateTime string      `json:"startedDateTime"`
	Time            float64     `json:"time"`
	Request         harRequest  `json:"request"`
	Response        harResponse `json:"response"`
	Cache           struct{}    `json:"cache"`
	Timings         harTimings  `json:"timings"`
	Comment         string      `json:"comment,omitempty"`
	Hookloop        harHookloop `json:"_hookloop"`
}

type harRequest struct {
	Method      string       `json:"method"`
	URL         string       `json:"url"`
	HTTPVersion string       `json:"httpVersion"`
	Cookies     []harCookie  `json:"cookies"`
	Headers     []harPair    `json:"headers"`
	QueryString []harPair    `json:"queryString"`
	PostData    *harPostData `json:"postData,omitempty"`
	HeadersSize int          `json:"headersSize"` // -1: unknown
	BodySize    int64        `json:"bodySize"`
}

type harPostData struct {
	MimeType string `json:"mimeType"`
	Text     string `json:"text"`
	Base64   string `json:"_hookloop_base64,omitempty"`
	Comment  string `json:"comment,omitempty"`
}

type harResponse struct {
	Status      int         `json:"status"`
	StatusText  string      `json:"statusText"`
	HTTPVersion string      `json:"httpVersion"`
	Cookies     []harCookie `json:"cookies"`
	Headers     []harPair   `json:"headers"`
	Content     harContent  `json:"content"`
	RedirectURL string      `json:"redirectURL"`
	HeadersSize int         `json:"headersSize"`
	BodySize    int64       `json:"bodySize"`
}

type harContent struct {
	Size     int64  `json:"size"`
	MimeType string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"` // base64
	Comment  string `json:"comment,omitempty"`
}

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harCookie struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Path     string `json:"path,omitempty"`
	Domain   string `json:"domain,omitempty"`
	Expires  string `json:"expires,omitempty"`
	HTTPOnly bool   `json:"httpOnly,omitempty"`
	Secure   bool   `json:"secure,omitempty"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

type harHookloop struct {
	DeliveryID  int64        `json:"delivery_id"`
	ReceivedAt  string       `json:"received_at"`
	Disposition Disposition  `json:"disposition"`
	Reason      string       `json:"reason,omitempty"`
	Endpoint    string       `json:"endpoint"`
	RemoteAddr  string       `json:"remote_addr"`
	Source      Source       `json:"source,omitempty"`
	Attempt     int          `json:"attempt,omitempty"` // none: the delivery was never handed on
	Trigger     Trigger      `json:"trigger,omitempty"`
	State       AttemptState `json:"state,omitempty"`
	Error       string       `json:"error,omitempty"`
	ErrorKind   ErrorKind    `json:"error_kind,omitempty"`
	Protocol    Protocol     `json:"protocol,omitempty"`
	SHA256      string       `json:"sha256"` // of the body sent
	Truncated   bool         `json:"truncated,omitempty"`
	Signed      string       `json:"signed,omitempty"`     // how it was signed again
	NotSigned   string       `json:"not_signed,omitempty"` // why its signature would be refused
	Simulation  int64        `json:"simulation,omitempty"`

	Facts   provider.Facts    `json:"facts,omitzero"`
	Outlook *provider.Outlook `json:"outlook,omitempty"`
}

// WriteHAR writes the records as one HAR 1.2 document, as they come, and holds
// no more than one of them. After an error the document is incomplete.
func WriteHAR(w io.Writer, creatorVersion string, records iter.Seq2[Record, error]) error {
	out := bufio.NewWriter(w)
	enc := NewJSONEncoder(out)
	version, err := json.Marshal(creatorVersion)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `{"log":{"version":"1.2","creator":{"name":"hookloop","version":%s},"entries":[`+"\n", version)
	separator := ""
	for r, err := range records {
		if err != nil {
			return err
		}
		attempts := []*Attempt{nil}
		if len(r.Attempts) > 0 {
			attempts = attempts[:0]
			for i := range r.Attempts {
				attempts = append(attempts, &r.Attempts[i])
			}
		}
		for _, a := range attempts {
			out.WriteString(separator)
			if err := enc.Encode(newHAREntry(r.Delivery, a)); err != nil {
				return err
			}
			separator = ","
		}
	}
	out.WriteString("]}}\n")
	return out.Flush()
}

// newHAREntry returns the entry of attempt a of d; a nil a is a delivery
// without one.
func newHAREntry(d *Delivery, a *Attempt) harEntry {
	e := harEntry{
		StartedDateTime: harTime(d.ReceivedAt),
		Response:        newHARResponse(nil),
		Hookloop: harHookloop{
			DeliveryID: d.ID, ReceivedAt: harTime(d.ReceivedAt), Disposition: d.Disposition, Reason: latin1(d.Reason),
			Endpoint: latin1(d.Endpoint), RemoteAddr: latin1(d.RemoteAddr), Truncated: d.Truncated, Source: d.Source,
			Facts: d.Facts,
		},
	}
	body := d.Body
	if a == nil {
		e.Request = newHARRequest(d, &Sent{}, d.URL(), body)
		e.Comment = "no handler got this delivery"
	} else {
		sent := a.Sent
		if sent == nil {
			sent = &Sent{}
		}
		body = a.SentBody(d)
		e.StartedDateTime = harTime(a.StartedAt)
		e.Time = float64(a.Duration) / float64(time.Millisecond)
		e.Timings.Wait = e.Time
		e.Request = newHARRequest(d, sent, a.URL, body)
		e.Response = newHARResponse(a.Response)
		e.Comment = latin1(a.Error)
		h := &e.Hookloop
		h.Attempt, h.Trigger, h.State, h.Protocol = a.Number, a.Trigger, a.State, a.Protocol
		h.Error, h.ErrorKind, h.Outlook, h.Signed = latin1(a.Error), a.ErrorKind, a.Outlook, latin1(sent.Signed)
		h.NotSigned = latin1(a.NotSigned)
		h.Simulation = a.Simulation
	}
	sum := sha256.Sum256(body)
	e.Hookloop.SHA256 = hex.EncodeToString(sum[:])
	return e
}

func newHARRequest(d *Delivery, sent *Sent, address string, body []byte) harRequest {
	method, host, header := d.Method, d.Host, d.Header
	if sent.Method != "" {
		method = sent.Method
	}
	if sent.Host != "" {
		host = sent.Host
	}
	if sent.Header != nil {
		header = sent.Header
	}
	if strings.HasPrefix(address, "/") { // an endpoint that was not known
		address = "http://" + host + address
	}
	r := harRequest{
		Method: latin1(method), URL: latin1(address), HTTPVersion: latin1(d.Proto),
		Cookies:     harCookies((&http.Request{Header: header}).Cookies()),
		Headers:     append([]harPair{{"Host", latin1(host)}}, harHeaders(header)...),
		QueryString: harQuery(address),
		HeadersSize: -1, BodySize: int64(len(body)),
	}
	if len(body) > 0 {
		r.PostData = &harPostData{MimeType: latin1(header.Get("Content-Type"))}
		if utf8.Valid(body) {
			r.PostData.Text = string(body)
		} else {
			r.PostData.Base64 = base64.StdEncoding.EncodeToString(body)
			r.PostData.Comment = "the body is not UTF-8: see _hookloop_base64"
		}
	}
	return r
}

// newHARResponse takes nil for no response.
func newHARResponse(r *Response) harResponse {
	if r == nil {
		return harResponse{Cookies: []harCookie{}, Headers: []harPair{}, HeadersSize: -1, BodySize: -1}
	}
	h := harResponse{
		Status: r.Status, StatusText: http.StatusText(r.Status), HTTPVersion: latin1(r.Proto),
		Cookies: harCookies((&http.Response{Header: r.Header}).Cookies()), Headers: harHeaders(r.Header),
		Content:     harContent{Size: r.Size, MimeType: latin1(r.Header.Get("Content-Type"))},
		RedirectURL: latin1(r.Header.Get("Location")), HeadersSize: -1, BodySize: r.Size,
	}
	if utf8.Valid(r.Body) {
		h.Content.Text = string(r.Body)
	} else {
		h.Content.Text, h.Content.Encoding = base64.StdEncoding.EncodeToString(r.Body), "base64"
	}
	if r.Truncated {
		h.Content.Comment = fmt.Sprintf("only the first %d bytes were kept", len(r.Body))
	}
	return h
}

func harTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func harHeaders(header http.Header) []harPair {
	pairs := []harPair{}
	for name, v := range HeaderLines(header) {
		pairs = append(pairs, harPair{latin1(name), latin1(v)})
	}
	return pairs
}

// harQuery returns the pairs of an address's query, in order; a pair that
// cannot be decoded is as it was sent.
func harQuery(address string) []harPair {
	pairs := []harPair{}
	_, query, _ := strings.Cut(address, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		pairs = append(pairs, harPair{latin1(name), latin1(value)})
	}
	return pairs
}

func harCookies(cookies []*http.Cookie) []harCookie {
	list := []harCookie{}
	for _, c := range cookies {
		h := harCookie{Name: latin1(c.Name), Value: latin1(c.Value), Path: latin1(c.Path), Domain: latin1(c.Domain), HTTPOnly: c.HttpOnly, Secure: c.Secure}
		if !c.Expires.IsZero() {
			h.Expires = harTime(c.Expires)
		}
		list = append(list, h)
	}
	return list
}

// latin1 returns s, read as Latin-1 where it is not UTF-8.
func latin1(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
