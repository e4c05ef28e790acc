package schema_test

import (
	"strings"
	"testing"
)

func TestApplyDefaults(t *testing.T) {
	t.Parallel()
	const weather = `{
		"properties": {
			"city": {"type": "string"},
			"days": {"type": "integer", "default": 3},
			"unit": {"default": "c"},
			"need": {"default": 1},
			"opts": {"properties": {"\"q\"": {"default": [1, {"a": "b"}]}, "deep": {"properties": {"x": {"default": null}}}}}
		},
		"required": ["need"]
	}`
	for _, test := range []struct{ name, schema, value, want string }{
		{"nothing there", weather, `{}`, `{"days":3,"unit":"c"}`},
		{"white space", weather, ` { } `, ` { "days":3,"unit":"c"} `},
		{"some there", weather, `{"city":"Paris","unit":"f"}`, `{"city":"Paris","unit":"f","days":3}`},
		{"null is there", weather, `{"days":null,"unit":null}`, `{"days":null,"unit":null}`},
		{"an escaped name is there", weather, `{"\u0064ays":1,"unit":1}`, `{"\u0064ays":1,"unit":1}`},
		{"inside", weather, `{"opts":{"deep":{}},"days":1,"unit":1}`, `{"opts":{"deep":{"x":null},"\"q\"":[1,{"a":"b"}]},"days":1,"unit":1}`},
		{"inside and outside", weather, `{"opts":{"\"q\"":0},"days":1}`, `{"opts":{"\"q\"":0},"days":1,"unit":"c"}`},
		{"not an object inside", weather, `{"opts":[],"days":1,"unit":1}`, `{"opts":[],"days":1,"unit":1}`},
		{"not an object", weather, `[1]`, `[1]`},
		{"no defaults", `{"properties":{"a":{}}}`, `{}`, `{}`},
		{"default of the root", `{"default":{"a":1}}`, `{}`, `{}`},
		{"reference", `{"$defs":{"n":{"properties":{"a":{"default":1},"n":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}`, `{"n":{}}`, `{"n":{"a":1},"a":1}`},
		{"default of the referenced", `{"$defs":{"n":{"default":1}},"properties":{"a":{"$ref":"#/$defs/n"}}}`, `{}`, `{"a":1}`},
		{"default beside the reference", `{"$defs":{"n":{"default":1}},"properties":{"a":{"$ref":"#/$defs/n","default":2}}}`, `{}`, `{"a":2}`},
		{"default as it is written", `{"properties":{"a":{"default":{},"properties":{"b":{"default":1}}}}}`, `{}`, `{"a":{}}`},
		{"items", `{"properties":{"a":{"prefixItems":[{}],"items":{"properties":{"b":{"default":1}}}}}}`, `{"a":[{},{},[],{"b":2}]}`, `{"a":[{},{"b":1},[],{"b":2}]}`},
		{"items of the root", `{"items":{"properties":{"b":{"default":1}}}}`, `[{},1]`, `[{"b":1},1]`},
		{"a map", `{"properties":{"c":{}},"additionalProperties":{"properties":{"b":{"default":1}}}}`, `{"a":{},"c":{}}`, `{"a":{"b":1},"c":{}}`},
		{"items that refer", `{"$defs":{"n":{"properties":{"a":{"default":1},"l":{"items":{"$ref":"#/$defs/n"}}}}},"items":{"$ref":"#/$defs/n"}}`, `[{"l":[{"l":[{}]}]}]`, `[{"l":[{"l":[{"a":1}],"a":1}],"a":1}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			value := []byte(test.value)
			got, err := mustCompile(t, test.schema).ApplyDefaults(value)
			if err != nil || string(got) != test.want {
				t.Fatalf("ApplyDefaults(%s) = %s, %v, want %s", test.value, got, err, test.want)
			}
			if string(value) != test.value {
				t.Errorf("ApplyDefaults has changed its argument to %s", value)
			}
			if test.want == test.value && &got[0] != &value[0] {
				t.Error("ApplyDefaults has copied a complete value")
			}
		})
	}
}

// Many small objects do not grow without end.
func TestApplyDefaultsBoundsTheSize(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"items":{"properties":{"a":{"default":"`+strings.Repeat("x", 1<<10)+`"}}}}`)
	for n, ok := range map[int]bool{10_000: true, 20_000: false} {
		_, err := s.ApplyDefaults([]byte(`[{}` + strings.Repeat(`,{}`, n) + `]`))
		if (err == nil) != ok {
			t.Errorf("ApplyDefaults of %d objects = %v", n, err)
		}
	}
}

func TestApplyDefaultsMalformed(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"properties":{"a":{"default":1},"b":{"properties":{"c":{"default":1}}}}}`)
	for _, value := range []string{``, `{`, `{"b":{`, `{"b":{"x"`, `{"b":{}`, `{"b":{},`} {
		if got, err := s.ApplyDefaults([]byte(value)); err == nil {
			t.Errorf("ApplyDefaults(%s) = %s, want an error", value, got)
		}
	}
}
