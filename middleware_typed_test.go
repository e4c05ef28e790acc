package mcpengine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

type (
	handler     = mcpengine.MethodHandler
	toolHandler = mcpengine.ToolHandler
)

type city struct {
	City string `json:"city"`
	Days int    `json:"days,omitempty" default:"3"`
}

func stay(_ context.Context, in city) (string, error) { return fmt.Sprint(in.City, " ", in.Days), nil }

// servedVersions returns the versions that this build serves.
func servedVersions(versions ...string) []string {
	return slices.DeleteFunc(versions, func(v string) bool { return !servesHandshake && v != mcp.LatestProtocolVersion })
}

// edit is a middleware that changes the parameters of tool calls.
func edit(change func(*mcp.CallToolRequestParams)) mcpengine.Option {
	return mcpengine.WithMiddleware(func(next handler) handler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			if req.Method() != mcp.MethodToolsCall {
				return next(ctx, req)
			}
			var params mcp.CallToolRequestParams
			if err := req.DecodeParams(&params); err != nil {
				return mcpengine.Result{}, err
			}
			change(&params)
			if err := req.SetParams(params); err != nil {
				return mcpengine.Result{}, err
			}
			return next(ctx, req)
		}
	})
}

// editTool is the same inside of the tool's call.
func editTool(change func(*mcp.CallToolRequestParams)) mcpengine.Option {
	return mcpengine.WithToolMiddleware(func(next toolHandler) toolHandler {
		return func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
			change(params)
			return next(ctx, params)
		}
	})
}

// Replaced arguments are validated, given defaults and decoded like any others,
// in every version.
func TestMiddlewareReplacesArguments(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, arguments, want string }{
		{"others", `{"city":"Rome","days":7}`, "Rome 7"},
		{"default", `{"city":"Rome"}`, "Rome 3"},
		{"invalid", `{"city":7}`, "city: must be a string"},
		{"unknown", `{"city":"Rome","more":1}`, "unknown property"},
		{"duplicate", `{"city":"Rome","city":"Oslo"}`, "internal error"},
		{"none", ``, "city: required"},
	}
	for level, option := range map[string]func(func(*mcp.CallToolRequestParams)) mcpengine.Option{"method": edit, "tool": editTool} {
		for _, version := range servedVersions("2026-07-28", "2025-06-18") {
			for _, test := range tests {
				t.Run(level+"/"+version+"/"+test.name, func(t *testing.T) {
					t.Parallel()
					e := mcpengine.New("test", quiet(), option(func(p *mcp.CallToolRequestParams) {
						if p.Name != "stay" || !strings.Contains(string(p.Arguments), "Paris") {
							t.Errorf("middleware saw %s %s", p.Name, p.Arguments)
						}
						p.Arguments = json.RawMessage(test.arguments)
						if test.arguments == "" {
							p.Arguments = nil
						}
					}))
					mcpengine.AddTool(e, "stay", "", stay)
					c := mcptest.New(e, client.WithProtocolVersion(version))
					defer c.Close()
					result, err := c.CallTool(t.Context(), "stay", city{City: "Paris"})
					got := fmt.Sprint(err)
					if err == nil {
						got = result.Text()
					}
					if !strings.Contains(got, test.want) {
						t.Errorf("stay = %s, want %s", got, test.want)
					}
				})
			}
		}
	}
}

