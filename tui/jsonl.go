package tui

import (
	"bytes"
	"context"
	"io"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/tunnel"
)

// Ready says that hookloop is ready for deliveries, and where. It is the first
// line of the JSON output.
type Ready struct {
	PublicURL    *string // nil without a tunnel
	ReceiverURL  string
	InspectorURL string // with its token; "" without a page
	Handler      string // "" when deliveries are held
	DataDir      string
	Time         time.Time // when that was; zero = when it is marshalled
}

// MarshalJSON returns the object that the JSON output begins with and that a
// ready file holds.
func (r Ready) MarshalJSON() ([]byte, error) {
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	return marshal(struct {
		Type         string  `json:"type"`
		Time         string  `json:"time"`
		PublicURL    *string `json:"public_url"`
		ReceiverURL  string  `json:"receiver_url"`
		InspectorURL string  `json:"inspector_url"`
		Handler      string  `json:"handler"`
		DataDir      string  `json:"data_dir"`
	}{"ready", stamp(r.Time), r.PublicURL, r.ReceiverURL, r.InspectorURL, r.Handler, r.DataDir})
}

// JSON writes ready and then one JSON object a line for every event, each with
// "type" and "time", until ctx ends:
//
//	{"type":"delivery","time":…,"id":12,"method":"POST","path":"/hooks","size":7,"disposition":"forwarded",
//	 "provider":"stripe","certainty":"certain","event_type":"invoice.paid","event_id":"evt_1","signature":"valid",…}
//	{"type":"attempt","time":…,"delivery_id":12,"number":1,"trigger":"initial","status":200,"duration_ms":3.2,
//	 "outlook":{"provider":"stripe","verdict":"accepted","text":"Stripe: accepted",…}}
//	{"type":"attempt","time":…,"delivery_id":12,"number":2,"trigger":"replay","error":"…","duration_ms":0.4,"signed":"…"}
//	{"type":"simulation","time":…,"id":3,"kind":"duplicates","title":…,"delivery_id":12,"deliveries":[12],"state":"running","verdict":""}
//	{"type":"simulation","time":…,"id":3,…,"state":"ended","verdict":"FAIL","reasons":[{"verdict":"FAIL","check":"side_effect","text":…}]}
//	{"type":"endpoint","time":…,"state":"online","url":"https://…"}
//
// A delivery carries the fields of [provider.Facts], an initial attempt whose
// provider is known the [provider.Outlook], one that was signed again how, and
// one that a simulation made its number. A simulation is written when it begins
// and when it has ended.
//
// An attempt is written when it has ended. What was committed before ctx ended
// is still written. Control characters and those that a terminal would not
// show are escaped. The error is the writer's or the store's. It is to be
// called once.
func (f *Follower) JSON(ctx context.Context, w io.Writer, ready Ready) error {
	j := jsonl{w}
	if err := j.write(ready); err != nil {
		f.cancel()
		return err
	}
	return f.run(ctx, j)
}

type jsonl struct{ w io.Writer }

func (j jsonl) write(v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	return writeLine(j.w, line)
}

func (j jsonl) delivery(s *inspect.Summary) error {
	return j.write(struct {
		Type        string              `json:"type"`
		Time        string              `json:"time"`
		ID          int64               `json:"id"`
		Method      string              `json:"method"`
		Path        string              `json:"path"`
		Size        int64               `json:"size"`
		Truncated   bool                `json:"truncated,omitempty"`
		Disposition inspect.Disposition `json:"disposition"`
		Reason      string              `json:"reason,omitempty"`
		Source      inspect.Source      `json:"source,omitempty"`
		provider.Facts
	}{"delivery", stamp(s.ReceivedAt), s.ID, s.Method, s.Path, s.Size, s.Truncated, s.Disposition, s.Reason, s.Source, s.Facts})
}

func (j jsonl) attempt(s *inspect.Summary, a *inspect.AttemptSummary, by maker) error {
	return j.write(struct {
		Type       string           `json:"type"`
		Time       string           `json:"time"`
		DeliveryID int64            `json:"delivery_id"`
		Number     int              `json:"number"`
		Trigger    inspect.Trigger  `json:"trigger"`
		Status     int              `json:"status,omitempty"`
		Error      string           `json:"error,omitempty"`
		DurationMS float64          `json:"duration_ms"`
		Size       int64            `json:"size"`
		Protocol   inspect.Protocol `json:"protocol,omitempty"`
		Signed     string           `json:"signed,omitempty"`
		NotSigned  string           `json:"not_signed,omitempty"`
		Simulation int64            `json:"simulation,omitempty"`

		Outlook *provider.Outlook `json:"outlook,omitempty"`
	}{
		"attempt", stamp(a.StartedAt.Add(a.Duration)), s.ID, a.Number, a.Trigger, a.Status, a.Error,
		float64(a.Duration.Microseconds()) / 1000, a.Size, a.Protocol, by.signed, by.notSigned, by.simulation, a.Outlook,
	})
}

func (j jsonl) simulation(sim *inspect.Simulation) error {
	at := sim.EndedAt
	if at.IsZero() {
		at = sim.StartedAt
	}
	return j.write(struct {
		Type       string                  `json:"type"`
		Time       string                  `json:"time"`
		ID         int64                   `json:"id"`
		Kind       string                  `json:"kind"`
		Title      string                  `json:"title"`
		DeliveryID int64                   `json:"delivery_id"`
		Deliveries []int64                 `json:"deliveries"`
		State      inspect.SimulationState `json:"state"`
		Verdict    inspect.Verdict         `json:"verdict"`
		Reasons    []inspect.Reason        `json:"reasons,omitempty"`
	}{"simulation", stamp(at), sim.ID, sim.Kind, sim.Title, sim.DeliveryID, sim.Deliveries, sim.State, sim.Verdict, sim.Reasons})
}

func (j jsonl) endpoint(s tunnel.Status) error {
	at := s.Since
	if at.IsZero() {
		at = time.Now()
	}
	return j.write(struct {
		Type   string       `json:"type"`
		Time   string       `json:"time"`
		State  tunnel.State `json:"state"`
		URL    string       `json:"url,omitempty"`
		Reason string       `json:"reason,omitempty"`
	}{"endpoint", stamp(at), s.State, s.URL, s.Reason})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// marshal is json.Marshal by inspect.NewJSONEncoder.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	err := inspect.NewJSONEncoder(&b).Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
