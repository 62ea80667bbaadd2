package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"hookloop/inspect/provider"
)

var queryNow = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// queryDB returns a store's database, in memory, with the deliveries that the
// tests look for.
func queryDB(tb testing.TB) *sqlite.Conn {
	tb.Helper()
	conn, err := sqlite.OpenConn(":memory:")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	for _, script := range migrations {
		if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
			tb.Fatal(err)
		}
	}
	add := func(d Delivery, contentType, header string, body any, attempts ...Attempt) {
		tb.Helper()
		if d.Disposition == "" {
			d.Disposition = Forwarded
		}
		err := sqlitex.Execute(conn, `INSERT INTO deliveries (id, received_at, method, target, path, host, proto, remote_addr, endpoint,
			content_type, size, truncated, disposition, reason, header, body) VALUES (?,?,?,?,?,?,'HTTP/1.1',?,'',?,?,?,?,'',?,?)`,
			&sqlitex.ExecOptions{Args: []any{
				d.ID, d.ReceivedAt.UnixMicro(), d.Method, d.Target, d.Path(), d.Host, d.RemoteAddr,
				contentType, d.Size, d.Truncated, string(d.Disposition), header, body,
			}})
		if err != nil {
			tb.Fatal(err)
		}
		for i, a := range attempts {
			status := 0
			if a.Response != nil {
				status = a.Response.Status
			}
			err := sqlitex.Execute(conn, `INSERT INTO attempts (key, session, trigger, state, started_at, duration, url, status, size, error, error_kind, protocol, sent)
				VALUES (?,1,?,?,0,?,'',?,0,?,?,?,0)`,
				&sqlitex.ExecOptions{Args: []any{
					attemptKey(d.ID, i+1), string(a.Trigger), string(a.State), int64(a.Duration), status, a.Error, string(a.ErrorKind), string(a.Protocol),
				}})
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	ago := func(d time.Duration) time.Time { return queryNow.Add(-d) }
	answer := func(trigger Trigger, status int, took time.Duration) Attempt {
		return Attempt{Trigger: trigger, State: Answered, Duration: took, Response: &Response{Status: status}}
	}

	add(Delivery{ID: 1, ReceivedAt: ago(72 * time.Hour), Method: "POST", Target: "/hooks/stripe?a=1", Host: "abc.example.com", RemoteAddr: "10.0.0.1:1234", Size: 120},
		"application/json; charset=utf-8", "Content-Type: application/json; charset=utf-8\nStripe-Signature: t=1,v1=aa\nX-A: foo\nX-B: value\n",
		`{"id":"evt_1","type":"charge.failed","amount":100,"big":9007199254740993,"live":false,"note":null,"data":{"object":{"id":"ch_1"}},"items":[{"sku":"A%_1"},{"sku":"B"}],"0":"zero"}`,
		answer(Initial, 500, 20*time.Millisecond), answer(Replay, 200, 3*time.Second))
	add(Delivery{ID: 2, ReceivedAt: ago(90 * time.Minute), Method: "POST", Target: "/hooks/github", Host: "localhost:4041", RemoteAddr: "[::1]:99", Size: 20 << 10},
		"application/x-www-form-urlencoded", "X-Github-Event: push\nX-Quote: say \"hi\" \\o/\ttab\n", `payload=50%25_off&naïve=ÉTÉ`,
		answer(Initial, 404, time.Millisecond))
	add(Delivery{ID: 3, ReceivedAt: ago(20 * time.Minute), Method: "GET", Target: "/health", Host: "localhost", RemoteAddr: "10.0.0.10:5", Disposition: Held},
		"", "", []byte{})
	add(Delivery{ID: 4, ReceivedAt: ago(10 * time.Minute), Method: "PUT", Target: "/hooks/bin[1]", Host: "localhost", RemoteAddr: "192.168.1.1", Size: 9, Truncated: true, Disposition: Refused},
		"application/octet-stream", "X-Bin: 1\n", []byte("\x00Needle\xff\x01"))
	add(Delivery{ID: 5, ReceivedAt: ago(time.Minute), Method: "POST", Target: "/HOOKS/x*y", Host: "abc.example.com", RemoteAddr: "10.0.0.1:1", Size: 3},
		"text/plain", "X-A: *\n", `not json`,
		Attempt{Trigger: Initial, State: Errored, Duration: time.Second, Error: "Nothing listens at localhost:3000", ErrorKind: ErrRefused})
	add(Delivery{ID: 6, ReceivedAt: queryNow, Method: "POST", Target: "/hooks/slow", Host: "abc.example.com", RemoteAddr: "10.0.0.1:1", Size: 2},
		"application/json", "", `[]`,
		answer(Initial, 503, time.Millisecond), Attempt{Trigger: Retry, State: Pending})
	add(Delivery{ID: 7, ReceivedAt: queryNow, Method: "GET", Target: "/socket", Host: "abc.example.com", RemoteAddr: "10.0.0.1:1"},
		"", "", []byte{},
		Attempt{Trigger: Initial, State: Pending, Protocol: WebSocket, Response: &Response{Status: 101}})
	add(Delivery{ID: 8, ReceivedAt: queryNow, Method: "GET", Target: "/events", Host: "abc.example.com", RemoteAddr: "10.0.0.1:1"},
		"", "", []byte{},
		Attempt{Trigger: Initial, State: Interrupted, Protocol: SSE, Error: "hookloop ended", Response: &Response{Status: 200}})
	if err := sqlitex.Execute(conn, "INSERT INTO pins VALUES (2)", nil); err != nil {
		tb.Fatal(err)
	}
	for id, f := range queryFacts {
		text, err := encodeFacts(f)
		if err != nil {
			tb.Fatal(err)
		}
		err = sqlitex.Execute(conn, "UPDATE deliveries SET provider=?, event_type=?, event_id=?, signature=?, facts=? WHERE id=?",
			&sqlitex.ExecOptions{Args: []any{f.Provider, f.Event, f.EventID, string(f.Signature), string(text), id}})
		if err != nil {
			tb.Fatal(err)
		}
	}
	for id, verdict := range queryOutlooks {
		text, err := encodeOutlook(&provider.Outlook{Verdict: verdict})
		if err != nil {
			tb.Fatal(err)
		}
		if err := sqlitex.Execute(conn, "UPDATE attempts SET outlook=? WHERE key=?", &sqlitex.ExecOptions{Args: []any{string(text), attemptKey(id, 1)}}); err != nil {
			tb.Fatal(err)
		}
	}
	return conn
}

// queryOutlooks are what providers would do after the first attempts of deliveries of queryDB.
var queryOutlooks = map[int64]provider.Verdict{1: provider.WouldRetry, 2: provider.GivesUp, 5: provider.TooLate, 6: provider.Accepted, 8: provider.NotKnown}

// queryFacts are what is known of the deliveries of queryDB; of the others, nothing is.
var queryFacts = map[int64]provider.Facts{
	1: {Provider: "stripe", Event: "charge.failed", EventID: "evt_1", Signature: provider.Valid, SignatureCode: provider.CodeOK, Address: provider.Listed},
	2: {Provider: "github", Event: "push", EventID: "72d3-[1]", Signature: provider.Invalid, SignatureCode: provider.CodeWrongSecret, Address: provider.NotListed},
	5: {Provider: "standard-webhooks", Event: "Charge.Paid", EventID: "EVT_1", Signature: provider.Unverifiable, SignatureCode: provider.CodeNoSecret},
	6: {Provider: "slack", Handshake: "url_verification", Signature: provider.Invalid, SignatureCode: provider.CodeTooOld},
	7: {Signature: provider.Unverifiable, SignatureCode: provider.CodeUnrecognized},
}

// find returns the IDs that q finds, oldest first.
func find(conn *sqlite.Conn, q *Query) ([]int64, error) {
	var ids []int64
	where, args := q.where(queryNow)
	err := sqlitex.ExecuteTransient(conn, "SELECT d.id FROM deliveries d WHERE "+where+" AND d.id < 1000 ORDER BY d.id", &sqlitex.ExecOptions{
		Args:       args,
		ResultFunc: func(stmt *sqlite.Stmt) error { ids = append(ids, stmt.ColumnInt64(0)); return nil },
	})
	return ids, err
}

func TestQuery(t *testing.T) {
	conn := queryDB(t)
	tests := []struct {
		query string
		want  []int64
	}{
		{"", []int64{1, 2, 3, 4, 5, 6, 7, 8}},
		{"  \t ", []int64{1, 2, 3, 4, 5, 6, 7, 8}},
		{"method:post", []int64{1, 2, 5, 6}},
		{"-method:POST", []int64{3, 4, 7, 8}},
		{"path:/hooks/stripe", []int64{1}},
		{"path:/hooks", nil},
		{"path:/hooks/*", []int64{1, 2, 4, 6}},
		{"path:/hooks/?????", []int64{}},
		{"path:/hooks/s??w", []int64{6}},
		{"path:*[1]", []int64{4}},
		{`path:"/HOOKS/x*y"`, []int64{5}},
		{`path:"/hooks/*"`, nil},
		{"host:ABC.example.com", []int64{1, 5, 6, 7, 8}},
		{"host:localhost", []int64{2, 3, 4}},
		{"host:localhost:4041", []int64{2}},
		{"host:*.example.com", []int64{1, 5, 6, 7, 8}},
		{"status:200", []int64{1, 8}},
		{"status:>=500", nil},
		{"status:404", []int64{2}},
		{"status:4xx", []int64{2}},
		{"status:200..404", []int64{1, 2, 8}},
		{"status:..404", []int64{1, 2, 7, 8}},
		{"status:<300", []int64{1, 7, 8}},
		{"-status:404", []int64{1, 3, 4, 5, 6, 7, 8}},
		{"trigger:replay", []int64{1}},
		{"trigger:INITIAL", []int64{1, 2, 5, 6, 7, 8}},
		{"is:failed", []int64{2, 5, 8}},
		{"is:ok", []int64{1, 7}},
		{"-is:ok", []int64{2, 3, 4, 5, 6, 8}},
		{"is:pending", []int64{6, 7}},
		{"is:pinned", []int64{2}},
		{"is:held", []int64{3}},
		{"is:refused", []int64{4}},
		{"is:forwarded", []int64{1, 2, 5, 6, 7, 8}},
		{"is:replayed", []int64{1}},
		{"is:truncated", []int64{4}},
		{"is:websocket", []int64{7}},
		{"is:sse", []int64{8}},
		{"is:interrupted", []int64{8}},
		{"is:handshake", []int64{6}},
		{"-is:handshake", []int64{1, 2, 3, 4, 5, 7, 8}},
		{"is:listed", []int64{1}},
		{"is:unlisted", []int64{2}},
		{"provider:stripe", []int64{1}},
		{"provider:Stripe", []int64{1}},
		{"provider:s*", []int64{1, 5, 6}},
		{"provider:*", []int64{1, 2, 5, 6}},
		{"-provider:*", []int64{3, 4, 7, 8}},
		{`provider:"*"`, nil},
		{"event:charge.failed", []int64{1}},
		{"event:CHARGE.*", []int64{1, 5}},
		{"event:charge", nil},
		{"event:*", []int64{1, 2, 5}},
		{"-event:*", []int64{3, 4, 6, 7, 8}},
		{"outlook:retry", []int64{1}}, // although it was replayed since
		{"outlook:would_retry", []int64{1}},
		{"outlook:Gives-Up", []int64{2}},
		{"outlook:late", []int64{5}},
		{"outlook:too_late", []int64{5}},
		{"outlook:accepted", []int64{6}},
		{"outlook:unknown", []int64{8}},
		{"outlook:disabled", nil},
		{"outlook:failed", []int64{1, 2, 5}},
		{"-outlook:failed", []int64{3, 4, 6, 7, 8}},
		{"event_id:evt_1", []int64{1}},
		{"event_id:EVT_*", []int64{5}},
		{"event_id:72d3-[1]", []int64{2}},
		{"event_id:*", []int64{1, 2, 5}},
		{"signature:valid", []int64{1}},
		{"signature:good", []int64{1}},
		{"signature:BAD", []int64{2, 6}},
		{"signature:invalid", []int64{2, 6}},
		{"-signature:bad", []int64{1, 3, 4, 5, 7, 8}},
		{"signature:unverifiable", []int64{5, 7}},
		{"signature:none", []int64{3, 4, 5, 7, 8}},
		{"signature:wrong_secret", []int64{2}},
		{"signature:timestamp_too_old", []int64{6}},
		{"-signature:ok", []int64{2, 3, 4, 5, 6, 7, 8}},
		{"signature:bad provider:slack", []int64{6}},
		{"since:30m", []int64{3, 4, 5, 6, 7, 8}},
		{"since:1h30m", []int64{2, 3, 4, 5, 6, 7, 8}},
		{"before:2d", []int64{1}},
		{"before:1d12h", []int64{1}},
		{"since:1w before:1h", []int64{1, 2}},
		{"since:2026-03-10T11:45:00Z", []int64{4, 5, 6, 7, 8}},
		{"before:2026-03-08T14:00:00+02:00", []int64{1}},
		{"id:3", []int64{3}},
		{"id:#3", []int64{3}},
		{"id:3..5", []int64{3, 4, 5}},
		{"id:5..3", []int64{3, 4, 5}},
		{"id:>6", []int64{7, 8}},
		{"id:<2", []int64{1}},
		{"size:>10k", []int64{2}},
		{"size:20KiB", []int64{2}},
		{"size:0", []int64{3, 7, 8}},
		{"size:1..0.5k", []int64{1, 4, 5, 6}},
		{"duration:>1s", []int64{1}},
		{"duration:>=1s", []int64{1, 5}},
		{"duration:<100ms", []int64{2, 8}},
		{"ip:10.0.0.1", []int64{1, 5, 6, 7, 8}},
		{"ip:10.0.*", []int64{1, 3, 5, 6, 7, 8}},
		{"ip:::1", []int64{2}},
		{"ip:192.168.1.1", []int64{4}},
		{"type:json", []int64{1, 6}},
		{"type:Application/", []int64{1, 2, 4, 6}},
		{"header:stripe-signature", []int64{1}},
		{"header:X-Github-Event=push", []int64{2}},
		{"header:x-github-event:PUSH", []int64{2}},
		{"header:X-GitHub-Event=pus", nil},
		{"header:X-GitHub-Event=pu*", []int64{2}},
		{"header:X-A=*value", nil}, // not across lines
		{"header:X-A=*", []int64{1, 5}},
		{`header:X-A="*"`, []int64{5}},
		{`header:X-A="*"*`, []int64{5}},
		{`path:/hooks/"bin["*`, []int64{4}},
		{`header:X-Quote="say \"hi\" \\o/` + "\ttab\"", []int64{2}},
		{"-header:X-A", []int64{2, 3, 4, 6, 7, 8}},
		{"error:LISTENS", []int64{5}},
		{"error:refused", []int64{5}},
		{"body:EVT_1", []int64{1}},
		{"body:50%25_", []int64{2}},
		{"body:50x25_", nil},
		{"body:Needle", []int64{4}},
		{"body:naïve", []int64{2}},
		{"body.type:charge.failed", []int64{1}},
		{"body.type:charge.*", []int64{1}},
		{`body.type:"charge.*"`, nil},
		{"body.type:Charge.failed", nil},
		{"body.data.object.id:ch_1", []int64{1}},
		{"body.items.0.sku:A%_1", []int64{1}},
		{"body.items[1].sku:B", []int64{1}},
		{"body.items[2].sku:B", nil},
		{"body.0:zero", []int64{1}},
		{"body.amount:100", []int64{1}},
		{"body.amount:>99", []int64{1}},
		{"body.amount:>100", nil},
		{"body.amount:>=100", []int64{1}},
		{"body.amount:<100", nil},
		{"body.amount:<=1e2", []int64{1}},
		{"body.big:9007199254740993", []int64{1}},
		{"body.big:9007199254740992", nil},
		{"body.live:false", []int64{1}},
		{"body.note:null", []int64{1}},
		{"body.note:*", []int64{1}},
		{"body.missing:*", nil},
		{"-body.live:false", []int64{2, 3, 4, 5, 6, 7, 8}},
		{"needle", []int64{}},
		{"Needle", []int64{4}},
		{"STRIPE", []int64{1}},
		{`"free text"`, nil},
		{`"not json"`, []int64{5}},
		{"not json", []int64{1, 5}},
		{`-"not json" method:POST`, []int64{1, 2, 6}},
		{`"path:/x"`, nil},
		{"50%25", []int64{2}},
		{"_off", []int64{2}},
		{"method:POST path:/hooks/* -is:ok is:failed", []int64{2}},
		{"'; DROP TABLE deliveries; --", nil},
		{"body.x'y:1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			q, err := ParseQuery(tt.query)
			if err != nil {
				t.Fatalf("ParseQuery(%q): %v", tt.query, err)
			}
			got, err := find(conn, q)
			if err != nil {
				t.Fatalf("running %q: %v", tt.query, err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q finds %v, want %v", tt.query, got, tt.want)
			}
		})
	}
}

func TestQueryErrors(t *testing.T) {
	tests := []struct{ query, want string }{
		{"statsu:500", `there is no key "statsu"; did you mean status:? (keys: method,`},
		{"stat:500", "did you mean status:?"},
		{"bdy:x", "did you mean body:?"},
		{"customer:cus_1", `there is no key "customer"; to search for this text, put it in quotes: "customer:cus_1"`},
		{"provder:stripe", "did you mean provider:?"},
		{"provider:", "provider: needs a value, as in provider:stripe"},
		{"evnt:x", "did you mean event:?"},
		{"event-id:x", "did you mean event_id:?"},
		{"sig:bad", "did you mean signature:?"},
		{"signature:wrong-secret", "did you mean wrong_secret? It is one of valid, good, invalid"},
		{"signature:vald", "did you mean valid?"},
		{"is:handshak", "did you mean handshake?"},
		{"http://x", `put it in quotes: "http://x"`},
		{"outlook:retrys", "did you mean retry? It is one of accepted, retry,"},
		{"is:faild", "did you mean failed?"},
		{"is:x", "is one of failed, forwarded,"},
		{"trigger:reply", "did you mean replay?"},
		{"status:abc", "status:abc: it is no number; write 404"},
		{"status:>>5", ">> is no comparison"},
		{"status:..", "the range has no ends"},
		{"since:yesterday", "it is no time; write 1h"},
		{"since:-1h", "it is no time"},
		{"size:many", "it is no size; write 0"},
		{"duration:5", "it is no length of time; write >1s"},
		{"ip:10.0.0.0/8", "write 10.0.*"},
		{"id:last", "it is no number; write 12"},
		{"path:", "path: needs a value, as in path:/hooks/*"},
		{`path:""`, "path: needs a value"},
		{"header:=x", "it names no header"},
		{"body..a:1", "empty name in the path"},
		{"body.:1", "empty name in the path"},
		{"body.a:", "needs a value"},
		{`"open`, "a quote is not closed"},
		{"-", "nothing to search for"},
		{`""`, "nothing to search for"},
		{"a\xff", "bytes that are no text"},
		{"a\x00", "bytes that are no text"},
		{strings.Repeat("a", maxQueryBytes+1), "longer than 4096 characters"},
		{strings.Repeat("a ", maxQueryTerms+1), "more than 64 terms"},
	}
	for _, tt := range tests {
		_, err := ParseQuery(tt.query)
		var queryErr *QueryError
		if !errors.As(err, &queryErr) {
			t.Errorf("ParseQuery(%.40q) error = %v, want a *QueryError", tt.query, err)
			continue
		}
		if queryErr.Query != tt.query || !strings.Contains(queryErr.Msg, tt.want) {
			t.Errorf("ParseQuery(%.40q): %q, want it to say %q", tt.query, queryErr.Msg, tt.want)
		}
	}
}

// Times count from each run, not from the parsing.
func TestQuerySinceMoves(t *testing.T) {
	q, err := ParseQuery("since:1h")
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range []time.Time{queryNow, queryNow.Add(time.Hour)} {
		_, args := q.where(now)
		if want := []any{now.Add(-time.Hour).UnixMicro()}; !slices.Equal(args, want) {
			t.Errorf("at %v: args = %v, want %v", now, args, want)
		}
	}
}

func TestQueryHelpExamplesParse(t *testing.T) {
	for _, k := range QueryHelp() {
		example, _, _ := strings.Cut(k.Example, " (")
		if _, err := ParseQuery(example); err != nil {
			t.Errorf("the example of %s: %v", k.Key, err)
		}
		if k.Meaning == "" {
			t.Errorf("%s has no meaning", k.Key)
		}
	}
}

// As many terms as there may be, of the largest kind, still run.
func TestQueryAtItsLimits(t *testing.T) {
	conn := queryDB(t)
	for _, q := range []string{
		strings.Repeat("body.a.0.b:1 -x ", maxQueryTerms/2),
		strings.Repeat("header:a=b* status:5xx ", maxQueryTerms/2),
		"path:" + strings.Repeat("*", maxQueryBytes-5),
		"body" + strings.Repeat(".a", maxQueryBytes/2-4) + ":1",
		strings.Repeat("%", maxQueryBytes),
	} {
		query, err := ParseQuery(q)
		if err != nil {
			t.Fatalf("ParseQuery(%.40q…): %v", q, err)
		}
		if _, err := find(conn, query); err != nil {
			t.Errorf("running %.40q…: %v", q, err)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, k := range QueryHelp() {
		f.Add(k.Example)
	}
	for _, s := range []string{`-"a \" b" body.a[0].b:>1e3`, "since:1w2d3h id:..9 status:5xx", "header:A=*? path:[a-z]*", `is:ok "`, "body.a]b[c:1"} {
		f.Add(s)
	}
	conn := queryDB(f)
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuery(s)
		if err != nil {
			var queryErr *QueryError
			if !errors.As(err, &queryErr) || queryErr.Msg == "" {
				t.Errorf("ParseQuery(%q) error = %v, want a *QueryError that says something", s, err)
			}
			return
		}
		if _, err := find(conn, q); err != nil {
			where, args := q.where(queryNow)
			t.Errorf("running %q: %v\n%s\n%s", s, err, where, fmt.Sprint(args...))
		}
	})
}

// The store's own rows: headers and bodies that are no text are BLOBs there.
func TestQueryStore(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	for _, body := range []string{`{"id":"evt_1"}`, "\x00Needle"} {
		a := newAttempt(Initial)
		if err := s.Add(ctx, testDelivery(body), a); err != nil {
			t.Fatal(err)
		}
		a.State, a.Response = Answered, &Response{Status: 200 + 300*int(a.DeliveryID-1)}
		if err := s.Finish(a); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Attempts(ctx, a.DeliveryID); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Begin(ctx, &Attempt{DeliveryID: 1, Trigger: Replay}); err != nil { // behind the Finish of both
		t.Fatal(err)
	}
	tests := []struct {
		query string
		want  []int64
	}{
		{"header:X-A=1", []int64{2, 1}},
		{"header:X-A=2", nil},
		{`header:Content-Type=*json`, []int64{2, 1}},
		{"type:json size:<100 host:example.test ip:192.0.2.1 since:1h", []int64{2, 1}},
		{"x-a", []int64{2, 1}},
		{"needle", nil}, // bytes are compared as they are
		{"Needle", []int64{2}},
		{"body.id:evt_*", []int64{1}},
		{"status:500", []int64{2}},
		{"is:pending trigger:replay", []int64{1}},
		{"provider:stripe event:charge.* event_id:evt_1 signature:timestamp_too_old is:handshake is:unlisted", []int64{2}},
	}
	if err := s.SetFacts(ctx, 2, testFacts()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		list, err := s.List(ctx, ListOptions{Query: tt.query})
		if err != nil {
			t.Errorf("%q: %v", tt.query, err)
			continue
		}
		var got []int64
		for _, d := range list {
			got = append(got, d.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q finds %v, want %v", tt.query, got, tt.want)
		}
	}
}
