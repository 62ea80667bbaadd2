package web

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hookloop/inspect"
)

func TestExport(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	raw := []byte("\xff\x00 it's $HOME `id`\r\n")
	rg.add(inspect.Delivery{Target: "/one?x=1;y=%zz", Body: raw}, answered(500, "no"))
	rg.add(inspect.Delivery{Target: "/two\x1b[2J", Body: []byte(`{"a":1}`)}, nil)
	rg.add(inspect.Delivery{Target: "/one/again"}, nil)

	for _, tc := range []struct {
		query, file, contentType string
		want                     int
	}{
		{"format=jsonl", "hookloop.jsonl", "application/x-ndjson", 3},
		{"format=jsonl&q=" + url.QueryEscape("path:/one/*"), "delivery-3.jsonl", "application/x-ndjson", 1},
		{"format=jsonl&id=1", "delivery-1.jsonl", "application/x-ndjson", 1},
		{"format=jsonl&id=3,1,3", "hookloop.jsonl", "application/x-ndjson", 2},
		{"format=har", "hookloop.har", "application/json", 3},
		{"format=har&id=1", "delivery-1.har", "application/json", 1},
		{"format=csv", "hookloop.csv", "text/csv; charset=utf-8; header=present", 3},
		{"format=csv&id=1", "delivery-1.csv", "text/csv; charset=utf-8; header=present", 1},
		{"format=curl", "hookloop.sh", "text/plain; charset=utf-8", 3},
	} {
		resp, body := rg.do("GET", "/api/v1/export?"+tc.query, "")
		h := resp.Header
		if resp.StatusCode != 200 || h.Get("Content-Disposition") != "attachment; filename="+tc.file || h.Get("Content-Type") != tc.contentType {
			t.Errorf("%s: got %d, %s, %s; want %s, %s", tc.query, resp.StatusCode, h.Get("Content-Disposition"), h.Get("Content-Type"), tc.file, tc.contentType)
		}
		if got := countRecords(t, tc.query, body); got != tc.want {
			t.Errorf("%s: got %d deliveries, want %d", tc.query, got, tc.want)
		}
		if strings.Contains(body, "\x1b") {
			t.Errorf("%s: an escape character gets out", tc.query)
		}
	}
	_, lines := rg.do("GET", "/api/v1/export?format=jsonl", "")
	for rec, err := range inspect.ReadJSONL(strings.NewReader(lines)) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Delivery.ID == 1 && string(rec.Delivery.Body) != string(raw) {
			t.Errorf("got body %q, want %q", rec.Delivery.Body, raw)
		}
	}
	for query, status := range map[string]int{"": 400, "format=xml": 400, "format=har&id=x": 400, "format=har&id=9": 404, "format=har&q=statsu:1": 400} {
		resp, body := rg.do("GET", "/api/v1/export?"+query, "")
		wantProblem(t, resp, body, status, "")
	}
}

func countRecords(t *testing.T, query, body string) (n int) {
	t.Helper()
	switch {
	case strings.Contains(query, "har"):
		var har struct{ Log struct{ Entries []any } }
		if err := json.Unmarshal([]byte(body), &har); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		return len(har.Log.Entries)
	case strings.Contains(query, "csv"):
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil || len(rows) == 0 || rows[0][0] != "delivery" {
			t.Fatalf("%s: %v in %s", query, err, body)
		}
		return len(rows) - 1
	case strings.Contains(query, "curl"):
		return strings.Count("\n"+body, "\n# ")
	}
	for sc := bufio.NewScanner(strings.NewReader(body)); sc.Scan(); n++ {
		if !json.Valid(sc.Bytes()) {
			t.Errorf("%s: %q is not JSON", query, sc.Text())
		}
	}
	return n
}

func TestCurl(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	id := itoa(rg.add(inspect.Delivery{Target: "/a?b='c'", Body: []byte("x'y")}, nil))
	_, body := rg.do("GET", "/api/v1/deliveries/"+id+"/curl", "")
	if !strings.HasPrefix(body, "curl ") || !strings.Contains(body, "https://hooks.example/a?b=") {
		t.Errorf("got %s", body)
	}
	if sh, err := exec.LookPath("sh"); err == nil {
		if out, err := exec.Command(sh, "-n", "-c", body).CombinedOutput(); err != nil {
			t.Errorf("the shell does not read %s: %s", body, out)
		}
	}
	_, body = rg.do("GET", "/api/v1/deliveries/"+id+"/curl?to=http://localhost:3000/", "")
	if !strings.Contains(body, "http://localhost:3000/a?b=") {
		t.Errorf("to another server: got %s", body)
	}
	resp, body := rg.do("GET", "/api/v1/deliveries/"+id+"/curl?to=nonsense", "")
	wantProblem(t, resp, body, http.StatusBadRequest, "http://localhost:3000")
}

// TestExportFormats compares what can be exported with what openapi.json says
// of it, and with what the page offers.
func TestExportFormats(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name   string
					Schema struct{ Enum []string }
				}
				Responses map[string]struct{ Content map[string]any }
			}
		}
	}
	text, err := os.ReadFile("openapi.json")
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	page, readErr := os.ReadFile("static/js/actions.js")
	if err != nil || readErr != nil {
		t.Fatal(err, readErr)
	}
	get := doc.Paths["/api/v1/export"].Get
	for name, format := range exports {
		if !slices.Contains(get.Parameters[0].Schema.Enum, name) {
			t.Errorf("openapi.json has no format %s", name)
		}
		kind, _, _ := strings.Cut(format.contentType, ";")
		if get.Responses["200"].Content[kind] == nil {
			t.Errorf("openapi.json does not answer with %s", kind)
		}
		if !strings.Contains(string(page), "export('"+name+"', { q:") {
			t.Errorf("the page does not offer %s", name)
		}
	}
	if got := len(get.Parameters[0].Schema.Enum); got != len(exports) {
		t.Errorf("openapi.json has %d formats, want %d", got, len(exports))
	}
}
