package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// read runs f on a reading connection, which is interrupted when ctx ends.
func (s *Store) read(ctx context.Context, f func(*sqlite.Conn) error) error {
	conn, err := s.pool.Take(ctx)
	if err != nil {
		if s.closing.Err() != nil {
			return ErrClosed
		}
		return err
	}
	defer s.pool.Put(conn)
	return f(conn)
}

func noDelivery(id int64) error {
	return notFoundf("there is no delivery #%d: `hookloop list` shows those there are", id)
}

// ErrBadID is returned (wrapped) by [Store.Resolve] for what names no delivery at all.
var ErrBadID = errors.New("not a delivery")

// A kindError is an error of a kind, such as [ErrNotFound], in words of its own.
type kindError struct {
	msg  string
	kind error
}

func (e *kindError) Error() string { return e.msg }
func (e *kindError) Unwrap() error { return e.kind }

func notFoundf(format string, args ...any) error {
	return &kindError{fmt.Sprintf(format, args...), ErrNotFound}
}

func badIDf(format string, args ...any) error {
	return &kindError{fmt.Sprintf(format, args...), ErrBadID}
}

// ListOptions choose what List returns. The zero value is the newest 100.
type ListOptions struct {
	Query  string // in the search language; "" = all
	Before int64  // only IDs below it; 0 = from the newest
	Limit  int    // 0 = 100
	Oldest bool   // oldest first instead of newest first, still below Before
	Digest bool   // set BodySHA256, which reads every body
}

const defaultLimit = 100

// summaryColumns are read by scanSummary, from deliveries d and its latest attempt a.
const summaryColumns = `SELECT d.id, d.received_at, d.method, substr(d.target, 1, 2048), substr(d.path, 1, 2048), d.host, d.remote_addr, d.content_type, d.size, d.truncated,
	d.disposition, d.reason, EXISTS(SELECT 1 FROM pins WHERE delivery_id=d.id), d.facts,
	a.key, a.trigger, a.state, a.started_at, a.duration, a.status, a.size, a.error, a.protocol, a.outlook,
	(SELECT source FROM origins WHERE delivery_id=d.id), EXISTS(SELECT 1 FROM backlog WHERE delivery_id=d.id)`

// summarySource is where summaryColumns, and more columns behind them, are from.
const summarySource = ` FROM deliveries d LEFT JOIN attempts a
	ON a.key = (SELECT max(key) FROM attempts WHERE key BETWEEN d.id<<20 AND (d.id<<20)|1048575) `

func scanSummary(stmt *sqlite.Stmt) Summary {
	s := Summary{
		ID: stmt.ColumnInt64(0), ReceivedAt: fromMicro(stmt.ColumnInt64(1)), Method: stmt.ColumnText(2), Target: stmt.ColumnText(3),
		Path: stmt.ColumnText(4), Host: stmt.ColumnText(5), RemoteAddr: stmt.ColumnText(6), ContentType: stmt.ColumnText(7),
		Size: stmt.ColumnInt64(8), Truncated: stmt.ColumnBool(9), Disposition: Disposition(stmt.ColumnText(10)), Reason: stmt.ColumnText(11),
		Pinned: stmt.ColumnBool(12), Facts: scanFacts(stmt, 13), Source: Source(stmt.ColumnText(24)), Waiting: stmt.ColumnBool(25),
	}
	if !stmt.ColumnIsNull(14) {
		s.Attempts = int(stmt.ColumnInt64(14) - attemptKey(s.ID, 0))
		s.Last = &AttemptSummary{
			Number: s.Attempts, Trigger: Trigger(stmt.ColumnText(15)), State: AttemptState(stmt.ColumnText(16)),
			StartedAt: fromMicro(stmt.ColumnInt64(17)), Duration: time.Duration(stmt.ColumnInt64(18)), Status: stmt.ColumnInt(19),
			Size: stmt.ColumnInt64(20), Error: stmt.ColumnText(21), Protocol: Protocol(stmt.ColumnText(22)), Outlook: scanOutlook(stmt, 23),
		}
	}
	return s
}

