package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hookloop/inspect"
)

type listAnswer struct {
	Deliveries []inspect.Summary `json:"deliveries"`
	More       bool              `json:"more"`
	Rev        int64             `json:"rev"`
}

type detailAnswer struct {
	Delivery deliveryView  `json:"delivery"`
	Attempts []attemptView `json:"attempts"`
}

func TestList(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	if got := get[listAnswer](rg, "/api/v1/deliveries"); got.Deliveries == nil || len(got.Deliveries) != 0 || got.More {
		t.Errorf("an empty store: got %+v, want an empty list", got)
	}
	for i := range 5 {
		rg.add(inspect.Delivery{Target: "/n/" + itoa(int64(i+1))}, answered(200+i*100, ""))
	}
	ids := func(path string) (ids []int64, more bool) {
		a := get[listAnswer](rg, path)
		for _, d := range a.Deliveries {
			ids = append(ids, d.ID)
		}
		return ids, a.More
	}
	for _, tc := range []struct {
		path string
		want []int64
		more bool
	}{
		{"", []int64{5, 4, 3, 2, 1}, false},
		{"?limit=2", []int64{5, 4}, true},
		{"?limit=5", []int64{5, 4, 3, 2, 1}, false},
		{"?limit=2&before=3", []int64{2, 1}, false},
		{"?limit=1", []int64{5}, true},
		{"?limit=0", []int64{5, 4, 3, 2, 1}, false},
		{"?limit=99999", []int64{5, 4, 3, 2, 1}, false},
		{"?q=" + url.QueryEscape("path:/n/3"), []int64{3}, false},
	} {
		if got, more := ids("/api/v1/deliveries" + tc.path); !slices.Equal(got, tc.want) || more != tc.more {
			t.Errorf("%s: got %v %v, want %v %v", tc.path, got, more, tc.want, tc.more)
		}
	}
	for query, part := range map[string]string{"?limit=x": "limit", "?before=-1": "before", "?q=statsu:500": "status"} {
		resp, body := rg.do("GET", "/api/v1/deliveries"+query, "")
		wantProblem(t, resp, body, http.StatusBadRequest, part)
	}
}

func TestDetailAndBodies(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	raw := []byte("\xff\x00\r\n\x1b")
	id := rg.add(inspect.Delivery{
		Target: "/h?x=1;y=2&z=%zz", Body: raw,
		Header: http.Header{"X-Twice": {"b", "a"}, "Content-Type": {"text/html"}},
	}, answered(500, "<script>alert(1)</script>"))
	got := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(id))
	sum := sha256.Sum256(raw)
	d := got.Delivery
	if d.Target != "/h?x=1;y=2&z=%zz" || d.URL != "https://hooks.example/h?x=1;y=2&z=%zz" || d.SHA256 != hex.EncodeToString(sum[:]) || d.Text || d.Stored != len(raw) {
		t.Errorf("got %+v", d)
	}
	if !slices.Equal(d.Header["X-Twice"], []string{"b", "a"}) {
		t.Errorf("X-Twice: got %q, want b, a", d.Header["X-Twice"])
	}
	if len(got.Attempts) != 1 || got.Attempts[0].Response == nil || got.Attempts[0].Response.Status != 500 || got.Attempts[0].Sent != nil {
		t.Errorf("attempts: got %+v, want one with 500, sent as delivered", got.Attempts)
	}
	for path, want := range map[string]string{"/body": string(raw), "/attempts/1/body": "<script>alert(1)</script>", "/attempts/1/sent": string(raw)} {
		if _, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+path, ""); body != want {
			t.Errorf("%s: got %q, want %q", path, body, want)
		}
	}
	for _, path := range []string{"/99", "/99/body", "/x", "/0", "/-1", "/" + itoa(id) + "/attempts/2/body", "/" + itoa(id) + "/attempts/x/body", "/99/curl"} {
		resp, body := rg.do("GET", "/api/v1/deliveries"+path, "")
		wantProblem(t, resp, body, http.StatusNotFound, "")
	}
	resp, body := rg.do("GET", "/api/v2/nothing", "")
	wantProblem(t, resp, body, http.StatusNotFound, "openapi.json")
}

// TestBodiesNeverRun opens captured bodies of every type that a browser would
// run or draw: none keeps its type.
func TestBodiesNeverRun(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for _, tc := range []struct{ ct, body, want, ext string }{
		{"text/html", "<script>alert(1)</script>", "text/plain; charset=utf-8", ".txt"},
		{"image/svg+xml", "<svg onload=alert(1)>", "text/plain; charset=utf-8", ".txt"},
		{"application/javascript", "alert(1)", "text/plain; charset=utf-8", ".txt"},
		{"text/css", "*{}", "text/plain; charset=utf-8", ".txt"},
		{"application/json", "{}", "text/plain; charset=utf-8", ".json"},
		{"application/pdf", "%PDF-\x00", "application/octet-stream", ".pdf"},
		{"image/png", "\x89PNG\x00", "application/octet-stream", ".png"},
		{"text/html; x=\"\r\n", "\xff<script>", "application/octet-stream", ".bin"},
		{"application/x-msdownload", "MZ\x00", "application/octet-stream", ".bin"},
	} {
		id := rg.add(inspect.Delivery{Header: http.Header{"Content-Type": {tc.ct}}, Body: []byte(tc.body)}, answered(200, tc.body))
		for _, path := range []string{"/body", "/attempts/1/body", "/attempts/1/sent", "/body?decoded=1", "/body?download=1"} {
			resp, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+path, "")
			h := resp.Header
			if got := h.Get("Content-Type"); got != tc.want || body != tc.body {
				t.Errorf("%s %s: got %s %q, want %s %q", tc.ct, path, got, body, tc.want, tc.body)
			}
			if got := h.Get("Content-Security-Policy"); got != bodyPolicy || !strings.Contains(got, "sandbox") || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: got policy %q, want %q and nosniff", tc.ct, path, got, bodyPolicy)
			}
			attached := strings.HasPrefix(h.Get("Content-Disposition"), "attachment")
			if want := tc.want == "application/octet-stream" || strings.HasSuffix(path, "download=1"); attached != want {
				t.Errorf("%s %s: attachment: got %v, want %v", tc.ct, path, attached, want)
			}
			if strings.HasSuffix(path, "download=1") && !strings.Contains(h.Get("Content-Disposition"), "delivery-"+itoa(id)+tc.ext) {
				t.Errorf("%s: got name %q, want one ending in %s", tc.ct, h.Get("Content-Disposition"), tc.ext)
			}
		}
	}
}

func TestDecodedBody(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	zw.Write([]byte(`{"id":1}`))
	zw.Close()
	zipped := buf.Bytes()
	id := rg.add(inspect.Delivery{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: zipped}, nil)
	if _, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+"/body", ""); body != string(zipped) {
		t.Error("the body is not the stored one")
	}
	resp, body := rg.do("GET", "/api/v1/deliveries/"+itoa(id)+"/body?decoded=1", "")
	note, err := url.PathUnescape(resp.Header.Get("Hookloop-Note"))
	if err != nil || !strings.Contains(note, "gzip") || body != `{"id":1}` {
		t.Errorf("decoded: got %q, note %q, %v; want JSON and a note about gzip", body, note, err)
	}
}
