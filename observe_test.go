package mcpengine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/mcp"
)

// seen is what an observer was told about a request.
type seen struct {
	Method, Name, Who string
	Allowed           bool
	Rule              string
	Code              int
	Cause             string
	IsError           bool
	ResultType        mcp.ResultType
}

func observe(all *[]seen) mcpengine.Option {
	return mcpengine.WithObserver(func(ctx context.Context, req *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) {
		return ctx, func(o mcpengine.Outcome) {
			s := seen{Method: req.Method(), Name: req.Name(), Who: req.Policy().Who, Allowed: o.Allowed, Rule: o.Rule, IsError: o.IsError, ResultType: o.ResultType}
			if o.Error != nil {
				s.Code = o.Error.Code
			}
			if o.Cause != nil {
				s.Cause = o.Cause.Error()
			}
			*all = append(*all, s)
		}
	})
}

func TestObserverHearsOutcomes(t *testing.T) {
	t.Parallel()
	type none struct{}
	var all []seen
	e := mcpengine.New("test", observe(&all), quiet())
	mcpengine.AddTool(e, "fine", "", func(context.Context, none) (string, error) { return "fine", nil })
	mcpengine.AddTool(e, "fails", "", func(context.Context, none) (string, error) { return "", errors.New("no luck") })
	mcpengine.AddTool(e, "says", "", func(context.Context, none) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{IsError: true}, nil
	})
	mcpengine.AddTool(e, "panics", "", func(context.Context, none) (string, error) { panic("ouch") })
	mcpengine.AddTool(e, "asks", "", func(ctx context.Context, _ none) (string, error) {
		_, err := mcpengine.Elicit[struct {
			Yes bool `json:"yes"`
		}](ctx, "Really?")
		return "", err
	})
	for _, name := range []string{"fine", "fails", "says", "panics", "asks", "unknown"} {
		post(t, e, call(name))
	}
	post(t, e, message("tools/list", ""))
	post(t, e, message("no/such", ""))
	everybody := "everybody"
	want := []seen{
		{Method: "tools/call", Name: "fine", Who: everybody, Allowed: true, ResultType: "complete"},
		{Method: "tools/call", Name: "fails", Who: everybody, Allowed: true, Cause: "no luck", IsError: true, ResultType: "complete"},
		{Method: "tools/call", Name: "says", Who: everybody, Allowed: true, IsError: true, ResultType: "complete"},
		{Method: "tools/call", Name: "panics", Who: everybody, Allowed: true, Code: mcp.CodeInternalError, Cause: "panic: ouch"},
		{Method: "tools/call", Name: "asks", Who: everybody, Allowed: true, ResultType: "input_required"},
		{Method: "tools/call", Name: "unknown", Allowed: true, Code: mcp.CodeInvalidParams, Cause: `Unknown tool: "unknown" (-32602)`},
		{Method: "tools/list", Who: everybody, Allowed: true, ResultType: "complete"},
		{Method: "no/such", Allowed: true, Code: mcp.CodeMethodNotFound, Cause: `Method not found: "no/such" (-32601)`},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestObserverHearsRefusals(t *testing.T) {
	t.Parallel()
	type none struct{}
	var all []seen
	resource, err := auth.NewResource("https://mcp.example.com/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken("good"): {Subject: "ann", Issuer: "https://id.example.com"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("test", observe(&all), quiet(), mcpengine.WithAuth(resource))
	fine := func(context.Context, none) (string, error) { return "fine", nil }
	mcpengine.AddTool(e, "scoped", "", fine, mcpengine.RequireScopes("write"))
	mcpengine.AddTool(e, "ruled", "", fine, mcpengine.Allow(auth.InGroup("admin")))
	for _, tt := range []struct{ tool, token string }{{"scoped", ""}, {"scoped", "good"}, {"ruled", "good"}} {
		r := newRequest(t.Context(), "http://server.example/mcp", call(tt.tool))
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		serve(e, r)
	}
	want := []seen{
		{Method: "tools/call", Name: "scoped", Who: "a verified caller with the scope write", Code: mcp.CodeInvalidRequest},
		{Method: "tools/call", Name: "scoped", Who: "a verified caller with the scope write", Code: mcp.CodeInvalidRequest},
		{Method: "tools/call", Name: "ruled", Who: "a verified caller, who must be in the group \"admin\"", Rule: "be in the group \"admin\"", Code: mcp.CodeInvalidRequest},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}
