package provider

import (
	"fmt"
	"slices"
	"strings"
)

// Table returns what the catalog knows in brief, a row for each provider,
// sorted by name. The first row is the headings.
func (c *Catalog) Table() [][]string {
	rows := [][]string{{"name", "provider", "verified by", "signed again", "limit", "success", "retries", "handshake", "samples", "facts"}}
	for _, p := range c.All() {
		var kinds, handshakes []string
		for i := range p.Schemes {
			if k := string(p.Schemes[i].Kind); !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
		for i := range p.Handshakes {
			handshakes = append(handshakes, p.Handshakes[i].Name)
		}
		limit, success := p.Delivery.Timeout.String(), p.Delivery.Success.String()
		if p.Delivery.Timeout == 0 {
			limit = "?"
		}
		if success == "" {
			success = "?"
		}
		rows = append(rows, []string{
			p.Name, p.Title, strings.Join(kinds, ", "), p.signs(), limit, success, p.Delivery.Brief(),
			strings.Join(handshakes, ", "), fmt.Sprint(len(p.Samples)), string(p.confidence()),
		})
	}
	return rows
}
