package inspect

import (
	"errors"
	"fmt"
	"math"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookloop/inspect/provider"
)

// A QueryKey describes a key of the search language, for help screens.
type QueryKey struct {
	Key     string `json:"key"`     // "status:"
	Meaning string `json:"meaning"` // "the latest attempt's status"
	Example string `json:"example"` // "status:>=500"
}

// QueryHelp returns every key, in the order in which help shows them.
func QueryHelp() []QueryKey {
	help := []QueryKey{{`text`, "text in the target, a header or the body, in either case", `"free text"`}}
	for _, k := range queryKeys {
		help = append(help, QueryKey{k.name + ":", k.meaning, k.example})
	}
	return append(help,
		QueryKey{"body.path:", "a value in a JSON body; * and ? match any text, > and < compare numbers", "body.data.object.id:ch_*"},
		QueryKey{"-", "turns a term round", "-path:/health"})
}

type queryKey struct {
	name, meaning, example string
	parse                  func(value) (condition, error)
}

var queryKeys = []queryKey{
	{"method", "the request method", "method:POST", parseMethod},
	{"path", "the whole path; * and ? match any text", "path:/hooks/*", parsePath},
	{"host", "the Host header; * and ? match any text", "host:*.example.com", parseHost},
	{"status", "the latest attempt's status", "status:>=500 (or 404, 5xx, 500..599)", parseStatus},
	{"is", "one of " + strings.Join(isNames(), ", ") + " (listed: from an address that its provider publishes; simulated: sent by hookloop)", "is:failed", parseIs},
	{"provider", "who sent it; * and ? match any text", "provider:stripe", parseProvider},
	{"event", "the event type; * and ? match any text", "event:charge.*", parseEvent},
	{"event_id", "the provider's ID of the event; * and ? match any text", "event_id:evt_*", parseEventID},
	{"signature", "whether the signature holds", "signature:invalid (or valid, none, a reason such as wrong_secret)", parseSignature},
	{"outlook", "what the provider would do after its own attempt", "outlook:retry (or accepted, gives_up, disabled, too_late, unknown, failed)", parseOutlook},
	{"source", "where it came from, if it did not simply arrive: " + strings.Join(sourceNames, ", "), "source:trigger", parseSource},
	{"verdict", "what the latest simulation of it came to: " + strings.Join(verdictNames, ", "), "verdict:fail", parseVerdict},
	{"trigger", "any attempt's trigger: " + strings.Join(triggerNames, ", "), "trigger:replay", parseTrigger},
	{"since", "arrived in this time, or after a time", "since:1h (or 30m, 2d, 2026-01-31, 2026-01-31T09:00:00Z)", parseSince},
	{"before", "arrived longer ago, or before a time", "before:2d", parseBefore},
	{"id", "the number of the delivery", "id:12 (or 3..7, >100)", parseID},
	{"size", "the size of the body", "size:>10k", parseSize},
	{"duration", "how long the latest attempt took", "duration:>1s", parseDurationKey},
	{"ip", "the sender's address; * and ? match any text", "ip:10.0.*", parseIP},
	{"type", "text in the content type", "type:json", parseType},
	{"header", "a header, or its whole value; * and ? match any text", "header:X-GitHub-Event=push", parseHeader},
	{"error", "text in the latest attempt's error, or its kind", "error:timeout", parseError},
	{"body", "text in the body", "body:ch_123", parseBody},
}

// expr returns a condition that does not depend on the time.
func expr(sql string, args ...any) condition {
	return func(time.Time) (string, []any) { return sql, args }
}

// latest returns a condition on the latest attempt, a; it is NULL without one.
func latest(sql string, args ...any) condition {
	return expr(`SELECT `+sql+` FROM attempts a
		WHERE a.key BETWEEN d.id<<20 AND (d.id<<20)|1048575 ORDER BY a.key DESC LIMIT 1`, args...)
}

