package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/tunnel"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	st := tunnel.Status{Provider: "ngrok", State: tunnel.Online, URL: "https://x.ngrok.app", Latency: 12500 * time.Microsecond, Since: time.Now()}
	rg := newRig(t, func(s *Server) {
		s.Tunnel = func() tunnel.Status { return st }
		s.Health = func() replay.Health { return replay.Health{State: replay.HealthDown, Reason: "nothing listens"} }
		s.HandlerURL, s.ReceiverURL = "http://localhost:3000", "http://127.0.0.1:4041"
	})
	rg.add(inspect.Delivery{}, answered(200, ""))
	type answer struct {
		statusView
		Counters inspect.Counters
		Rev      int64
	}
	got := get[answer](rg, "/api/v1/status")
	if got.Version != "1.2.3" || got.Endpoint.URL != st.URL || got.Endpoint.LatencyMS != 12.5 || got.Handler.State != "down" ||
		got.Handler.Reason != "nothing listens" || got.Replay.Possible || got.Counters.Received != 1 || got.Rev == 0 {
		t.Errorf("got %+v", got)
	}
	if _, body := rg.do("GET", "/api/v1/status", ""); strings.Contains(body, testToken) {
		t.Error("the status carries the token")
	}
	tunnels := get[map[string]any](rg, "/api/tunnels")
	first := tunnels["tunnels"].([]any)[0].(map[string]any)
	if first["public_url"] != st.URL || first["proto"] != "https" || first["config"].(map[string]any)["addr"] != "http://localhost:3000" || first["name"] != "command_line" {
		t.Errorf("/api/tunnels: got %v", tunnels)
	}
	plain := newRig(t, nil)
	if got := get[map[string]any](plain, "/api/tunnels"); len(got["tunnels"].([]any)) != 0 || got["uri"] != "/api/tunnels" {
		t.Errorf("without a tunnel: got %v, want none", got)
	}
	if got := get[statusView](plain, "/api/v1/status"); got.Handler.State != "none" || got.Endpoint.State != tunnel.Local {
		t.Errorf("without anything: got %+v", got)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	state := tunnel.Online
	rg := newRig(t, func(s *Server) { s.Tunnel = func() tunnel.Status { return tunnel.Status{State: state} } })
	for st, want := range map[tunnel.State]int{
		tunnel.Connecting: 503, tunnel.Online: 200, tunnel.Reconnecting: 503, tunnel.Failed: 503, tunnel.Stopped: 503, tunnel.Local: 200,
	} {
		state = st
		resp, body := rg.do("GET", "/readyz", "", "Authorization", "")
		if want == 503 {
			wantProblem(t, resp, body, want, string(st))
		} else if resp.StatusCode != want {
			t.Errorf("%s: got %d %s, want %d", st, resp.StatusCode, body, want)
		}
	}
	rg.Store.Close()
	resp, body := rg.do("GET", "/readyz", "")
	wantProblem(t, resp, body, 503, "store")
	resp, body = rg.do("GET", "/api/v1/deliveries", "")
	wantProblem(t, resp, body, 500, "log") // nothing of the cause gets out
}

