package infer_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/schema"
)

type (
	base struct {
		ID    string `json:"id"`
		Shade string
	}
	optionalPart struct {
		Extra bool `json:"extra"`
	}
	embedding struct {
		base
		*optionalPart
		Shade int `json:",omitzero"`
	}
	left      struct{ Both, Left string }
	right     struct{ Both, Right string }
	ambiguous struct {
		left
		right
	}
	recursive struct {
		Children []recursive `json:"children"`
	}
	namedByte byte
	upper     string
	pair      struct{ a, b int }

	Count           int
	Part            optionalPart
	lower           string
	list            []list
	selfPointer     *selfPointer
	onlyMarshals    struct{ A int }
	onlyUnmarshals  struct{ A int }
	pointerMarshals struct{ A int }
	ping            struct{ Pong pong }
	pong            struct{ Ping *ping }
	generic[T any]  struct {
		V    T
		Next *generic[T]
		By   map[string]generic[T]
	}
)

func (onlyMarshals) MarshalJSON() ([]byte, error)     { return []byte("1"), nil }
func (*onlyUnmarshals) UnmarshalJSON([]byte) error    { return nil }
func (*pointerMarshals) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

func (u *upper) UnmarshalText(text []byte) error {
	*u = upper(strings.ToUpper(string(text)))
	return nil
}

func (p pair) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "[%d,%d]", p.a, p.b), nil }

func closed(properties, required string) string {
	s := `{"type":"object","properties":{` + properties + `}`
	if required != "" {
		s += `,"required":[` + required + `]`
	}
	return s + `,"additionalProperties":false}`
}

