package mockapi

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// receive serves a handler that answers 200 and hands on what arrived.
func receive(t *testing.T) (address string, arrived chan call) {
	arrived = make(chan call, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- call{time.Now(), r.Header.Clone(), string(body), r.URL.String()}
	}))
	t.Cleanup(s.Close)
	return s.URL, arrived
}

// awaited is what arrives next.
func awaited(t *testing.T, arrived chan call) call {
	t.Helper()
	select {
	case c := <-arrived:
		return c
	case <-time.After(time.Minute):
		t.Fatal("no callback came")
		return call{}
	}
}

// over makes a request of a server and returns the answer's status and body.
func over(t *testing.T, method, address, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk-test")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, got
}

// TestAPIXOFlow goes the whole way over the network: submit, callback, poll,
// and fetch of the result.
func TestAPIXOFlow(t *testing.T) {
	api := &APIXO{Config: Config{Keys: []string{"other", "sk-test"}, Speed: 1000}}
	server := httptest.NewServer(api)
	t.Cleanup(func() { server.Close(); api.Close() })
	address, arrived := receive(t)
	code, body := over(t, "POST", server.URL+generate,
		`{"request_type":"callback","provider":"auto","callback_url":"`+strings.Replace(address, "//", "//u:p@", 1)+`/hook?s=1","input":{"mode":"text-to-image","prompt":"a cat"}}`)
	id, _ := parse(t, string(body), "data", "taskId").(string)
	if code != 200 || !strings.HasPrefix(id, "task_") || parse(t, string(body), "message") != "success" {
		t.Fatalf("submitting answered %d %s", code, body)
	}
	c := awaited(t, arrived)
	user, password, _ := (&http.Request{Header: c.header}).BasicAuth()
	if c.url != "/hook?s=1" || c.header.Get("Content-Type") != "application/json" || user+password != "up" {
		t.Errorf("the callback went to %s with %v", c.url, c.header)
	}
	if c.header.Get("Accept-Encoding") != "" || c.header.Get("User-Agent") != "hookloop-mock-apixo" {
		t.Errorf("the callback has headers nobody asked for: %v", c.header)
	}
	code, body = over(t, "GET", server.URL+status+id, "")
	if code != 200 || c.body != strings.TrimSpace(string(body)) {
		t.Errorf("polled %d %s, but the callback said %s", code, body, c.body)
	}
	text, isString := parse(t, c.body, "data", "resultJson").(string)
	urls, _ := parse(t, cmp.Or(text, "{}"), "resultUrls").([]any)
	if !isString || len(urls) != 1 {
		t.Fatalf("resultJson in %s is not a string with one URL", c.body)
	}
	code, file := over(t, "GET", urls[0].(string), "")
	if _, err := png.Decode(bytes.NewReader(file)); code != 200 || err != nil {
		t.Errorf("the result is %d %q: %v", code, file, err)
	}
}

