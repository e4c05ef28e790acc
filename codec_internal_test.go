package mcpengine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// written is JSON that a type of the user's writes itself.
type written string

func (w written) MarshalJSON() ([]byte, error) { return []byte(w), nil }

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		value any
		want  string // or a part of the error
	}{
		{"no escapes for HTML", map[string]string{"<a>": "b & c"}, `{"<a>":"b & c"}`},
		{"nor from methods", []any{written(`"\u003cb\u003E"`), written(`{"a":"\u0026"}`)}, `["<b\u003E",{"a":"&"}]`},
		{"a backslash before what looks like one", `\u003c \\u003c <\`, `"\\u003c \\\\u003c <\\"`},
		{"other escapes stay", "\x00\u2028\n\"", `"\u0000\u2028\n\""`},
		{"text that is not UTF-8", "a\xffb", "\"a\ufffdb\""},
		{"text of a method that is not UTF-8", written("\"a\xffb\""), "\"a\ufffdb\""},
		{"names in order", map[string]int{"b": 1, "a": 2}, `{"a":2,"b":1}`},
		{"a repeated name of a method", written(`{"a":1,"a":2}`), `duplicate name`},
		{"an unpaired surrogate of a method", written(`"\ud800"`), `unpaired surrogate`},
		{"a method that writes no JSON", written(`{`), `unexpected end`},
		{"not a number", math.NaN(), `unsupported value`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := encode(test.value)
			if err != nil && strings.Contains(err.Error(), test.want) {
				return
			}
			// With GOEXPERIMENT=jsonv2 this character is not escaped.
			got = bytes.ReplaceAll(got, []byte(`\ufffd`), []byte("\ufffd"))
			if err != nil || string(got) != test.want {
				t.Errorf("encode = %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

// FuzzEncode checks that text comes back from what is encoded.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{"", `<>&`, `\u003c`, `\\<`, "\u2028\\", `a\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := encode([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := json.Unmarshal(value, &got); err != nil || got[0] != strings.ToValidUTF8(text, "\ufffd") && jsonrpc.Valid([]byte(text)) == nil {
			t.Fatalf("encode(%q) = %s, %v", text, value, err)
		}
		if strings.Contains(strings.ReplaceAll(string(value), `\\`, ""), `\u003c`) {
			t.Fatalf("encode(%q) = %s", text, value)
		}
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	type leaf struct {
		N *int64 `json:"n"`
	}
	type input struct {
		City string          `json:"city"`
		N    int8            `json:"n"`
		In   leaf            `json:"in"`
		List []leaf          `json:"list"`
		By   map[string]leaf `json:"by"`
	}
	for _, test := range []struct{ name, args, want string }{
		{"integers in other forms", `{"city":"1.0\" 1.0","n":1.0,"in":{"n":-2e3}}`, ``},
		{"out of range", `{"n":300}`, `n: must be an integer from -128 to 127, got 300`},
		{"out of range, in another form", `{"city":"x","n":3e2}`, `n: must be an integer from -128 to 127, got 300`},
		{"inside", `{"in":{"n":1.5}}`, `in.n: must be an integer from -9223372036854775808 to 9223372036854775807, got 1.5`},
		{"in a map", `{"by":{"a":{},"b":{"n":99999999999999999999}}}`, `by.b.n: must be an integer from -9223372036854775808 to 9223372036854775807, got 99999999999999999999`},
		{"in a list", `{"list":[{"n":1},{"n":0.5}]}`, `list[1].n: must be an integer from -9223372036854775808 to 9223372036854775807, got 0.5`},
		{"a name in another case", `{"in":{"N":1}}`, `name N differs from "n" by case`},
		{"no object", `1`, `the object: 1 is not accepted here`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := decode([]byte(test.args), true, new(flatDecoder), new(input))
			if (err == nil) != (test.want == "") || err != nil && err.Error() != "arguments are invalid: "+test.want {
				t.Errorf("decode(%s) = %v, want %s", test.args, err, test.want)
			}
		})
	}
	var in input
	err := decode([]byte(`{"city":"1.0\" 1.0","n":1.0,"in":{"n":-2e3}}`), false, new(flatDecoder), &in)
	n := int64(-2000)
	if diff := cmp.Diff(input{City: `1.0" 1.0`, N: 1, In: leaf{&n}}, in); diff != "" || err != nil {
		t.Errorf("decode: %v (-want +got):\n%s", err, diff)
	}
	type flat struct {
		City string
		N    int
	}
	var of flat
	err = decode([]byte(`{"City":"x","N":2.0}`), true, new(flatDecoder), &of)
	if diff := cmp.Diff(flat{"x", 2}, of); diff != "" || err != nil {
		t.Errorf("decode: %v (-want +got):\n%s", err, diff)
	}
}

// A color has a form that only its method knows.
type color string

func (c *color) UnmarshalText(text []byte) error {
	if string(text) != "red" {
		return errors.New("the only color is red")
	}
	*c = color(text)
	return nil
}

// What no schema says is told with an example, or in the words of the type.
func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	type embedded struct {
		Until *time.Time `json:"until"`
	}
	type input struct {
		embedded
		At     time.Time              `json:"at"`
		Times  []time.Time            `json:"times"`
		By     map[string]*netip.Addr `json:"by"`
		IP     net.IP                 `json:"ip"`
		Port   netip.AddrPort         `json:"port"`
		Prefix netip.Prefix           `json:"prefix"`
		Big    *big.Int               `json:"big"`
		Rat    *big.Rat               `json:"rat"`
		Data   []byte                 `json:"data"`
		Small  uint8                  `json:"small"`
		Float  float32                `json:"float"`
		Color  color                  `json:"color"`
		Plain  bool
	}
	const form = "a date and time such as 2026-01-31T15:04:05Z"
	for args, want := range map[string]string{
		`{"at":"2026-01-01"}`:                         `at: must be ` + form + `, got "2026-01-01"`,
		`{"until":"soon"}`:                            `until: must be ` + form + `, got "soon"`,
		`{"times":["2026-01-02T15:04:05Z","x"]}`:      `times[1]: must be ` + form + `, got "x"`,
		`{"by":{"a":"10.0.0.1","b":"10.0.0"}}`:        `by.b: must be an IP address such as 192.0.2.1 or 2001:db8::1, got "10.0.0"`,
		`{"ip":"local"}`:                              `ip: must be an IP address such as 192.0.2.1 or 2001:db8::1, got "local"`,
		`{"port":"10.0.0.1"}`:                         `port: must be an IP address and a port such as 192.0.2.1:80 or [2001:db8::1]:80, got "10.0.0.1"`,
		`{"prefix":"10.0.0.1"}`:                       `prefix: must be an IP network such as 192.0.2.0/24 or 2001:db8::/32, got "10.0.0.1"`,
		`{"big":1.5}`:                                 `big: must be an integer such as 12345678901234567890, got 1.5`,
		`{"rat":"half"}`:                              `rat: must be a number in a string such as "3/4" or "0.75", got "half"`,
		`{"data":"%"}`:                                `data: must be base64 such as aGVsbG8=, got "%"`,
		`{"small":256}`:                               `small: must be an integer from 0 to 255, got 256`,
		`{"float":1e39}`:                              `float: must be a number from -3.4028234663852886e+38 to 3.4028234663852886e+38, got 1e39`,
		`{"color":"blue"}`:                            `color: "blue" is not accepted: the only color is red`,
		`{"color":7}`:                                 `color: 7 is not accepted here`,
		`{"Plain":7}`:                                 `Plain: 7 is not accepted here`,
		`{"at":"` + strings.Repeat("x", 1<<10) + `"}`: `at: must be ` + form + `, got "` + strings.Repeat("x", 63),
	} {
		err := decode([]byte(args), false, new(flatDecoder), new(input))
		if err == nil || err.Error() != "arguments are invalid: "+want {
			t.Errorf("decode(%.64s) = %v, want %s", args, err, want)
		}
	}
}

// FuzzUndecodable checks that whatever cannot be decoded has an error of a bounded
// length.
func FuzzUndecodable(f *testing.F) {
	for _, seed := range []string{`{"at":"x"}`, `{"times":["x",1]}`, `{"by":{"` + strings.Repeat("k", 1<<10) + `":"x"}}`, `{"data":[1]}`, `7`, `[[[1]]]`, `{"next":{"next":{"at":1}}}`} {
		f.Add(seed)
	}
	type input struct {
		At    time.Time             `json:"at"`
		Times []time.Time           `json:"times"`
		By    map[string]netip.Addr `json:"by"`
		Data  []byte                `json:"data"`
		Color color                 `json:"color"`
		Next  *input                `json:"next"`
	}
	f.Fuzz(func(t *testing.T, args string) {
		if jsonrpc.Valid([]byte(args)) != nil || json.Unmarshal([]byte(args), new(input)) == nil {
			return
		}
		if err := undecodable([]byte(args), reflect.TypeFor[input]()); err == nil || len(err.Error()) > 2000 {
			t.Errorf("undecodable(%.100s) = %.100v", args, err)
		}
	})
}

// A decoder that is used again owes nothing to the values before, whether they
// were decoded or not.
func FuzzDecodeValid(f *testing.F) {
	for _, seed := range []string{`{"city":"a","n":1}`, `{"city":1}`, `{"n":1e400}`, `{"in":{"n":2}}`, `[]`, `7`, `{"n":"` + strings.Repeat("x", maxDecoded) + `"}`} {
		f.Add(seed)
	}
	type input struct {
		City string
		N    int
		In   map[string]int
	}
	f.Fuzz(func(t *testing.T, args string) {
		if jsonrpc.Valid([]byte(args)) != nil {
			return
		}
		var want, got input
		wantErr, err := json.Unmarshal([]byte(args), &want), decodeValid([]byte(args), &got)
		if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("decodeValid(%s) = %v, want %v (-want +got):\n%s", args, err, wantErr, diff)
		}
	})
}

// FuzzPlainIntegers checks that what is rewritten is the same value.
func FuzzPlainIntegers(f *testing.F) {
	for _, seed := range []string{`1.0`, `{"1.0":[-1e2,"\"1.0"]}`, `[1.5,1e400,123456789012345678]`, `"\\`, `-`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, args string) {
		rewritten, changed := plainIntegers([]byte(args))
		if !changed && string(rewritten) != args {
			t.Fatalf("plainIntegers(%s) = %s, unchanged", args, rewritten)
		}
		var want, got any
		if jsonrpc.Valid([]byte(args)) != nil || json.Unmarshal([]byte(args), &want) != nil {
			return
		}
		if err := json.Unmarshal(rewritten, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("plainIntegers(%s) = %s: %v", args, rewritten, err)
		}
	})
}