func TestInput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  string
	}{
		{struct{}{}, `{"type":"object","additionalProperties":false}`},
		{"", `{"type":"string"}`},
		{false, `{"type":"boolean"}`},
		{1, `{"type":"integer"}`},
		{int8(1), `{"type":"integer","minimum":-128,"maximum":127}`},
		{int32(1), `{"type":"integer","minimum":-2147483648,"maximum":2147483647}`},
		{uint16(1), `{"type":"integer","minimum":0,"maximum":65535}`},
		{uint64(1), `{"type":"integer","minimum":0}`},
		{1.5, `{"type":"number"}`},
		{new(string), `{"type":"string"}`},
		{[]string{}, `{"type":"array","items":{"type":"string"}}`},
		{[]*int{}, `{"type":"array","items":{"type":"integer"}}`},
		{[2]int{}, `{"type":"array","minItems":2,"maxItems":2,"items":{"type":"integer"}}`},
		{[]byte{}, `{"type":"string","contentEncoding":"base64"}`},
		{[4]byte{}, `{"type":"array","minItems":4,"maxItems":4,"items":{"type":"integer","minimum":0,"maximum":255}}`},
		{[]namedByte{}, `{"type":"string","contentEncoding":"base64"}`},
		{[]any{}, `{"type":"array","items":{}}`},
		{map[string]int{}, `{"type":"object","additionalProperties":{"type":"integer"}}`},
		{map[int]bool{}, `{"type":"object","propertyNames":{"pattern":"^-?(0|[1-9][0-9]*)$"},"additionalProperties":{"type":"boolean"}}`},
		{map[netip.Addr]any{}, `{"type":"object","additionalProperties":{}}`},
		{time.Time{}, `{"type":"string","format":"date-time"}`},
		{time.Second, `{"type":"integer","description":"a duration in nanoseconds"}`},
		{netip.Addr{}, `{"type":"string"}`},
		{upper(""), `{"type":"string"}`},
		{big.Int{}, `{"type":"integer"}`},
		{big.Float{}, `{"type":"string"}`},
		{json.Number("1"), `{"type":"number"}`},
		{json.RawMessage{}, `{}`},
		{onlyMarshals{}, closed(`"A":{"type":"integer"}`, `"A"`)},
		{onlyUnmarshals{}, `{}`},

		{struct {
			City   string `json:"city" jsonschema:"where, and \"when\""`
			Days   int    `json:"days,omitempty"`
			Zero   int    `json:",omitzero"`
			Ptr    *bool
			Hidden string `json:"-"`
			inner  int
		}{}, closed(`"city":{"type":"string","description":"where, and \"when\""},"days":{"type":"integer"},"Zero":{"type":"integer"},"Ptr":{"type":"boolean"}`, `"city"`)},
		{struct {
			A string   `json:"a" default:"x y"`
			B int      `json:"b" default:"3"`
			C []string `json:"c" default:"[ \"p\", \"q\" ]"`
			D string   `json:"d" default:"\"quoted\""`
			E bool     `json:"e" default:"true"`
		}{}, closed(`"a":{"type":"string","default":"x y"},"b":{"type":"integer","default":3},"c":{"type":"array","items":{"type":"string"},"default":["p","q"]},"d":{"type":"string","default":"quoted"},"e":{"type":"boolean","default":true}`, ``)},
		{struct {
			A string   `json:"a" enum:"x,y z" jsonschema:"one" default:"x"`
			B int      `json:"b" enum:"1,2"`
			C []string `json:"c" enum:"p,q" jsonschema:"some"`
			D *string  `json:"d" enum:"p"`
		}{}, closed(`"a":{"type":"string","enum":["x","y z"],"description":"one","default":"x"},"b":{"type":"integer","enum":[1,2]},"c":{"type":"array","items":{"type":"string","enum":["p","q"]},"description":"some"},"d":{"type":"string","enum":["p"]}`, `"b","c"`) /* a has a default, d is a pointer */},
		{struct {
			N int64       `json:"n,string"`
			B bool        `json:"b,string"`
			S string      `json:"s,string"`
			J json.Number `json:"j,string"`
		}{}, closed(`"n":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)$"},"b":{"type":"string","pattern":"^(true|false)$"},"s":{"type":"string","pattern":"^\"([^\"\\\\]|\\\\.)*\"$"},"j":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$"}`, `"n","b","s","j"`)},
		{struct {
			Region string `json:"region" header:"Region"`
		}{}, closed(`"region":{"type":"string","x-mcp-header":"Region"}`, `"region"`)},
		{struct {
			base  `json:",inline"`
			Outer int
		}{}, closed(`"id":{"type":"string"},"Shade":{"type":"string"},"Outer":{"type":"integer"}`, `"id","Shade","Outer"`)},
		{struct {
			base `json:"named"`
		}{}, closed(`"named":`+closed(`"id":{"type":"string"},"Shade":{"type":"string"}`, `"id","Shade"`), `"named"`)},
		{struct {
			Count
			*Part
			lower
		}{}, closed(`"Count":{"type":"integer"},"extra":{"type":"boolean"}`, `"Count"`)},
		{ambiguous{}, closed(`"Left":{"type":"string"},"Right":{"type":"string"}`, `"Left","Right"`)},
		{struct {
			M map[uint8]int
			F *float64 `json:",string"`
			L *[]int   `json:"l" enum:"1"`
		}{}, closed(`"M":{"type":"object","propertyNames":{"pattern":"^(0|[1-9][0-9]*)$"},"additionalProperties":{"type":"integer"}},`+
			`"F":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$"},"l":{"type":"array","items":{"type":"integer","enum":[1]}}`, `"M"`)},
		{struct {
			In struct {
				X []struct{ Y *int }
			} `json:"in"`
		}{}, closed(`"in":`+closed(`"X":{"type":"array","items":`+closed(`"Y":{"type":"integer"}`, ``)+`}`, `"X"`), `"in"`)},
		{struct {
			Wait time.Duration `json:"wait,omitempty" jsonschema:"how long to wait"`
		}{}, closed(`"wait":{"type":"integer","description":"how long to wait (a duration in nanoseconds)"}`, ``)},

		{struct {
			I int       `json:"i" minimum:"1" maximum:"7"`
			S int8      `json:"s" minimum:"-3" multipleOf:"2"`
			F float64   `json:"f" exclusiveMinimum:"0" exclusiveMaximum:"1e3"`
			T string    `json:"t" minLength:"1" maxLength:"9" pattern:"^[a-z]+$"`
			E string    `json:"e" format:"email" jsonschema:"whom"`
			L []string  `json:"l" minItems:"1" maxItems:"3" minLength:"2" enum:"aa,bb"`
			P *uint8    `json:"p" maximum:"9" default:"4"`
			Z []float32 `json:"z,omitempty" yaml:"z" minimum:"0.5"`
		}{}, closed(`"i":{"type":"integer","minimum":1,"maximum":7},"s":{"type":"integer","maximum":127,"minimum":-3,"multipleOf":2},"f":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1e3},`+
			`"t":{"type":"string","minLength":1,"maxLength":9,"pattern":"^[a-z]+$"},"e":{"type":"string","format":"email","description":"whom"},`+
			`"l":{"type":"array","minItems":1,"maxItems":3,"items":{"type":"string","minLength":2,"enum":["aa","bb"]}},"p":{"type":"integer","minimum":0,"maximum":9,"default":4},`+
			`"z":{"type":"array","items":{"type":"number","minimum":0.5}}`, `"i","s","f","t","e","l"`)},

		{recursive{}, `{"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#/$defs/recursive"}}},"required":["children"],"additionalProperties":false,` +
			`"$defs":{"recursive":` + closed(`"children":{"type":"array","items":{"$ref":"#/$defs/recursive"}}`, `"children"`) + `}}`},
		{struct{ T *generic[int] }{}, `{"type":"object","properties":{"T":{"$ref":"#/$defs/generic_int_"}},"additionalProperties":false,"$defs":{"generic_int_":` +
			closed(`"V":{"type":"integer"},"Next":{"$ref":"#/$defs/generic_int_"},"By":{"type":"object","additionalProperties":{"$ref":"#/$defs/generic_int_"}}`, `"V","By"`) + `}}`},
		{struct{ A ping }{}, `{"type":"object","properties":{"A":{"$ref":"#/$defs/ping"}},"required":["A"],"additionalProperties":false,"$defs":{"ping":` +
			closed(`"Pong":`+closed(`"Ping":{"$ref":"#/$defs/ping"}`, ``), `"Pong"`) + `}}`},
		{list{}, `{"type":"array","items":{"$ref":"#/$defs/list"},"$defs":{"list":{"type":"array","items":{"$ref":"#/$defs/list"}}}}`},
	} {
		t.Run(fmt.Sprintf("%T", test.value), func(t *testing.T) {
			t.Parallel()
			checkSchema(t, infer.Input, test.value, test.want)
		})
	}
}

