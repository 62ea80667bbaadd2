package inspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// harObject checks that o has the fields that HAR 1.2 demands, each of its
// kind, and that any field of ours begins with "_hookloop".
func harObject(t *testing.T, where string, o any, fields map[string]string, optional string) map[string]any {
	t.Helper()
	m, ok := o.(map[string]any)
	if !ok {
		t.Fatalf("%s is %T, want an object", where, o)
	}
	for name, kind := range fields {
		if got := fmt.Sprintf("%T", m[name]); got != kind {
			t.Errorf("%s.%s is %s, want %s", where, name, got, kind)
		}
	}
	for name := range m {
		if _, known := fields[name]; !known && !strings.HasPrefix(name, "_hookloop") && !strings.Contains(" "+optional+" comment ", " "+name+" ") {
			t.Errorf("%s.%s is not in HAR 1.2", where, name)
		}
	}
	return m
}

const (
	harString = "string"
	harNumber = "float64"
	harList   = "[]interface {}"
	harMap    = "map[string]interface {}"
)

// checkHAR checks a whole document and returns its entries.
func checkHAR(t *testing.T, document []byte) []map[string]any {
	t.Helper()
	var root any
	if err := json.Unmarshal(document, &root); err != nil {
		t.Fatalf("the document is no JSON: %v", err)
	}
	log := harObject(t, "log", harObject(t, "root", root, map[string]string{"log": harMap}, "")["log"],
		map[string]string{"version": harString, "creator": harMap, "entries": harList}, "browser pages")
	harObject(t, "creator", log["creator"], map[string]string{"name": harString, "version": harString}, "")
	if log["version"] != "1.2" {
		t.Errorf("version %v, want 1.2", log["version"])
	}
	var entries []map[string]any
	for i, e := range log["entries"].([]any) {
		where := fmt.Sprintf("entries[%d]", i)
		entry := harObject(t, where, e, map[string]string{
			"startedDateTime": harString, "time": harNumber, "request": harMap, "response": harMap, "cache": harMap, "timings": harMap,
		}, "pageref serverIPAddress connection")
		if _, err := time.Parse(time.RFC3339Nano, entry["startedDateTime"].(string)); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		request := harObject(t, where+".request", entry["request"], map[string]string{
			"method": harString, "url": harString, "httpVersion": harString, "cookies": harList, "headers": harList, "queryString": harList,
			"headersSize": harNumber, "bodySize": harNumber,
		}, "postData")
		if p := request["postData"]; p != nil {
			harObject(t, where+".postData", p, map[string]string{"mimeType": harString, "text": harString}, "params")
		}
		response := harObject(t, where+".response", entry["response"], map[string]string{
			"status": harNumber, "statusText": harString, "httpVersion": harString, "cookies": harList, "headers": harList, "content": harMap,
			"redirectURL": harString, "headersSize": harNumber, "bodySize": harNumber,
		}, "")
		harObject(t, where+".content", response["content"], map[string]string{"size": harNumber, "mimeType": harString}, "compression text encoding")
		timings := harObject(t, where+".timings", entry["timings"], map[string]string{"send": harNumber, "wait": harNumber, "receive": harNumber}, "blocked dns connect ssl")
		if sum := timings["send"].(float64) + timings["wait"].(float64) + timings["receive"].(float64); sum != entry["time"] {
			t.Errorf("%s.time is %v, the timings add up to %v", where, entry["time"], sum)
		}
		for _, message := range []map[string]any{request, response} {
			for _, pair := range append(message["headers"].([]any), message["cookies"].([]any)...) {
				harObject(t, where+" pair", pair, map[string]string{"name": harString, "value": harString}, "path domain expires httpOnly secure")
			}
		}
		entries = append(entries, entry)
	}
	return entries
}

