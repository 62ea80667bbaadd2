package inspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"hookloop/inspect/provider"
)

// readCSV returns the rows of a CSV export by the names of their columns.
func readCSV(t *testing.T, file []byte) (rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatalf("it is no CSV: %v\n%s", err, file)
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func TestCSV(t *testing.T) {
	records := exportRecords()
	var file bytes.Buffer
	if err := WriteCSV(&file, sequence(records...)); err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(file.String(), "\r\n")
	const want = "delivery,received_at,remote_addr,address,provider,certainty,event_type,event_id,method,target,size,body_sha256," +
		"signature,signature_reason,disposition,reason,source,attempt,trigger,started_at,duration_ms,status,error,outlook,simulation,verdict"
	if header != want {
		t.Errorf("the header is %s, want %s", header, want)
	}
	rows := readCSV(t, file.Bytes())
	if len(rows) != 6 { // 3 attempts and 3 deliveries without one
		t.Fatalf("%d rows, want 6", len(rows))
	}
	sum := sha256.Sum256(records[0].Delivery.Body)
	delivery := map[string]string{
		"delivery": "1", "received_at": "2026-03-10T12:00:00.123456Z", "remote_addr": "203.0.113.9:4711", "address": "not listed",
		"provider": "stripe", "certainty": "guess", "event_type": "charge.failed", "event_id": "evt_1", "method": "POST",
		"target": "/hooks?x=1;y=2&z=%zz", "size": "22", "body_sha256": hex.EncodeToString(sum[:]), "signature": "invalid",
		"signature_reason": "the signed timestamp is 400 s old", "disposition": "forwarded", "reason": "", "source": "", "simulation": "", "verdict": "",
	}
	for i, attempt := range []map[string]string{
		{"attempt": "1", "trigger": "initial", "started_at": "2026-03-10T12:00:00.123456Z", "duration_ms": "1.234567", "status": "500", "error": "", "outlook": "Stripe: would retry in 30 s"},
		{"attempt": "2", "trigger": "replay", "started_at": "2026-03-10T13:00:00.123456Z", "duration_ms": "0", "status": "", "error": "Nothing listens at localhost:3000: start it, then replay.", "outlook": ""},
		{"attempt": "3", "trigger": "retry", "started_at": "2026-03-10T12:00:00.123456Z", "duration_ms": "0", "status": "101", "error": "interrupted", "outlook": ""},
	} {
		maps.Copy(attempt, delivery)
		if !maps.Equal(rows[i], attempt) {
			t.Errorf("row %d is\n%v\nwant\n%v", i, rows[i], attempt)
		}
	}
	empty := sha256.Sum256(nil)
	for i, want := range map[int]map[string]string{
		3: {"delivery": "2", "method": "GET", "disposition": "held", "attempt": "", "status": "", "body_sha256": hex.EncodeToString(empty[:]), "provider": "custom"},
		4: {"delivery": "3", "size": "99", "disposition": "refused", "reason": "the body is too large", "body_sha256": ""},
		5: {"delivery": "4", "target": `/caf\xe9`, "provider": "", "signature": "", "started_at": ""},
	} {
		for name, value := range want {
			if rows[i][name] != value {
				t.Errorf("row %d has %s %q, want %q", i, name, rows[i][name], value)
			}
		}
	}
}

// No cell is run by a spreadsheet, spans lines or moves a terminal's cursor.
func TestCSVHostile(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"evt_1":                        "evt_1",
		`a,"b"`:                        `a,"b"`,
		`=HYPERLINK("http://x","y")`:   `'=HYPERLINK("http://x","y")`,
		"+1+cmd|' /C calc'!A0":         "'+1+cmd|' /C calc'!A0",
		"-2+3":                         "'-2+3",
		"@SUM(1)":                      "'@SUM(1)",
		"\t=1":                         `\t=1`,
		"\r\n=1":                       `\r\n=1`,
		" =1":                          "' =1",
		"＝1":                           "'＝1",
		"\x1b[2J\u202e":                `\x1b[2J\u202e`,
		"caf\xe9":                      `caf\xe9`,
		"a;=1":                         "a;=1",
		"\ufeff=1":                     `\ufeff=1`,
		"'=1":                          "'=1",
		strings.Repeat("x\n", 3) + "é": `x\nx\nx\né`,
	} {
		d := &Delivery{
			ID: 1, Method: in, Target: in, RemoteAddr: in, Disposition: Held, Reason: in,
			Facts: provider.Facts{Provider: in, Event: in, EventID: in, SignatureReason: in},
		}
		a := Attempt{Number: 1, Trigger: Initial, State: Errored, Error: in, Outlook: &provider.Outlook{Text: in}}
		var file bytes.Buffer
		if err := WriteCSV(&file, sequence(Record{Delivery: d, Attempts: []Attempt{a, a}})); err != nil {
			t.Fatal(err)
		}
		rows := readCSV(t, file.Bytes())
		if len(rows) != 2 || strings.Count(file.String(), "\n") != 3 || strings.Count(file.String(), "\r\n") != 3 {
			t.Errorf("%q makes %d rows in %q", in, len(rows), file.String())
			continue
		}
		for _, name := range []string{"remote_addr", "provider", "event_type", "event_id", "method", "target", "reason", "signature_reason", "error", "outlook"} {
			if got := rows[1][name]; got != want {
				t.Errorf("%s of %q is %q, want %q", name, in, got, want)
			}
		}
		for name, value := range rows[0] {
			if value != "" && strings.ContainsAny(value[:1], "=+-@\t\r\n") {
				t.Errorf("%s of %q is %q, which is run", name, in, value)
			}
		}
	}
}

// Every row has all columns, whatever is in the store.
func TestCSVIsEven(t *testing.T) {
	var file bytes.Buffer
	if err := WriteCSV(&file, sequence(append(exportRecords(), Record{Delivery: &Delivery{}})...)); err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, file.Bytes()) // which fails where they differ
	if got := slices.Sorted(maps.Keys(rows[0])); !slices.Equal(got, slices.Sorted(slices.Values(csvColumns))) {
		t.Errorf("the columns are %v, want %v", got, csvColumns)
	}
}
