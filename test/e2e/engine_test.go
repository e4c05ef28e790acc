package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mcpengine/mcpengine"
)

const (
	version = "2026-07-28"

	// meta is the "_meta" of a well-formed request.
	meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
)

type (
	echoInput struct {
		Text string `json:"text"`
	}
	addInput struct {
		A int  `json:"a"`
		B int8 `json:"b,omitempty"`
	}
	routeInput struct {
		Region string `json:"region" header:"Region"`
		Count  int    `json:"count,omitempty" header:"Count"`
		Strict bool   `json:"strict,omitempty" header:"Strict"`
	}
	itemInput struct {
		ID int `json:"id"`
	}
	greetInput struct {
		Name  string `json:"name"`
		Times int    `json:"times,omitempty"`
	}
)

// A fixture is an engine with features of every kind, which counts how often
// any handler runs.
type fixture struct {
	*mcpengine.Engine
	runs atomic.Int64
}

func newFixture(t *testing.T, opts ...mcpengine.Option) *fixture {
	t.Helper()
	f := new(fixture)
	f.Engine = mcpengine.New("fixture", append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))...)
	t.Cleanup(f.Close)
	mcpengine.AddTool(f.Engine, "echo", "Return the text.", counted(f, func(in echoInput) (string, error) { return in.Text, nil }))
	mcpengine.AddTool(f.Engine, "add", "Return the sum.", counted(f, func(in addInput) (int, error) { return in.A + int(in.B), nil }))
	mcpengine.AddTool(f.Engine, "route", "Return the region.", counted(f, func(in routeInput) (string, error) { return in.Region, nil }))
	mcpengine.AddTool(f.Engine, "fail", "Fail.", counted(f, func(struct{}) (string, error) { return "", errors.New("out of paper") }))
	mcpengine.AddResource(f.Engine, "test://static", "A text.", counted(f, func(struct{}) (string, error) { return "static", nil }))
	mcpengine.AddResource(f.Engine, "test://items/{id}", "An item.", counted(f, func(itemInput) (string, error) { return "item", nil }))
	mcpengine.AddPrompt(f.Engine, "greet", "A greeting.", counted(f, func(in greetInput) (string, error) {
		return strings.Repeat("Hello "+in.Name, max(in.Times, 1)), nil
	}), mcpengine.WithCompletion("name", func(context.Context, string, map[string]string) ([]string, error) {
		f.runs.Add(1)
		return []string{"Ada"}, nil
	}))
	return f
}

func counted[In, Out any](f *fixture, h func(In) (Out, error)) mcpengine.Handler[In, Out] {
	return func(_ context.Context, in In) (Out, error) {
		f.runs.Add(1)
		return h(in)
	}
}

// A reply is a JSON-RPC response as a client reads it.
type reply struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
}