// TestDagloFlow checks the callback's JWT without this package's help.
func TestDagloFlow(t *testing.T) {
	api := &Daglo{Config: Config{Speed: 1000}, Secret: "s3cret"}
	server := httptest.NewServer(api)
	t.Cleanup(func() { server.Close(); api.Close() })
	address, arrived := receive(t)
	submit := func(headers string) string {
		code, body := over(t, "POST", server.URL+dagloPath,
			`{"audio":{"source":{"url":"https://a.test/a.wav"}},"callback":{"url":"`+address+`","headers":`+headers+`}}`)
		rid, _ := parse(t, string(body), "rid").(string)
		if code != 200 || len(rid) != 36 {
			t.Fatalf("submitting answered %d %s", code, body)
		}
		return rid
	}
	rid := submit(`{"x-order":"42","X-Token":"töken"}`)
	c := awaited(t, arrived)
	if c.header.Get("X-Order") != "42" || c.header.Get("X-Token") != "töken" {
		t.Errorf("the callback has headers %v", c.header)
	}
	code, body := over(t, "GET", server.URL+dagloPath+"/"+rid, "")
	if code != 200 || c.body != strings.TrimSpace(string(body)) || parse(t, c.body, "status") != "transcribed" {
		t.Errorf("polled %d %s, but the callback said %s", code, body, c.body)
	}
	var transcribed struct {
		STTResults []struct {
			Transcript string
			Words      []struct {
				Word               string
				StartTime, EndTime struct {
					Seconds string
					Nanos   int
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(c.body), &transcribed); err != nil || len(transcribed.STTResults) != 1 {
		t.Fatalf("%v in %s", err, c.body)
	}
	result := transcribed.STTResults[0]
	if w := result.Words[3]; w.Word != "stand-in. " || w.StartTime.Seconds != "1" || w.StartTime.Nanos != 200_000_000 || w.EndTime.Nanos != 600_000_000 {
		t.Errorf("the fourth word of %q is %+v", result.Transcript, w)
	}
	checkJWT(t, c.header.Get("Authorization"), "s3cret")

	submit(`{"authorization":"Bearer mine"}`)
	if got := awaited(t, arrived).header["Authorization"]; !slices.Equal(got, []string{"Bearer mine"}) {
		t.Errorf("the submitter's own Authorization came as %q", got)
	}
}

func checkJWT(t *testing.T, token, secret string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("Authorization is %q, not a JWT", token)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if got := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); got != parts[2] {
		t.Errorf("the signature is %s, want %s", parts[2], got)
	}
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	if got := parse(t, string(header), "alg"); got != "HS256" {
		t.Errorf("alg is %v", got)
	}
	issued, _ := parse(t, string(payload), "iat").(float64)
	expires, _ := parse(t, string(payload), "exp").(float64)
	if age := time.Since(time.Unix(int64(issued), 0)); age < 0 || age > time.Minute || expires != issued+300 {
		t.Errorf("the token was issued %v ago and is good for %v s", age, expires-issued)
	}
}

func TestErrors(t *testing.T) {
	apixo := &APIXO{Config: Config{Keys: []string{"k"}}}
	daglo := &Daglo{Config: Config{Keys: []string{"k"}}}
	t.Cleanup(func() { apixo.Close(); daglo.Close() })
	for _, tt := range []struct {
		name, method, target, body string
		key                        string
		code                       int
		want                       string // in the answer
	}{
		{"no key", "POST", generate, polled, "-", 401, "Bearer KEY"},
		{"another scheme", "POST", generate, polled, "Basic k", 401, "Bearer KEY"},
		{"empty key", "POST", generate, polled, "Bearer ", 401, "Bearer KEY"},
		{"wrong key", "POST", generate, polled, "Bearer K", 401, "not known"},
		{"long key", "POST", generate, polled, "Bearer " + strings.Repeat("k", 1000), 401, "not known"},
		{"no path", "GET", "/", "", "", 404, "no such path"},
		{"another path", "GET", "/api/v1/balance", "", "", 404, "no such path"},
		{"no model", "POST", "/api/v1/generateTask/", polled, "", 404, "no such model"},
		{"a model with an escape", "POST", "/api/v1/generateTask/a%1b%5b2J", polled, "", 404, "no such model"},
		{"a deeper path", "POST", generate + "/x", polled, "", 404, "no such model"},
		{"wrong method", "GET", generate, "", "", 405, "use POST"},
		{"wrong method", "POST", status + "x", "", "", 405, "use GET"},
		{"no task", "GET", status + "task_1", "", "", 404, "no such task"},
		{"no taskId", "GET", strings.TrimSuffix(status, "?taskId="), "", "", 400, "taskId"},
		{"no body", "POST", generate, "", "", 400, "not valid JSON"},
		{"half a body", "POST", generate, polled[:20], "", 400, "not valid JSON"},
		{"two bodies", "POST", generate, polled + polled, "", 400, "not valid JSON"},
		{"an array", "POST", generate, "[]", "", 400, "must be a JSON object"},
		{"null", "POST", generate, "null", "", 400, "field: input"},
		{"deep", "POST", generate, strings.Repeat("[", 100_000), "", 400, "not valid JSON"},
		{"no input", "POST", generate, `{}`, "", 400, "Missing required field: input"},
		{"input is no object", "POST", generate, `{"input":7}`, "", 400, "input must not be a JSON number"},
		{"no prompt", "POST", generate, `{"input":{}}`, "", 400, "input.prompt"},
		{"prompt is a number", "POST", generate, `{"input":{"prompt":7}}`, "", 400, "input.prompt"},
		{"blank prompt", "POST", generate, `{"input":{"prompt":" "}}`, "", 400, "input.prompt"},
		{"request type", "POST", generate, `{"request_type":"sync","input":{"prompt":"x"}}`, "", 400, "request_type must be async or callback"},
		{"no URL", "POST", generate, `{"request_type":"callback","input":{"prompt":"x"}}`, "", 400, "Missing required field: callback_url"},
		{"too large", "POST", generate, `{"x":"` + strings.Repeat("x", maxBody) + `"}`, "", 413, "larger than"},
		{"daglo: no key", "POST", dagloPath, `{}`, "-", 401, "Bearer KEY"},
		{"daglo: no key", "GET", dagloPath + "/x", ``, "-", 401, "Bearer KEY"},
		{"daglo: no path", "GET", "/stt/v1/async", "", "", 404, "no such path"},
		{"daglo: no rid", "GET", dagloPath + "/x", "", "", 404, "no such rid"},
		{"daglo: wrong method", "PUT", dagloPath, "", "", 405, "use POST"},
		{"daglo: wrong method", "DELETE", dagloPath + "/x", "", "", 405, "use GET"},
		{"daglo: no audio", "POST", dagloPath, `{}`, "", 400, "audio.source.url is missing"},
		{"daglo: audio", "POST", dagloPath, `{"audio":{"source":{"url":"/a.wav"}}}`, "", 400, "audio.source.url must begin"},
		{"daglo: no callback URL", "POST", dagloPath, `{"audio":{"source":{"url":"http://a/"}},"callback":{}}`, "", 400, "callback.url is missing"},
		{"daglo: headers", "POST", dagloPath, dagloWith(`7`), "", 400, "callback.headers must not be a JSON number"},
		{"daglo: header", "POST", dagloPath, dagloWith(`{"a":7}`), "", 400, "callback.headers"},
		{"daglo: host", "POST", dagloPath, dagloWith(`{"host":"x"}`), "", 400, "may not set Host"},
		{"daglo: hop by hop", "POST", dagloPath, dagloWith(`{"Connection":"close"}`), "", 400, "may not set Connection"},
		{"daglo: transfer", "POST", dagloPath, dagloWith(`{"transfer-encoding":"chunked"}`), "", 400, "may not set Transfer-Encoding"},
		{"daglo: length", "POST", dagloPath, dagloWith(`{"content-length":"1"}`), "", 400, "may not set Content-Length"},
		{"daglo: name", "POST", dagloPath, dagloWith(`{"a b":"x"}`), "", 400, "no header can have"},
		{"daglo: empty name", "POST", dagloPath, dagloWith(`{"":"x"}`), "", 400, "no header can have"},
		{"daglo: line break", "POST", dagloPath, dagloWith(`{"A":"x\r\nB: y"}`), "", 400, "in the value of A"},
		{"daglo: NUL", "POST", dagloPath, dagloWith(`{"A":"\u0000"}`), "", 400, "in the value of A"},
		{"daglo: twice", "POST", dagloPath, dagloWith(`{"A":"1","a":"2"}`), "", 400, "names A twice"},
		{"daglo: large", "POST", dagloPath, dagloWith(`{"A":"` + strings.Repeat("x", maxHeader) + `"}`), "", 400, "larger than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			handler, shape := http.Handler(apixo), []string{"data", "error"}
			if strings.HasPrefix(tt.target, "/stt") {
				handler, shape = daglo, []string{"message"}
			}
			w := ask(handler, tt.method, tt.target, tt.body, "Authorization", strings.TrimPrefix(cmp.Or(tt.key, "Bearer k"), "-"))
			detail, _ := parse(t, w.Body.String(), shape...).(string)
			if w.Code != tt.code || !strings.Contains(detail, tt.want) {
				t.Errorf("answered %d %s, want %d with %q", w.Code, w.Body, tt.code, tt.want)
			}
			if w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type is %q", w.Header().Get("Content-Type"))
			}
			if tt.code == 405 && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if code := cmp.Or(parse(t, w.Body.String(), "code"), parse(t, w.Body.String(), "statusCode")); code != float64(tt.code) {
				t.Errorf("the body says %v, want %d", code, tt.code)
			}
		})
	}
	if n := len(apixo.engine.tasks) + len(daglo.engine.tasks); n != 0 {
		t.Errorf("%d tasks came of requests that were refused", n)
	}
}

