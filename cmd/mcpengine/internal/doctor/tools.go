package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/tokens"
	"github.com/mcpengine/mcpengine/mcp"
)

// What hosts take.
const (
	maxToolName  = 64      // of the APIs of models
	maxTools     = 128     // of VS Code, for a request to a model
	maxTokens    = 20_000  // a tenth of a context of 200,000
	bigAnswer    = 4 << 20 // Lambda and API Gateway cut answers off at 6 and 10 MB
	maxToolPages = 100
)

// tools lists the tools, in the latest version that there is.
func (x *exam) tools(ctx context.Context, discovered *self, taken map[string]*self) {
	q, begun := listTools(), func() {}
	offers := discovered
	if discovered == nil {
		q.version = protocol.Latest(true, nil, sortedVersions(taken))
		offers = taken[q.version.Name]
		if begun = x.session(ctx, &q); begun == nil {
			x.fail("tools.list", "no session begins in which the tools could be listed")
			return
		}
	}
	defer begun()
	if !slices.Contains(offers.offers, "tools") {
		x.ok("tools.list", "the server has no tools")
		return
	}
	tools, biggest, err := pages(q, func(q request) (*reply, error) { return x.ask(ctx, q) })
	switch {
	case errors.Is(err, errCut):
		x.fail("http.size", "the list of tools does not arrive whole: %s", err)
		return
	case err != nil:
		x.fail("tools.list", "the tools cannot be listed: %s", err)
		return
	case biggest > bigAnswer:
		x.warn("http.size", "the list of tools is an answer of %d kB, which some gateways cut off", biggest>>10)
	default:
		x.ok("http.size", "the list of tools arrives whole")
	}
	x.judge(tools)
}

// session begins a session for a request, and returns what ends it.
func (x *exam) session(ctx context.Context, q *request) (end func()) {
	r, err := x.ask(ctx, initialize(q.version))
	if err != nil || !r.good() {
		return nil
	}
	id := r.header.Get(sessionField)
	if id == "" {
		return func() {}
	}
	q.edit = func(h http.Header) { h.Set(sessionField, id) }
	return func() { _ = x.end(ctx, q.version, id) } // it ends by itself too
}

// pages reads all pages of the list of tools.
func pages(q request, ask func(request) (*reply, error)) (tools []mcp.Tool, biggest int, err error) {
	for range maxToolPages {
		r, err := ask(q)
		if err != nil {
			return nil, 0, err
		}
		if !r.good() {
			if r.status == http.StatusOK {
				return nil, 0, fmt.Errorf("%w: %d bytes that are no message", errCut, r.size)
			}
			return nil, 0, errors.New(r.says())
		}
		var page mcp.ListToolsResult
		if err := json.Unmarshal(r.result, &page); err != nil {
			return nil, 0, fmt.Errorf("read the list: %w", err)
		}
		tools, biggest = append(tools, page.Tools...), max(biggest, r.size)
		if page.NextCursor == nil {
			break
		}
		q.params = fmt.Sprintf(`"cursor":%s`, encode(string(*page.NextCursor)))
	}
	return tools, biggest, nil
}

func encode(text string) []byte {
	data, _ := json.Marshal(text) // text is always JSON
	return data
}

// judge says what hosts do not take of the tools.
func (r *Report) judge(tools []mcp.Tool) {
	r.ok("tools.list", "%s", number(len(tools), "tool"))
	seen := map[string]bool{}
	var names, schemas []string
	size := 0
	for _, tool := range tools {
		if fault := nameFault(tool.Name, seen[tool.Name]); fault != "" {
			names = append(names, fmt.Sprintf("%.80q %s", tool.Name, fault))
		}
		seen[tool.Name] = true
		if fault := schemaFault(tool.InputSchema); fault != "" {
			schemas = append(schemas, fmt.Sprintf("%.80q: %s", tool.Name, fault))
		}
		size += tokens.Estimate(tool.Name) + tokens.Estimate(tool.Description) + tokens.Estimate(tool.InputSchema)
	}
	r.some("tools.names", names, "hosts take all names")
	r.some("tools.schemas", schemas, "hosts take all schemas")
	switch {
	case len(tools) > maxTools:
		r.warn("tools.size", "%d tools, of which some hosts take %d, and about %d tokens", len(tools), maxTools, size)
	case size > maxTokens:
		r.warn("tools.size", "the list takes about %d tokens of a model's context", size)
	default:
		r.ok("tools.size", "the list takes about %d tokens of a model's context", size)
	}
}

// some adds one finding for the faults of a list.
func (r *Report) some(check string, faults []string, well string) {
	switch n := len(faults); {
	case n == 0:
		r.ok(check, "%s", well)
	case n > 3:
		r.warn(check, "%s, and %d more", strings.Join(faults[:3], "; "), n-3)
	default:
		r.warn(check, "%s", strings.Join(faults, "; "))
	}
}

func nameFault(name string, twice bool) string {
	switch {
	case twice:
		return "is there twice"
	case len(name) > maxToolName:
		return fmt.Sprintf("has more than %d characters", maxToolName)
	case !isPlainName(name):
		return "has other characters than letters, digits, _ and -"
	}
	return ""
}

func isPlainName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}

// schemaFault says why a host refuses a schema for arguments, or nothing.
func schemaFault(schema json.RawMessage) string {
	var top struct {
		Type       json.RawMessage            `json:"type"`
		Properties map[string]json.RawMessage `json:"properties"`
		OneOf      json.RawMessage            `json:"oneOf"`
		AnyOf      json.RawMessage            `json:"anyOf"`
		AllOf      json.RawMessage            `json:"allOf"`
	}
	switch err := json.Unmarshal(schema, &top); {
	case err != nil || string(top.Type) != `"object"`:
		return "the schema is not one of an object"
	case top.OneOf != nil || top.AnyOf != nil || top.AllOf != nil:
		return "oneOf, anyOf or allOf at the top"
	}
	for name, property := range top.Properties {
		if len(name) > maxToolName || !isPlainName(strings.ReplaceAll(name, ".", "_")) {
			return fmt.Sprintf("the argument %.80q has a name that hosts refuse", name)
		}
		if fault := valueFault(property, 0); fault != "" {
			return fmt.Sprintf("the argument %.80q %s", name, fault)
		}
	}
	return ""
}

const maxSchemaDepth = 20

// valueFault says why a host refuses the schema of a value.
func valueFault(schema json.RawMessage, depth int) string {
	var value struct {
		Type       json.RawMessage            `json:"type"`
		Items      json.RawMessage            `json:"items"`
		Prefix     json.RawMessage            `json:"prefixItems"`
		Ref        string                     `json:"$ref"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if depth > maxSchemaDepth || json.Unmarshal(schema, &value) != nil {
		return ""
	}
	switch {
	case string(value.Type) == `"array"` && value.Items == nil && value.Prefix == nil:
		return "is an array without items"
	case value.Ref != "" && !strings.HasPrefix(value.Ref, "#"):
		return "refers to another document"
	}
	for _, property := range value.Properties {
		if fault := valueFault(property, depth+1); fault != "" {
			return fault
		}
	}
	if value.Items != nil {
		return valueFault(value.Items, depth+1)
	}
	return ""
}
