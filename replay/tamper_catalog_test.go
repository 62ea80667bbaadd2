package replay

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A handler that checks as each provider's page says refuses all that is
// changed of its events, and nothing is held against it that its provider does
// not protect. All of that is held against one that takes everything.
func TestTamperCatalog(t *testing.T) {
	for _, p := range provider.BuiltIn().All() {
		if len(p.Samples) == 0 || len(p.Schemes) == 0 || p.Schemes[0].Kind == provider.Unsigned {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			secret, _, ok := p.Schemes[0].NewSecret()
			if !ok {
				t.Skip("no secret can be made")
			}
			checker := secrets(p.Name, secret)
			checker.Default, checker.Settings = p.Name, map[string]map[string]string{p.Name: {}}
			for _, setting := range p.Settings {
				checker.Settings[p.Name][setting.Key] = "X-Set"
			}
			now := time.Now()
			signed, err := checker.Sign(p.Render(&p.Samples[0], publicURL+"/hook", now), now, true)
			if err != nil {
				t.Skip(err)
			}
			blind := false
			s := setStage(t, "", "{}", func(_ *stage, w http.ResponseWriter, r *http.Request) {
				if blind {
					return
				}
				body, _ := io.ReadAll(r.Body)
				d := checker.Verify(r.Context(), &provider.Request{
					Method: r.Method, Target: r.RequestURI, URL: publicURL + r.RequestURI, Header: r.Header, Body: body, Time: time.Now(),
				})
				if d.Result != provider.Valid {
					http.Error(w, d.Reason, http.StatusUnauthorized)
				}
			})
			s.sender.Checker = checker
			d := &inspect.Delivery{
				ReceivedAt: now, Method: signed.Request.Method, Target: signed.Request.Target, Host: strings.TrimPrefix(publicURL, "https://"), Proto: "HTTP/1.1",
				Endpoint: publicURL, Header: signed.Request.Header, Body: signed.Request.Body, Size: int64(len(signed.Request.Body)), Disposition: inspect.Held,
				Facts: provider.Facts{Provider: p.Name, Certainty: provider.Named},
			}
			if err := s.store.Add(t.Context(), d, nil); err != nil {
				t.Fatal(err)
			}
			s.id = d.ID
			sim := s.run(t, Spec{Kind: "tamper"}, inspect.Pass, "the handler refused each of the ")
			refused := 0
			for _, row := range sim.Table.Rows[1:] {
				if row[2] == "yes" {
					refused++
				}
			}
			blind = true
			sim = s.run(t, Spec{Kind: "tamper"}, inspect.Fail, "the handler accepted a")
			accepted := 0
			for _, reason := range sim.Reasons {
				if strings.HasPrefix(reason.Text, "the handler accepted ") {
					accepted++
				}
			}
			if accepted != refused || refused < 2 {
				t.Errorf("one handler refused %d, the other accepted %d", refused, accepted)
			}
		})
	}
}