func dagloWith(headers string) string {
	return `{"audio":{"source":{"url":"http://a.test/"}},"callback":{"url":"http://a.test/","headers":` + headers + `}}`
}

// TestOthersTasks keeps a key from the tasks of another, and a model from those
// of another model.
func TestOthersTasks(t *testing.T) {
	api := &APIXO{}
	t.Cleanup(api.Close)
	id := generated(t, api, polled)
	for _, tt := range []struct {
		target, key string
		want        int
	}{
		{status + id, "k", 200},
		{status + id, "other", 404},
		{"/api/v1/statusTask/sora-2?taskId=" + id, "k", 404},
		{"/output/" + id + ".png", "k", 404}, // it is not finished
	} {
		if w := ask(api, "GET", tt.target, "", "Authorization", "Bearer "+tt.key); w.Code != tt.want {
			t.Errorf("%s with key %s answered %d, want %d", tt.target, tt.key, w.Code, tt.want)
		}
	}
	daglo := &Daglo{}
	t.Cleanup(daglo.Close)
	rid := parse(t, ask(daglo, "POST", dagloPath, `{"audio":{"source":{"url":"http://a.test/"}}}`).Body.String(), "rid").(string)
	for key, want := range map[string]int{"k": 200, "other": 404} {
		if w := ask(daglo, "GET", dagloPath+"/"+rid, "", "Authorization", "Bearer "+key); w.Code != want {
			t.Errorf("the rid with key %s answered %d, want %d", key, w.Code, want)
		}
	}
}