// List returns one page of summaries, newest first. The error is a
// [*QueryError] where the query is at fault. A search reads until the page is
// full and ends with ctx.
func (s *Store) List(ctx context.Context, o ListOptions) ([]Summary, error) {
	where, args := "1", []any(nil)
	if strings.TrimSpace(o.Query) != "" {
		q, err := ParseQuery(o.Query)
		if err != nil {
			return nil, err
		}
		where, args = q.where(time.Now())
	}
	if o.Before > 0 {
		where += " AND d.id < " + strconv.FormatInt(o.Before, 10)
	}
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	order := "DESC"
	if o.Oldest {
		order = "ASC"
	}
	list := make([]Summary, 0, min(o.Limit, 1000))
	columns := summaryColumns
	if o.Digest {
		columns += ", CASE WHEN d.truncated THEN NULL ELSE d.body END"
	}
	err := s.read(ctx, func(conn *sqlite.Conn) error {
		return sqlitex.Execute(conn, fmt.Sprintf("%s%s WHERE %s ORDER BY d.id %s LIMIT %d", columns, summarySource, where, order, o.Limit), &sqlitex.ExecOptions{
			Args: args,
			ResultFunc: func(stmt *sqlite.Stmt) error {
				summary := scanSummary(stmt)
				if o.Digest {
					summary.BodySHA256 = columnDigest(stmt, stmt.ColumnCount()-1)
				}
				list = append(list, summary)
				return nil
			},
		})
	})
	return list, err
}

// Changes are what happened after a revision.
type Changes struct {
	Rev        int64     // give it to the next Since
	Reset      bool      // the revision is unknown here: forget what you have and list again; the rest is empty
	Deliveries []Summary // new or changed, by ID, each once
	Removed    []int64   // deliveries that are gone
	More       bool      // there is more: call again at once
}

// maxChanges bounds the revisions that one Since looks at.
const maxChanges = 2000

// Since returns what was committed after revision rev, from one moment.
func (s *Store) Since(ctx context.Context, rev int64) (c Changes, err error) {
	err = s.read(ctx, func(conn *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(conn)(&err)
		newest, err := maxRev(conn)
		if err != nil {
			return err
		}
		oldest, err := sqlitex.ResultInt64(conn.Prep("SELECT coalesce(min(rev), 1) FROM changes"))
		if err != nil {
			return err
		}
		if c.Rev = newest; rev > newest || rev < oldest-1 {
			c.Reset = true
			return nil
		}
		touched := map[int64]struct{}{}
		c.Rev = rev
		n := 0
		stmt := bind(conn.Prep("SELECT rev, delivery_id FROM changes WHERE rev > ? ORDER BY rev LIMIT ?"), rev, maxChanges)
		err = eachRow(stmt, func() error {
			n++
			c.Rev = stmt.ColumnInt64(0)
			touched[stmt.ColumnInt64(1)] = struct{}{}
			return nil
		})
		if err != nil {
			return err
		}
		c.More = n == maxChanges && c.Rev < newest
		return c.load(conn, touched)
	})
	return c, err
}

// load fills c with the summaries of the touched deliveries, or their ids where they are gone.
func (c *Changes) load(conn *sqlite.Conn, touched map[int64]struct{}) error {
	ids := slices.Sorted(maps.Keys(touched))
	for _, id := range ids {
		found := false
		stmt := bind(conn.Prep(summaryColumns+summarySource+"WHERE d.id = ?"), id)
		err := eachRow(stmt, func() error {
			found = true
			c.Deliveries = append(c.Deliveries, scanSummary(stmt))
			return nil
		})
		if err != nil {
			return err
		}
		if !found {
			c.Removed = append(c.Removed, id)
		}
	}
	return nil
}

// Delivery returns one delivery, with its body. The error wraps [ErrNotFound] where there is none.
func (s *Store) Delivery(ctx context.Context, id int64) (*Delivery, error) {
	var d *Delivery
	err := s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := bind(conn.Prep(`SELECT received_at, method, target, host, proto, remote_addr, endpoint, size, truncated, disposition, reason,
			EXISTS(SELECT 1 FROM pins WHERE delivery_id=d.id), facts, header, trailer, body,
			(SELECT source FROM origins WHERE delivery_id=d.id), EXISTS(SELECT 1 FROM backlog WHERE delivery_id=d.id)
			FROM deliveries d WHERE id=?`), id)
		return eachRow(stmt, func() error {
			d = &Delivery{
				ID: id, ReceivedAt: fromMicro(stmt.ColumnInt64(0)), Method: stmt.ColumnText(1), Target: stmt.ColumnText(2), Host: stmt.ColumnText(3),
				Proto: stmt.ColumnText(4), RemoteAddr: stmt.ColumnText(5), Endpoint: stmt.ColumnText(6), Size: stmt.ColumnInt64(7),
				Truncated: stmt.ColumnBool(8), Disposition: Disposition(stmt.ColumnText(9)), Reason: stmt.ColumnText(10), Pinned: stmt.ColumnBool(11),
				Facts: scanFacts(stmt, 12), Header: decodeHeader(columnBytes(stmt, 13)), Trailer: decodeHeader(columnBytes(stmt, 14)), Body: columnBytes(stmt, 15),
				Source: Source(stmt.ColumnText(16)), Waiting: stmt.ColumnBool(17),
			}
			return nil
		})
	})
	if err == nil && d == nil {
		err = noDelivery(id)
	}
	return d, err
}

