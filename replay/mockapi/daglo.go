package mockapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Daglo answers as daglo's asynchronous speech recognition does:
//
//	POST /stt/v1/async/transcripts        submits the URL of a recording
//	GET  /stt/v1/async/transcripts/{rid}  tells its status, and the text
//
// Nothing is fetched: every recording says the same two sentences. daglo
// publishes no retries, no timeout and no success codes, so a callback is sent
// once and any answer from 200 to 299 counts as accepted.
//
// Its methods may be called by any number of goroutines.
type Daglo struct {
	Config

	// Secret, if not empty, has callbacks carry a JWT (HS256, with iat, and exp five
	// minutes later) as the whole value of Authorization, without "Bearer". Where the
	// submitter chose an Authorization header for the callback, that is sent instead.
	Secret string

	once   sync.Once
	engine *engine
}

const dagloPath = "/stt/v1/async/transcripts"

func (d *Daglo) start() *engine {
	d.once.Do(func() {
		p := protocol{
			pending: "uploaded", processing: "processing", success: "transcribed", failed: "transcript_error",
			accepts: func(status int) bool { return status >= 200 && status <= 299 },
			body:    func(t task) any { return dagloStatusOf(t) },
			agent:   "hookloop-mock-daglo",
			problem: func(status int, detail string) any {
				return map[string]any{"statusCode": status, "error": http.StatusText(status), "message": detail}
			},
		}
		if d.Secret != "" {
			p.sign = func(h http.Header, now time.Time) { h.Set("Authorization", token(d.Secret, now)) }
		}
		d.engine = newEngine(d.Config, p)
	})
	return d.engine
}

// Close ends all tasks where they are, waits until nothing of d runs any more,
// and has later submissions refused. It may be called more than once.
func (d *Daglo) Close() { d.start().close() }

func (d *Daglo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := d.start()
	v, err := d.serve(w, r)
	e.answer(w, v, err)
}

func (d *Daglo) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	rid, isStatus := strings.CutPrefix(r.URL.Path, dagloPath+"/")
	switch {
	case r.URL.Path == dagloPath:
		if err := allow(r, http.MethodPost); err != nil {
			return nil, err
		}
		return d.submit(w, r)
	case isStatus:
		if err := allow(r, http.MethodGet); err != nil {
			return nil, err
		}
		key, err := d.engine.key(r)
		if err != nil {
			return nil, err
		}
		t, ok := d.engine.lookup(rid)
		if !ok || t.owner != key {
			return nil, notFound("no such rid of this token")
		}
		return dagloStatusOf(t), nil
	}
	return nil, notFound("no such path: there are " + dagloPath + " and " + dagloPath + "/{rid}")
}

func (d *Daglo) submit(w http.ResponseWriter, r *http.Request) (any, error) {
	key, err := d.engine.key(r)
	if err != nil {
		return nil, err
	}
	var request struct {
		Audio struct {
			Source struct {
				URL string `json:"url"`
			} `json:"source"`
		} `json:"audio"`
		Callback *struct {
			URL     string            `json:"url"`
			Headers map[string]string `json:"headers"`
		} `json:"callback"`
	}
	if err := decode(w, r, &request); err != nil {
		return nil, err
	}
	if request.Audio.Source.URL == "" {
		return nil, badRequest("audio.source.url is missing")
	}
	if _, err := parseCallback("audio.source.url", request.Audio.Source.URL); err != nil {
		return nil, badRequest("%v", err)
	}
	t := &task{id: uuid(), kind: Audio, owner: key}
	if c := request.Callback; c != nil {
		if c.URL == "" {
			return nil, badRequest("callback.url is missing")
		}
		u, err := parseCallback("callback.url", c.URL)
		if err != nil {
			return nil, badRequest("%v", err)
		}
		headers, err := parseHeaders("callback.headers", c.Headers)
		if err != nil {
			return nil, badRequest("%v", err)
		}
		t.callback = &callback{u, headers}
	}
	if err := d.engine.start(t); err != nil {
		return nil, err
	}
	return map[string]string{"rid": t.id}, nil
}

// dagloStatus is a transcription as it is told to its submitter.
type dagloStatus struct {
	RID        string        `json:"rid"`
	Status     string        `json:"status"`
	STTResults []dagloResult `json:"sttResults,omitzero"`
}

type dagloResult struct {
	Transcript string      `json:"transcript"`
	Words      []dagloWord `json:"words"`
}

type dagloWord struct {
	Word      string    `json:"word"`
	StartTime dagloTime `json:"startTime"`
	EndTime   dagloTime `json:"endTime"`
	SegmentID string    `json:"segmentId"`
	Speaker   string    `json:"speaker"`
}

type dagloTime struct {
	Seconds string `json:"seconds"`
	Nanos   int    `json:"nanos"`
}

func dagloStatusOf(t task) dagloStatus {
	s := dagloStatus{RID: t.id, Status: t.state}
	switch {
	case t.completed.IsZero():
	case t.fails:
		s.STTResults = []dagloResult{}
	default:
		s.STTResults = []dagloResult{spoken("Hello from the stand-in.", "Nobody has listened to your recording.")}
	}
	return s
}

// spoken is a transcript in which every word takes 400 ms.
func spoken(sentences ...string) dagloResult {
	result := dagloResult{Transcript: strings.Join(sentences, " ")}
	for i, sentence := range sentences {
		for word := range strings.FieldsSeq(sentence) {
			begin := time.Duration(len(result.Words)) * 400 * time.Millisecond
			result.Words = append(result.Words, dagloWord{
				Word: word + " ", StartTime: timeOf(begin), EndTime: timeOf(begin + 400*time.Millisecond),
				SegmentID: strconv.Itoa(i + 1), Speaker: "1",
			})
		}
	}
	return result
}

func timeOf(d time.Duration) dagloTime {
	return dagloTime{strconv.Itoa(int(d / time.Second)), int(d % time.Second)}
}

// token is a JWT that is good for five minutes from now.
func token(secret string, now time.Time) string {
	claims, _ := json.Marshal(map[string]any{"iss": "hookloop-mock-daglo", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()})
	signed := segment([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + segment(claims)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + segment(mac.Sum(nil))
}

func segment(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
