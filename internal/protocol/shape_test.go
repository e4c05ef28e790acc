package protocol_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// allVersions are the versions of the tables below, in the order of their
// columns.
var allVersions = []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

func TestVersions(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(allVersions, protocol.Names(nil)); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
	if got := protocol.Unnamed().Name; got != "2025-03-26" {
		t.Errorf("Unnamed = %s, want 2025-03-26", got)
	}
	if got := protocol.Latest(true, nil, []string{"2026-07-28", "2025-06-18", "2024-11-05"}).Name; got != "2025-06-18" {
		t.Errorf("Latest handshake version = %s, want 2025-06-18", got)
	}
	if got := protocol.Latest(false, []string{"2025-06-18"}, nil); got != nil {
		t.Errorf("Latest version without a handshake = %v, want none", got)
	}
	if got := protocol.FindJSON([]byte(`"2025\u002d06-18"`)); got == nil || got.Name != "2025-06-18" {
		t.Errorf("FindJSON = %v, want 2025-06-18", got)
	}
}

// Every member of every object that is listed comes and goes with the versions
// whose schema has it.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	annotations := `{"audience":["user"],"lastModified":"2025-01-01T00:00:00Z"}`
	const old = `{"audience":["user"]}`
	for _, test := range []struct {
		name   string
		kind   protocol.Kind
		object string
		want   []string // by version; "" as the one before
	}{
		{
			"tool", protocol.Tool,
			`{"name":"t","title":"T","description":"d","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"title":"x"},"icons":[],"execution":{},"_meta":{"a":1}}`,
			[]string{
				`{"name":"t","title":"T","description":"d","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"title":"x"},"icons":[],"execution":{},"_meta":{"a":1}}`,
				"",
				`{"name":"t","title":"T","description":"d","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"title":"x"},"_meta":{"a":1}}`,
				`{"name":"t","description":"d","inputSchema":{"type":"object"},"annotations":{"title":"x"}}`,
				`{"name":"t","description":"d","inputSchema":{"type":"object"}}`,
			},
		},
		{
			"resource", protocol.Resource,
			`{"uri":"a:b","name":"r","title":"R","mimeType":"text/plain","annotations":` + annotations + `,"size":3,"icons":[],"_meta":{}}`,
			[]string{
				`{"uri":"a:b","name":"r","title":"R","mimeType":"text/plain","annotations":` + annotations + `,"size":3,"icons":[],"_meta":{}}`,
				"",
				`{"uri":"a:b","name":"r","title":"R","mimeType":"text/plain","annotations":` + annotations + `,"size":3,"_meta":{}}`,
				`{"uri":"a:b","name":"r","mimeType":"text/plain","annotations":` + old + `,"size":3}`,
				"",
			},
		},
		{
			"prompt", protocol.Prompt,
			`{"name":"p","title":"P","arguments":[{"name":"a","title":"A","required":true}],"icons":[],"_meta":{}}`,
			[]string{
				`{"name":"p","title":"P","arguments":[{"name":"a","title":"A","required":true}],"icons":[],"_meta":{}}`,
				"",
				`{"name":"p","title":"P","arguments":[{"name":"a","title":"A","required":true}],"_meta":{}}`,
				`{"name":"p","arguments":[{"name":"a","required":true}]}`,
				"",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			compareVersions(t, test.want, func(v *protocol.Version) string { return string(v.Shape(test.kind, []byte(test.object))) })
		})
	}
}

