package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/schema"
)

const nullsSchema = `{"type":"object","$defs":{"deep":{"type":"object","properties":{"o":{"type":"string"},"in":{"$ref":"#/$defs/deep"}}}},
	"properties":{"o":{"type":"string"},"p":{"type":"integer","default":3},"r":{"type":"string"},
	"n":{"type":["string","null"]},"any":true,"a":{"anyOf":[{"type":"string"},{"type":"null"}]},"e":{"enum":["x"]},"c":{"const":null},
	"deep":{"$ref":"#/$defs/deep"},"list":{"type":"array","items":{"$ref":"#/$defs/deep"}},
	"maybe":{"anyOf":[{"$ref":"#/$defs/deep"},{"type":"null"}]}},
	"required":["r"],"additionalProperties":{"$ref":"#/$defs/deep"},
	"allOf":[{"properties":{"both":{"type":"string"}}}]}`

func TestDropNulls(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, nullsSchema)
	for _, test := range []struct{ value, want string }{
		{`{"r":"x"}`, `{"r":"x"}`},
		{`{"r":"null"}`, `{"r":"null"}`},
		{`{"o":null}`, `{}`},
		{`{"o":null,"p":null,"e":null,"both":null}`, `{}`},
		{` { "o" : null , "r" : "x" } `, ` { "r" : "x" } `},
		{` { "r" : "x" , "o" : null } `, ` { "r" : "x" } `},
		{`{"o":null,"p":null,"r":"x","e":null}`, `{"r":"x"}`},
		{`{"n":null,"any":null,"a":null,"c":null}`, `{"n":null,"any":null,"a":null,"c":null}`},
		{`{"r":null,"o":null}`, `{"r":null}`},
		{`{"deep":{"o":null,"in":{"in":null,"o":"x"}}}`, `{"deep":{"in":{"o":"x"}}}`},
		{`{"o":null,"deep":{"o":null},"p":null}`, `{"deep":{}}`},
		{`{"list":[{"o":null},null,{"in":{"o":null}}],"p":null}`, `{"list":[{},null,{"in":{}}]}`},
		{`{"maybe":{"o":null},"other":{"o":null},"none":null}`, `{"maybe":{},"other":{},"none":null}`},
		{`{"maybe":null}`, `{"maybe":null}`},
		{`{"\u006f":null}`, `{}`},
		{`null`, `null`},
		{`{"o":null`, `{"o":null`},
		{`{"o":null,`, `{"o":null,`},
		{`{"o":null,"r": `, `{"o":null,"r": `},
	} {
		if got := string(s.DropNulls(t.Context(), []byte(test.value))); got != test.want {
			t.Errorf("DropNulls(%s) = %s, want %s", test.value, got, test.want)
		}
	}
}

// What is dropped can make no difference to what is decoded.
func FuzzDropNulls(f *testing.F) {
	for _, seed := range []string{`{"o":null,"r":"x"}`, `{"list":[{"o":null},null]}`, `{"deep":{"in":{"o":null}},"n":null}`, ` { "o" : null , "x" : { } } `} {
		f.Add(seed)
	}
	s, err := schema.Compile([]byte(nullsSchema))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := s.DropNulls(t.Context(), []byte(value))
		var before, after any
		if json.Unmarshal([]byte(value), &before) != nil {
			return
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("DropNulls(%s) = %s: %v", value, got, err)
		}
		withoutNulls(before)
		withoutNulls(after)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("DropNulls(%s) = %s (-before +after):\n%s", value, got, diff)
		}
		if again := s.DropNulls(t.Context(), got); string(again) != string(got) {
			t.Errorf("DropNulls(%s) = %s, once more: %s", value, got, again)
		}
	})
}

// withoutNulls removes all members that are null.
func withoutNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
			}
			withoutNulls(member)
		}
	case []any:
		for _, element := range v {
			withoutNulls(element)
		}
	}
}

// Each null of a hostile value is paid for.
func TestDropNullsBoundsItsWork(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"items":{"allOf":[`+numbered(3000, `{"properties":{"p%d":{"type":"string"}}}`)+`]}}`)
	value := `[` + strings.Repeat(`{"p1":null},`, 20_000) + `{}]`
	ctx := &countingContext{Context: t.Context()}
	if got := s.DropNulls(ctx, []byte(value)); string(got) != value || ctx.looks > 401 {
		t.Errorf("DropNulls changes the value after %d looks at the context", ctx.looks)
	}
}