// A result of any form that a middleware has seen and replaced is shaped for the
// client's version as the tool's own is.
func TestMiddlewareReplacesResults(t *testing.T) {
	t.Parallel()
	change := func(r *mcp.CallToolResult) {
		r.Content = append(r.Content, mcp.AudioContent{Data: []byte("wav"), MIMEType: "audio/wav"})
		if string(r.StructuredContent) == "[1]" {
			r.StructuredContent = json.RawMessage("[1,2]")
		}
	}
	levels := map[string]mcpengine.Option{
		"method": mcpengine.WithMiddleware(func(next handler) handler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				result, err := next(ctx, req)
				if err != nil || req.Method() != mcp.MethodToolsCall {
					return result, err
				}
				var r mcp.CallToolResult
				if err := result.Decode(&r); err != nil {
					return result, err
				}
				change(&r)
				return mcpengine.NewResult(r), nil
			}
		}),
		"tool": mcpengine.WithToolMiddleware(func(next toolHandler) toolHandler {
			return func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
				result, err := next(ctx, params)
				if err == nil {
					change(result)
				}
				return result, err
			}
		}),
	}
	versions := map[string]struct{ structured, audio string }{
		"2026-07-28": {"[1,2]", "audio"}, "2025-11-25": {`{"result":[1,2]}`, "audio"},
		"2025-03-26": {"", "audio"}, "2024-11-05": {"", "protocol version 2024-11-05"},
	}
	for level, option := range levels {
		for _, version := range servedVersions("2026-07-28", "2025-11-25", "2025-03-26", "2024-11-05") {
			want := versions[version]
			e := mcpengine.New("test", quiet(), option)
			give(e, "list", []int{1})
			give(e, "text", "plain")
			give(e, "block", mcp.TextContent{Text: "plain"})
			give(e, "blocks", mcp.ContentBlocks{mcp.TextContent{Text: "plain"}})
			give(e, "whole", mcp.CallToolResult{Content: mcp.ContentBlocks{mcp.TextContent{Text: "plain"}}})
			c := mcptest.New(e, client.WithProtocolVersion(version))
			defer c.Close()
			for _, tool := range []string{"list", "text", "block", "blocks", "whole"} {
				result, err := c.CallTool(t.Context(), tool, nil)
				if err != nil || result.IsError || len(result.Content) != 2 {
					t.Errorf("%s %s: %s = %+v, %v", level, version, tool, result, err)
					continue
				}
				if got := fmt.Sprintf("%T %[1]v", result.Content[1]); !strings.Contains(strings.ToLower(got), want.audio) {
					t.Errorf("%s %s: %s has %s, want %s", level, version, tool, got, want.audio)
				}
				if tool == "list" && string(result.StructuredContent) != want.structured {
					t.Errorf("%s %s: structured content = %s, want %s", level, version, result.StructuredContent, want.structured)
				}
			}
		}
	}
}

// What middleware returns in the place of a result has to be one.
func TestMiddlewareBadResults(t *testing.T) {
	t.Parallel()
	answer := func(result mcpengine.Result) mcpengine.Option {
		return mcpengine.WithMiddleware(func(handler) handler {
			return func(context.Context, *mcpengine.Request) (mcpengine.Result, error) { return result, nil }
		})
	}
	answerTool := func(result *mcp.CallToolResult, err error) mcpengine.Option {
		return mcpengine.WithToolMiddleware(func(toolHandler) toolHandler {
			return func(context.Context, *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) { return result, err }
		})
	}
	bad := &mcp.CallToolResult{StructuredContent: json.RawMessage(`"text"`)}
	for name, test := range map[string]struct {
		option mcpengine.Option
		want   string
	}{
		"no result":                   {answer(mcpengine.Result{}), "no result"},
		"no object":                   {answer(mcpengine.NewResult(7)), "no result"},
		"no JSON":                     {answer(mcpengine.NewResult(func() {})), "unsupported type"},
		"not the schema":              {answer(mcpengine.NewResult(bad)), "output schema"},
		"no result of a tool":         {answerTool(nil, nil), "nil"},
		"not the schema of a tool":    {answerTool(bad, nil), "output schema"},
		"nothing for the schema":      {answerTool(&mcp.CallToolResult{}, nil), "structured content"},
		"another name":                {editTool(func(p *mcp.CallToolRequestParams) { p.Name = "other" }), "changed the name"},
		"arguments that are not JSON": {editTool(func(p *mcp.CallToolRequestParams) { p.Arguments = []byte("{") }), "not JSON"},
	} {
		var log recorder
		e := mcpengine.New("test", mcpengine.WithLogger(log.logger()), test.option)
		give(e, "number", 7)
		if got := post(t, e, call("number")).response(); !strings.Contains(got, `"internal error"`) {
			t.Errorf("%s: response = %s", name, got)
		}
		if got := log.take(); !strings.Contains(got, test.want) {
			t.Errorf("%s: logged %s, want %q", name, got, test.want)
		}
	}
}