func TestHAR(t *testing.T) {
	records := exportRecords()
	var file bytes.Buffer
	if err := WriteHAR(&file, `1.0 "x"`, sequence(records...)); err != nil {
		t.Fatal(err)
	}
	entries := checkHAR(t, file.Bytes())
	if len(entries) != 6 { // 3 attempts and 3 deliveries without one
		t.Fatalf("%d entries, want 6", len(entries))
	}
	get := func(entry int, path string) any {
		t.Helper()
		var v any = entries[entry]
		for name := range strings.SplitSeq(path, ".") {
			m, ok := v.(map[string]any)
			if !ok {
				t.Fatalf("entries[%d].%s: no %s", entry, path, name)
			}
			v = m[name]
		}
		return v
	}
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	pair := func(name, value string) any { return map[string]any{"name": name, "value": value} }
	tests := []struct {
		entry int
		path  string
		want  any
	}{
		{0, "startedDateTime", "2026-03-10T12:00:00.123456Z"},
		{0, "time", 1.234567},
		{0, "request.method", "POST"},
		{0, "request.url", "http://localhost:3000/hooks?x=1;y=2&z=%zz"},
		{0, "request.queryString", []any{pair("x", "1;y=2"), pair("z", "%zz")}},
		{0, "request.headers", []any{
			pair("Host", "abc.ngrok.app"), pair("Content-Type", "application/json"), pair("Cookie", "a=1; b=2"), pair("X-A", "1"), pair("X-A", ""), pair("X-A", "1"),
		}},
		{0, "request.cookies", []any{pair("a", "1"), pair("b", "2")}},
		{0, "request.postData.text", string(records[0].Delivery.Body)},
		{0, "request.bodySize", float64(len(records[0].Delivery.Body))},
		{0, "response.status", 500.0},
		{0, "response.statusText", "Internal Server Error"},
		{0, "response.content.text", "<p>broken</p>"},
		{0, "response.redirectURL", "/x"},
		{0, "response.cookies", []any{map[string]any{"name": "s", "value": "1", "path": "/", "httpOnly": true}, pair("t", "2")}},
		{0, "_hookloop.sha256", sum(records[0].Delivery.Body)},
		{0, "_hookloop.attempt", 1.0},
		{0, "_hookloop.facts.event_id", "evt_1"},
		{0, "_hookloop.facts.signature", "invalid"},
		{0, "_hookloop.outlook.text", "Stripe: would retry in 30 s"},
		{1, "_hookloop.outlook", nil},
		{1, "_hookloop.signed", "again, with ÿ"},
		{1, "request.method", "PUT"},
		{1, "request.headers", []any{pair("Host", "localhost"), pair("X-B", "café")}},
		{1, "request.postData.text", ""},
		{1, "request.postData._hookloop_base64", base64.StdEncoding.EncodeToString([]byte{0, 255})},
		{1, "response.status", 0.0},
		{1, "response.bodySize", -1.0},
		{1, "comment", "Nothing listens at localhost:3000: start it, then replay."},
		{1, "_hookloop.error_kind", "refused"},
		{1, "_hookloop.sha256", sum([]byte{0, 255})},
		{2, "request.postData", nil},
		{2, "response.content.text", "/w=="},
		{2, "response.content.encoding", "base64"},
		{2, "response.content.comment", "only the first 1 bytes were kept"},
		{2, "response.bodySize", float64(1 << 30)},
		{3, "request.url", "https://abc.ngrok.app/hooks?x=1;y=2&z=%zz"},
		{3, "request.postData", nil},
		{3, "response.status", 0.0},
		{3, "_hookloop.disposition", "held"},
		{4, "request.postData._hookloop_base64", "H4sA/w=="},
		{4, "_hookloop.reason", "the body is too large"},
		{4, "_hookloop.truncated", true},
		{3, "_hookloop.facts.provider", "custom"},
		{5, "_hookloop.facts", nil},
		{5, "request.url", "http://abc.ngrok.app/café"},
	}
	for _, tt := range tests {
		if got := get(tt.entry, tt.path); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("entries[%d].%s = %#v, want %#v", tt.entry, tt.path, got, tt.want)
		}
	}
}

func TestHAREmpty(t *testing.T) {
	var file bytes.Buffer
	if err := WriteHAR(&file, "1.0", sequence()); err != nil {
		t.Fatal(err)
	}
	if entries := checkHAR(t, file.Bytes()); len(entries) != 0 {
		t.Errorf("%d entries, want none", len(entries))
	}
}

// Exports hold one record at a time, however many there are.
func TestExportsStream(t *testing.T) {
	for name, write := range map[string]func(*countingWriter, func(func(Record, error) bool)) error{
		"JSONL": func(w *countingWriter, seq func(func(Record, error) bool)) error { return WriteJSONL(w, seq) },
		"HAR":   func(w *countingWriter, seq func(func(Record, error) bool)) error { return WriteHAR(w, "1.0", seq) },
		"CSV":   func(w *countingWriter, seq func(func(Record, error) bool)) error { return WriteCSV(w, seq) },
	} {
		var w countingWriter
		record := Record{Delivery: &Delivery{Method: "POST", Target: "/", Header: http.Header{}, Body: bytes.Repeat([]byte("x"), 100<<10)}}
		err := write(&w, func(yield func(Record, error) bool) {
			for i := range 10 {
				if !yield(record, nil) {
					return
				}
				if name == "CSV" && w.n < i*100 || name != "CSV" && w.n < i*100<<10 {
					t.Errorf("%s: %d bytes written after %d records", name, w.n, i+1)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

type countingWriter struct{ n int }

func (w *countingWriter) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }
