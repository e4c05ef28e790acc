package streamable_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

func encode(text string) string {
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}

// body is a request of the method whose params start with members, such as
// `"name":"echo",`.
func body(method, members string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s%s}}`, method, members, meta)
}

// The rows of streamable-http, "Server Validation".
func TestStandardHeaders(t *testing.T) {
	t.Parallel()
	const (
		versionField = "Mcp-Protocol-Version"
		methodField  = "Mcp-Method"
		nameField    = "Mcp-Name"
	)
	list, call := body("tools/list", ""), call
	type fields map[string][]string
	one := func(values ...string) []string { return values }
	for _, test := range []struct {
		name   string
		body   string
		fields fields // nil values remove a field
		want   string // a part of the message; empty means that all is well
	}{
		{"all is well", call, nil, ""},

		{"no version", call, fields{versionField: nil}, "Protocol-Version header is missing"},
		{"version twice", call, fields{versionField: one(version, version)}, "repeated"},
		{"empty version", call, fields{versionField: one("")}, "does not match"},
		{"other version", call, fields{versionField: one("2025-11-25")}, `"2025-11-25" does not match body value "2026-07-28"`},
		{"unknown version in the body", strings.Replace(call, version, "2099-01-01", 1), fields{}, `"2026-07-28" does not match body value "2099-01-01"`},
		{"version list", call, fields{versionField: one(version + ", 2025-11-25")}, "does not match"},
		{"version in Base64", call, fields{versionField: one(encode(version))}, "does not match"},
		{"version with non-ASCII", call, fields{versionField: one("2026\u201107-28")}, "invalid characters"},
		{"version in the header alone", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}`, nil, ""}, // the engine's to refuse
		{"version in the body is no string", strings.Replace(call, `"2026-07-28"`, `20260728`, 1), nil, ""},                 // too
		{"version escaped in the body", strings.Replace(call, `"2026-07-28"`, `"\u0032026-07-28"`, 1), nil, ""},

		{"no method", call, fields{methodField: nil}, "Mcp-Method header is missing"},
		{"method twice", call, fields{methodField: one("tools/call", "tools/call")}, "repeated"},
		{"empty method", call, fields{methodField: one("")}, "does not match"},
		{"other method", call, fields{methodField: one("tools/list")}, `"tools/list" does not match body value "tools/call"`},
		{"method in capitals", call, fields{methodField: one("Tools/Call")}, "does not match"},
		{"method and more", call, fields{methodField: one("tools/call, tools/list")}, "does not match"},
		{"method in Base64", call, fields{methodField: one(encode("tools/call"))}, "does not match"},
		{"method with a blank", call, fields{methodField: one("tools/ call")}, "does not match"},
		{"method with a control character", call, fields{methodField: one("tools/call\x00")}, "invalid characters"},
		{"method escaped in the body", strings.Replace(call, "tools/call", `tools\/call`, 1), nil, ""},

		{"no name", call, fields{nameField: nil}, "Mcp-Name header is missing"},
		{"name twice", call, fields{nameField: one("echo", "echo")}, "repeated"},
		{"public name first, other name second", call, fields{nameField: one("echo", "admin")}, "repeated"},
		{"empty name", call, fields{nameField: one("")}, "does not match"},
		{"other name", call, fields{nameField: one("admin")}, `"admin" does not match body value "echo"`},
		{"name in capitals", call, fields{nameField: one("ECHO")}, "does not match"},
		{"name with a blank", call, fields{nameField: one("echo ")}, "does not match"}, // net/http trims values that are not encoded
		{"name as JSON", call, fields{nameField: one(`"echo"`)}, "does not match"},
		{"name escaped in the body", body("tools/call", `"name":"\u0065cho",`), nil, ""},
		{"name escaped in the header", call, fields{nameField: one(`\u0065cho`)}, "does not match"},
		{"name that looks escaped", body("tools/call", `"name":"\\u0065cho",`), fields{nameField: one(`\u0065cho`)}, ""},
		{"name in Base64", call, fields{nameField: one(encode("echo"))}, ""},
		{"other name in Base64", call, fields{nameField: one(encode("admin"))}, `"admin" does not match`},
		{"name in doubled Base64", call, fields{nameField: one(encode(encode("echo")))}, "does not match"},
		{"name in broken Base64", call, fields{nameField: one("=?base64?ZWNobw?=")}, "does not match"},
		{"name in Base64 of other bits", call, fields{nameField: one("=?base64?ZWNobx==?=")}, "does not match"},
		{"name in capital BASE64", call, fields{nameField: one("=?BASE64?ZWNobw==?=")}, "does not match"},
		{"non-ASCII name", body("tools/call", `"name":"é",`), fields{nameField: one("é")}, "invalid characters"},
		{"non-ASCII name in Base64", body("tools/call", `"name":"é",`), fields{nameField: one(encode("é"))}, ""},
		{"name in Base64 of Latin-1", body("tools/call", `"name":"é",`), fields{nameField: one(encode("\xe9"))}, "does not match"},
		{"name that is another's normal form", body("tools/call", `"name":"e\u0301",`), fields{nameField: one(encode("\u00e9"))}, "does not match"},
		{"name like the sentinel, encoded", body("tools/call", `"name":"=?base64?x?=",`), fields{nameField: one(encode("=?base64?x?="))}, ""},
		{"name like the sentinel, plain", body("tools/call", `"name":"=?base64?x?=",`), fields{nameField: one("=?base64?x?=")}, "does not match"},
		{"name that opens like the sentinel", body("tools/call", `"name":"=?base64?x",`), fields{nameField: one("=?base64?x")}, ""},
		{"blank name in Base64", body("tools/call", `"name":" echo ",`), fields{nameField: one(encode(" echo "))}, ""},
		{"empty name on both sides", body("tools/call", `"name":"",`), fields{nameField: one("")}, ""},
		{"no name in the body", body("tools/call", ""), nil, ""}, // the engine's to refuse
		{"name in the body is no string", body("tools/call", `"name":1,`), nil, ""},
		{"no name on either side", body("tools/call", ""), fields{nameField: nil}, "Mcp-Name header is missing"},

		{"prompt", body("prompts/get", `"name":"echo",`), fields{methodField: one("prompts/get")}, ""},
		{"other prompt", body("prompts/get", `"name":"greet",`), fields{methodField: one("prompts/get")}, "does not match"},
		{"prompt without name", body("prompts/get", `"name":"echo",`), fields{methodField: one("prompts/get"), nameField: nil}, "missing"},
		{"resource", body("resources/read", `"uri":"file:///a%20b",`), fields{methodField: one("resources/read"), nameField: one("file:///a%20b")}, ""},
		{"other resource", body("resources/read", `"uri":"file:///a",`), fields{methodField: one("resources/read"), nameField: one("file:///b")}, "does not match"},
		{"equivalent resource", body("resources/read", `"uri":"file:///a",`), fields{methodField: one("resources/read"), nameField: one("file:///%61")}, "does not match"},
		{"resource by its name", body("resources/read", `"name":"echo","uri":"file:///a",`), fields{methodField: one("resources/read"), nameField: one("echo")}, "does not match"},

		{"list without name", list, fields{methodField: one("tools/list"), nameField: nil}, ""},
		{"list with a name", list, fields{methodField: one("tools/list"), nameField: one("x", "y")}, ""}, // means nothing
		{"unknown method", body("no/such", `"name":"x",`), fields{methodField: one("no/such"), nameField: nil}, ""},
		{"unrecognized parameter", call, fields{"Mcp-Param-Region": one("\xff", "x")}, ""}, // the engine knows which are
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			r := newRequest(t.Context(), test.body)
			for name, values := range test.fields {
				if values == nil {
					delete(r.Header, name)
				} else {
					r.Header[name] = values
				}
			}
			w := serve(streamable.New(&h, config()), r)
			if ran := h.runs.Load() == 1; ran != (test.want == "") {
				t.Errorf("the handler ran: %v, want %v", ran, test.want == "")
			}
			if w.Code == http.StatusOK {
				return
			}
			wantError(t, w, http.StatusBadRequest, mcp.CodeHeaderMismatch, test.want)
			if got := string(parse(t, w.Body.Bytes()).ID); got != "1" {
				t.Errorf("id = %s, want 1", got)
			}
		})
	}
}

