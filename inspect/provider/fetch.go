package provider

// A Fetcher fetches certificates and key sets.
type Fetcher struct{}
