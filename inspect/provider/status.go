package provider

// Statuses are HTTP statuses: 200, "2xx", "200..204", "4xx-except-429".
type Statuses struct{ text []string }

// Has reports whether s has a status.
func (s Statuses) Has(status int) bool { return false }