// A client of a handshake version sends no version header. The error names the
// supported versions, so that it can show them to its user.
func TestMissingVersionNamesTheSupportedOnes(t *testing.T) {
	t.Parallel()
	r := newRequest(t.Context(), call)
	r.Header.Del("Mcp-Protocol-Version")
	wantError(t, serve(newServer(complete), r), http.StatusBadRequest, mcp.CodeHeaderMismatch, version)
}

// Header names are case-insensitive and blanks around a value are not part of
// it (RFC 9110, section 5).
func TestHeadersOnTheWire(t *testing.T) {
	t.Parallel()
	server := listen(t, newServer(complete))
	length := fmt.Sprintf("Content-Length: %d\r\n", len(call))
	for _, test := range []struct {
		name, lines string
		status      int
		code        int
	}{
		{"as specified", "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n", 200, 0},
		{"small names", "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n", 200, 0},
		{"capital names", "MCP-PROTOCOL-VERSION: 2026-07-28\r\nMCP-METHOD: tools/call\r\nMCP-NAME: echo\r\n", 200, 0},
		{"blanks around values", "Mcp-Protocol-Version: \t 2026-07-28 \t\r\nMcp-Method:tools/call\t\r\nMcp-Name:  echo  \r\n", 200, 0},
		{"names differing by case, twice", "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nmcp-method: tools/call\r\nMcp-Name: echo\r\n", 400, mcp.CodeHeaderMismatch},
		{"underscores", "Mcp_Protocol_Version: 2026-07-28\r\nMcp_Method: tools/call\r\nMcp_Name: echo\r\n", 400, mcp.CodeHeaderMismatch},
		{"raw UTF-8", "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: \u00e9cho\r\n", 400, mcp.CodeHeaderMismatch},
		{"folded value", "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: ec\r\n ho\r\n", 400, mcp.CodeHeaderMismatch},
		{"value with LF inside", "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n", 400, mcp.CodeHeaderMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			status, text := exchange(t, server, raw(length+test.lines, call))
			if status != test.status {
				t.Fatalf("status = %d, want %d: %s", status, test.status, text)
			}
			if m := parse(t, text); m.Error.Code != test.code {
				t.Errorf("code = %d, want %d", m.Error.Code, test.code)
			}
		})
	}
}

