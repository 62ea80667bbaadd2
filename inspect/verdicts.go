package inspect

import (
	"context"
	"encoding/json"

	"zombiezen.com/go/sqlite"
)

// Verdicts returns what the latest simulations of deliveries came to, by the ID
// of the delivery: "PASS", "FAIL", "INCONCLUSIVE", or "running". Deliveries
// without a simulation are not in it. It is one query, however many there are.
func (s *Store) Verdicts(ctx context.Context, deliveries []int64) (map[int64]string, error) {
	verdicts := map[int64]string{}
	if len(deliveries) == 0 {
		return verdicts, nil
	}
	ids, err := json.Marshal(deliveries)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := conn.Prep(`SELECT l.delivery_id, iif(verdict = '', state, verdict) FROM (
	SELECT delivery_id, max(simulation) AS latest FROM simulation_links WHERE delivery_id IN (SELECT value FROM json_each(?)) GROUP BY delivery_id
	) l JOIN simulations s ON s.id = l.latest`)
		stmt.BindText(1, string(ids))
		return eachRow(stmt, func() error {
			verdicts[stmt.ColumnInt64(0)] = stmt.ColumnText(1)
			return nil
		})
	})
	return verdicts, err
}