// encoding/json writes null for a nil slice. Clients are promised a list.
func TestValidResult(t *testing.T) {
	t.Parallel()
	type output struct {
		List  []string          `json:"list"`
		Bytes []byte            `json:"bytes"`
		By    map[string][]bool `json:"by"`
		Ptr   *[]string         `json:"ptr"`
		Age   int8              `json:"age"`
	}
	s, err := infer.Output(reflect.TypeFor[output]())
	if err != nil {
		t.Fatal(err)
	}
	value, err := encode(output{By: map[string][]bool{"a": nil}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"list":[],"bytes":"","by":{"a":[]},"ptr":null,"age":0}`
	if got, err := validResult(t.Context(), s, value); err != nil || string(got) != want {
		t.Errorf("validResult(t.Context(), %s) = %s, %v, want %s", value, got, err, want)
	}
	value = []byte(`{"list":null,"bytes":"","by":{},"ptr":null,"age":300}`)
	if _, err := validResult(t.Context(), s, value); err == nil || err.Error() != "age: must be at most 127, got 300" {
		t.Errorf("validResult(t.Context(), %s): %v, want what is wrong with age", value, err)
	}
}

// The search for a value that cannot be decoded is bounded.
func TestDecodeErrorBoundsItsSearch(t *testing.T) {
	t.Parallel()
	type input struct {
		Colors []color `json:"colors"`
	}
	args := `{"colors":["red"` + strings.Repeat(`,"red"`, maxParts) + `,"blue"]}`
	err := decode([]byte(args), false, new(flatDecoder), new(input))
	want := `arguments are invalid: colors: ["red","red",`
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), " is not accepted here") {
		t.Errorf("decode = %.200v, want %s", err, want)
	}
}
