package provider

import "errors"

// ConfirmURL returns the address that [Checker.Confirm] would fetch for r.
// The error says why it would fetch none.
func (c *Checker) ConfirmURL(r *Request) (string, error) {
	rec := c.Recognize(r)
	if rec.Provider == nil || rec.Handshake == nil || rec.Handshake.Confirm.IsZero() {
		return "", errors.New("there is nothing to confirm: this is no subscription's confirmation")
	}
	text, _ := rec.Handshake.Confirm.first(&scope{r: r, settings: c.Settings[rec.Provider.Name]})
	address, err := pinned(text, rec.Handshake.Hosts)
	if err != nil {
		return "", err
	}
	return address.String(), nil
}