// TestOpenAPIDescribesTheRoutes compares openapi.json with the routes, and
// its schemas with what the API answers.
func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	t.Parallel()
	edit, _ := withHandler(t)
	rg := newRig(t, edit)
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any
				Required   []string
			}
		}
	}
	_, text := rg.do("GET", "/api/v1/openapi.json", "")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, rt := range rg.routes() {
		for m := range rt.methods {
			want = append(want, strings.ToLower(m)+" "+rt.path)
		}
	}
	for path, methods := range doc.Paths {
		for m := range methods {
			got = append(got, m+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("paths: got %q, want %q", got, want)
	}
	for _, ref := range strings.Split(text, `"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(ref, `"`)
		if _, ok := doc.Components.Schemas[name]; !ok {
			t.Errorf("there is no schema %s", name)
		}
	}
	check := func(schema string, v any) {
		t.Helper()
		b, _ := json.Marshal(v)
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		s := doc.Components.Schemas[schema]
		for key := range m {
			if s.Properties[key] == nil {
				t.Errorf("%s: %q is answered but not described", schema, key)
			}
		}
		for _, key := range s.Required {
			if _, ok := m[key]; !ok {
				t.Errorf("%s: %q is required but not answered; there is %q", schema, key, slices.Sorted(maps.Keys(m)))
			}
		}
	}
	facts := provider.Facts{
		Provider: "x", Certainty: provider.Guess, Others: []string{"y"}, Event: "e", EventID: "i", ProviderAttempt: 1, Handshake: "h",
		Signature: provider.Valid, SignatureCode: provider.CodeOK, SignatureReason: "r", Scheme: "s", Secret: "l", Address: provider.Listed,
	}
	outlook := provider.Outlook{Provider: "x", Verdict: provider.WouldRetry, Text: "x", Confidence: provider.Unknown, Guess: true, RetryIn: 1, Limit: 1}
	first := answered(200, "ok")
	first.Outlook, first.Sent = &outlook, &inspect.Sent{Signed: "x"}
	id := rg.add(inspect.Delivery{Body: []byte("{}"), Disposition: inspect.Forwarded, Reason: "x", Source: inspect.FromTrigger, Waiting: true, Facts: facts}, first)
	_, body := rg.do("POST", "/api/v1/deliveries/"+itoa(id)+"/replay", `{"body":"x"}`)
	check("Attempt", json.RawMessage(body))
	list := get[listAnswer](rg, "/api/v1/deliveries")
	check("Summary", list.Deliveries[0])
	check("AttemptSummary", list.Deliveries[0].Last)
	detail := get[detailAnswer](rg, "/api/v1/deliveries/"+itoa(id))
	check("Delivery", detail.Delivery)
	check("Response", detail.Attempts[0].Response)
	check("Sent", detail.Attempts[0].Sent)
	check("Sent", detail.Attempts[1].Sent)
	check("Outlook", detail.Attempts[0].Outlook)
	check("About", aboutView{Notes: "x", Handshake: "x", AddressesURL: "x"})
	check("Signature", signatureView{})
	check("Explanation", explanationView{})
	check("Provider", providerView{})
	check("Forecast", forecastAnswer{Secret: "x"})
	check("Status", rg.view())
	check("Counters", inspect.Counters{})
	check("Frame", frame{Simulations: []rehearsed{{}}})
	check("Problem", problemf(400, "x"))
	check("ReplayRequest", replayRequest{})
	sim := inspect.Simulation{
		EndedAt: time.Now(), Steps: []inspect.Step{{DueAt: time.Now(), Guess: true, DeliveryID: 1, Attempt: 1, Status: 1, Duration: 1, Error: "x", OK: new(bool), Note: "x"}},
		MoreSteps: 1, Probes: []inspect.Reading{{Error: "x", Moving: true}}, Table: &inspect.Table{}, Reasons: []inspect.Reason{{}},
	}
	check("Simulation", viewSimulation(&sim))
	check("Step", sim.Steps[0])
	check("Reading", sim.Probes[0])
	check("Reason", sim.Reasons[0])
	check("Table", sim.Table)
	check("Rehearsed", rehearsed{})
	probe := replay.Probe{Command: []string{"x"}, URL: "x", JSON: "x", Timeout: 1, Settle: 1}
	check("Probe", probe)
	check("SimulationSpec", simulationRequest{Line: "x", Spec: replay.Spec{
		To: "x", Header: http.Header{"X": nil}, Count: 1, Mode: "x", Concurrency: 1, Deadline: 1, Policy: "x", Variant: "x", Speed: 1, Step: true,
		StopWhen: "x", FailFirst: 1, FailStatus: 1, AllOrders: true, Slow: "x", How: "x", Wait: 1, Probe: &probe,
	}})
}
