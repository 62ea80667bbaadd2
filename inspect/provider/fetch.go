package provider

// A Fetcher fetches certificates and key sets.
type Fetcher struct{}

func (v *verification) fetchKeys(c *check, offline bool) ([]*key, *Diagnosis) { return nil, nil }
