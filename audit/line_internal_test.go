package audit

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A line of a file is what encoding/json would write, with every field and with
// none.
func TestLine(t *testing.T) {
	t.Parallel()
	full := Record{
		Time: time.Date(2026, 7, 28, 9, 30, 0, 120_000_000, time.FixedZone("", 7200)), Duration: 1500 * time.Microsecond,
		Allowed: true, Arguments: []string{"a", "\"é\"\n"}, Code: -32603, Status: 401, Size: 7,
		Values: map[string]json.RawMessage{"b": json.RawMessage(`{"x":` + "\n" + ` [1, null]}`), "a": json.RawMessage(`"y"`)},
	}
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString("text of " + v.Type().Field(i).Name + ", \"é\"\n")
		}
		if v.Field(i).IsZero() {
			t.Fatalf("the test leaves out %s", v.Type().Field(i).Name)
		}
	}
	for _, r := range []Record{{}, {Arguments: []string{}, Values: map[string]json.RawMessage{}}, full} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got line
		err = r.appendTo(&got)
		if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil {
			t.Errorf("record (-encoding/json +ours): %v\n%s", err, diff)
		}
	}
	full.Values["a"] = json.RawMessage("not JSON")
	if err := full.appendTo(new(line)); err == nil {
		t.Error("a value that is not JSON is written")
	}
}