const attemptColumns = `SELECT key, trigger, state, started_at, duration, url, status, size, error, error_kind, protocol, outlook,
	sent, sent_method, sent_host, sent_signed, sent_header, sent_body, proto, header, trailer, truncated, body,
	(SELECT simulation FROM simulation_attempts s WHERE s.key=attempts.key) FROM attempts `

// A body that was sent is empty here, so that it is known that there was one.
var attemptColumnsWithoutBodies = strings.NewReplacer(
	"sent_body,", "CASE WHEN sent_body IS NULL THEN NULL ELSE x'' END,", " body,", " NULL,").Replace(attemptColumns)

func scanAttempt(stmt *sqlite.Stmt) Attempt {
	key := stmt.ColumnInt64(0)
	a := Attempt{
		DeliveryID: key >> attemptNumberBits, Number: int(key & (1<<attemptNumberBits - 1)), Trigger: Trigger(stmt.ColumnText(1)),
		State: AttemptState(stmt.ColumnText(2)), StartedAt: fromMicro(stmt.ColumnInt64(3)), Duration: time.Duration(stmt.ColumnInt64(4)),
		URL: stmt.ColumnText(5), Error: stmt.ColumnText(8), ErrorKind: ErrorKind(stmt.ColumnText(9)), Protocol: Protocol(stmt.ColumnText(10)),
		Outlook: scanOutlook(stmt, 11), Simulation: stmt.ColumnInt64(23),
	}
	signed := stmt.ColumnText(15)
	if not, ok := strings.CutPrefix(signed, notSigned); ok {
		signed, a.NotSigned = "", not
	}
	if stmt.ColumnBool(12) {
		a.Sent = &Sent{
			Method: stmt.ColumnText(13), Host: stmt.ColumnText(14), Signed: signed, Header: decodeHeader(columnBytes(stmt, 16)),
			Edited: !stmt.ColumnIsNull(17), Body: columnBytes(stmt, 17),
		}
	}
	if status := stmt.ColumnInt(6); status != 0 {
		a.Response = &Response{
			Status: status, Size: stmt.ColumnInt64(7), Proto: stmt.ColumnText(18), Header: decodeHeader(columnBytes(stmt, 19)),
			Trailer: decodeHeader(columnBytes(stmt, 20)), Truncated: stmt.ColumnBool(21), Body: columnBytes(stmt, 22),
		}
	}
	return a
}

// Attempts returns the attempts of a delivery by number, with their bodies;
// none is no error.
func (s *Store) Attempts(ctx context.Context, delivery int64) ([]Attempt, error) {
	return s.attempts(ctx, attemptColumns, attemptKey(delivery, 0), attemptKey(delivery+1, 0)-1)
}

// AttemptsWithoutBodies is Attempts without the bodies, which it does not read.
func (s *Store) AttemptsWithoutBodies(ctx context.Context, delivery int64) ([]Attempt, error) {
	return s.attempts(ctx, attemptColumnsWithoutBodies, attemptKey(delivery, 0), attemptKey(delivery+1, 0)-1)
}

// Attempt returns one attempt. The error wraps [ErrNotFound] where there is none.
func (s *Store) Attempt(ctx context.Context, delivery int64, number int) (*Attempt, error) {
	if number < 1 || number >= 1<<attemptNumberBits {
		return nil, noAttempt(delivery, number)
	}
	key := attemptKey(delivery, number)
	list, err := s.attempts(ctx, attemptColumns, key, key)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, noAttempt(delivery, number)
	}
	return &list[0], nil
}

// LastAttempt returns the newest attempt of a delivery. The error wraps
// [ErrNotFound] where there is none.
func (s *Store) LastAttempt(ctx context.Context, delivery int64) (*Attempt, error) {
	var last int64
	err := s.read(ctx, func(conn *sqlite.Conn) (err error) {
		last, err = sqlitex.ResultInt64(bind(conn.Prep("SELECT coalesce(max(key), 0) FROM attempts WHERE key BETWEEN ? AND ?"),
			attemptKey(delivery, 0), attemptKey(delivery+1, 0)-1))
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case last == 0:
		return nil, noAttempt(delivery, 1)
	}
	return s.Attempt(ctx, delivery, int(last-attemptKey(delivery, 0)))
}

func noAttempt(delivery int64, number int) error {
	return notFoundf("delivery #%d has no attempt %d", delivery, number)
}

func (s *Store) attempts(ctx context.Context, columns string, lo, hi int64) (list []Attempt, err error) {
	err = s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := bind(conn.Prep(columns+"WHERE key BETWEEN ? AND ? ORDER BY key"), lo, hi)
		return eachRow(stmt, func() error {
			list = append(list, scanAttempt(stmt))
			return nil
		})
	})
	return list, err
}