func TestParseCallback(t *testing.T) {
	for _, tt := range []struct {
		text, want string // want = the URL, or part of the error
	}{
		{"http://127.0.0.1:3000/hook?a=1&b=%zz;c", "http://127.0.0.1:3000/hook?a=1&b=%zz;c"},
		{"https://user:pw@h.test", "https://user:pw@h.test"},
		{"http://[::1]:3000/#part", "http://[::1]:3000/"},
		{"localhost:3000/hook", "must begin with"},
		{"/hook", "must begin with"},
		{"ftp://h.test/", "must begin with"},
		{"file:///etc/passwd", "must begin with"},
		{"javascript:alert(1)", "must begin with"},
		{"http:///hook", "no host"},
		{"http://:80/", "no host"},
		{"http:h.test", "no host"},
		{"http://h.test:port/", "not a URL"},
		{"http://h.test/\x1b[2J", "characters"},
		{"http://h.test/\r\nX: y", "characters"},
		{"http://h.test/a b", "characters"},
		{"http://h\u202e.test/", "characters"},
		{"http://h.test/" + strings.Repeat("a", maxURL), "longer than"},
	} {
		u, err := parseCallback("callback_url", tt.text)
		switch {
		case err != nil && !strings.Contains(err.Error(), tt.want):
			t.Errorf("parseCallback(%.60q): %v, want %q", tt.text, err, tt.want)
		case err == nil && u.String() != tt.want:
			t.Errorf("parseCallback(%.60q) = %s, want %s", tt.text, u, tt.want)
		}
	}
}

func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"http://user:pw@h.test/a%20b?token=x": "http://h.test/a%20b?…",
		"http://h.test":                       "http://h.test",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(u); got != want {
			t.Errorf("shown(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestTypeOf(t *testing.T) {
	for model, want := range map[string]ModelType{
		"nano-banana": Image, "flux-2": Image, "": Image, "grok-image": Image, "swan-art": Image,
		"sora-2": Video, "Veo3-fast": Video, "wan2.6": Video, "image-to-VIDEO": Video, "kling_2": Video,
		"suno-v5": Audio, "eleven-tts": Audio, "text-to-audio": Audio, "ai-music": Audio, "video-to-audio": Audio,
	} {
		if got := TypeOf(model); got != want {
			t.Errorf("TypeOf(%q) = %s, want %s", model, got, want)
		}
	}
}

func TestLatency(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		text string
		want Latency
		err  string
	}{
		{"2s", Latency{2 * s, 2 * s, 2 * s}, ""},
		{"image=2s, video=1m", Latency{2 * s, 60 * s, 9 * s}, ""},
		{"audio=1ms", Latency{9 * s, 9 * s, s / 1000}, ""},
		{"", Latency{}, "no latency"},
		{"video=", Latency{}, "no latency"},
		{"5", Latency{}, "no latency"},
		{"-5s", Latency{}, "no latency"},
		{"image=2s,text=1s", Latency{}, "no type of model"},
	} {
		got := Latency{9 * s, 9 * s, 9 * s}
		err := got.Set(tt.text)
		switch {
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("Set(%q) makes %v, %v, want %v", tt.text, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || got != Latency{9 * s, 9 * s, 9 * s}):
			t.Errorf("Set(%q) makes %v, %v, want nothing and %q", tt.text, got, err, tt.err)
		}
	}
	if got, want := (Latency{}).String(), "image=5s,video=1m,audio=20s"; got != want {
		t.Errorf("the zero latency is %s, want %s", got, want)
	}
}

// TestScaled shows that no speed makes a wait negative.
func TestScaled(t *testing.T) {
	for _, tt := range []struct {
		speed float64
		want  time.Duration
	}{{0, time.Minute}, {-1, time.Minute}, {60, time.Second}, {0.5, 2 * time.Minute}, {1e300, 0}, {1e-300, 1<<63 - 1}} {
		if got := (&Config{Speed: tt.speed}).scaled(time.Minute); got != tt.want {
			t.Errorf("a minute at speed %v takes %v, want %v", tt.speed, got, tt.want)
		}
	}
}

// TestSilence holds the sound file to its own header.
func TestSilence(t *testing.T) {
	b := silence()
	if string(b[:4]) != "RIFF" || int(b[4])|int(b[5])<<8 != len(b)-8 || int(b[40])|int(b[41])<<8 != len(b)-44 {
		t.Errorf("the lengths in %x do not add up to %d bytes", b[:44], len(b))
	}
}

// TestNoAnswer tells why there was none.
func TestNoAnswer(t *testing.T) {
	const body = `{"request_type":"callback","input":{"prompt":"x"},"callback_url":"URL"}`
	closed := httptest.NewServer(nil)
	closed.Close()
	breaks := roundTripFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader("o"), broken{}))}, nil
	})
	hangs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush() // 200, and then nothing
		<-r.Context().Done()
	}))
	defer hangs.Close()
	for _, tt := range []struct {
		name, url string
		client    http.RoundTripper
		want      string
	}{
		{"it breaks off", "http://handler.test/", breaks, "the answer broke off: unexpected EOF"},
		{"it never ends", hangs.URL, nil, "not within 200ms"},
		{"nothing listens", closed.URL, nil, "nothing listens at " + strings.TrimPrefix(closed.URL, "http://")},
	} {
		told := make(chan Event, 10)
		api := &APIXO{Config: Config{Speed: 1e6, Timeout: 200 * time.Millisecond, Client: tt.client, OnEvent: func(e Event) {
			if e.Kind == EventCallback {
				told <- e
			}
		}}}
		generated(t, api, strings.Replace(body, "URL", tt.url, 1))
		select {
		case e := <-told:
			if e.Accepted || e.Status != 0 || e.Err != tt.want {
				t.Errorf("%s: the callback is told as %q, want %q", tt.name, e, tt.want)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: no callback was made", tt.name)
		}
		api.Close()
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// FuzzSubmit throws bodies at both APIs: they answer in JSON with a status
// below 500, and only 200 makes a task.
func FuzzSubmit(f *testing.F) {
	for _, body := range []string{polled, calling, "", "null", "{", dagloWith(`{"A":"b"}`), dagloWith(`{"\u0000":"\n"}`)} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		refuse := roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, io.EOF })
		apixo, daglo := &APIXO{Config: Config{Client: refuse}}, &Daglo{Config: Config{Client: refuse}}
		defer apixo.Close()
		defer daglo.Close()
		for target, h := range map[string]http.Handler{generate: apixo, dagloPath: daglo} {
			if w := ask(h, "POST", target, body); w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s answered %d %q", target, w.Code, w.Body)
			}
		}
	})
}
