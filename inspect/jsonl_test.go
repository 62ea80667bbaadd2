package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect/provider"
)

func sequence(records ...Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

var exportTime = time.Date(2026, 3, 10, 12, 0, 0, 123456000, time.UTC)

// exportRecords are deliveries with every peculiarity that an export has to keep.
func exportRecords() []Record {
	delivery := func(id int64, change func(*Delivery)) *Delivery {
		d := &Delivery{
			ID: id, ReceivedAt: exportTime, Method: "POST", Target: "/hooks?x=1;y=2&z=%zz", Host: "abc.ngrok.app", Proto: "HTTP/1.1",
			RemoteAddr: "203.0.113.9:4711", Endpoint: "https://abc.ngrok.app", Disposition: Forwarded,
			Header: http.Header{"Content-Type": {"application/json"}, "X-A": {"1", "", "1"}, "Cookie": {"a=1; b=2"}},
			Facts:  provider.Facts{Provider: "custom", Signature: provider.Unverifiable},
			Body:   []byte(`{"a":"<&>\u2028 é` + "\u2028" + `"}`), Size: 22,
		}
		change(d)
		return d
	}
	return []Record{
		{Delivery: delivery(1, func(d *Delivery) { d.Facts = testFacts() }), Attempts: []Attempt{
			{
				DeliveryID: 1, Number: 1, Trigger: Initial, State: Answered, StartedAt: exportTime, Duration: 1234567 * time.Nanosecond,
				URL: "http://localhost:3000/hooks?x=1;y=2&z=%zz", Outlook: testOutlook(),
				Response: &Response{
					Status: 500, Proto: "HTTP/1.1", Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Location": {"/x"}, "Set-Cookie": {"s=1; Path=/; HttpOnly", "t=2"}},
					Trailer: http.Header{"X-Sum": {"9"}}, Body: []byte("<p>broken</p>"), Size: 13,
				},
			},
			{
				DeliveryID: 1, Number: 2, Trigger: Replay, State: Errored, StartedAt: exportTime.Add(time.Hour), URL: "http://localhost:3000/x",
				NotSigned: "old, with \xff", Sent: &Sent{Method: "PUT", Host: "localhost", Header: http.Header{"X-B": {"caf\xe9"}}, Edited: true, Body: []byte{0, 255}, Signed: "again, with \xff"},
				Error: "Nothing listens at localhost:3000: start it, then replay.", ErrorKind: ErrRefused,
			},
			{
				DeliveryID: 1, Number: 3, Trigger: Retry, State: Interrupted, StartedAt: exportTime, URL: "http://localhost:3000/ws", Protocol: WebSocket,
				Sent: &Sent{Header: http.Header{}, Edited: true, Body: []byte{}}, Error: "interrupted",
				Response: &Response{Status: 101, Header: http.Header{}, Body: []byte{0xff}, Size: 1 << 30, Truncated: true},
			},
		}},
		{Delivery: delivery(2, func(d *Delivery) {
			d.Method, d.Body, d.Size, d.Header, d.Disposition, d.Pinned = "GET", nil, 0, http.Header{}, Held, true
		})},
		{Delivery: delivery(3, func(d *Delivery) {
			d.Body, d.Size, d.Truncated, d.Trailer = []byte("\x1f\x8b\x00\xff"), 99, true, http.Header{"X-T": {"caf\xe9", "ok"}}
			d.Header, d.Disposition, d.Reason = http.Header{"X-Bad": {"\xff\xfe", "{\"base64\":\"\"}"}}, Refused, "the body is too large"
		})},
		{Delivery: delivery(4, func(d *Delivery) {
			d.Body, d.Target, d.Endpoint, d.Header, d.Size = []byte{}, "/caf\xe9", "", nil, 0
			d.Facts = provider.Facts{}
		})},
	}
}

func TestJSONLRoundTrip(t *testing.T) {
	want := exportRecords()
	var file bytes.Buffer
	if err := WriteJSONL(&file, sequence(want...)); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(file.String(), "\n"); lines != len(want) {
		t.Errorf("%d lines, want %d", lines, len(want))
	}
	var got []Record
	for r, err := range ReadJSONL(&file) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	for i := range want {
		if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("record %d came back as\n%s\nwant\n%s", i, dump(got[i]), dump(want[i]))
		}
	}
}

