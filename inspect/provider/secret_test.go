package provider

import "testing"

func TestHasSecret(t *testing.T) {
	one := []Secret{{Label: "l", Value: "v"}}
	c := &Checker{
		Catalog: BuiltIn(),
		Routes:  []Route{{Prefix: "/own", Secrets: one}, {Prefix: "/none", Secrets: []Secret{}}},
		Secrets: map[string][]Secret{"stripe": one},
	}
	c.AddSecret("notion", one[0])
	tests := []struct {
		target, name string
		want         bool
	}{
		{"/", "stripe", true},
		{"/", "notion", true},
		{"/", "slack", false},
		{"/", "nobody", false},
		{"/own", "slack", true},
		{"/none", "stripe", false},
	}
	for _, tt := range tests {
		if got := c.HasSecret(&Request{Target: tt.target}, tt.name); got != tt.want {
			t.Errorf("%s at %s: got %t, want %t", tt.name, tt.target, got, tt.want)
		}
	}
	if (*Checker)(nil).HasSecret(&Request{}, "stripe") {
		t.Error("a nil Checker has a secret")
	}
}
