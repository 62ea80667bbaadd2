package inspect

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"hookloop/inspect/provider"
)

// testFacts has every field.
func testFacts() provider.Facts {
	return provider.Facts{
		Provider: "stripe", Certainty: provider.Guess, Others: []string{"github", "x"}, Event: "charge.failed", EventID: "evt_1", EventIDHash: true,
		ProviderAttempt: 2, Handshake: "url_verification", Signature: provider.Invalid, SignatureCode: provider.CodeTooOld,
		SignatureReason: "the signed timestamp is 400 s old", Scheme: "v1", Secret: "STRIPE_WEBHOOK_SECRET", Address: provider.NotListed,
	}
}

func testOutlook() *provider.Outlook {
	return &provider.Outlook{
		Provider: "stripe", Verdict: provider.WouldRetry, Text: "Stripe: would retry in 30 s", Confidence: provider.FromSource,
		Guess: true, RetryIn: 30 * time.Second, Limit: 20 * time.Second,
	}
}

// What is known comes back from every way of reading, and from another process.
func TestFactsRoundTrip(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := openStore(t, dir)
	d, a := testDelivery("x"), newAttempt(Initial)
	d.Facts = testFacts()
	a.Sent = &Sent{Signed: "signed again with STRIPE_WEBHOOK_SECRET"}
	if err := s.Add(ctx, d, a); err != nil {
		t.Fatal(err)
	}
	a.State, a.Response, a.Outlook = Answered, &Response{Status: 500, Body: []byte{}}, testOutlook()
	if err := s.Finish(a); err != nil {
		t.Fatal(err)
	}
	left := newAttempt(Initial)
	left.NotSigned = "the signed timestamp is 400 s old"
	if err := s.Add(ctx, testDelivery("nobody"), left); err != nil {
		t.Fatal(err)
	}
	edited := &Attempt{DeliveryID: 2, Trigger: Replay, StartedAt: left.StartedAt, NotSigned: "the body was edited", Sent: &Sent{Edited: true, Body: []byte("x")}}
	if err := s.Begin(ctx, edited); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}

	for name, s := range map[string]*Store{"this process": s, "another": openStore(t, dir)} {
		got, err := s.Delivery(ctx, 1)
		if err != nil || !reflect.DeepEqual(got.Facts, testFacts()) {
			t.Errorf("%s: Delivery has %+v %v, want %+v", name, got.Facts, err, testFacts())
		}
		attempt, err := s.Attempt(ctx, 1, 1)
		if err != nil || !reflect.DeepEqual(attempt, a) {
			t.Errorf("%s: Attempt is %+v %v, want %+v", name, attempt, err, a)
		}
		for _, want := range []*Attempt{left, edited} {
			got, err := s.Attempt(ctx, 2, want.Number)
			if err != nil || got.NotSigned != want.NotSigned || !reflect.DeepEqual(got.Sent, want.Sent) {
				t.Errorf("%s: Attempt is %+v %v, want %+v", name, got, err, want)
			}
		}
		list, err := s.List(ctx, ListOptions{Oldest: true})
		if err != nil || len(list) != 2 {
			t.Fatalf("%s: List: %v %v", name, list, err)
		}
		if !reflect.DeepEqual(list[0].Facts, testFacts()) || !reflect.DeepEqual(list[0].Last.Outlook, testOutlook()) {
			t.Errorf("%s: List has %+v and %+v, want %+v and %+v", name, list[0].Facts, list[0].Last.Outlook, testFacts(), testOutlook())
		}
		if !reflect.DeepEqual(list[1].Facts, provider.Facts{}) || list[1].Last.Outlook != nil {
			t.Errorf("%s: of an unknown sender: %+v and %+v, want nothing", name, list[1].Facts, list[1].Last.Outlook)
		}
		if nobody, err := s.Delivery(ctx, 2); err != nil || !reflect.DeepEqual(nobody.Facts, provider.Facts{}) {
			t.Errorf("%s: of an unknown sender: %+v %v, want nothing", name, nobody.Facts, err)
		}
	}
}

// SetFacts changes what is known, and nothing of the request or of the accounts.
func TestSetFacts(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	d := testDelivery("\x00\xff" + strings.Repeat("body", 5000))
	if err := s.Add(ctx, d, newAttempt(Initial)); err != nil {
		t.Fatal(err)
	}
	rev, err := s.Rev(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.Counters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	signal, cancel := s.Watch()
	defer cancel()

	if err := s.SetFacts(ctx, d.ID, testFacts()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-signal:
	case <-time.After(20 * time.Second):
		t.Error("no watcher was woken")
	}
	if c, err := s.Since(ctx, rev); err != nil || len(c.Deliveries) != 1 || !reflect.DeepEqual(c.Deliveries[0].Facts, testFacts()) {
		t.Errorf("Since: got %+v %v, want the delivery with its facts", c, err)
	}
	want := *d
	want.Facts = testFacts()
	if got, err := s.Delivery(ctx, d.ID); err != nil || !reflect.DeepEqual(got, &want) {
		t.Errorf("got %+v %v, want %+v", got, err, want)
	}
	if after, err := s.Counters(ctx); err != nil || after != before {
		t.Errorf("counters: got %+v %v, want %+v", after, err, before)
	}

	if err := s.SetFacts(ctx, d.ID, provider.Facts{}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Delivery(ctx, d.ID); err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("taken back: got %+v %v, want %+v", got, err, d)
	}
	if found, err := s.Matching(ctx, "provider:stripe"); err != nil || len(found) > 0 {
		t.Errorf("taken back, and yet found: %v %v", found, err)
	}
	if err := s.SetFacts(ctx, 99, testFacts()); !errors.Is(err, ErrNotFound) {
		t.Errorf("of a delivery that is not there: got %v, want ErrNotFound", err)
	}
}

// A sender chooses its events' names and IDs, but not how much a list holds.
func TestFactsStaySmall(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	for _, tt := range []struct{ id, want string }{
		{"evt_1", "evt_1"},
		{strings.Repeat("x", maxFact), strings.Repeat("x", maxFact)},
		{strings.Repeat("x", maxFact+1), strings.Repeat("x", maxFact-3) + "…"},
		{strings.Repeat("é", 900_000), strings.Repeat("é", (maxFact-3)/2) + "…"},
		{"a\xffb\xfe\xfd\x00c", "a\ufffdb\ufffd\x00c"},
	} {
		d := testDelivery("x")
		d.Facts.EventID = tt.id
		if err := s.Add(ctx, d, nil); err != nil {
			t.Fatal(err)
		}
		got, err := s.Delivery(ctx, d.ID)
		if err != nil || got.Facts.EventID != tt.want || d.Facts.EventID != tt.want {
			t.Errorf("%.20q… (%d bytes) became %.20q… (%d) and %.20q… %v, want %.20q… (%d)",
				tt.id, len(tt.id), got.Facts.EventID, len(got.Facts.EventID), d.Facts.EventID, err, tt.want, len(tt.want))
		}
	}
	for n := range 20 { // wherever it is cut
		s := clip(strings.Repeat("x", n)+strings.Repeat("\U0001F600\xff", 10), 16)
		if len(s) > 16 || !utf8.ValidString(s) {
			t.Errorf("clip gives %q of %d bytes, want UTF-8 of 16 at most", s, len(s))
		}
	}
}

// versionOne makes a store as version 1 of the schema had it, with rows of
// every kind in it.
func versionOne(t *testing.T, dir string) {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(dir, dbName), sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	exec := func(query string, args ...any) {
		t.Helper()
		if err := sqlitex.Execute(conn, query, &sqlitex.ExecOptions{Args: args}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlitex.ExecuteScript(conn, migrations[0]+"; PRAGMA user_version=1;", nil); err != nil {
		t.Fatal(err)
	}
	deliveries := `INSERT INTO deliveries(id, received_at, method, target, path, host, proto, remote_addr, endpoint, content_type, size, truncated,
		disposition, reason, header, trailer, body) VALUES(?, ?, 'POST', ?, '/a', 'h', 'HTTP/1.1', '192.0.2.1:1', 'https://e', 'c', ?, ?, ?, ?, ?, ?, ?)`
	exec(deliveries, 3, 1_700_000_000_123_456, "/a?b", 5, false, "forwarded", "", "X-A: 1\n", nil, "text é")
	exec(deliveries, 4, 1_700_000_000_123_457, "/a\xff", 6, true, "refused", "too large", []byte("X-A: \xff\n"), []byte("X-T: \x00\n"), []byte(strings.Repeat("\x00\xff", 50_000)))
	exec(deliveries, 900, 1_700_000_000_123_458, "/", 0, false, "held", "", []byte{}, nil, nil)
	attempts := `INSERT INTO attempts(key, session, trigger, state, started_at, duration, url, status, size, error, error_kind, protocol,
		sent, sent_method, sent_host, sent_header, sent_body, proto, header, trailer, truncated, body)
		VALUES(?, 1, ?, ?, 17, 18, 'http://u', ?, 4, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	exec(attempts, attemptKey(3, 1), "initial", "answered", 200, "", "", "", false, nil, nil, nil, nil, "HTTP/1.1", "X-B: 1\n", nil, false, strings.Repeat("answer", 3000))
	exec(attempts, attemptKey(3, 2), "replay", "error", 0, "refused", "refused", "sse", true, "PUT", "h2", "X-C: 1\n", []byte("\x00edited"), nil, nil, nil, nil, nil)
	exec(attempts, attemptKey(4, 1), "retry", "answered", 500, "", "", "", true, "", "", nil, []byte{}, "HTTP/2.0", []byte{}, []byte{}, true, []byte{0xff})
	exec("INSERT INTO pins VALUES(4)")
	exec("INSERT INTO changes(rev, delivery_id, totals) VALUES(7, 3, NULL), (8, 900, ?)",
		`{"received":3,"forwarded":1,"held":1,"refused":1,"attempts":3,"status_2xx":1,"status_5xx":1,"errors":1,"bytes":1234,"last_id":901}`)
	exec("INSERT INTO endpoint_events(session, at, provider, state, url, reason) VALUES(1, 2, 'ngrok', 'online', 'https://e', '')")
}

// dumpVersionOne returns the contents of the tables of a store's first version, as SQL
// literals, which tell TEXT from BLOB from NULL.
func dumpVersionOne(t *testing.T, path string) map[string][]string {
	t.Helper()
	first, err := sqlite.OpenConn(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	if err := sqlitex.ExecuteScript(first, migrations[0], nil); err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	err = sqlitex.Execute(first, "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type='table' ORDER BY 1, c.cid", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			columns[stmt.ColumnText(0)] = append(columns[stmt.ColumnText(0)], "quote("+stmt.ColumnText(1)+")")
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	rows := map[string][]string{}
	for _, table := range slices.Sorted(maps.Keys(columns)) {
		query := fmt.Sprintf("SELECT concat_ws(',', %s) FROM %s ORDER BY rowid", strings.Join(columns[table], ","), table)
		err := sqlitex.Execute(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			rows[table] = append(rows[table], stmt.ColumnText(0))
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// A store of version 1 is brought up to date without loss.
func TestUpgradeFromVersionOne(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	path := filepath.Join(dir, dbName)
	versionOne(t, dir)
	want := dumpVersionOne(t, path)
	if len(want["deliveries"]) != 3 || len(want["attempts"]) != 3 || len(want["endpoint_events"]) != 1 || len(want["changes"]) != 2 {
		t.Fatalf("the old store has %d deliveries and %d attempts, want 3 and 3", len(want["deliveries"]), len(want["attempts"]))
	}
	s := openStore(t, dir)
	if s.Notice() != "" {
		t.Errorf("the notice is %q, want none", s.Notice())
	}
	got := dumpVersionOne(t, path)
	for table := range want {
		if !slices.Equal(got[table], want[table]) {
			t.Errorf("%s has become\n%.2000q\nwant\n%.2000q", table, got[table], want[table])
		}
	}
	list, err := s.List(ctx, ListOptions{})
	if err != nil || len(list) != 3 || list[0].ID != 900 || !list[1].Pinned || list[2].Attempts != 2 || !reflect.DeepEqual(list[2].Facts, provider.Facts{}) {
		t.Errorf("List: got %+v %v", list, err)
	}
	if err := s.SetFacts(ctx, 4, testFacts()); err != nil {
		t.Error(err)
	}
	d := testDelivery("x")
	if err := s.Add(ctx, d, newAttempt(Initial)); err != nil || d.ID != 902 {
		t.Errorf("the next delivery is #%d (%v), want #902", d.ID, err)
	}
	checkAccounts(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, dir)
	if old, err := again.Delivery(ctx, 4); err != nil || !reflect.DeepEqual(old.Facts, testFacts()) || len(old.Body) != 100_000 {
		t.Errorf("opened again: got %+v %v", old.Facts, err)
	}
}

// An upgrade that fails leaves the store as it was, of its own version.
func TestUpgradeIsWholeOrNot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, dbName)
	versionOne(t, dir)
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	// The table that the attempts move to is there already: the second half fails.
	if err := sqlitex.ExecuteScript(conn, "CREATE TABLE attempts_2(x);", nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	want := dumpVersionOne(t, path)
	if s, err := Open(dir, Options{}); err == nil {
		_ = s.Close()
		t.Fatal("it opens, want an error")
	} else if !strings.Contains(err.Error(), "from schema 1 to 2") {
		t.Errorf("got %v, want it to say what was tried", err)
	}
	if got := dumpVersionOne(t, path); !reflect.DeepEqual(got, want) {
		t.Error("the failed upgrade changed the store")
	}
	conn, err = sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if v, err := intResult(conn, "PRAGMA user_version"); err != nil || v != 1 {
		t.Errorf("its version is %d %v, want 1", v, err)
	}
}