// exchange sends the text of a request and returns the answer.
func exchange(t *testing.T, s *httptest.Server, text string) (status int, body []byte) {
	t.Helper()
	conn := dial(t, s)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatalf("half an answer: %v", err)
	}
	return resp.StatusCode, body
}

// The rows of streamable-http, "Value Encoding".
func TestDecodeValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, value string
		want        string
		ok          bool
	}{
		{"plain", "us-west1", "us-west1", true},
		{"empty", "", "", true},
		{"blanks", " a\tb ", " a\tb ", true},
		{"all visible characters", "!~\"'=?", "!~\"'=?", true},
		{"non-ASCII", "=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界", true},
		{"padded", "=?base64?IHBhZGRlZCA=?=", " padded ", true},
		{"line break", "=?base64?bGluZTEKbGluZTI=?=", "line1\nline2", true},
		{"like the sentinel", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?=", true},
		{"decoded once", "=?base64?PT9iYXNlNjQ/UVE9PT89?=", "=?base64?QQ==?=", true},
		{"NUL", "=?base64?AA==?=", "\x00", true},
		{"nothing encoded", "=?base64??=", "", true},
		{"plus and slash", "=?base64?Pj8+Pz8/?=", ">?>???", true},

		{"no padding", "=?base64?SGVsbG8?=", "", false},
		{"half the padding", "=?base64?QQ=?=", "", false},
		{"too much padding", "=?base64?SGVsbG8==?=", "", false},
		{"padding inside", "=?base64?QQ==QQ==?=", "", false},
		{"one digit", "=?base64?Q===?=", "", false},
		{"URL alphabet", "=?base64?Pj8-Pz8_?=", "", false},
		{"character outside of Base64", "=?base64?SGV*bG8=?=", "", false},
		{"blank inside", "=?base64?SGVs bG8=?=", "", false},
		{"tab inside", "=?base64?SGVs\tbG8=?=", "", false},
		{"line break inside", "=?base64?SGVs\r\nbG8=?=", "", false},
		{"stray bits", "=?base64?SGVsbG9=?=", "", false},
		{"more stray bits", "=?base64?QR==?=", "", false},
		{"Latin-1 inside", "=?base64?6Q==?=", "", false},
		{"surrogate inside", "=?base64?7aCA?=", "", false},
		{"overlong inside", "=?base64?wK8=?=", "", false},
		{"non-ASCII around", "=?base64?é?=", "", false},

		{"unfinished", "=?base64?SGVsbG8=", "=?base64?SGVsbG8=", true},
		{"opening alone", "=?base64?", "=?base64?", true},
		{"opening that is also the end", "=?base64?=", "=?base64?=", true},
		{"end alone", "SGVsbG8=?=", "SGVsbG8=?=", true},
		{"capitals", "=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?=", true},
		{"one capital", "=?Base64?SGVsbG8=?=", "=?Base64?SGVsbG8=?=", true},
		{"blank before", " =?base64?SGVsbG8=?=", " =?base64?SGVsbG8=?=", true},
		{"something after", "=?base64?SGVsbG8=?=x", "=?base64?SGVsbG8=?=x", true},
		{"encoded word", "=?utf-8?B?SGVsbG8=?=", "=?utf-8?B?SGVsbG8=?=", true},

		{"UTF-8", "é", "", false},
		{"byte over ASCII", "a\x80", "", false},
		{"delete", "a\x7f", "", false},
		{"control character", "a\x1f", "", false},
		{"CR and LF", "a\r\nX: y", "", false},
		{"plain NUL", "\x00", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok := streamable.DecodeValue(test.value)
			if ok != test.ok {
				t.Fatalf("DecodeValue(%q) = %q, %v, want %v", test.value, got, ok, test.ok)
			}
			if ok && got != test.want {
				t.Errorf("DecodeValue(%q) = %q, want %q", test.value, got, test.want)
			}
		})
	}
}

// The rows of streamable-http, "Server Behavior for Custom Headers". An empty
// argument stands for one that is absent or null, which the engine tells apart.
func TestCheckParam(t *testing.T) {
	t.Parallel()
	const str, integer, boolean = "string", "integer", "boolean"
	one := func(values ...string) []string { return values }
	for _, test := range []struct {
		name     string
		values   []string
		kind     string
		argument string
		want     string // a part of the message; empty means that all is well
	}{
		{"both", one("us-west1"), str, `"us-west1"`, ""},
		{"neither", nil, str, "", ""},
		{"header alone", one("us-west1"), str, "", "no value in the body"},
		{"empty header alone", one(""), str, "", "no value in the body"},
		{"argument alone", nil, str, `"us-west1"`, "is missing"},
		{"empty argument alone", nil, str, `""`, "is missing"},
		{"repeated", one("a", "a"), str, `"a"`, "is repeated"},
		{"repeated without an argument", one("a", "a"), str, "", "no value in the body"},

		{"other string", one("eu"), str, `"us"`, `Mcp-Param-X header value "eu" does not match body value "us"`},
		{"other case", one("EU"), str, `"eu"`, "does not match"},
		{"blank", one("eu "), str, `"eu"`, "does not match"},
		{"empty on both sides", one(""), str, `""`, ""},
		{"escaped argument", one("eu"), str, `"\u0065u"`, ""},
		{"encoded", one(encode("Hello, 世界")), str, `"Hello, 世界"`, ""},
		{"encoded line break", one(encode("a\nb")), str, `"a\nb"`, ""},
		{"other encoded", one(encode("a")), str, `"b"`, "does not match"},
		{"raw UTF-8", one("世界"), str, `"世界"`, "invalid characters"},
		{"broken Base64", one("=?base64?!?="), str, `"x"`, "invalid characters"},
		{"string of digits", one("42.0"), str, `"42"`, "does not match"},

		{"integer", one("42"), integer, `42`, ""},
		{"negative integer", one("-7"), integer, `-7`, ""},
		{"zero", one("0"), integer, `0`, ""},
		{"negative zero", one("-0"), integer, `0`, ""},
		{"encoded integer", one(encode("42")), integer, `42`, ""},
		{"fraction in the header", one("42.0"), integer, `42`, ""},
		{"fraction in the body", one("42"), integer, `42.0`, ""},
		{"exponent in the header", one("1e3"), integer, `1000`, ""},
		{"exponent in the body", one("1000"), integer, `1E+3`, ""},
		{"other integer", one("43"), integer, `42`, "does not match"},
		{"other sign", one("-42"), integer, `42`, "does not match"},
		{"empty integer", one(""), integer, `0`, "does not match"},
		{"leading zero", one("042"), integer, `42`, "does not match"},
		{"plus sign", one("+42"), integer, `42`, "does not match"},
		{"blank before", one(" 42"), integer, `42`, "does not match"},
		{"hexadecimal", one("0x2a"), integer, `42`, "does not match"},
		{"hexadecimal with exponent", one("0x2ap0"), integer, `42`, "does not match"},
		{"underscore", one("4_2"), integer, `42`, "does not match"},
		{"word", one("NaN"), integer, `42`, "does not match"},
		{"infinity", one("Inf"), integer, `1e999`, "does not match"},
		{"beyond every float", one("1e999"), integer, `1e998`, "does not match"},
		{"two numbers", one("42, 42"), integer, `42`, "does not match"},
		{"largest safe integer", one("9007199254740991"), integer, `9007199254740991.0`, ""},
		{"beyond it, other text", one("9007199254740993"), integer, `9007199254740992`, "does not match"},
		{"beyond it, same text", one("9007199254740993"), integer, `9007199254740993`, ""}, // the schema refuses it
		{"beyond it, other notation", one("9007199254740992"), integer, `9007199254740992.0`, "does not match"},
		{"far below it, other text", one("-9007199254740993"), integer, `-9007199254740992`, "does not match"},
		{"almost the integer", one("42.00000000000000000001"), integer, `42`, "does not match"},
		{"almost the largest", one("9007199254740991.4"), integer, `9007199254740991`, "does not match"},
		{"almost nothing", one("1e-400"), integer, `0`, "does not match"},
		{"string where an integer belongs", one("42"), integer, `"42"`, ""}, // the schema refuses it
		{"other string where an integer belongs", one("42.0"), integer, `"42"`, "does not match"},
		{"object where an integer belongs", one("42"), integer, `{"a":42}`, "does not match"},

		{"true", one("true"), boolean, `true`, ""},
		{"false", one("false"), boolean, `false`, ""},
		{"encoded true", one(encode("true")), boolean, `true`, ""},
		{"other boolean", one("true"), boolean, `false`, "does not match"},
		{"capital true", one("True"), boolean, `true`, "does not match"},
		{"one for true", one("1"), boolean, `true`, "does not match"},
		{"empty for false", one(""), boolean, `false`, "does not match"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var argument []byte
			if test.argument != "" {
				argument = []byte(test.argument)
			}
			err := streamable.CheckParam(test.values, "Mcp-Param-X", test.kind, argument, true)
			switch {
			case err == nil && test.want != "":
				t.Errorf("CheckParam(%q, %s) accepts it, want an error with %q", test.values, test.argument, test.want)
			case err != nil && test.want == "":
				t.Errorf("CheckParam(%q, %s): %v, want no error", test.values, test.argument, err)
			case err != nil && (err.Code != mcp.CodeHeaderMismatch || !strings.Contains(err.Message, test.want)):
				t.Errorf("CheckParam(%q, %s): %v, want %d with %q", test.values, test.argument, err, mcp.CodeHeaderMismatch, test.want)
			}
		})
	}
}

