package inspect

import (
	"context"
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

// each calls f with every counter's name in the file and its place.
func (c *Counters) each(f func(name string, n *int64) error) error {
	for _, e := range []struct {
		name string
		n    *int64
	}{
		{"received", &c.Received},
		{"forwarded", &c.Forwarded},
		{"held", &c.Held},
		{"refused", &c.Refused},
		{"attempts", &c.Attempts},
		{"status_2xx", &c.Status2xx},
		{"status_3xx", &c.Status3xx},
		{"status_4xx", &c.Status4xx},
		{"status_5xx", &c.Status5xx},
		{"errors", &c.Errors},
		{"pending", &c.Pending},
	} {
		if err := f(e.name, e.n); err != nil {
			return err
		}
	}
	return nil
}

// bytesCounter is the row that holds the bytes of headers and bodies kept.
const bytesCounter = "bytes"

func (w *writer) saveCounters() error {
	add := func(name string, n *int64) error {
		if *n == 0 {
			return nil
		}
		return w.exec("INSERT INTO counters VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET n = n + excluded.n", name, *n)
	}
	if err := w.counts.each(add); err != nil {
		return err
	}
	return add(bytesCounter, &w.bytes)
}

// Counters returns the accounts, from one moment.
func (s *Store) Counters(ctx context.Context) (c Counters, err error) {
	named, err := s.counters(ctx)
	if err != nil {
		return c, err
	}
	err = c.each(func(name string, n *int64) error {
		*n = named[name]
		return nil
	})
	return c, err
}

func (s *Store) counters(ctx context.Context) (map[string]int64, error) {
	named := map[string]int64{}
	err := s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := conn.Prep("SELECT name, n FROM counters")
		return eachRow(stmt, func() error {
			named[stmt.ColumnText(0)] = stmt.ColumnInt64(1)
			return nil
		})
	})
	return named, err
}
