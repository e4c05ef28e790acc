package skills_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
)

// skillMD returns a SKILL.md.
func skillMD(name, more string) string {
	return "---\nname: " + name + "\ndescription: What " + name + " is for.\n" + more + "---\n\n# " + name + "\n"
}

// folder returns a folder of files without modification times.
func folder(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	}
	return fsys
}

// acme is a folder with two skills, one of them in the other, and one beside.
func acme() fstest.MapFS {
	return folder(map[string]string{
		"README.md":                             "not of a skill",
		"billing/refunds/SKILL.md":              skillMD("refunds", "version: 1.10\n"),
		"billing/refunds/examples/email.md":     "Dear customer\n",
		"billing/refunds/logo.png":              "\x89PNG",
		"billing/refunds/.secret":               "not served",
		"billing/refunds/special/vip/SKILL.md":  skillMD("vip", ""),
		"billing/refunds/special/vip/list.json": "[]",
		"git-workflow/SKILL.md":                 skillMD("git-workflow", ""),
		"git-workflow/.git/config":              "not served",
	})
}

// serve returns an engine with the skills.
func serve(t *testing.T, x mcpengine.Extension, err error, opts ...mcpengine.Option) *mcpengine.Engine {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("acme", append(opts, mcpengine.WithExtension(x))...)
	t.Cleanup(e.Close)
	return e
}

// An answer is a response of the engine.
type answer struct {
	Status int             `json:"-"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// ask sends a request of 2026-07-28 to the engine.
func ask(t *testing.T, e *mcpengine.Engine, method, params string, fields ...string) answer {
	t.Helper()
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
	body := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{` + strings.TrimSuffix(params+","+meta, ",") + `}}`
	body = strings.Replace(body, "{,", "{", 1)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/mcp", strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {method},
	}
	if method == "resources/read" {
		r.Header.Set("Mcp-Name", uriOf(t, params))
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	a := answer{Status: w.Code}
	text, err := io.ReadAll(w.Body)
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", method, err, text)
	}
	return a
}

func uriOf(t *testing.T, params string) string {
	t.Helper()
	var p struct{ URI string }
	if err := json.Unmarshal([]byte("{"+params+"}"), &p); err != nil {
		t.Fatal(err)
	}
	return p.URI
}

// want asks and decodes the result into v.
func want(t *testing.T, e *mcpengine.Engine, method, params string, v any, fields ...string) {
	t.Helper()
	a := ask(t, e, method, params, fields...)
	if a.Error != nil {
		t.Fatalf("%s {%s}: %+v", method, params, a.Error)
	}
	d := json.NewDecoder(bytes.NewReader(a.Result))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

// refused asks for what the server refuses and returns the error's message.
func refused(t *testing.T, e *mcpengine.Engine, method, params string, fields ...string) string {
	t.Helper()
	a := ask(t, e, method, params, fields...)
	if a.Error == nil || a.Error.Code != -32602 {
		t.Fatalf("%s {%s} = %d %s %+v, want an error -32602", method, params, a.Status, a.Result, a.Error)
	}
	return a.Error.Message
}

// A listed is what a test looks at of an entry.
type listed struct {
	URI         string
	Frontmatter map[string]any
	Resources   []struct {
		URI, Digest string
		Size        int
	}
}

// names returns the URIs on one page of skills/list, and the next cursor.
func names(t *testing.T, e *mcpengine.Engine, cursor string, fields ...string) (uris []string, next string) {
	t.Helper()
	params := ""
	if cursor != "" {
		params = `"cursor":"` + cursor + `"`
	}
	var page struct {
		Skills     []listed
		NextCursor string
	}
	want(t, e, "skills/list", params, &page, fields...)
	for _, s := range page.Skills {
		uris = append(uris, s.URI)
	}
	return uris, page.NextCursor
}

// contents reads a resource.
func contents(t *testing.T, e *mcpengine.Engine, uri string, fields ...string) (mimeType, text string, blob []byte) {
	t.Helper()
	var r struct {
		Contents []struct {
			MIMEType, Text string
			Blob           []byte
		}
	}
	want(t, e, "resources/read", `"uri":"`+uri+`"`, &r, fields...)
	if len(r.Contents) != 1 {
		t.Fatalf("%s has %d contents", uri, len(r.Contents))
	}
	return r.Contents[0].MIMEType, r.Contents[0].Text, r.Contents[0].Blob
}

// Tokens of the callers of protected engines.
const (
	clerkToken  = "kx7Tq0Vn2cYw8sLz"
	strangToken = "b3Jm9sPq4dRt6uWx"
)

// protect protects an engine with tokens of a clerk, in the group billing, and of
// a stranger.
func protect(t *testing.T) mcpengine.Option {
	t.Helper()
	resource, err := auth.NewResource("https://mcp.example.com/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken(clerkToken):  {Subject: "clerk", Machine: true, Groups: []string{"billing"}, Scopes: []string{"read"}},
		auth.HashToken(strangToken): {Subject: "stranger", Machine: true},
	}), auth.OpenDiscovery())
	if err != nil {
		t.Fatal(err)
	}
	return mcpengine.WithAuth(resource)
}