// Output differs from Input where encoding/json does.
func TestOutput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  string
	}{
		{new(string), `{"type":["string","null"]}`},
		{[]*int{}, `{"type":"array","items":{"type":["integer","null"]}}`},
		{struct {
			Ptr *string `json:"ptr" enum:"p"`
			F   *bool   `json:",string"`
		}{}, closed(`"ptr":{"type":["string","null"],"enum":["p",null]},"F":{"type":["string","null"],"pattern":"^(true|false)$"}`, ``)},
		{struct {
			Err    error
			Shapes []fmt.Stringer
		}{}, closed(`"Err":{},"Shapes":{"type":"array","items":{}}`, `"Err","Shapes"`)},
		{embedding{}, closed(`"id":{"type":"string"},"extra":{"type":"boolean"},"Shade":{"type":"integer"}`, `"id"`)},
		{pair{}, `{}`},
		{upper(""), `{"type":"string"}`},
		{onlyMarshals{}, `{}`},
		{onlyUnmarshals{}, closed(`"A":{"type":"integer"}`, `"A"`)},
		{map[string]pointerMarshals{}, `{"type":"object","additionalProperties":` + closed(`"A":{"type":"integer"}`, `"A"`) + `}`},
		{[]pointerMarshals{}, `{"type":"array","items":{}}`},
		{map[string]*pointerMarshals{}, `{"type":"object","additionalProperties":{}}`},
		{struct{ T *generic[int] }{}, `{"type":"object","properties":{"T":{"anyOf":[{"$ref":"#/$defs/generic_int_"},{"type":"null"}]}},"additionalProperties":false,"$defs":{"generic_int_":` +
			closed(`"V":{"type":"integer"},"Next":{"anyOf":[{"$ref":"#/$defs/generic_int_"},{"type":"null"}]},"By":{"type":"object","additionalProperties":{"$ref":"#/$defs/generic_int_"}}`, `"V","By"`) + `}}`},
	} {
		t.Run(fmt.Sprintf("%T", test.value), func(t *testing.T) {
			t.Parallel()
			checkSchema(t, infer.Output, test.value, test.want)
		})
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	checkSchema(t, infer.Form, struct {
		A string `json:"a" format:"date"`
	}{}, `{"type":"object","properties":{"a":{"type":"string","format":"date"}},"required":["a"]}`)
}

