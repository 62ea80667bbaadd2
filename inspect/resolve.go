package inspect

import (
	"context"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
)

// Resolve returns the IDs that an expression names, in ascending order: "12",
// "#12", "last", "last~2" (the third newest), "3..7" (those of them that
// exist). What a mock API was asked is never the last. It never returns none without an error; the error wraps
// [ErrNotFound] where the expression is sound.
func (s *Store) Resolve(ctx context.Context, expr string) ([]int64, error) {
	from, to, isRange := strings.Cut(expr, "..")
	lo, err := s.resolveOne(ctx, from)
	if err != nil {
		return nil, err
	}
	hi := lo
	if isRange {
		if hi, err = s.resolveOne(ctx, to); err != nil {
			return nil, err
		}
	}
	var ids []int64
	err = s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := bind(conn.Prep("SELECT id FROM deliveries WHERE id BETWEEN ? AND ? ORDER BY id"), min(lo, hi), max(lo, hi))
		return eachRow(stmt, func() error {
			ids = append(ids, stmt.ColumnInt64(0))
			return nil
		})
	})
	switch {
	case err != nil:
		return nil, err
	case len(ids) > 0:
		return ids, nil
	case isRange:
		return nil, notFoundf("there is no delivery from #%d to #%d: `hookloop list` shows those there are", min(lo, hi), max(lo, hi))
	}
	return nil, noDelivery(lo)
}

// resolveOne returns the ID of "12", "#12", "last" or "last~2".
func (s *Store) resolveOne(ctx context.Context, expr string) (int64, error) {
	expr = strings.TrimSpace(expr)
	rest, isLast := strings.CutPrefix(expr, "last")
	if !isLast {
		id, err := strconv.ParseInt(strings.TrimPrefix(expr, "#"), 10, 64)
		if err != nil || id < 1 {
			return 0, badIDf("%q is not a delivery: give a number such as 12, `last`, `last~2` or a range such as 3..7", expr)
		}
		return id, nil
	}
	back := 0
	if rest != "" {
		n, ok := strings.CutPrefix(rest, "~")
		var err error
		if back, err = strconv.Atoi(n); !ok || err != nil || back < 0 {
			return 0, badIDf("%q is not a delivery: give `last`, or `last~2` for the third newest", expr)
		}
	}
	var id int64
	err := s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := bind(conn.Prep(`SELECT id FROM deliveries d
			WHERE NOT EXISTS (SELECT 1 FROM origins o WHERE o.delivery_id = d.id AND o.source = 'mock')
			ORDER BY id DESC LIMIT 1 OFFSET ?`), int64(back))
		return eachRow(stmt, func() error {
			id = stmt.ColumnInt64(0)
			return nil
		})
	})
	if err == nil && id == 0 {
		err = notFoundf("there is no delivery %q yet: `hookloop listen` receives them", expr)
	}
	return id, err
}
