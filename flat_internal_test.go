package mcpengine

import (
	"encoding/json"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

type word string

type flat struct {
	S string `json:"s"`
	W word   `json:"w,omitempty"`
	B bool   `json:"b"`
	I int
	N int8    `json:"n"`
	L int64   `json:"l"`
	U uint    `json:"u"`
	C uint8   `json:"c"`
	F float64 `json:"f"`
	H float32 `json:"h,omitzero"`
	X string  `json:"-"`
	x string  //nolint:unused // no field of the JSON
}

func decodeFlat[T any](f *flatDecoder, value string) (v T, ok bool) {
	ok = f.decode([]byte(value), reflect.ValueOf(&v).Elem())
	return v, ok
}

// What it decodes is what encoding/json makes of it.
func TestFlat(t *testing.T) {
	t.Parallel()
	var f flatDecoder
	for _, value := range []string{
		`{}`, ` { } `, `{"s":"","b":false}`,
		` { "s" : "a" , "w" : "b" , "b" : true } `,
		`{"s":"\u00e9\n\ud83d\ude00\"","\u0077":"escaped name"}`,
		`{"I":-12,"n":-128,"l":-9223372036854775808,"u":18446744073709551615,"c":255}`,
		`{"f":1e300,"h":0.1,"I":-0}`,
		`{"s":null,"b":null,"I":null,"f":null,"u":null}`,
	} {
		got, ok := decodeFlat[flat](&f, value)
		var want flat
		if err := json.Unmarshal([]byte(value), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(flat{})); !ok || diff != "" {
			t.Errorf("%s: %v, decoded otherwise (-want +got):\n%s", value, ok, diff)
		}
	}
}

// The rest is left to encoding/json.
func TestFlatLeaves(t *testing.T) {
	t.Parallel()
	var f flatDecoder
	for _, value := range []string{
		`{"s":1}`, `{"s":{}}`, `{"b":"true"}`, `{"b":1}`, `{"I":"1"}`, `{"I":1.0}`, `{"I":true}`, `{"n":128}`, `{"c":-1}`, `{"c":256}`,
		`{"f":1e400}`, `{"h":1e39}`, `{"f":"1"}`, `{"f":[]}`,
		`{"S":"other case"}`, `{"unknown":1}`, `{"X":"hidden"}`, `{"x":"hidden"}`, `[]`, `null`, `"}"`, `0`,
	} {
		if v, ok := decodeFlat[flat](&f, value); ok {
			t.Errorf("%s is decoded: %+v", value, v)
		}
	}
}

// A type with anything but strings, numbers and booleans is not flat.
func TestNotFlat(t *testing.T) {
	t.Parallel()
	type embedded struct{ flat }
	for _, v := range []any{
		embedded{},
		"",
		map[string]string{},
		struct{ V []string }{},
		struct{ V *string }{},
		struct{ V any }{},
		struct{ V struct{} }{},
		struct{ V map[string]int }{},
		struct{ V time.Time }{},
		struct{ V time.Duration }{},
		struct{ V json.Number }{},
		struct{ V big.Int }{},
		struct{ V shout }{},
		struct {
			V int `json:",string"`
		}{},
	} {
		var f flatDecoder
		got := f.decode([]byte(`{}`), reflect.New(reflect.TypeOf(v)).Elem())
		if want := reflect.TypeOf(v) == reflect.TypeFor[struct{ V time.Duration }](); got != want {
			t.Errorf("Decode into %T: %v, want %v", v, got, want)
		}
	}
}

// A shout is a string that decodes itself.
type shout string

func (s *shout) UnmarshalText(text []byte) error { *s = shout(text) + "!"; return nil }

func FuzzFlat(f *testing.F) {
	for _, seed := range []string{
		`{"s":"a\u0000\ud800","w":"b","b":true,"I":1,"n":-1,"l":2,"u":3,"c":4,"f":-1.5e-3,"h":3.4e38}`,
		`{"n":1e1}`, `{"s":null}`, `{"f":-0}`, `{"\u0073":"x"} `,
	} {
		f.Add(seed)
	}
	var decoder flatDecoder
	f.Fuzz(func(t *testing.T, value string) {
		if jsonrpc.Valid([]byte(value)) != nil {
			return
		}
		got, ok := decodeFlat[flat](&decoder, value)
		if !ok {
			return
		}
		var want flat
		if err := json.Unmarshal([]byte(value), &want); err != nil {
			t.Fatalf("%s: encoding/json refuses it: %v", value, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(flat{})); diff != "" {
			t.Errorf("%s: decoded otherwise (-want +got):\n%s", value, diff)
		}
	})
}
