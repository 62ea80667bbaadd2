package inspect

import (
	"context"
	"encoding/json"
	"net/http"

	"zombiezen.com/go/sqlite"
)

// Counters are the accounts of what the store holds. They always add up:
//
//	Received = Forwarded + Held + Refused
//	Attempts = Status2xx + Status3xx + Status4xx + Status5xx + Errors + Pending
//
// An upgraded connection (101) counts as a 2xx, an interrupted attempt as an error.
type Counters struct {
	Received  int64 `json:"received"`
	Forwarded int64 `json:"forwarded"`
	Held      int64 `json:"held"`
	Refused   int64 `json:"refused"`

	Attempts  int64 `json:"attempts"`
	Status2xx int64 `json:"status_2xx"`
	Status3xx int64 `json:"status_3xx"`
	Status4xx int64 `json:"status_4xx"`
	Status5xx int64 `json:"status_5xx"`
	Errors    int64 `json:"errors"`
	Pending   int64 `json:"pending"`
}

func (c *Counters) disposition(d Disposition) *int64 {
	switch d {
	case Forwarded:
		return &c.Forwarded
	case Held:
		return &c.Held
	}
	return &c.Refused
}

func (c *Counters) outcome(state AttemptState, status int) *int64 {
	switch {
	case state == Pending:
		return &c.Pending
	case state != Answered:
		return &c.Errors
	case status/100 == 2, status == http.StatusSwitchingProtocols:
		return &c.Status2xx
	case status/100 == 3:
		return &c.Status3xx
	case status/100 == 4:
		return &c.Status4xx
	}
	return &c.Status5xx
}

// totals are what the store keeps count of. They stand in the last change of
// each commit, so that they belong to its revision.
type totals struct {
	Counters
	Bytes  int64 `json:"bytes"`   // of the headers and bodies kept
	LastID int64 `json:"last_id"` // the newest delivery's, also when that is gone
}

// read brings t, which is of revision rev, up to date and returns the newest revision.
func (t *totals) read(conn *sqlite.Conn, rev int64) (newest int64, err error) {
	stmt := conn.Prep("SELECT rev, totals FROM changes ORDER BY rev DESC LIMIT 1")
	err = eachRow(stmt, func() error {
		if newest = stmt.ColumnInt64(0); newest == rev {
			return nil
		}
		*t = totals{}
		return json.Unmarshal(columnBytes(stmt, 1), t)
	})
	return newest, err
}

func (s *Store) totals(ctx context.Context) (t totals, err error) {
	err = s.read(ctx, func(conn *sqlite.Conn) (err error) {
		_, err = t.read(conn, 0)
		return err
	})
	return t, err
}

// CountEvents returns how many deliveries of each provider and event type are
// kept; "" is the event type of those that have none. Those of which it is not
// known who sent them are left out.
func (s *Store) CountEvents(ctx context.Context) (map[string]map[string]int, error) {
	counts := map[string]map[string]int{}
	err := s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := conn.Prep("SELECT provider, event_type, count(*) FROM deliveries WHERE provider <> '' GROUP BY 1, 2")
		return eachRow(stmt, func() error {
			name := stmt.ColumnText(0)
			if counts[name] == nil {
				counts[name] = map[string]int{}
			}
			counts[name][stmt.ColumnText(1)] = stmt.ColumnInt(2)
			return nil
		})
	})
	return counts, err
}

// Counters returns the accounts, from one moment.
func (s *Store) Counters(ctx context.Context) (Counters, error) {
	t, err := s.totals(ctx)
	return t.Counters, err
}