func dump(r Record) string {
	b, _ := json.MarshalIndent(r, "", " ")
	return string(b)
}

// The names in the file are promised to scripts.
func TestJSONLNames(t *testing.T) {
	var file bytes.Buffer
	if err := WriteJSONL(&file, sequence(exportRecords()[0])); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"id":1,"received_at":"2026-03-10T12:00:00.123456Z","method":"POST","target":"/hooks?x=1;y=2&z=%zz","host":"abc.ngrok.app","proto":"HTTP/1.1",`,
		`"disposition":"forwarded","headers":{"Content-Type":["application/json"],"Cookie":["a=1; b=2"],"X-A":["1","","1"]},"size":22,"body":"{`,
		`<&>`, `"body_sha256":"`, `"attempts":[{"number":1,"trigger":"initial","state":"answered","started_at":"2026-03-10T12:00:00.123456Z","duration_ns":1234567,`,
		`"response":{"status":500,`, `"sent":{"method":"PUT","host":"localhost","headers":{"X-B":[{"base64":"Y2Fm6Q=="}]},"edited":true,"signed":{"base64":"YWdhaW4sIHdpdGgg/w=="},"body_base64":"AP8="`,
		`"facts":{"provider":"stripe","certainty":"guess","others":["github","x"],"event_type":"charge.failed","event_id":"evt_1",`, `"signature":"invalid",`,
		`"outlook":{"provider":"stripe","verdict":"retry","text":"Stripe: would retry in 30 s",`, `"error_kind":"refused"`, `"protocol":"websocket"`,
	} {
		if !strings.Contains(file.String(), want) {
			t.Errorf("the line does not hold %s:\n%s", want, file.String())
		}
	}
}

func TestReadJSONLErrors(t *testing.T) {
	var file bytes.Buffer
	if err := WriteJSONL(&file, sequence(exportRecords()[0])); err != nil {
		t.Fatal(err)
	}
	good := file.String()
	tests := []struct{ name, line, want string }{
		{"no JSON", "hello\n", "line 3: it is no delivery: invalid character"},
		{"cut off", good[:len(good)/2], "line 3: it is no delivery: unexpected end"},
		{"another body", strings.Replace(good, `<&>`, `<+>`, 1), "line 3: its body was changed: the sha256 differs"},
		{"another sent body", strings.Replace(good, `"AP8="`, `"APA="`, 1), "line 3: attempt 2: its body was changed"},
		{"damaged base64", strings.Replace(good, `"AP8="`, `"*"`, 1), "attempt 2: its body_base64 is damaged"},
		{"two bodies", strings.Replace(good, `"body":`, `"body_base64":"","body":`, 1), "both a body and a body_base64"},
		{"line end in a header", strings.Replace(good, `"a=1; b=2"`, `"a\r\nX-Evil: 1"`, 1), "the header Cookie has a line end"},
		{"name of a header", strings.Replace(good, `"Cookie"`, `"Cookie: a\nB"`, 1), "a header has the name"},
		{"disposition", strings.Replace(good, `"forwarded"`, `"lost"`, 1), `its disposition is "lost"`},
		{"trigger", strings.Replace(good, `"initial"`, `"x"`, 1), `attempt 1: there is no trigger "x"`},
		{"state", strings.Replace(good, `"answered"`, `"x"`, 1), `attempt 1: there is no state "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.line == good {
				t.Fatal("the test changed nothing")
			}
			n := 0
			var got error
			for _, err := range ReadJSONL(strings.NewReader(good + "\n" + tt.line)) { // the blank line counts
				if err != nil {
					got = err
				} else {
					n++
				}
			}
			if n != 1 || got == nil || !strings.Contains(got.Error(), tt.want) {
				t.Errorf("%d records, error %v; want 1 and %q", n, got, tt.want)
			}
		})
	}
}

// A failure of what is exported, or of where it goes, ends the export.
func TestExportErrors(t *testing.T) {
	broken := errors.New("broken")
	records := func(yield func(Record, error) bool) {
		_ = yield(exportRecords()[0], nil) && yield(Record{}, broken)
	}
	for name, write := range map[string]func(*failingWriter, iter.Seq2[Record, error]) error{
		"JSONL": func(w *failingWriter, seq iter.Seq2[Record, error]) error { return WriteJSONL(w, seq) },
		"HAR":   func(w *failingWriter, seq iter.Seq2[Record, error]) error { return WriteHAR(w, "1.0", seq) },
		"CSV":   func(w *failingWriter, seq iter.Seq2[Record, error]) error { return WriteCSV(w, seq) },
	} {
		if err := write(&failingWriter{left: 1 << 20}, records); !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want that of the records", name, err)
		}
		if err := write(&failingWriter{left: 100, err: broken}, sequence(exportRecords()...)); !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want that of the writer", name, err)
		}
	}
}

type failingWriter struct {
	left int
	err  error
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func FuzzJSONLRoundTrip(f *testing.F) {
	f.Add("POST", "/hooks", "X-A", "v", "err", []byte("body"), []byte("\xff"), int64(7), true)
	f.Add("", "\xff", "", "\u2028<", "\xed\xa0\x80", []byte{}, []byte(nil), int64(-1), false)
	f.Add("base64:", "{\"base64\":1}", "Base64", "base64:AA==", "\ufffd", []byte("\ufeff"), []byte("\x00"), int64(1<<62), true)
	f.Fuzz(func(t *testing.T, method, target, name, value, message string, body, other []byte, n int64, flag bool) {
		header := http.Header{name: {value, "", value}, "Empty": {}, "Nil": nil}
		if jsonHeader(header).check() != nil {
			header = nil
		}
		want := Record{Delivery: &Delivery{
			ID: n, ReceivedAt: time.Unix(n%1e9, 0).UTC(), Method: method, Target: target, Host: value, Proto: message, RemoteAddr: name, Endpoint: target,
			Header: header, Trailer: header, Body: body, Size: n, Truncated: flag, Disposition: Held, Reason: message, Pinned: flag,
			Facts: boundFacts(provider.Facts{Provider: name, Event: value, EventID: target, SignatureReason: message, ProviderAttempt: int(n)}),
		}, Attempts: []Attempt{{
			DeliveryID: n, Number: int(n % 1000), Trigger: Retry, State: Pending, StartedAt: time.Unix(n%1e9, n%1e9).UTC(), Duration: time.Duration(n),
			URL: target, Error: message, ErrorKind: ErrorKind(strings.ToValidUTF8(message, "")), NotSigned: value, Sent: &Sent{Method: method, Host: value, Header: header, Edited: flag, Body: other, Signed: message},
			Response: &Response{Status: int(n % 600), Proto: method, Header: header, Body: other, Size: n, Truncated: flag},
		}}}
		if n%2 == 0 {
			want.Attempts[0].Sent, want.Attempts[0].Response = nil, nil
		}
		var file bytes.Buffer
		if err := WriteJSONL(&file, sequence(want, want)); err != nil {
			t.Fatal(err)
		}
		if strings.Count(file.String(), "\n") != 2 {
			t.Errorf("two records are not two lines: %q", file.String())
		}
		var got []Record
		for r, err := range ReadJSONL(&file) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if !slices.EqualFunc(got, []Record{want, want}, func(a, b Record) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("came back as\n%+v\nwant\n%+v", got, want)
		}
	})
}
