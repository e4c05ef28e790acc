package schema_test

import "testing"

func TestFillNulls(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"type":"object","$defs":{"l":{"type":"array","items":{"type":"object"}}},"properties":{
		"l":{"$ref":"#/$defs/l"},"m":{"type":"object","additionalProperties":{"type":"array"}},"b":{"type":"string","contentEncoding":"base64"},
		"s":{"type":"string"},"n":{"type":["array","null"]},"p":{"prefixItems":[{"type":"array"}]},"x":true}}`)
	for _, test := range []struct{ value, want string }{
		{`{"l":[{}],"m":{"a":[]},"b":"","n":null,"x":null,"y":null}`, `{"l":[{}],"m":{"a":[]},"b":"","n":null,"x":null,"y":null}`},
		{`{"l":null,"m":null,"b":null,"s":null,"n":null}`, `{"l":[],"m":{},"b":"","s":null,"n":null}`},
		{`{"l":[null,{}],"m":{"a":null,"b":[null]},"p":[null,null]}`, `{"l":[{},{}],"m":{"a":[],"b":[null]},"p":[[],null]}`},
		{`null`, `{}`},
		{`[null]`, `[null]`},
		{`{"l":`, `{"l":`},
	} {
		if got := string(s.FillNulls([]byte(test.value))); got != test.want {
			t.Errorf("FillNulls(%s) = %s, want %s", test.value, got, test.want)
		}
	}
}