// anyAttempt returns a condition that some attempt, a, meets.
func anyAttempt(sql string, args ...any) condition {
	return expr(`EXISTS (SELECT 1 FROM attempts a
		WHERE a.key BETWEEN d.id<<20 AND (d.id<<20)|1048575 AND `+sql+`)`, args...)
}

func parseMethod(v value) (condition, error) { return expr("d.method = upper(?)", v.text), nil }

func parsePath(v value) (condition, error) { return expr("d.path GLOB ?", v.glob()), nil }

// parseHost also finds a host with any port.
func parseHost(v value) (condition, error) {
	return expr("lower(d.host) GLOB lower(?) OR lower(d.host) GLOB lower(?) || ':*'", v.glob(), v.glob()), nil
}

func parseStatus(v value) (condition, error) {
	if s := strings.ToLower(v.text); len(s) == 3 && s[0] >= '1' && s[0] <= '5' && s[1:] == "xx" {
		lo := int64(s[0]-'0') * 100
		return latest("a.status BETWEEN ? AND ?", lo, lo+99), nil
	}
	lo, hi, err := parseRange(v.text, parseInt)
	if err != nil {
		return nil, fmt.Errorf("%w; write 404, 5xx, >=500 or 500..599", err)
	}
	return latest("a.status BETWEEN ? AND ?", max(lo, 1), hi), nil // 0 is no status
}

const (
	attemptOK   = `(a.state IN ('answered', 'pending') AND a.error = '' AND (a.status BETWEEN 200 AND 299 OR a.status = 101))`
	attemptOver = `a.state <> 'pending'`
)

// isConditions are sorted by name.
var isConditions = []struct {
	name  string
	match condition
}{
	{"failed", latest(attemptOver + " AND NOT " + attemptOK)},
	{"forwarded", expr("d.disposition = 'forwarded'")},
	{"handshake", expr("d.facts ->> '$.handshake' <> ''")},
	{"held", expr("(d.disposition = 'held' OR EXISTS (SELECT 1 FROM backlog b WHERE b.delivery_id = d.id))")},
	{"interrupted", latest("a.state = 'interrupted'")},
	{"listed", address(provider.Listed)},
	{"ok", latest(attemptOK)},
	{"pending", latest("a.state = 'pending'")},
	{"pinned", expr("EXISTS (SELECT 1 FROM pins p WHERE p.delivery_id = d.id)")},
	{"refused", expr("d.disposition = 'refused'")},
	{"replayed", anyAttempt("a.trigger = 'replay'")},
	{"simulated", expr("EXISTS (SELECT 1 FROM origins o WHERE o.delivery_id = d.id AND o.source <> 'poll')")},
	{"sse", anyAttempt("a.protocol = 'sse'")},
	{"truncated", expr("d.truncated")},
	{"unlisted", address(provider.NotListed)},
	{"waiting", expr("EXISTS (SELECT 1 FROM backlog b WHERE b.delivery_id = d.id)")},
	{"websocket", anyAttempt("a.protocol = 'websocket'")},
}

func isNames() []string {
	var names []string
	for _, c := range isConditions {
		names = append(names, c.name)
	}
	return names
}

func parseIs(v value) (condition, error) {
	for _, c := range isConditions {
		if c.name == strings.ToLower(v.text) {
			return c.match, nil
		}
	}
	return nil, oneOf(v, isNames())
}

var triggerNames = []string{string(Initial), string(Replay), string(Duplicate), string(Retry), string(Simulated)}

func parseTrigger(v value) (condition, error) {
	name := strings.ToLower(v.text)
	if !slices.Contains(triggerNames, name) {
		return nil, oneOf(v, triggerNames)
	}
	return anyAttempt("a.trigger = ?", name), nil
}

var sourceNames = []string{string(FromTrigger), string(FromPoll), string(FromMock), string(FromSimulation)}