// The error for a mismatch is short and valid JSON, even for long or malformed
// values.
func TestMismatchIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é\"", 10_000)
	r := newRequest(t.Context(), body("tools/call", `"name":"`+strings.Repeat("é", 10_000)+`",`))
	r.Header.Set("Mcp-Name", encode(long))
	w := serve(newServer(complete), r)
	wantError(t, w, http.StatusBadRequest, mcp.CodeHeaderMismatch, "does not match")
	if n := w.Body.Len(); n > 1000 {
		t.Errorf("the answer has %d bytes, want at most 1000", n)
	}
}

// A request in a version that is not served is refused before any other check.
// The error names the served versions.
func TestUnsupportedVersion(t *testing.T) {
	t.Parallel()
	unknown := strings.Replace(call, version, "2099-01-01", 1)
	bare := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}`
	for name, test := range map[string]struct{ body, header, requested string }{
		"both sides":       {unknown, "2099-01-01", "2099-01-01"},
		"the body alone":   {unknown, "", "2099-01-01"},
		"the header alone": {bare, "2099-01-01", "2099-01-01"},
		"neither capabilities nor name": {
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"x","progressToken":{}}}}`, "", "x",
		},
		"a handshake": {`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-01-01"}}`, "", "2024-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRequest(t.Context(), test.body)
			r.Header.Del("Mcp-Name")
			r.Header.Set("Mcp-Method", "tools/list") // which is wrong too
			if r.Header.Del("Mcp-Protocol-Version"); test.header != "" {
				r.Header.Set("Mcp-Protocol-Version", test.header)
			}
			w := serve(streamable.New(&counter{}, config()), r)
			m := parse(t, w.Body.Bytes())
			want := fmt.Sprintf(`{"supported":[%q],"requested":%q}`, version, test.requested)
			if w.Code != http.StatusBadRequest || string(m.ID) != "1" || m.Error.Code != mcp.CodeUnsupportedProtocolVersion || !strings.Contains(w.Body.String(), want) {
				t.Errorf("HTTP %d %s, want -32022 with %s", w.Code, w.Body, want)
			}
		})
	}
}
