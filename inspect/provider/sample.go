package provider

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Sample is a realistic event of a provider. Body, query and headers may
// hold placeholders, which Render replaces, each by the same text wherever it stands:
//
//	{{id}}       24 letters and digits        {{n}}        a number of 12 digits
//	{{uuid}}     and {{uuid2}}: random UUIDs  {{sha}}      40 hex digits, as a commit's
//	{{hex32}}    and {{hex50}}: hex digits    {{rfc3339}}  and {{rfc3339ms}}: the time
//	{{s}}        the time in Unix seconds     {{ms}}       and in milliseconds
//	{{attempt}}  1                            {{attempt0}} 0
type Sample struct {
	Event   string            `yaml:"event"`             // as Provider.Event finds it
	Method  string            `yaml:"method,omitempty"`  // "" = POST
	Type    string            `yaml:"type,omitempty"`    // content type; "" = application/json
	Query   string            `yaml:"query,omitempty"`   // of the target
	Headers map[string]string `yaml:"headers,omitempty"` // besides the signature's
	Body    string            `yaml:"body,omitempty"`
}

// Render returns the event as the provider would send it at a time, without a
// signature: new ids, new times. URL is the address it is sent to; "" = not known.
func (p *Provider) Render(s *Sample, url string, at time.Time) *Request {
	var pairs []string
	for _, name := range placeholders {
		pairs = append(pairs, "{{"+name+"}}", fillIn(name, at))
	}
	fill := strings.NewReplacer(pairs...).Replace

	r := &Request{Method: s.Method, URL: url, Header: make(http.Header), Body: []byte(fill(s.Body)), Time: at}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if r.URL, _, _ = strings.Cut(r.URL, "#"); s.Query != "" {
		separator := "?"
		if strings.Contains(r.URL, "?") {
			separator = "&"
		}
		r.URL += separator + fill(s.Query)
	}
	r.Target = targetOf(r.URL)
	if len(r.Body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.Type != "" {
		r.Header.Set("Content-Type", s.Type)
	}
	for name, value := range s.Headers {
		r.Header.Set(name, fill(value))
	}
	return r
}

// targetOf returns the request target of a URL.
func targetOf(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		at := strings.IndexAny(rest, "/?")
		if at < 0 {
			return "/"
		}
		url = rest[at:]
	}
	if !strings.HasPrefix(url, "/") {
		url = "/" + url
	}
	return url
}

var placeholders = []string{
	"id", "n", "uuid", "uuid2", "sha", "hex32", "hex50",
	"s", "ms", "rfc3339", "rfc3339ms", "attempt", "attempt0",
}

// fillIn returns what a placeholder stands for.
func fillIn(name string, at time.Time) string {
	at = at.UTC()
	switch name {
	case "id":
		return rand.Text()[:24]
	case "n":
		n, err := rand.Int(rand.Reader, big.NewInt(9e11))
		if err != nil {
			panic(err) // never: see crypto/rand.Reader
		}
		return strconv.FormatInt(n.Int64()+1e11, 10)
	case "uuid", "uuid2":
		b := random(16)
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case "sha":
		return hex.EncodeToString(random(20))
	case "hex32":
		return hex.EncodeToString(random(16))
	case "hex50":
		return hex.EncodeToString(random(25))
	case "s":
		return strconv.FormatInt(at.Unix(), 10)
	case "ms":
		return strconv.FormatInt(at.UnixMilli(), 10)
	case "rfc3339":
		return at.Format("2006-01-02T15:04:05Z07:00")
	case "rfc3339ms":
		return at.Format("2006-01-02T15:04:05.000Z07:00")
	case "attempt":
		return "1"
	}
	return "0" // attempt0
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // which never fails
	return b
}

// checkPlaceholders says which placeholder of a text there is not.
func checkPlaceholders(text string) error {
	for {
		_, rest, ok := strings.Cut(text, "{{")
		if !ok {
			return nil
		}
		name, after, ok := strings.Cut(rest, "}}")
		if text = after; ok && !strings.ContainsAny(name, "{\"':, ") && !slices.Contains(placeholders, name) {
			return fmt.Errorf("there is no placeholder {{%s}}: write {{%s}}", name, strings.Join(placeholders, "}}, {{"))
		}
	}
}
