package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

// The schema says whether a value is text or JSON.
func TestToolArguments(t *testing.T) {
	t.Parallel()
	const defs = `{"$defs":{"n":{"type":"integer"},"loop":{"$ref":"#/$defs/loop"}},"definitions":{"b":{"type":"boolean"}},"properties":{"a":`
	tests := []struct {
		name, property, pair, want string
	}{
		{"a string", `{"type":"string"}`, "a=1", `"1"`},
		{"a string of markup", `{"type":"string"}`, "a=<&>", `"\u003c\u0026\u003e"`},
		{"an empty string", `{"type":"string"}`, "a=", `""`},
		{"a value with an equals sign", `{"type":"string"}`, "a=b=c", `"b=c"`},
		{"an integer", `{"type":"integer"}`, "a=1", `1`},
		{"a large integer", `{"type":"integer"}`, "a=12345678901234567890", `12345678901234567890`},
		{"an integer for a number", `{"type":"number"}`, "a=1", `1`},
		{"a boolean", `{"type":"boolean"}`, "a=true", `true`},
		{"an array", `{"type":"array"}`, `a=["x"]`, `["x"]`},
		{"an object", `{"type":"object"}`, `a={"x":1}`, `{"x":1}`},
		{"null, or a number", `{"type":["null","number"]}`, "a=null", `null`},
		{"a string, or null", `{"type":["string","null"]}`, "a=null", `"null"`},
		{"one of several", `{"anyOf":[{"type":"integer"},{"type":"null"}]}`, "a=1", `1`},
		{"one of several with a string", `{"oneOf":[{"type":"integer"},{"type":"string"}]}`, "a=1", `"1"`},
		{"one of several, one of which may be anything", `{"anyOf":[{"type":"integer"},{}]}`, "a=1", `"1"`},
		{"a reference", `{"$ref":"#/$defs/n"}`, "a=1", `1`},
		{"a reference of old", `{"$ref":"#/definitions/b"}`, "a=true", `true`},
		{"a reference to itself", `{"$ref":"#/$defs/loop"}`, "a=1", `"1"`},
		{"a reference to nothing", `{"$ref":"#/$defs/none"}`, "a=1", `"1"`},
		{"numbers to choose from", `{"enum":[1,2]}`, "a=1", `1`},
		{"words to choose from", `{"enum":["1","2"]}`, "a=1", `"1"`},
		{"a constant", `{"const":true}`, "a=true", `true`},
		{"a type of no kind", `{"type":7}`, "a=1", `"1"`},
		{"anything", `true`, "a=1", `"1"`},
		{"anything as JSON", `{}`, "a:=1", `1`},
		{"JSON in spite of the schema", `{"type":"string"}`, "a:=1", `1`},
		{"at", `{"type":"string"}`, "a=@@b", `"@b"`},
		{"standard input", `{"type":"string"}`, "a=@-", `"input"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &cli{stdin: strings.NewReader("input")}
			got, err := c.toolArguments(json.RawMessage(defs+test.property+"}}"), []string{test.pair})
			if want := `{"a":` + test.want + `}`; err != nil || string(got) != want {
				t.Errorf("%s = %s, %v; want %s", test.pair, got, err, want)
			}
		})
	}
}

func TestToolArgumentsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ property, pair, want string }{
		{`{"type":"integer"}`, "a=x", `argument a: "x" is not integer`},
		{`{"type":"integer"}`, "a=1.5", `argument a: "1.5" is not integer`},
		{`{"type":"integer"}`, "a=", `argument a: "" is not integer`},
		{`{"type":"integer"}`, "a=1 2", `argument a: "1 2" is not integer`},
		{`{"type":"number"}`, "a=NaN", `argument a: "NaN" is not number`},
		{`{"type":["boolean","null"]}`, "a=yes", `argument a: "yes" is not boolean or null`},
		{`{"type":"array"}`, "a={}", `argument a: "{}" is not array`},
		{`{}`, "a:=1 2", "argument a: not JSON: more than one value"},
		{`{}`, "a", `argument "a" is not KEY=VALUE`},
		{`{}`, "=a", `argument "=a" is not KEY=VALUE`},
		{`{}`, ":=1", `argument ":=1" has no name, or the name of an earlier argument`},
	}
	for _, test := range tests {
		c := &cli{stdin: strings.NewReader("")}
		got, err := c.toolArguments(json.RawMessage(`{"properties":{"a":`+test.property+`}}`), []string{test.pair})
		if err == nil || err.Error() != test.want || exitCode(err) != exitUsage {
			t.Errorf("%s for %s = %s, %v; want %s", test.pair, test.property, got, err, test.want)
		}
	}
}

// What may be left out is in brackets.
func TestSignature(t *testing.T) {
	t.Parallel()
	got := signature(json.RawMessage(`{"properties":{"b":{"type":"string"},"a":{"type":["integer","null"]},"c":{}},"required":["b"]}`))
	if want := " b=string [a=integer|null] [c=any]"; got != want {
		t.Errorf("signature = %q, want %q", got, want)
	}
}

// A schema is the server's: whatever it is, it says something or nothing, in
// bounded time.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"properties":{"a":{"anyOf":[{"type":"integer"},{"$ref":"#/$defs/x"}]}},"$defs":{"x":{"anyOf":[{"$ref":"#/$defs/x"},{"$ref":"#/$defs/x"}]}}}`), "1")
	f.Add([]byte(`{"properties":{"a":{"enum":[1,null,"x"]}},"required":["a"]}`), "x")
	f.Fuzz(func(t *testing.T, schema []byte, value string) {
		c := &cli{stdin: strings.NewReader("")}
		got, err := c.toolArguments(schema, []string{"a=" + strings.TrimLeft(value, "@")})
		if err == nil && !json.Valid(got) {
			t.Errorf("not JSON: %s", got)
		}
		signature(schema)
	})
}