// compareVersions compares what get returns for each version.
func compareVersions(t *testing.T, want []string, get func(*protocol.Version) string) {
	t.Helper()
	expected := ""
	for i, name := range allVersions {
		if want[i] != "" {
			expected = want[i]
		}
		if diff := cmp.Diff(expected, get(protocol.Find(name))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The definition of a tool and its results agree in every version: a schema that
// is listed is one of an object, and what is returned satisfies it.
func TestOutputSchemas(t *testing.T) {
	t.Parallel()
	const inResult = `{"type":"object","properties":{"result":`
	for _, test := range []struct{ name, schema, value, listed, returned string }{
		{"object", `{"type":"object"}`, `{"a":1}`, `{"type":"object"}`, `{"a":1}`},
		{"object with definitions", `{"type":"object","$defs":{"a":{"$ref":"#"}}}`, `{}`, `{"type":"object","$defs":{"a":{"$ref":"#"}}}`, `{}`},
		{"array", `{"type":"array"}`, `[1]`, inResult + `{"type":"array"}},"required":["result"]}`, `{"result":[1]}`},
		{"string", `{"type":"string"}`, `"a"`, inResult + `{"type":"string"}},"required":["result"]}`, `{"result":"a"}`},
		{"nullable", `{"type":["object","null"]}`, `null`, inResult + `{"type":["object","null"]}},"required":["result"]}`, `{"result":null}`},
		{"nullable that is an object", `{"type":["object","null"]}`, `{}`, inResult + `{"type":["object","null"]}},"required":["result"]}`, `{"result":{}}`},
		{"anything", `{}`, `{}`, inResult + `{}},"required":["result"]}`, `{"result":{}}`},
		{"union", `{"anyOf":[{"type":"object"}]}`, `{}`, inResult + `{"anyOf":[{"type":"object"}]}},"required":["result"]}`, `{"result":{}}`},
		{
			"recursion through a definition",
			`{"$schema":"s","$defs":{"n":{"items":{"$ref":"#/$defs/n"}}},"items":{"$ref":"#/$defs/n"}}`, `[[]]`,
			`{"$schema":"s","$defs":{"n":{"items":{"$ref":"#/$defs/n"}}},"type":"object","properties":{"result":{"items":{"$ref":"#/$defs/n"}}},"required":["result"]}`,
			`{"result":[[]]}`,
		},
		{"recursion through the root", `{"type":"array","items":{"$ref":"#"}}`, `[[]]`, ``, `{"result":[[]]}`},
		{"recursion through the root of an object", `{"anyOf":[{"$ref":"#/anyOf/1"},{}]}`, `{}`, ``, `{}`},
		{"identified", `{"$id":"a:b","type":"array"}`, `[]`, ``, `{"result":[]}`},
		{"data that looks like a reference", `{"const":{"$ref":"#"}}`, `{"$ref":"#"}`, inResult + `{"const":{"$ref":"#"}}},"required":["result"]}`, `{"result":{"$ref":"#"}}`},
		{"a property named as a keyword", `{"properties":{"const":{"$ref":"#"}}}`, `[]`, ``, `{"result":[]}`},
		{"boolean", `true`, `1`, ``, `{"result":1}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			listed := func(v *protocol.Version) string {
				tools := `{"tools":[{"name":"t","outputSchema":` + test.schema + `}]}`
				return string(v.Result("tools/list", []byte(tools), false))
			}
			definition := func(schema string) string {
				if schema != "" {
					schema = `,"outputSchema":` + schema
				}
				return `{"tools":[{"name":"t"` + schema + `}]}`
			}
			compareVersions(t, []string{definition(test.schema), definition(test.listed), "", definition(""), ""}, listed)

			returned := func(v *protocol.Version) string {
				result := []byte(`{"content":[],"structuredContent":` + test.value + `}`)
				return string(v.Result("tools/call", result, protocol.WrapsOutput([]byte(test.schema))))
			}
			result := func(value string) string { return `{"content":[],"structuredContent":` + value + `}` }
			compareVersions(t, []string{result(test.value), result(test.returned), "", `{"content":[]}`, ""}, returned)
		})
	}
}

// A block of every type, in the results that hold blocks.
func TestContent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, block string
		want        []string
	}{
		{
			"text", `{"type":"text","text":"x","annotations":{"priority":1,"lastModified":"l"},"_meta":{"a":1}}`,
			[]string{`{"type":"text","text":"x","annotations":{"priority":1,"lastModified":"l"},"_meta":{"a":1}}`, "", "", `{"type":"text","text":"x","annotations":{"priority":1}}`, ""},
		},
		{
			"image", `{"type":"image","data":"AAAA","mimeType":"image/png","_meta":{}}`,
			[]string{`{"type":"image","data":"AAAA","mimeType":"image/png","_meta":{}}`, "", "", `{"type":"image","data":"AAAA","mimeType":"image/png"}`, ""},
		},
		{
			"audio", `{"type":"audio","data":"AAAAAA==","mimeType":"audio/wav","annotations":{"priority":1}}`,
			[]string{
				`{"type":"audio","data":"AAAAAA==","mimeType":"audio/wav","annotations":{"priority":1}}`, "", "", "",
				`{"type":"text","text":"[audio/wav of 4 bytes: protocol version 2024-11-05 has no audio]","annotations":{"priority":1}}`,
			},
		},
		{
			"resource", `{"type":"resource","resource":{"uri":"a:b","text":"t","_meta":{}},"_meta":{}}`,
			[]string{`{"type":"resource","resource":{"uri":"a:b","text":"t","_meta":{}},"_meta":{}}`, "", "", `{"type":"resource","resource":{"uri":"a:b","text":"t"}}`, ""},
		},
		{
			"link", `{"type":"resource_link","uri":"a:b","name":"n","title":"T","icons":[],"_meta":{}}`,
			[]string{
				`{"type":"resource_link","uri":"a:b","name":"n","title":"T","icons":[],"_meta":{}}`, "",
				`{"type":"resource_link","uri":"a:b","name":"n","title":"T","_meta":{}}`,
				`{"type":"text","text":"[n](a:b)"}`, "",
			},
		},
		{"a type added later", `{"type":"hologram"}`, []string{`{"type":"hologram"}`, "", "", "", ""}},
		{"nothing known", `7`, []string{`7`, "", "", "", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for method, frame := range map[string]string{
				"tools/call":  `{"content":[#]}`,
				"prompts/get": `{"messages":[{"role":"user","content":#}]}`,
			} {
				want := make([]string, len(test.want))
				for i, block := range test.want {
					if block != "" {
						want[i] = strings.Replace(frame, "#", block, 1)
					}
				}
				result := []byte(strings.Replace(frame, "#", test.block, 1))
				compareVersions(t, want, func(v *protocol.Version) string { return string(v.Result(method, result, false)) })
			}
		})
	}
}

// The other results, and the members that all results have since 2026-07-28.
func TestResults(t *testing.T) {
	t.Parallel()
	const since = `,"resultType":"complete","ttlMs":1,"cacheScope":"public"`
	for _, test := range []struct {
		method, result string
		want           []string
	}{
		{
			"resources/read", `{"contents":[{"uri":"a:b","text":"t","_meta":{}}]` + since + `}`,
			[]string{`{"contents":[{"uri":"a:b","text":"t","_meta":{}}]` + since + `}`, `{"contents":[{"uri":"a:b","text":"t","_meta":{}}]}`, "", `{"contents":[{"uri":"a:b","text":"t"}]}`, ""},
		},
		{
			"resources/templates/list", `{"resourceTemplates":[{"uriTemplate":"a:{b}","title":"T"}]}`,
			[]string{`{"resourceTemplates":[{"uriTemplate":"a:{b}","title":"T"}]}`, "", "", `{"resourceTemplates":[{"uriTemplate":"a:{b}"}]}`, ""},
		},
		{
			"initialize", `{"protocolVersion":"v","capabilities":{"tools":{},"completions":{},"extensions":{}},"serverInfo":{"name":"n","version":"1","title":"T","websiteUrl":"u"}}`,
			[]string{
				`{"protocolVersion":"v","capabilities":{"tools":{},"completions":{},"extensions":{}},"serverInfo":{"name":"n","version":"1","title":"T","websiteUrl":"u"}}`,
				"",
				`{"protocolVersion":"v","capabilities":{"tools":{},"completions":{},"extensions":{}},"serverInfo":{"name":"n","version":"1","title":"T"}}`,
				`{"protocolVersion":"v","capabilities":{"tools":{},"completions":{},"extensions":{}},"serverInfo":{"name":"n","version":"1"}}`,
				`{"protocolVersion":"v","capabilities":{"tools":{},"extensions":{}},"serverInfo":{"name":"n","version":"1"}}`,
			},
		},
		{"completion/complete", `{"completion":{"values":[]}` + since + `}`, []string{`{"completion":{"values":[]}` + since + `}`, `{"completion":{"values":[]}}`, "", "", ""}},
		{"no/method", `{"a":1}`, []string{`{"a":1}`, "", "", "", ""}},
	} {
		t.Run(test.method, func(t *testing.T) {
			t.Parallel()
			compareVersions(t, test.want, func(v *protocol.Version) string { return string(v.Result(test.method, []byte(test.result), false)) })
		})
	}
}

// What a server sends on its own.
func TestMessagesOfServers(t *testing.T) {
	t.Parallel()
	progress := jsonrpc.Notification{Method: "notifications/progress", Params: []byte(`{"progressToken":1,"progress":2,"message":"m"}`)}
	compareVersions(t, []string{string(progress.Params), "", "", "", `{"progressToken":1,"progress":2}`},
		func(v *protocol.Version) string { return string(v.Notification(progress).Params) })
	other := jsonrpc.Notification{Method: "notifications/message", Params: []byte(`{"message":"m"}`)}
	compareVersions(t, []string{string(other.Params), "", "", "", ""},
		func(v *protocol.Version) string { return string(v.Notification(other).Params) })

	const form = `{"mode":"form","message":"m","requestedSchema":{}}`
	compareVersions(t, []string{form, "", `{"message":"m","requestedSchema":{}}`, "", ""},
		func(v *protocol.Version) string { return string(v.Question("elicitation/create", []byte(form))) })
	compareVersions(t, []string{`{"mode":"x"}`, "", "", "", ""},
		func(v *protocol.Version) string {
			return string(v.Question("sampling/createMessage", []byte(`{"mode":"x"}`)))
		})
}

func TestComplete(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ method, result, want string }{
		{"tools/call", `{"content":[]}`, `{"content":[],"resultType":"complete"}`},
		{"tools/list", `{"tools":[],"ttlMs":5}`, `{"tools":[],"ttlMs":5,"resultType":"complete","cacheScope":"private"}`},
		{"resources/read", `{}`, `{"resultType":"complete","ttlMs":0,"cacheScope":"private"}`},
		{"tools/call", `{"resultType":"input_required"}`, `{"resultType":"input_required"}`},
	} {
		if got := string(protocol.Complete(test.method, []byte(test.result))); got != test.want {
			t.Errorf("Complete(%s, %s) = %s, want %s", test.method, test.result, got, test.want)
		}
	}
}

// Whatever a server sends, what is left of it is JSON, has the same meaning when
// it is shaped again, and has an object as structured content or none.
func FuzzResult(f *testing.F) {
	f.Add("tools/call", `{"content":[{"type":"audio"}],"structuredContent":[1]}`)
	f.Add("tools/list", `{"tools":[{"name":"a","outputSchema":{"type":"array"}}]}`)
	f.Add("prompts/get", `{"messages":[{"content":{"type":"resource_link"}}]}`)
	f.Add("resources/read", `{"contents":[{"_meta":1},2]}`)
	f.Fuzz(func(t *testing.T, method, result string) {
		if _, err := jsonrpc.ParseObject([]byte(result)); err != nil {
			return
		}
		for _, v := range protocol.Versions() {
			shaped := v.Result(method, []byte(result), false)
			if err := jsonrpc.Valid(shaped); err != nil {
				t.Fatalf("%s: %s becomes %s: %v", v.Name, result, shaped, err)
			}
			if again := v.Result(method, shaped, false); string(again) != string(shaped) {
				t.Errorf("%s: %s becomes %s, and then %s", v.Name, result, shaped, again)
			}
			if !v.Handshake || method != "tools/call" {
				continue
			}
			members, _ := jsonrpc.ParseObject(shaped)
			if s := members.Get("structuredContent"); s != nil && !jsonrpc.IsObject(s) {
				t.Errorf("%s: the structured content of %s becomes %s", v.Name, result, s)
			}
		}
	})
}

// A sampling request has what the version of the client knows.
func TestSamplingRequests(t *testing.T) {
	t.Parallel()
	const request = `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"audio","data":"AAAA","mimeType":"audio/wav"}]},` +
		`{"role":"assistant","content":{"type":"tool_use","name":"t"}}],"maxTokens":1,"tools":[],"toolChoice":{}}`
	compareVersions(t, []string{
		request,
		"",
		`{"messages":[{"role":"user","content":{"type":"text","text":"a"}},{"role":"user","content":{"type":"audio","data":"AAAA","mimeType":"audio/wav"}},` +
			`{"role":"assistant","content":{"type":"text","text":"[tool_use: protocol version 2025-06-18 has no such content]"}}],"maxTokens":1}`,
		`{"messages":[{"role":"user","content":{"type":"text","text":"a"}},{"role":"user","content":{"type":"audio","data":"AAAA","mimeType":"audio/wav"}},` +
			`{"role":"assistant","content":{"type":"text","text":"[tool_use: protocol version 2025-03-26 has no such content]"}}],"maxTokens":1}`,
		`{"messages":[{"role":"user","content":{"type":"text","text":"a"}},{"role":"user","content":{"type":"text","text":"[audio/wav of 3 bytes: protocol version 2024-11-05 has no audio]"}},` +
			`{"role":"assistant","content":{"type":"text","text":"[tool_use: protocol version 2024-11-05 has no such content]"}}],"maxTokens":1}`,
	}, func(v *protocol.Version) string { return string(v.Question("sampling/createMessage", []byte(request))) })
}

// A form says that it is one where the version has another mode. A URL always
// says so.
func TestElicitations(t *testing.T) {
	t.Parallel()
	const form = `{"mode":"form","message":"m","requestedSchema":{}}`
	compareVersions(t, []string{form, "", `{"message":"m","requestedSchema":{}}`, "", ""},
		func(v *protocol.Version) string { return string(v.Question("elicitation/create", []byte(form))) })
	const visit = `{"mode":"url","message":"m","url":"https://a.example","elicitationId":"1"}`
	compareVersions(t, []string{visit, "", "", "", ""},
		func(v *protocol.Version) string { return string(v.Question("elicitation/create", []byte(visit))) })
}