// Middleware that changes what a request is about needs a caller who may use
// that.
func TestMiddlewareIsAuthorizedAgain(t *testing.T) {
	t.Parallel()
	rename := edit(func(p *mcp.CallToolRequestParams) { p.Name = strings.TrimPrefix(p.Name, "alias_") })
	e := mcpengine.New("test", quiet(), rename, mcpengine.WithAuth(robots("mcp:read")))
	give(e, "read", "done", mcpengine.RequireScopes("mcp:read"))
	give(e, "write", "done", mcpengine.RequireScopes("mcp:write"))
	give(e, "hide", "done", mcpengine.RequireScopes("mcp:write"), mcpengine.Hidden())
	for _, tool := range []string{"read", "write", "hide", "missing"} {
		give(e, "alias_"+tool, "not renamed", mcpengine.Public())
	}
	for tool, want := range map[string]string{
		"alias_read": "done", "alias_write": "lacks a scope", "alias_hide": "Unknown tool", "alias_missing": "Unknown tool",
	} {
		if got := try(asRobot(e), tool); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	r := newRequest(t.Context(), "http://server.example/mcp", call("alias_write"))
	r.Header.Set("Authorization", "Bearer kx7Tq0Vn2cYw8sLz")
	if got := serve(e, r); got.Code != http.StatusForbidden {
		t.Errorf("alias_write = HTTP %d, want 403", got.Code)
	}
}

// Arguments that a client mirrors are compared with what it sent, not with what
// a middleware makes of it.
func TestMiddlewareAndMirroredArguments(t *testing.T) {
	t.Parallel()
	type place struct {
		Region string `json:"region" header:"Region"`
	}
	e := mcpengine.New("test", edit(func(p *mcp.CallToolRequestParams) { p.Arguments = json.RawMessage(`{"region":"us"}`) }))
	mcpengine.AddTool(e, "where", "", func(_ context.Context, in place) (string, error) { return in.Region, nil })
	for sent, want := range map[string]string{"eu": `"text":"us"`, "asia": "Region"} {
		r := newRequest(t.Context(), "http://server.example/mcp", message("tools/call", `"name":"where","arguments":{"region":"eu"}`))
		r.Header.Set("Mcp-Param-Region", sent)
		if got := serve(e, r).Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s = %s, want %s", sent, got, want)
		}
	}
}

// A handler that asks is run again through the same middleware.
func TestMiddlewareAndQuestions(t *testing.T) {
	t.Parallel()
	for _, version := range servedVersions("2026-07-28", "2025-11-25") {
		var seen []string
		e := mcpengine.New("test", mcpengine.WithKeys(make([]byte, 32)),
			edit(func(p *mcp.CallToolRequestParams) { p.Arguments = json.RawMessage(`{"city":"Rome"}`) }),
			mcpengine.WithToolMiddleware(func(next toolHandler) toolHandler {
				return func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
					result, err := next(ctx, params)
					seen = append(seen, fmt.Sprint(err != nil))
					return result, err
				}
			}))
		mcpengine.AddTool(e, "greet", "", func(ctx context.Context, in city) (string, error) {
			who, err := mcpengine.Elicit[login](ctx, "Who?")
			return who.User + " in " + in.City, err
		})
		c := mcptest.New(e, client.WithProtocolVersion(version), client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(login{User: "ada"})}))
		defer c.Close()
		if got, err := client.Call[string](t.Context(), c, "greet", city{City: "Paris"}); got != "ada in Rome" || err != nil {
			t.Errorf("%s: greet = %q, %v", version, got, err)
		}
		want := []string{"true", "false"}
		if version != "2026-07-28" {
			want = want[1:] // there the handler waits for the answer
		}
		if !slices.Equal(seen, want) {
			t.Errorf("%s: the middleware saw errors %v, want %v", version, seen, want)
		}
	}
}

// The error of a tool is at hand beside the result that it became.
func TestToolError(t *testing.T) {
	t.Parallel()
	failure := errors.New("out of range")
	var seen, seenTool error
	e := mcpengine.New("test",
		mcpengine.WithMiddleware(func(next handler) handler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				result, err := next(ctx, req)
				seen = result.ToolError()
				return result, err
			}
		}),
		mcpengine.WithToolMiddleware(func(next toolHandler) toolHandler {
			return func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
				result, err := next(ctx, params)
				seenTool = err
				return result, err
			}
		}))
	mcpengine.AddTool(e, "fail", "", func(context.Context, none) (string, error) { return "", failure })
	give(e, "work", "done")
	for tool, want := range map[string]error{"fail": failure, "work": nil} {
		post(t, e, call(tool))
		if !errors.Is(seen, want) || !errors.Is(seenTool, want) {
			t.Errorf("%s: middleware saw %v and %v, want %v", tool, seen, seenTool, want)
		}
	}
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
