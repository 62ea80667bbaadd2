package inspect

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// csvColumns are the columns of a CSV export: who sent what when, and with
// what result. Scripts know them by these names.
var csvColumns = []string{
	"delivery", "received_at", "remote_addr", "address", "provider", "certainty", "event_type", "event_id",
	"method", "target", "size", "body_sha256", "signature", "signature_reason", "disposition", "reason", "source",
	"attempt", "trigger", "started_at", "duration_ms", "status", "error", "outlook", "simulation", "verdict",
}

// WriteCSV writes one row for each attempt, and one for a delivery without
// any, as they come, below a row with the names of the columns: RFC 4180, in
// UTF-8. It holds no more than one record, and loses more than [WriteJSONL]:
//
//   - bodies and headers are left out; body_sha256 is of the delivery's body,
//     and empty where that was not kept whole;
//   - what is invisible is written out, see [Escape], so a cell is one line;
//   - a ' is put before a text that a spreadsheet would run as a formula: one
//     that begins with =, +, - or @, spaces aside.
//
// Times are RFC 3339, in UTC. What there is none of is an empty cell.
func WriteCSV(w io.Writer, records iter.Seq2[Record, error]) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(csvColumns); err != nil {
		return err
	}
	for r, err := range records {
		if err != nil {
			return err
		}
		row := csvDelivery(r.Delivery)
		if len(r.Attempts) == 0 {
			err = out.Write(append(row, "", "", "", "", "", "", "", "", r.Verdict))
		}
		for i := range r.Attempts {
			if err == nil {
				err = out.Write(append(append(row[:len(row):len(row)], csvAttempt(&r.Attempts[i])...), r.Verdict))
			}
		}
		if err != nil {
			return err
		}
		if out.Flush(); out.Error() != nil {
			return out.Error()
		}
	}
	out.Flush()
	return out.Error()
}

func csvDelivery(d *Delivery) []string {
	sum := ""
	if !d.Truncated {
		digest := sha256.Sum256(d.Body)
		sum = hex.EncodeToString(digest[:])
	}
	f := &d.Facts
	return []string{
		strconv.FormatInt(d.ID, 10), csvTime(d.ReceivedAt), csvText(d.RemoteAddr), csvText(string(f.Address)),
		csvText(f.Provider), csvText(string(f.Certainty)), csvText(f.Event), csvText(f.EventID),
		csvText(d.Method), csvText(d.Target), strconv.FormatInt(d.Size, 10), sum,
		csvText(string(f.Signature)), csvText(f.SignatureReason), csvText(string(d.Disposition)), csvText(d.Reason), string(d.Source),
	}
}

func csvAttempt(a *Attempt) []string {
	duration, status, outlook, simulation := "", "", "", ""
	if a.State != Pending {
		duration = strconv.FormatFloat(float64(a.Duration)/float64(time.Millisecond), 'f', -1, 64)
	}
	if a.Response != nil {
		status = strconv.Itoa(a.Response.Status)
	}
	if a.Outlook != nil {
		outlook = a.Outlook.Text
	}
	if a.Simulation != 0 {
		simulation = strconv.FormatInt(a.Simulation, 10)
	}
	return []string{
		strconv.Itoa(a.Number), csvText(string(a.Trigger)), csvTime(a.StartedAt), duration, status, csvText(a.Error), csvText(outlook), simulation,
	}
}

func csvTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// csvText returns a cell that is shown as it is wherever it is opened. The
// wide forms of the signs count too: some spreadsheets read them alike.
// See https://owasp.org/www-community/attacks/CSV_Injection.
func csvText(s string) string {
	s = Escape(s)
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " "))
	if s != "" && strings.ContainsRune("=+-@＝＋－＠", r) {
		return "'" + s
	}
	return s
}
