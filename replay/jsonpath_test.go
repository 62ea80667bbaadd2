package replay

import (
	"errors"
	"testing"
)

func TestValueAt(t *testing.T) {
	const text = ` {"data":{"state":"success","n":1.50,"list":[{"id":"a"},null],"state.x":1},"twice":1,"twice":2,"":"e"}`
	for _, tc := range []struct {
		path, want string
		ok         bool
	}{
		{"data.state", "success", true},
		{"data.n", "1.50", true},
		{"data.list.0.id", "a", true},
		{"data.list.0", `{"id":"a"}`, true},
		{"data.list.1", "null", true},
		{"data.list.2", "", false},
		{"data.list.x", "", false},
		{"data.state.x", "", false},
		{"data.nothing", "", false},
		{"twice", "2", true},
	} {
		got, ok := ValueAt([]byte(text), tc.path)
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s: got %q, %v; want %q, %v", tc.path, got, ok, tc.want, tc.ok)
		}
	}
	for _, text := range []string{"", "no", `{"a":1`, `{"a":1} x`} {
		if got, ok := ValueAt([]byte(text), "a"); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestEditBody(t *testing.T) {
	const object, form = `{"b":{"n":1900,"list":[1,2]},"a":"x"}`, "To=%2B1&From=a+b&To=2"
	for _, tc := range []struct {
		how              EditKind
		body, edit, want string // want "" = an error
	}{
		{Override, object, "b.n=4200", `{"b":{"n":4200,"list":[1,2]},"a":"x"}`},
		{Override, object, "a=<y>", `{"b":{"n":1900,"list":[1,2]},"a":"<y>"}`},
		{Override, object, `a={"deep": [1]}`, `{"b":{"n":1900,"list":[1,2]},"a":{"deep": [1]}}`},
		{Override, object, "b.list.1=true", `{"b":{"n":1900,"list":[1,true]},"a":"x"}`},
		{Override, object, "a=", `{"b":{"n":1900,"list":[1,2]},"a":""}`},
		{Override, object, "c=1", ""},
		{Override, object, "a=9.99", `{"b":{"n":1900,"list":[1,2]},"a":"9.99"}`},
		{Override, object, "a=true", `{"b":{"n":1900,"list":[1,2]},"a":"true"}`},
		{Override, object, `a="z"`, `{"b":{"n":1900,"list":[1,2]},"a":"z"}`},
		{Override, object, "a=null", `{"b":{"n":1900,"list":[1,2]},"a":null}`},
		{Override, object, "b.n=x", `{"b":{"n":"x","list":[1,2]},"a":"x"}`},
		{Override, object, "a.x=1", ""},
		{Override, object, "b.list.2=1", ""},
		{Add, object, "b.list.2=3", `{"b":{"n":1900,"list":[1,2,3]},"a":"x"}`},
		{Add, object, "b.list.4=3", ""},
		{Add, object, "c=k=v", `{"b":{"n":1900,"list":[1,2]},"a":"x","c":"k=v"}`},
		{Add, object, "a=1", ""},
		{Add, object, "c.d=1", ""},
		{Remove, object, "b.n", `{"b":{"list":[1,2]},"a":"x"}`},
		{Remove, object, "b.list.0", `{"b":{"n":1900,"list":[2]},"a":"x"}`},
		{Remove, object, "c", ""},
		{Override, form, "From=c&d", "To=%2B1&From=c%26d&To=2"},
		{Override, form, "X=1", ""},
		{Add, form, "X=1", "To=%2B1&From=a+b&To=2&X=1"},
		{Add, form, "To=1", ""},
		{Remove, form, "To", "From=a+b"},
		{Remove, form, "X", ""},
		{Override, "plain text", "a=1", ""},
	} {
		e, err := ParseEdit(tc.how, tc.edit)
		if err != nil {
			t.Errorf("%s %s: %v", tc.how, tc.edit, err)
			continue
		}
		contentType := "application/json"
		if tc.body == form {
			contentType = "application/x-www-form-urlencoded"
		}
		got, err := EditBody([]byte(tc.body), contentType, e)
		if string(got) != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%s %s: got %s, %v; want %s", tc.how, tc.edit, got, err, tc.want)
		}
	}
	for how, text := range map[EditKind]string{Override: "a", Add: "=1", Remove: "a=1"} {
		if _, err := ParseEdit(how, text); err == nil {
			t.Errorf("%s %q is read", how, text)
		}
	}
}

// TestEditBodyKnowsWhatIsMissing tells what an Add would do from a wrong path.
func TestEditBodyKnowsWhatIsMissing(t *testing.T) {
	for path, want := range map[string]bool{"c": true, "b.c": true, "c.d": false, "a.x": false, "b.list.5": false} {
		_, err := EditBody([]byte(`{"b":{"list":[1,2]},"a":"x"}`), "application/json", Edit{path, "1", Override})
		if got := errors.Is(err, ErrNoValue); err == nil || got != want {
			t.Errorf("%s: got %v, want ErrNoValue: %t", path, err, want)
		}
	}
	if _, err := EditBody([]byte("a=1"), "application/x-www-form-urlencoded", Edit{"b", "1", Override}); !errors.Is(err, ErrNoValue) {
		t.Errorf("form: got %v, want ErrNoValue", err)
	}
}

func TestEditBodyWithoutPath(t *testing.T) {
	for _, how := range []EditKind{"", Override, Add, Remove} {
		if got, err := EditBody([]byte(`{"a":1}`), "application/json", Edit{How: how}); err == nil {
			t.Errorf("%q: got %s", how, got)
		}
	}
}
