package mcpengine_test

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// resourcesFixture has a resource for every kind of result.
func resourcesFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	hold(e, "file:///text", "text")
	hold(e, "file:///empty", "")
	hold(e, "file:///bytes", []byte("bytes"))
	hold[[]byte](e, "file:///nil-bytes", nil)
	hold(e, "file:///markdown", "# text", mcpengine.WithMIMEType("text/markdown"))
	hold(e, "file:///contents", []mcp.ResourceContents{
		{Text: "text"},
		{URI: "file:///part", MIMEType: "image/png", Blob: []byte("png"), Meta: mcp.Meta{"example.com/page": 2}},
	})
	hold(e, "file:///full", &mcp.ReadResourceResult{
		Meta:     mcp.Meta{"example.com/revision": 7},
		Contents: []mcp.ResourceContents{{Text: "text"}},
	})
	hold(e, "file:///no-contents", []mcp.ResourceContents{})
	hold(e, "file:///no-full", &mcp.ReadResourceResult{})
	hold[*mcp.ReadResourceResult](e, "file:///nil", nil)
	priority := 1.0
	hold(e, "file:///decorated", "text",
		mcpengine.WithName("decorated"),
		mcpengine.WithTitle("Decorated"),
		mcpengine.WithMIMEType("text/csv"),
		mcpengine.WithSize(4),
		mcpengine.WithAnnotations(mcp.Annotations{Audience: []mcp.Role{mcp.RoleAssistant}, Priority: &priority, LastModified: "2026-07-28T00:00:00Z"}),
		mcpengine.WithIcons(mcp.Icon{Src: "https://server.example/icon.svg", Sizes: []string{"any"}}),
		mcpengine.WithMeta(mcp.Meta{"example.com/a": 1}),
	)
	addTemplates(e)
	return e
}

// hold adds a resource that holds out.
func hold[Out mcpengine.ResourceResult](e *mcpengine.Engine, uri string, out Out, opts ...mcpengine.ResourceOption) {
	mcpengine.AddResource(e, uri, "", func(context.Context, none) (Out, error) { return out, nil }, opts...)
}

func addTemplates(e *mcpengine.Engine) {
	type file struct {
		Folder string `json:"folder"`
		Name   string `json:"name"`
	}
	mcpengine.AddResource(e, "file:///files/{folder}/{name}", "A file.", func(_ context.Context, in file) (string, error) {
		if in.Name == "gone" {
			return "", mcpengine.ResourceNotFound("file:///files/" + in.Folder + "/gone")
		}
		return fmt.Sprintf("%q in %q", in.Name, in.Folder), nil
	}, mcpengine.WithName("file"), mcpengine.WithTitle("File"), mcpengine.WithMIMEType("text/x-quoted"))
	// A literal part is no variable: the first template that matches wins.
	hold(e, "file:///files/fixed/name", "not from the template")
	type message struct {
		ID    int8   `json:"id"`
		Final bool   `json:"final"`
		Kind  string `json:"kind" enum:"mail,post"`
	}
	mcpengine.AddResource(e, "board://{kind}/{id}/{final}", "A message.", func(_ context.Context, in message) (string, error) {
		return fmt.Sprintf("%+v", in), nil
	})
}

type reviewInput struct {
	Code     string  `json:"code" jsonschema:"what to review"`
	Lines    int     `json:"lines,omitempty" jsonschema:"how many lines"`
	Strict   bool    `json:"strict,omitempty" default:"true"`
	Patience float64 `json:"patience,omitempty"`
	Style    string  `json:"style,omitempty" enum:"terse,kind"`
}

// promptsFixture has a prompt for every kind of result.
func promptsFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	offer(e, "text", "Say it.")
	offer(e, "messages", []mcp.PromptMessage{
		{Role: mcp.RoleUser, Content: mcp.ImageContent{Data: []byte("png"), MIMEType: "image/png"}},
		{Role: mcp.RoleAssistant, Content: mcp.TextContent{Text: "A picture."}},
		{Role: mcp.RoleUser, Content: mcp.EmbeddedResource{Resource: mcp.ResourceContents{URI: "file:///a", Text: "a"}}},
	})
	offer[[]mcp.PromptMessage](e, "no_messages", nil)
	offer(e, "result", &mcp.GetPromptResult{
		Meta:        mcp.Meta{"example.com/revision": 7},
		Description: "Its own description.",
		Messages:    []mcp.PromptMessage{{Role: mcp.RoleUser, Content: mcp.TextContent{Text: "text"}}},
	})
	offer(e, "plain_result", &mcp.GetPromptResult{})
	offer[*mcp.GetPromptResult](e, "nil_result", nil)
	offer(e, "nil_content", []mcp.PromptMessage{{Role: mcp.RoleUser}})
	offer(e, "decorated", "text",
		mcpengine.WithTitle("Decorated"),
		mcpengine.WithIcons(mcp.Icon{Src: "https://server.example/icon.svg"}),
		mcpengine.WithMeta(mcp.Meta{"example.com/a": 1}),
	)
	mcpengine.AddPrompt(e, "review", "Review code.", func(_ context.Context, in reviewInput) (string, error) {
		return fmt.Sprintf("%+v", in), nil
	})
	return e
}

// offer adds a prompt that returns out.
func offer[Out mcpengine.PromptResult](e *mcpengine.Engine, name string, out Out, opts ...mcpengine.PromptOption) {
	mcpengine.AddPrompt(e, name, "Description of "+name+".", func(context.Context, none) (Out, error) { return out, nil }, opts...)
}