// checkSchema compares an inferred schema. It is a schema like any other.
func checkSchema(t *testing.T, infer func(reflect.Type) (*schema.Schema, error), value any, want string) {
	t.Helper()
	s, err := infer(reflect.TypeOf(value))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(s.JSON())); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	again, err := schema.Compile(s.JSON())
	if err != nil {
		t.Fatalf("Compile of what is inferred: %v", err)
	}
	if !cmp.Equal(s.Headers(), again.Headers()) || s.Type() != again.Type() {
		t.Errorf("Headers() = %v, Type() = %q; compiled from JSON() %v, %q", s.Headers(), s.Type(), again.Headers(), again.Type())
	}
}

// The forms of values that a schema does not tell, or that clients do not
// check.
func TestForms(t *testing.T) {
	t.Parallel()
	type forms struct {
		Int      int            `json:"int,omitempty"`
		Uint     uint           `json:"uint,omitempty"`
		Big      *big.Int       `json:"big,omitempty"`
		Time     time.Time      `json:"time,omitzero"`
		Addr     netip.Addr     `json:"addr,omitzero"`
		Prefix   netip.Prefix   `json:"prefix,omitzero"`
		AddrPort netip.AddrPort `json:"addrport,omitzero"`
		Bytes    []byte         `json:"bytes,omitempty"`
		Date     string         `json:"date,omitempty" format:"date"`
		Clock    string         `json:"clock,omitempty" format:"time"`
		Duration string         `json:"duration,omitempty" format:"duration"`
		Email    string         `json:"email,omitempty" format:"email"`
		URI      []string       `json:"uri,omitempty" format:"uri"`
		UUID     string         `json:"uuid,omitempty" format:"uuid"`
		V4       string         `json:"v4,omitempty" format:"ipv4"`
		V6       string         `json:"v6,omitempty" format:"ipv6"`
		Host     string         `json:"host,omitempty" format:"hostname"`
	}
	s, err := infer.Input(reflect.TypeFor[forms]())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, good, bad, want string }{
		{"int", `1|-9223372036854775808|9223372036854775807|9223372036854775807.0|9.223372036854775807e18|0e99|-0.0|1e2`, `9223372036854775808|1e30|-1e30|1e999999999999999999999`, `must be an integer from -9223372036854775808 to 9223372036854775807, got `},
		{"uint", `0|18446744073709551615|1844674407370955161.5e1`, `18446744073709551616|1e20`, `must be an integer from 0 to 18446744073709551615, got `},
		{"big", `1e30|123456789012345678901234567890`, ``, ``},
		{"time", `"2026-01-31T15:04:05Z"|"2026-01-31T15:04:05.5+02:00"`, `"2026-01-01"|"tomorrow"|"2026-01-31 15:04:05"|""`, `must be a date and time such as 2026-01-31T15:04:05Z, got `},
		{"addr", `"192.0.2.1"|"2001:db8::1"`, `"localhost"|"192.0.2"`, `must be an IP address such as 192.0.2.1 or 2001:db8::1, got `},
		{"prefix", `"192.0.2.0/24"`, `"192.0.2.0"`, `must be an IP network such as `},
		{"addrport", `"192.0.2.1:80"`, `"192.0.2.1"`, `must be an IP address and a port such as `},
		{"bytes", `""|"aGVsbG8="|"aGVs\nbG8="`, `"aGVsbG8"|"aGVsb_8="|"=aGV"|"a"`, `must be base64 such as aGVsbG8=, got `},
		{"date", `"2026-01-31"`, `"2026-02-30"|"31.1.2026"`, `must be a date such as 2026-01-31, got `},
		{"clock", `"15:04:05Z"|"15:04:05.25+02:00"`, `"15:04"|"25:00:00Z"`, `must be a time such as 15:04:05Z or 15:04:05+02:00, got `},
		{"duration", `"PT1H30M"|"P3D"|"P1Y2M3DT4H5M6S"|"P2W"`, `"1h30m"|"P"|"PT"|"P1DT"|"P1H"|"PT1H5S"|"P1W2D"|"90"`, `must be a duration such as PT1H30M or P3D, got `},
		{"email", `"ann@example.com"`, `"ann"|"@example.com"|"ann@"|"a b@example.com"|"a@b@c"`, `must be an email address such as ann@example.com, got `},
		{"uri", `["https://example.com/path?x=1#y","urn:isbn:1"]`, `["example.com"]|["https://exa mple.com"]|["/path"]`, `must be an absolute URI such as https://example.com/path, got `},
		{"uuid", `"123e4567-e89b-12d3-a456-426614174000"`, `"123e4567e89b12d3a456426614174000"|"g23e4567-e89b-12d3-a456-426614174000"`, `must be a UUID such as 123e4567-e89b-12d3-a456-426614174000, got `},
		{"v4", `"192.0.2.1"`, `"2001:db8::1"|"192.0.2.256"`, `must be an IPv4 address such as 192.0.2.1, got `},
		{"v6", `"2001:db8::1"`, `"192.0.2.1"|"fe80::1%eth0"`, `must be an IPv6 address such as 2001:db8::1, got `},
		{"host", `"anything"`, ``, ``},
	} {
		for value := range strings.SplitSeq(test.good, "|") {
			args := []byte(`{"` + test.name + `":` + value + `}`)
			if err := s.Validate(t.Context(), args); err != nil {
				t.Errorf("Validate(%s) = %v", args, err)
			}
			var v forms
			if err := json.Unmarshal(args, &v); err != nil && !strings.ContainsAny(value, ".e") {
				t.Errorf("encoding/json refuses %s: %v", args, err)
			}
		}
		for value := range strings.SplitSeq(test.bad, "|") {
			err := s.Validate(t.Context(), []byte(`{"`+test.name+`":`+value+`}`))
			if value != "" && (err == nil || !strings.Contains(err.Error(), ": "+test.want)) {
				t.Errorf("Validate(%s: %s) = %v, want %s", test.name, value, err, test.want)
			}
		}
	}
}

