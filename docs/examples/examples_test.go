// Package examples_test runs the example handlers and holds them to what they
// promise: they answer at once, and work on a task exactly once.
package examples_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	patience    = time.Minute
	token       = "t0ken"
	dagloSecret = "s3cret"
)

func TestExamples(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T) *exec.Cmd{
		"go": goExample, "express": expressExample, "flask": flaskExample, "fastapi": fastapiExample,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testExample(t, start(t, prepare(t)))
		})
	}
}

func goExample(t *testing.T) *exec.Cmd {
	binary := filepath.Join(t.TempDir(), "handler.exe")
	if out, err := exec.Command("go", "build", "-o", binary, "./go").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return exec.CommandContext(t.Context(), binary)
}

// expressExample installs what package-lock.json says, outside the source tree.
func expressExample(t *testing.T) *exec.Cmd {
	without := t.Skipf
	if os.Getenv("HOOKLOOP_REQUIRE_NODE") == "1" {
		without = t.Fatalf
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			without("the Express example needs %s: %v", program, err)
		}
	}
	dir := t.TempDir()
	for _, file := range []string{"server.js", "package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("express", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		if regexp.MustCompile(`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT`).Match(out) {
			without("the registry of npm cannot be reached: %v", err)
		}
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "node", "server.js")
	cmd.Dir = dir
	return cmd
}

func flaskExample(t *testing.T) *exec.Cmd {
	return pythonExample(t, "flask", "-m", "flask", "--app", "app", "run", "--port", "0")
}

func fastapiExample(t *testing.T) *exec.Cmd {
	return pythonExample(t, "fastapi, uvicorn", "-m", "uvicorn", "main:app", "--port", "0")
}

// pythonExample needs modules that only some machines have; HOOKLOOP_PYTHON
// names the interpreter that has them.
func pythonExample(t *testing.T, modules string, args ...string) *exec.Cmd {
	python := os.Getenv("HOOKLOOP_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import "+modules).Run(); err != nil {
		t.Skipf("%s cannot import %s: %v", python, modules, err)
	}
	cmd := exec.CommandContext(t.Context(), python, args...)
	cmd.Dir, _, _ = strings.Cut(modules, ",")
	cmd.Env = append(os.Environ(), "ORDERS_DB="+filepath.Join(t.TempDir(), "orders.db"), "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

// An example is a handler that runs.
type example struct {
	url string
	log *log
}

// start runs cmd until the test ends.
func start(t *testing.T, cmd *exec.Cmd) *example {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "PORT=0", "WEBHOOK_TOKEN="+token, "DAGLO_WEBHOOK_SECRET="+dagloSecret)
	cmd.WaitDelay = time.Second
	output := &log{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the handler's output:\n%s", output)
		}
	})
	address := regexp.MustCompile(`http://127\.0\.0\.1:[1-9]\d*`)
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if url := address.FindString(output.String()); url != "" {
			return &example{url, output}
		}
		if time.Since(begin) > patience {
			t.Fatal("the handler does not say where it listens")
		}
	}
}

// A log is what a handler prints.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func testExample(t *testing.T, e *example) {
	apixo, daglo := e.url+"/webhook/apixo?token="+token, e.url+"/webhook/daglo"

	// One task, and its duplicate.
	one := success("task_one")
	e.post(t, apixo, one, "", 200)
	e.awaitCount(t, 1)
	e.post(t, apixo, one, "", 200)

	// Duplicates at the same time.
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { e.post(t, apixo, success("task_many"), "", 200) })
	}
	all.Wait()
	e.awaitCount(t, 2)

	// A task that failed.
	e.post(t, apixo, `{"code":200,"message":"success","data":{"taskId":"task_bad","state":"failed","failCode":"CONTENT_VIOLATION","failMsg":"no","createTime":1,"completeTime":2}}`, "", 200)
	e.awaitCount(t, 3)

	// What is no callback.
	for _, body := range []string{
		``, `{`, `null`, `[]`, `7`, `"task"`, `{"data":null}`, `{"data":[]}`, `{"data":{}}`, `{"data":{"taskId":7,"state":"failed"}}`, `{"data":{"taskId":""}}`,
		`{"data":{"taskId":"task_x","state":"processing"}}`, `{"data":{"taskId":"task_x","state":"success"}}`, `{"data":{"taskId":"task_x","state":"success","resultJson":"{"}}`,
	} {
		e.post(t, apixo, body, "", 400)
	}
	for _, wrong := range []string{"", "?token=", "?token=T0ken", "?token=t0ken2", "?Token=t0ken"} {
		e.post(t, e.url+"/webhook/apixo"+wrong, success("task_forged"), "", 401)
	}
	// The task that was refused is none that is known.
	e.post(t, apixo, success("task_x"), "", 200)
	e.awaitCount(t, 4)

	e.testDaglo(t, daglo)
	e.awaitCount(t, 6)
	e.checkLog(t, 6)
}