func parseSource(v value) (condition, error) {
	name := strings.ToLower(v.text)
	if !slices.Contains(sourceNames, name) {
		return nil, oneOf(v, sourceNames)
	}
	return expr("EXISTS (SELECT 1 FROM origins o WHERE o.delivery_id = d.id AND o.source = ?)", name), nil
}

var verdictNames = []string{"pass", "fail", "inconclusive"}

func parseVerdict(v value) (condition, error) {
	name := strings.ToLower(v.text)
	if !slices.Contains(verdictNames, name) {
		return nil, oneOf(v, verdictNames)
	}
	return expr("SELECT s.verdict = upper(?) FROM simulation_links l JOIN simulations s ON s.id = l.simulation WHERE l.delivery_id = d.id ORDER BY s.id DESC LIMIT 1", name), nil
}

func oneOf(v value, names []string) error {
	if near := Nearest(strings.ToLower(v.text), names); near != "" {
		return fmt.Errorf("did you mean %s? It is one of %s", near, strings.Join(names, ", "))
	}
	return fmt.Errorf("it is one of %s", strings.Join(names, ", "))
}

func parseSince(v value) (condition, error)  { return parseWhen(v, "d.received_at >= ?") }
func parseBefore(v value) (condition, error) { return parseWhen(v, "d.received_at < ?") }

// parseWhen reads a time, or how long ago it was. A time without a zone is local.
func parseWhen(v value, sql string) (condition, error) {
	if ago, err := parseDuration(v.text); err == nil {
		return func(now time.Time) (string, []any) { return sql, []any{now.Add(-time.Duration(ago)).UnixMicro()} }, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, v.text, time.Local); err == nil {
			return expr(sql, t.UnixMicro()), nil
		}
	}
	return nil, errors.New("it is no time; write 1h, 30m, 2d, 2026-01-31 or 2026-01-31T09:00:00Z")
}

func parseID(v value) (condition, error) {
	lo, hi, err := parseRange(v.text, func(s string) (int64, error) { return parseInt(strings.TrimPrefix(s, "#")) })
	if err != nil {
		return nil, fmt.Errorf("%w; write 12, 3..7 or >100", err)
	}
	return expr("d.id BETWEEN ? AND ?", lo, hi), nil
}

func parseSize(v value) (condition, error) {
	lo, hi, err := parseRange(v.text, parseBytes)
	if err != nil {
		return nil, fmt.Errorf("%w; write 0, >10k, <1m or 1k..2k", err)
	}
	return expr("d.size BETWEEN ? AND ?", lo, hi), nil
}

func parseDurationKey(v value) (condition, error) {
	lo, hi, err := parseRange(v.text, parseDuration)
	if err != nil {
		return nil, fmt.Errorf("%w; write >1s, <200ms or 1s..5s", err)
	}
	return latest(attemptOver+" AND a.duration BETWEEN ? AND ?", lo, hi), nil
}

// parseIP takes an address, without its port.
func parseIP(v value) (condition, error) {
	if strings.Contains(v.text, "/") {
		return nil, errors.New("networks are not understood; write 10.0.*")
	}
	ip := v.glob()
	return expr("d.remote_addr GLOB ? OR d.remote_addr GLOB ? || ':*' OR d.remote_addr GLOB '[[]' || ? || ']:*'", ip, ip, ip), nil
}

func parseType(v value) (condition, error) {
	return expr(`d.content_type LIKE ? ESCAPE '\'`, contains(v.text)), nil
}

// headerLines is the headers of d as a JSON list of lines "Name: value". SQLite
// splits no text, but it reads JSON.
const headerLines = `'["' || replace(replace(replace(replace(CAST(d.header AS TEXT), '\', '\\'), '"', '\"'), char(9), '\t'), char(10), '","') || '"]'`