// The schema of a type accepts what the JSON library writes for it.
func TestInferredSchemaAcceptsValues(t *testing.T) {
	t.Parallel()
	text := "text"
	type everything struct {
		embedding
		Bool   bool
		Int    int64
		Uint   uint64
		Float  float32
		Text   upper
		Ptr    *string
		Nil    *int
		Slice  []string
		Bytes  []byte
		Hash   [5]byte
		Named  []namedByte
		Array  [2]float64
		Map    map[string][]int
		IntMap map[int16]string
		IPs    map[netip.Addr]bool
		Time   time.Time
		Any    any
		Raw    json.RawMessage
		Big    *big.Int
		Pair   pair
		Quoted uint32  `json:",string"`
		QFloat float64 `json:",string"`
		Empty  struct{}
		Omit   []int `json:",omitempty"`
	}
	for _, value := range []any{
		everything{},
		&everything{embedding: embedding{optionalPart: &optionalPart{}, Shade: 3}},
		everything{
			Int: -1 << 63, Uint: 1<<64 - 1, Float: 1e-30, Text: "É\"\u2028", Ptr: &text, Slice: []string{"a", ""},
			Bytes: []byte("abc"), Hash: [5]byte{1}, Named: []namedByte{255}, Map: map[string][]int{"a\n": {1}, "": nil},
			IntMap: map[int16]string{-5: "x", 0: ""}, IPs: map[netip.Addr]bool{netip.IPv6Loopback(): true},
			Time: time.Unix(0, 0), Any: map[string]any{"x": []any{nil, 1.5}}, Raw: json.RawMessage(` [1] `),
			Big: big.NewInt(5), Pair: pair{1, 2}, Quoted: 7, QFloat: -1.5e300, Omit: []int{1},
		},
		ambiguous{left: left{Left: "l"}},
		recursive{Children: []recursive{{}, {Children: []recursive{{}}}}},
		&generic[string]{Next: &generic[string]{Next: &generic[string]{}, By: map[string]generic[string]{"a": {}}}},
		ping{Pong: pong{Ping: &ping{}}},
		list{nil, {nil, {}}},
		struct {
			Kids []*generic[[]int]
			Err  error
			Any  fmt.Stringer
		}{Kids: []*generic[[]int]{nil, {Next: &generic[[]int]{}}}},
		[]*string{nil, &text},
		(*base)(nil),
	} {
		t.Run(fmt.Sprintf("%T", value), func(t *testing.T) {
			t.Parallel()
			s, err := infer.Output(reflect.TypeOf(value))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			raw = s.FillNulls(raw)
			if err := s.Validate(t.Context(), raw); err != nil {
				t.Errorf("Validate(%s) against %s = %v", raw, s.JSON(), err)
			}
		})
	}
}