// testDaglo makes two tasks.
func (e *example) testDaglo(t *testing.T, daglo string) {
	const body = `{"rid":"rid-1","status":"transcribed","sttResults":[{"transcript":"Hello there."}]}`
	now := time.Now().Unix()
	good := jwt(`{"alg":"HS256","typ":"JWT"}`, fmt.Sprintf(`{"iat":%d,"exp":%d}`, now, now+300), dagloSecret)
	for name, wrong := range map[string]string{
		"none":      "",
		"no JWT":    "Bearer x",
		"secret":    jwt(`{"alg":"HS256"}`, `{}`, "other"),
		"alg none":  jwt(`{"alg":"none"}`, `{}`, dagloSecret),
		"unsigned":  good[:strings.LastIndex(good, ".")+1],
		"expired":   jwt(`{"alg":"HS256"}`, fmt.Sprintf(`{"exp":%d}`, now-1), dagloSecret),
		"not JSON":  jwt(`{`, `{`, dagloSecret),
		"four part": good + ".x",
	} {
		if code := e.post(t, daglo, body, wrong, 401); code != 401 {
			t.Errorf("it was the JWT %q", name)
		}
	}
	e.post(t, daglo, body, good, 200)
	e.post(t, daglo, body, "Bearer "+good, 200)
	e.post(t, daglo, `{"status":"transcribed"}`, good, 400)
	e.post(t, daglo, `{"rid":"rid-2","status":"transcript_error","sttResults":[]}`, good, 200)
}

// checkLog looks for who called, with what, and what came of it.
func (e *example) checkLog(t *testing.T, tasks int) {
	t.Helper()
	text := e.awaitLog(tasks)
	for _, want := range []string{"127.0.0.1", "examples-test", "resultUrls", "https://cdn.test/task_one.png", "CONTENT_VIOLATION", "Hello there.", "duplicate", strconv.Itoa(time.Now().Year())} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not tell %q", want)
		}
	}
	for _, word := range []string{"received", "done"} {
		if n := len(regexp.MustCompile(`\b`+word+`\b`).FindAllString(text, -1)); n != tasks {
			t.Errorf("the log tells %d times %q, want %d", n, word, tasks)
		}
	}
	if strings.Contains(text, dagloSecret) {
		t.Error("the log holds the secret of the JWT")
	}
}

// awaitLog returns the log when it tells of the end of so many tasks, or what
// there is of it.
func (e *example) awaitLog(tasks int) string {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		text := e.log.String()
		if strings.Count(text, "done") >= tasks || time.Since(begin) > patience {
			return text
		}
	}
}

// post sends a callback and checks the status of the answer, which it returns.
func (e *example) post(t *testing.T, url, body, authorization string, want int) int {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "examples-test")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := (&http.Client{Timeout: patience}).Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		t.Errorf("%s was answered %d %s, want %d", body, resp.StatusCode, answer, want)
	}
	return resp.StatusCode
}

// awaitCount waits until the handler has worked on want tasks; more are a fault.
func (e *example) awaitCount(t *testing.T, want int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(e.url + "/orders/count")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got, err := strconv.Atoi(strings.TrimSpace(string(text)))
		switch {
		case err != nil || got > want || time.Since(begin) > patience:
			t.Fatalf("the handler has worked on %q tasks, want %d", text, want)
		case got == want:
			return
		}
	}
}

func success(id string) string {
	return `{"code":200,"message":"success","data":{"taskId":"` + id + `","state":"success","resultJson":"{\"resultUrls\":[\"https://cdn.test/` + id + `.png\"]}","costTime":1,"createTime":1,"completeTime":2}}`
}

func jwt(header, claims, secret string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}