func parseHeader(v value) (condition, error) {
	name, val := v.text, bare("*")
	if i := strings.IndexAny(v.text, "=:"); i >= 0 {
		name, val = v.text[:i], v.from(i+1)
	}
	name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
	if name == "" {
		return nil, errors.New("it names no header; write header:Name or header:Name=value")
	}
	line := literal(name+": ").like() + val.like()
	return expr(`instr(CAST(d.header AS TEXT), ?) AND EXISTS (SELECT 1
		FROM json_each(CASE WHEN json_valid(`+headerLines+`) THEN `+headerLines+` ELSE '[]' END) l
		WHERE l.value LIKE ? ESCAPE '\')`, name+": ", line), nil
}

func parseError(v value) (condition, error) {
	return latest(`a.error LIKE ? ESCAPE '\' OR a.error_kind = lower(?)`, contains(v.text), v.text), nil
}

func parseBody(v value) (condition, error) {
	sql, args := bodyContains(v.text)
	return expr(sql, args...), nil
}

// freeText looks into headers without regard to case even where they are a
// BLOB: no NUL ends them early.
func freeText(text string) condition {
	body, args := bodyContains(text)
	return expr(`d.target LIKE ? ESCAPE '\' OR CAST(d.header AS TEXT) LIKE ? ESCAPE '\' OR `+body, append([]any{contains(text), contains(text)}, args...)...)
}

// bodyContains looks for text in the body, which is TEXT or BLOB, and in TEXT
// without regard to the case of ASCII letters.
func bodyContains(text string) (sql string, args []any) {
	return `CASE typeof(d.body) WHEN 'blob' THEN instr(d.body, CAST(? AS BLOB)) > 0 ELSE d.body LIKE ? ESCAPE '\' END`,
		[]any{text, contains(text)}
}

// bodyPath compares a value in a JSON body. path is what follows "body":
// ".data.items.0.id" or ".data.items[0].id".
func bodyPath(path string, v value) (condition, error) {
	if v.text == "" {
		return nil, fmt.Errorf("body%s: needs a value, as in body.data.object.id:ch_*", path)
	}
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	keys, elements := "$", "$" // a number is an element of a list, or a key
	for name := range strings.SplitSeq(path[1:], ".") {
		if name == "" {
			return nil, fmt.Errorf("body%s: there is an empty name in the path; write body.data.items[0].id", path)
		}
		keys += `."` + name + `"`
		if _, err := strconv.ParseUint(name, 10, 31); err == nil {
			elements += "[" + name + "]"
		} else {
			elements += `."` + name + `"`
		}
	}
	paths := []string{keys}
	if elements != keys {
		paths = append(paths, elements)
	}
	var sql []string
	var args []any
	for _, p := range paths {
		more := "CASE json_type(d.body, ?) WHEN 'text' THEN json_extract(d.body, ?) ELSE d.body -> ? END GLOB ?"
		moreArgs := []any{p, p, p, v.glob()}
		if lo, hi, ok := numberRange(v); ok {
			more = "json_type(d.body, ?) IN ('integer', 'real') AND json_extract(d.body, ?) BETWEEN ? AND ?"
			moreArgs = []any{p, p, lo, hi}
		}
		sql, args = append(sql, more), append(args, moreArgs...)
	}
	return expr("CASE WHEN typeof(d.body) = 'text' AND json_valid(d.body) THEN "+strings.Join(sql, " OR ")+" END", args...), nil
}

// numberRange reads >1, >=1, <1 and <=1; other values are compared as text.
func numberRange(v value) (lo, hi float64, ok bool) {
	if v.text == "" || v.quoted[0] || !strings.ContainsRune("<>", rune(v.text[0])) {
		return 0, 0, false
	}
	number := strings.TrimPrefix(v.text[1:], "=")
	exclusive := number == v.text[1:]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(n) {
		return 0, 0, false
	}
	if v.text[0] == '>' {
		if exclusive {
			n = math.Nextafter(n, math.Inf(1))
		}
		return n, math.Inf(1), true
	}
	if exclusive {
		n = math.Nextafter(n, math.Inf(-1))
	}
	return math.Inf(-1), n, true
}
