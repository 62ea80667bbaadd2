package provider

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// delivery reads a Delivery as it stands in a catalog.
func delivery(t *testing.T, text string) *Delivery {
	t.Helper()
	var d Delivery
	if err := yaml.UnmarshalWithOptions([]byte(text), &d, yaml.Strict()); err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return &d
}

func TestDurationYAML(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "2m": 2 * time.Minute, "72h": 72 * time.Hour, "15d": 360 * time.Hour,
		"0s": 0, "0": 0, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond, `"5s"`: 5 * time.Second,
	} {
		var got Duration
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || time.Duration(got) != want {
			t.Errorf("%s = %v, %v, want %v", text, time.Duration(got), err, want)
		}
	}
}

func TestIntervalYAML(t *testing.T) {
	for text, want := range map[string]Interval{
		"5m":      {5 * time.Minute, 5 * time.Minute},
		"5m..15m": {5 * time.Minute, 15 * time.Minute},
		"0s..1d":  {0, 24 * time.Hour},
	} {
		var got Interval
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestStatuses(t *testing.T) {
	tests := []struct {
		text    string
		has     []int
		hasNot  []int
		inWords string
	}{
		{"200", []int{200}, []int{199, 201}, "exactly 200"},
		{"[200]", []int{200}, []int{201}, "exactly 200"},
		{"2xx", []int{200, 204, 299}, []int{199, 300}, "any 2xx"},
		{"[200, 204]", []int{200, 204}, []int{201, 202}, "200 or 204"},
		{"200..204", []int{200, 203, 204}, []int{199, 205}, "200 to 204"},
		{"4xx-except-429", []int{400, 428, 430, 499}, []int{429, 500}, "any 4xx except 429"},
		{"[200, 201, 202, 204]", []int{200, 201, 202, 204}, []int{203}, "200, 201, 202 or 204"},
		{`["2XX", 304]`, []int{250, 304}, []int{301}, "any 2xx or 304"},
	}
	for _, tt := range tests {
		var s Statuses
		if err := yaml.Unmarshal([]byte(tt.text), &s); err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		for _, status := range tt.has {
			if !s.Has(status) {
				t.Errorf("%s has not %d", tt.text, status)
			}
		}
		for _, status := range tt.hasNot {
			if s.Has(status) {
				t.Errorf("%s has %d", tt.text, status)
			}
		}
		if got := s.String(); got != tt.inWords {
			t.Errorf("%s in words = %q, want %q", tt.text, got, tt.inWords)
		}
	}
	if s := (Statuses{}); s.Has(200) || !s.IsZero() || s.String() != "" {
		t.Errorf("the zero Statuses has 200, or is not zero, or says %q", s)
	}
}

func TestRetryYAML(t *testing.T) {
	d := delivery(t, "retry: never")
	if !d.Retry.Never {
		t.Error("retry: never is not never")
	}
	d = delivery(t, "retry: {delays: [0s, 5m..15m], then: 1h, window: 3d, only: [connect, 5xx]}")
	hour := Interval{time.Hour, time.Hour}
	want := &Retry{
		Delays: []Interval{{}, {5 * time.Minute, 15 * time.Minute}}, Then: &hour,
		Window: Duration(72 * time.Hour), Only: []string{"connect", "5xx"},
	}
	if !reflect.DeepEqual(d.Retry, want) {
		t.Errorf("got %+v, want %+v", d.Retry, want)
	}
}

func TestDeliveryYAMLAliases(t *testing.T) {
	d := delivery(t, `
timeout: &wait 5s
connect_timeout: *wait
success: &ok [200, 204]
stop_on: *ok
retry: &plan {delays: [5s]}
variants: {same: {retry: *plan}}
`)
	same := d.Variants["same"]
	if d.ConnectTimeout != Duration(5*time.Second) || !d.StopOn.Has(204) || same.Retry == nil || len(same.Retry.Delays) != 1 {
		t.Errorf("got %+v and %+v", d, same)
	}
}

// A bad entry is refused with its line and a word about what to write.
func TestDeliveryYAMLFaults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"timeout: soon", `"soon" is no time: write 30s`},
		{"timeout: -5s", `"-5s" is no time`},
		{"timeout: 99999d", `"99999d" is no time`},
		{"timeout: [5s]", "one word or number"},
		{"success: 2x", `"2x" is no HTTP status`},
		{"success: []", "no status is listed"},
		{"success: 99", `"99" is no HTTP status`},
		{"success: 204..200", `"204..200" is no HTTP status`},
		{"success: 200-except-429", "is no HTTP status"},
		{"success: [200, {a: 1}]", "one word or number"},
		{"stop_on: 6xx", `"6xx" is no HTTP status`},
		{"retry: sometimes", "the word never"},
		{"retry: {}", "nothing says when"},
		{"retry: {delay: [5s]}", "unknown field"},
		{"retry: {delays: [15m..5m]}", "the shorter time first"},
		{"retry: {every: 5s}", "every never ends: add attempts or window"},
		{"retry: {every: 5s, then: 5s, window: 1h}", "every and then cannot stand together"},
		{"retry: {never: true, delays: [5s]}", "never and delays cannot stand together"},
		{"retry: {suggest: [5s]}", "suggest is for"},
		{"retry: {delays: [5s], attempts: 3}", "attempts is 3, but there are 1 delays"},
		{"retry: {delays: [5s], attempts: -1}", "attempts is -1"},
		{"retry: {delays: [5s], only: [http]}", `only has "http"`},
		{"retry: {curve: {base: 0s, factor: 2, cap: 60s}, window: 1h}", "curve needs a base"},
	}
	for _, tt := range tests {
		var d Delivery
		err := yaml.UnmarshalWithOptions([]byte("notes: x\n"+tt.text), &d, yaml.Strict())
		line := 0
		var ours *nodeError
		var theirs yaml.Error
		switch {
		case errors.As(err, &ours):
			line = ours.line
		case errors.As(err, &theirs):
			line = theirs.GetToken().Position.Line
		}
		if line != 2 || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: line %d: %v, want line 2: %s", tt.text, line, err, tt.want)
		}
	}
}

func TestVariant(t *testing.T) {
	d := delivery(t, `
timeout: 5s
success: [200]
retry: {attempts: 60, window: 72h, unpublished: exponential}
variants:
  sandbox: {retry: {attempts: 3, window: 15m, unpublished: exponential}}
  strict: {success: [204], timeout: 3s}
`)
	sandbox, err := d.Variant("sandbox")
	if err != nil {
		t.Fatal(err)
	}
	if sandbox.Retry.Attempts != 3 || sandbox.Timeout != Duration(5*time.Second) || !sandbox.Success.Has(200) {
		t.Errorf("sandbox = %+v", sandbox)
	}
	strict, err := d.Variant("strict")
	if err != nil {
		t.Fatal(err)
	}
	if strict.Retry.Attempts != 60 || strict.Timeout != Duration(3*time.Second) || strict.Success.Has(200) {
		t.Errorf("strict = %+v", strict)
	}
	if same, err := d.Variant(""); same != d || err != nil {
		t.Errorf("no variant = %p, %v, want %p", same, err, d)
	}
	if _, err := d.Variant("live"); err == nil || err.Error() != `no variant "live": write sandbox or strict` {
		t.Errorf("error = %v", err)
	}
	if _, err := sandbox.Variant("x"); err == nil || !strings.Contains(err.Error(), "only one way") {
		t.Errorf("error = %v", err)
	}
	if d.Retry.Attempts != 60 {
		t.Error("choosing a variant changed the delivery")
	}
}
