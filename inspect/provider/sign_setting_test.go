package provider

import "testing"

// Where a setting names the header of a token, the token is what is sent.
func TestSignNamedHeader(t *testing.T) {
	for _, name := range []string{"daglo", "custom"} {
		c := checkerFor(name, "tok123")
		p := c.Catalog.Provider(name)
		r := p.Render(&p.Samples[0], "https://example.test/hook", captured)
		for _, header := range []string{"", "X-Cb-Token"} {
			c.Settings = map[string]map[string]string{name: {"header": header}}
			s, err := c.Sign(r, captured, true)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := s.Request.Header.Get("X-Cb-Token"); (s.Scheme == "token" || s.Scheme == "header") != (header != "") || got == "tok123" != (header != "") {
				t.Errorf("%s, header %q: signed with %s: %v", name, header, s.Scheme, s.Request.Header)
			}
			if d := c.Verify(t.Context(), &s.Request); d.Result != Valid || d.Scheme != s.Scheme {
				t.Errorf("%s, header %q: %+v", name, header, d)
			}
		}
	}
}
