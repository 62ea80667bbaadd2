package provider

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// An object with very many members is as any other, but few of them are kept.
func TestManyMembers(t *testing.T) {
	for _, wanted := range []map[string]bool{nil, {"first": true, "twice": true, "é": true, "absent": true}} {
		d := document{bounded: true, wanted: wanted}
		var b strings.Builder
		b.WriteString(`{"first":{"id":1},"twice":2`)
		for i := range maxMembers {
			fmt.Fprintf(&b, `,"k%d":0`, i)
		}
		b.WriteString(`,"twice":[3],"\u00e9":4,"last":{"id":5}}`)
		d.text = []byte(b.String())
		for text, want := range map[string]string{"/first/id": "1", "/twice/0": "3", "/é": "4", "/last/id": "5", "/absent": "", "/k7": "0", "/k7/x": ""} {
			p, _ := parsePointer(text)
			for range 2 {
				v, ok := d.find(p)
				if got := string(d.text[v.start:v.end]); got != want || ok != (want != "") {
					t.Errorf("%s: got %q %t, want %q", text, got, ok, want)
				}
			}
		}
		if len(d.members) > 0 || len(d.some) > 10 {
			t.Errorf("%d members and %d looked for are kept, want few", len(d.members), len(d.some))
		}
	}
}

func TestRecognizeManyMembers(t *testing.T) {
	body := `{"object":"event","id":"evt_1","type":"charge.failed","api_version":"1","data":{"object":{}},` + strings.Repeat(`"":0,`, 2<<20) + `"z":0}`
	r := arrived(body, "Stripe-Signature", "t=1,v1=00")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rec := BuiltIn().Recognize(r, "")
	runtime.ReadMemStats(&after)
	if rec.Provider == nil || rec.Provider.Name != "stripe" || rec.Event != "charge.failed" || rec.EventID != "evt_1" {
		t.Errorf("got %+v, want a Stripe event", rec)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("it took %d bytes of memory for a body of %d", used, len(body))
	}
}

// What is parsed of a request is not what is said of another.
func TestSharing(t *testing.T) {
	r := arrived(`{"a":"1"}`).sharing()
	source, err := parseSource("json:/a")
	if err != nil {
		t.Fatal(err)
	}
	first := &scope{r: r}
	if first.parsed() != (&scope{r: r.sharing()}).parsed() {
		t.Error("it is parsed twice")
	}
	other := *r
	other.Body = []byte(`{"a":"2"}`)
	for _, tt := range []struct {
		r    *Request
		want string
	}{{r, "1"}, {&other, "2"}} {
		if got, _ := source.first(&scope{r: tt.r}); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	other = *r
	if other.Target = "/other"; (&scope{r: &other}).parsed() == first.parsed() {
		t.Error("another target is parsed as the first one was")
	}
}
