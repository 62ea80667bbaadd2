package inspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
	"unsafe"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// bindBytes binds b as TEXT where it is text that SQL can search, else as a
// BLOB; the bytes are the same either way. nil is NULL.
func bindBytes(stmt *sqlite.Stmt, param int, b []byte) {
	switch {
	case b == nil:
		stmt.BindNull(param)
	case len(b) > 0 && utf8.Valid(b) && bytes.IndexByte(b, 0) < 0:
		stmt.BindText(param, unsafe.String(&b[0], len(b))) // which copies it, and keeps nothing
	default:
		stmt.BindBytes(param, b)
	}
}

// columnBytes is the inverse of bindBytes.
func columnBytes(stmt *sqlite.Stmt, col int) []byte {
	if stmt.ColumnIsNull(col) {
		return nil
	}
	b := make([]byte, stmt.ColumnLen(col))
	stmt.ColumnBytes(col, b)
	return b
}

// columnDigest returns the SHA-256 of a column in hex, of bytes as columnBytes
// has them; "" where that is nil.
func columnDigest(stmt *sqlite.Stmt, col int) string {
	if stmt.ColumnIsNull(col) {
		return ""
	}
	digest := sha256.New()
	_, _ = stmt.ColumnReader(col).WriteTo(digest) // which writes them all, and never fails
	return hex.EncodeToString(digest.Sum(nil))
}

