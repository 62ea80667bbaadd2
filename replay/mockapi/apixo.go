package mockapi

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// An APIXO answers as the generation API of apixo.ai does:
//
//	POST /api/v1/generateTask/{model}          submits a task
//	GET  /api/v1/statusTask/{model}?taskId=ID  tells its state
//	GET  /output/{file}                        serves a small file for each result
//
// Every model name is known; [TypeOf] says what it makes. A callback has to be
// answered with exactly 200 within 30 s. It is sent again 30 s, 2 min and 10 min
// after the failure before, and then abandoned; the result can still be polled.
//
// Its methods may be called by any number of goroutines.
type APIXO struct {
	Config

	once   sync.Once
	engine *engine
}

// apixoRetries are the waits before the second, third and fourth callback.
var apixoRetries = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute}

func (a *APIXO) start() *engine {
	a.once.Do(func() {
		a.engine = newEngine(a.Config, protocol{
			pending: "pending", processing: "processing", success: "success", failed: "failed",
			retries: apixoRetries,
			accepts: func(status int) bool { return status == http.StatusOK },
			body:    func(t task) any { return apixoEnvelope{http.StatusOK, "success", apixoStatusOf(t)} },
			agent:   "hookloop-mock-apixo",
			problem: func(status int, detail string) any {
				return apixoEnvelope{status, apixoMessage(status), map[string]string{"error": detail}}
			},
		})
	})
	return a.engine
}

// Close ends all tasks where they are, waits until nothing of a runs any more,
// and has later submissions refused. It may be called more than once.
func (a *APIXO) Close() { a.start().close() }

func (a *APIXO) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := a.start()
	if name, ok := strings.CutPrefix(r.URL.Path, "/output/"); ok {
		e.serveOutput(w, r, name)
		return
	}
	data, err := a.serve(w, r)
	e.answer(w, apixoEnvelope{http.StatusOK, "success", data}, err)
}

// apixoEnvelope is the shape of every answer and callback.
type apixoEnvelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

func apixoMessage(status int) string {
	if status == http.StatusBadRequest {
		return "Invalid request"
	}
	return http.StatusText(status)
}

func (a *APIXO) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	submit, isSubmit := strings.CutPrefix(r.URL.Path, "/api/v1/generateTask/")
	status, isStatus := strings.CutPrefix(r.URL.Path, "/api/v1/statusTask/")
	switch {
	case isSubmit:
		if err := allow(r, http.MethodPost); err != nil {
			return nil, err
		}
		return a.submit(w, r, submit)
	case isStatus:
		if err := allow(r, http.MethodGet); err != nil {
			return nil, err
		}
		return a.status(r, status)
	}
	return nil, notFound("no such path: there are /api/v1/generateTask/{model} and /api/v1/statusTask/{model}")
}

func (a *APIXO) submit(w http.ResponseWriter, r *http.Request, model string) (any, error) {
	key, err := a.engine.key(r)
	if err != nil {
		return nil, err
	}
	if !isModel(model) {
		return nil, notFound("no such model")
	}
	var request struct {
		RequestType string `json:"request_type"`
		CallbackURL string `json:"callback_url"`
		Input       *struct {
			Prompt string `json:"prompt"`
		} `json:"input"`
	}
	if err := decode(w, r, &request); err != nil {
		return nil, err
	}
	t := &task{id: "task_" + randomHex(12), model: model, kind: TypeOf(model), owner: key, base: baseURL(r)}
	switch {
	case request.Input == nil:
		return nil, badRequest("Missing required field: input")
	case strings.TrimSpace(request.Input.Prompt) == "":
		return nil, badRequest("Missing required field: input.prompt")
	case request.RequestType == "" || request.RequestType == "async": // polled
	case request.RequestType != "callback":
		return nil, badRequest("Invalid field: request_type must be async or callback")
	case request.CallbackURL == "":
		return nil, badRequest("Missing required field: callback_url")
	default:
		u, err := parseCallback("callback_url", request.CallbackURL)
		if err != nil {
			return nil, badRequest("Invalid field: %v", err)
		}
		t.callback = &callback{url: u}
	}
	if err := a.engine.start(t); err != nil {
		return nil, err
	}
	return map[string]string{"taskId": t.id}, nil
}

func (a *APIXO) status(r *http.Request, model string) (any, error) {
	key, err := a.engine.key(r)
	if err != nil {
		return nil, err
	}
	id := r.URL.Query().Get("taskId")
	if id == "" {
		return nil, badRequest("Missing required field: taskId")
	}
	t, ok := a.engine.lookup(id)
	if !ok || t.owner != key || t.model != model {
		return nil, notFound("no such task of this model and key")
	}
	return apixoStatusOf(t), nil
}

// apixoStatus is a task as it is told to its submitter. Times are in Unix
// milliseconds, CostTime in milliseconds.
type apixoStatus struct {
	TaskID       string `json:"taskId"`
	State        string `json:"state"`
	ResultJSON   string `json:"resultJson,omitempty"` // {"resultUrls":[…]}, as a string
	FailCode     string `json:"failCode,omitempty"`
	FailMsg      string `json:"failMsg,omitempty"`
	CostTime     *int64 `json:"costTime,omitempty"`
	CreateTime   int64  `json:"createTime"`
	CompleteTime int64  `json:"completeTime,omitempty"`
}

func apixoStatusOf(t task) apixoStatus {
	s := apixoStatus{TaskID: t.id, State: t.state, CreateTime: t.created.UnixMilli()}
	if t.completed.IsZero() {
		return s
	}
	s.CompleteTime = t.completed.UnixMilli()
	if t.fails {
		s.FailCode, s.FailMsg = "GENERATION_FAILED", "The generation failed, as the fail rate of this stand-in has it"
		return s
	}
	cost := s.CompleteTime - s.CreateTime
	s.CostTime = &cost
	result, _ := json.Marshal(map[string][]string{"resultUrls": {t.base + "/output/" + outputName(t)}})
	s.ResultJSON = string(result)
	return s
}

// isModel reports whether name can be the name of a model.
func isModel(name string) bool {
	return name != "" && len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}