// The fields of a form are asked for in its order, and answers become values.
func TestForm(t *testing.T) {
	t.Parallel()
	fields, err := formFields([]byte(`{"type":"object","required":["z","n"],"properties":{
		"z":{"type":"string","title":"Zoo","description":"Which\u001b one"},
		"n":{"type":"integer"},
		"r":{"type":"number","default":1.5},
		"b":{"type":"boolean"},
		"e":{"type":"string","enum":["x","y"],"enumNames":["Ex","Why"]},
		"o":{"type":"string","oneOf":[{"const":"p","title":"Pea"}]},
		"m":{"type":"array","items":{"anyOf":[{"const":"q","title":"Queue"},{"const":"r","title":"Are"}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var questions []string
	for _, f := range fields {
		questions = append(questions, f.question())
	}
	if diff := cmp.Diff([]string{
		"  (Which\\u001b one)\n  Zoo: ",
		"  n (integer): ",
		"  r (number) [1.5]: ",
		"  b (y/n) [none]: ",
		"  1. x Ex\n  2. y Why\n  e [none]: ",
		"  1. p Pea\n  o [none]: ",
		"  1. q Queue\n  2. r Are\n  m, several with commas [none]: ",
	}, questions); diff != "" {
		t.Error(diff)
	}
	tests := []struct {
		field        int
		answer, want string // "" is refused
	}{
		{0, "a b", `"a b"`},
		{0, "", ""},
		{1, "7", "7"},
		{1, "7.5", ""},
		{1, "+7", ""},
		{2, "7.5", "7.5"},
		{2, "Inf", ""},
		{3, "Yes", "true"},
		{3, "n", "false"},
		{3, "maybe", ""},
		{4, "2", `"y"`},
		{4, "x", `"x"`},
		{4, "3", ""},
		{4, "0", ""},
		{5, "p", `"p"`},
		{6, "q, 2", `["q","r"]`},
		{6, "q,z", ""},
	}
	for _, test := range tests {
		got, err := fields[test.field].parse(test.answer)
		if string(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q = %s, %v; want %s", fields[test.field].name, test.answer, got, err, test.want)
		}
	}
}

func FuzzForm(f *testing.F) {
	f.Add([]byte(`{"properties":{"m":{"type":"array","items":{"enum":["a"]}},"b":{"type":"boolean"}}}`), "a")
	f.Fuzz(func(t *testing.T, schema []byte, answer string) {
		fields, err := formFields(schema)
		if err != nil {
			return
		}
		for _, field := range fields {
			if q := field.question(); terminal.Block(q, "") != q {
				t.Errorf("question %q", q)
			}
			if got, err := field.parse(answer); err == nil && !json.Valid(got) {
				t.Errorf("not JSON: %s", got)
			}
		}
	})
}