func (w *writer) insertDelivery(d *Delivery, facts []byte) error {
	header := encodeHeader(d.Header)
	if header == nil {
		header = []byte{}
	}
	body := d.Body
	if body == nil {
		body = []byte{}
	}
	err := w.exec(`INSERT INTO deliveries(id, received_at, method, target, path, host, proto, remote_addr, endpoint, content_type,
		size, truncated, disposition, reason, provider, event_type, event_id, signature, facts, header, trailer, body)
		VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.totals.LastID+1, d.ReceivedAt.UnixMicro(), d.Method, d.Target, d.Path(), d.Host, d.Proto, d.RemoteAddr, d.Endpoint, d.Header.Get("Content-Type"),
		d.Size, d.Truncated, string(d.Disposition), d.Reason,
		d.Facts.Provider, d.Facts.Event, d.Facts.EventID, string(d.Facts.Signature), facts, header, encodeHeader(d.Trailer), body)
	if err != nil {
		return err
	}
	w.totals.LastID++
	d.ID = w.totals.LastID
	w.totals.Received++
	w.totals.Bytes += int64(len(header) + len(body))
	*w.totals.disposition(d.Disposition)++
	if d.Source != FromProvider {
		if err := w.exec("INSERT INTO origins VALUES(?, ?)", d.ID, string(d.Source)); err != nil {
			return err
		}
	}
	if d.Waiting {
		return w.exec("INSERT INTO backlog VALUES(?)", d.ID)
	}
	return nil
}

func (w *writer) insertAttempt(a *Attempt, session int64) error {
	a.State = Pending
	var method, host, signed, header, body any
	if a.NotSigned != "" {
		signed = notSigned + a.NotSigned
	}
	if a.Sent != nil {
		method, host = a.Sent.Method, a.Sent.Host
		if signed == nil {
			signed = a.Sent.Signed
		}
		header = encodeHeader(a.Sent.Header)
		if a.Sent.Edited {
			body = append([]byte{}, a.Sent.Body...)
		}
	}
	w.totals.Attempts++
	w.totals.Pending++
	key := attemptKey(a.DeliveryID, a.Number)
	if a.Simulation != 0 {
		if err := w.exec("INSERT INTO simulation_attempts VALUES(?, ?)", key, a.Simulation); err != nil {
			return err
		}
	}
	return w.exec(`INSERT INTO attempts(key, session, trigger, state, started_at, duration, url, status, size, error, error_kind, protocol,
		sent, sent_method, sent_host, sent_signed, sent_header, sent_body) VALUES(?, ?, ?, 'pending', ?, 0, ?, 0, 0, '', '', '', ?, ?, ?, ?, ?, ?)`,
		key, session, string(a.Trigger), a.StartedAt.UnixMicro(), a.URL,
		a.Sent != nil, method, host, signed, header, body)
}

// notSigned marks an Attempt.NotSigned where a Sent.Signed is kept, which
// begins with the name of a provider.
const notSigned = "not: "

func attemptBytes(a *Attempt) int {
	if a.Response == nil {
		return 0
	}
	return len(a.Response.Body)
}

func (w *writer) updateAttempt(a *Attempt) error {
	var r Response
	if a.Response != nil {
		r = *a.Response
	}
	outlook, err := encodeOutlook(a.Outlook)
	if err != nil {
		return err
	}
	err = w.exec(`UPDATE attempts SET state=?, started_at=?, duration=?, url=?, status=?, size=?, error=?, error_kind=?, protocol=?, outlook=?,
		proto=?, header=?, trailer=?, truncated=?, body=? WHERE key=? AND state='pending'`,
		string(a.State), a.StartedAt.UnixMicro(), int64(a.Duration), a.URL, int64(r.Status), r.Size, a.Error, string(a.ErrorKind), string(a.Protocol), outlook,
		r.Proto, encodeHeader(r.Header), encodeHeader(r.Trailer), r.Truncated, r.Body, attemptKey(a.DeliveryID, a.Number))
	if err != nil || w.conn.Changes() == 0 {
		return err
	}
	if a.State != Pending {
		w.totals.Pending--
		*w.totals.outcome(a.State, r.Status)++
		w.totals.Bytes += int64(len(r.Body))
	}
	w.change(a.DeliveryID)
	return nil
}

// interrupt ends what a dead session left pending or running.
func (w *writer) interrupt(session int64) error {
	var keys []int64
	err := sqlitex.Execute(w.conn, "SELECT key FROM attempts WHERE session=? AND state='pending'", &sqlitex.ExecOptions{
		Args: []any{session},
		ResultFunc: func(stmt *sqlite.Stmt) error {
			keys = append(keys, stmt.ColumnInt64(0))
			return nil
		},
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		err := w.exec("UPDATE attempts SET state='interrupted', error=?, error_kind=? WHERE key=?",
			"hookloop ended before the handler had answered", string(ErrCanceled), key)
		if err != nil {
			return err
		}
		w.totals.Pending--
		w.totals.Errors++
		w.change(key >> attemptNumberBits)
	}
	if err := w.interruptSimulations(session); err != nil {
		return err
	}
	return w.exec("DELETE FROM sessions WHERE id=?", session)
}

func (w *writer) mustExist(id int64) error {
	_, err := sqlitex.ResultInt64(bind(w.conn.Prep("SELECT id FROM deliveries WHERE id=?"), id))
	if err != nil {
		return noDelivery(id)
	}
	return nil
}

// nextNumber returns the number for another attempt of a delivery.
func (w *writer) nextNumber(delivery int64) (int, error) {
	if err := w.mustExist(delivery); err != nil {
		return 0, err
	}
	last, err := sqlitex.ResultInt64(bind(w.conn.Prep("SELECT coalesce(max(key), ?1) FROM attempts WHERE key BETWEEN ?1 AND ?2"),
		attemptKey(delivery, 0), attemptKey(delivery+1, 0)-1))
	if err != nil {
		return 0, err
	}
	n := int(last-attemptKey(delivery, 0)) + 1
	if n >= 1<<attemptNumberBits {
		return 0, fmt.Errorf("delivery #%d has %d attempts, which is as many as one can have", delivery, n-1)
	}
	return n, nil
}

// remove deletes one delivery and takes it out of the counters.
func (w *writer) remove(id int64) (bool, error) {
	stmt := bind(w.conn.Prep("SELECT disposition, length(CAST(header AS BLOB))+length(CAST(body AS BLOB)) FROM deliveries WHERE id=?"), id)
	found := false
	err := eachRow(stmt, func() error {
		found = true
		w.totals.Received--
		*w.totals.disposition(Disposition(stmt.ColumnText(0)))--
		w.totals.Bytes -= stmt.ColumnInt64(1)
		return nil
	})
	if err != nil || !found {
		return false, err
	}
	lo, hi := attemptKey(id, 0), attemptKey(id+1, 0)-1
	stmt = bind(w.conn.Prep("SELECT state, status, coalesce(length(CAST(body AS BLOB)), 0) FROM attempts WHERE key BETWEEN ? AND ?"), lo, hi)
	err = eachRow(stmt, func() error {
		w.totals.Attempts--
		state := AttemptState(stmt.ColumnText(0))
		*w.totals.outcome(state, stmt.ColumnInt(1))--
		if state != Pending {
			w.totals.Bytes -= stmt.ColumnInt64(2)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	w.change(id)
	return true, errors.Join(
		w.exec("DELETE FROM deliveries WHERE id=?", id),
		w.exec("DELETE FROM attempts WHERE key BETWEEN ? AND ?", lo, hi),
		w.exec("DELETE FROM pins WHERE delivery_id=?", id),
		w.exec("DELETE FROM origins WHERE delivery_id=?", id),
		w.exec("DELETE FROM backlog WHERE delivery_id=?", id),
		w.exec("DELETE FROM simulation_attempts WHERE key BETWEEN ? AND ?", lo, hi),
		w.exec("DELETE FROM simulation_links WHERE delivery_id=?1 OR simulation IN (SELECT id FROM simulations WHERE delivery_id=?1)", id),
		w.exec("DELETE FROM simulations WHERE delivery_id=?", id))
}

func bind(stmt *sqlite.Stmt, args ...int64) *sqlite.Stmt {
	for i, a := range args {
		stmt.BindInt64(i+1, a)
	}
	return stmt
}

// eachRow calls f for every row of stmt and resets it.
func eachRow(stmt *sqlite.Stmt, f func() error) error {
	for {
		more, err := stmt.Step()
		if err == nil && more {
			err = f()
		}
		if err != nil || !more {
			return errors.Join(err, stmt.Reset())
		}
	}
}

func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }
