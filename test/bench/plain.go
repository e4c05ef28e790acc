package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/test/bench/plain"
)

// servePlain returns the hand-written server: see package plain.
func servePlain(s setup) http.Handler {
	return addPlainTools(plain.New("weather", "1.0.0"), s)
}

// serveHandshakePlain returns the hand-written server of 2025-11-25.
func serveHandshakePlain(s setup) http.Handler {
	return addPlainTools(plain.NewHandshake("weather", "1.0.0"), s)
}

func addPlainTools(server *plain.Server, s setup) *plain.Server {
	closed := false
	input := plain.Schema{
		Type:                 "object",
		Properties:           map[string]plain.Schema{"city": {Type: "string", Description: "the city to ask about"}},
		Required:             []string{"city"},
		AdditionalProperties: &closed,
	}
	calls := map[kind]plain.ToolFunc{text: plainText, structured: plainStructured, progress: plainProgress}
	for i := range s.tools {
		tool := plain.Tool{Name: toolName(i), Description: toolDescription, InputSchema: input}
		if s.kind == structured {
			tool.OutputSchema = plainOutput(&closed)
		}
		server.AddTool(tool, calls[s.kind])
	}
	return server
}

func plainOutput(closed *bool) *plain.Schema {
	return &plain.Schema{
		Type: "object",
		Properties: map[string]plain.Schema{
			"city":      {Type: "string", Description: "the city asked about"},
			"condition": {Type: "string", Description: "the sky in one word"},
			"celsius":   {Type: "number", Description: "temperature in degrees Celsius"},
			"humidity":  {Type: "integer", Description: "relative humidity in percent"},
		},
		Required:             []string{"city", "condition", "celsius", "humidity"},
		AdditionalProperties: closed,
	}
}

func plainText(_ context.Context, arguments json.RawMessage, _ plain.Progress) (plain.CallToolResult, error) {
	in, err := plainPlace(arguments)
	if err != nil {
		return plain.CallToolResult{}, err
	}
	return plain.Text(forecast(in.City)), nil
}

func plainStructured(_ context.Context, arguments json.RawMessage, _ plain.Progress) (plain.CallToolResult, error) {
	in, err := plainPlace(arguments)
	if err != nil {
		return plain.CallToolResult{}, err
	}
	return plain.Structured(measured(in.City))
}

func plainProgress(_ context.Context, arguments json.RawMessage, report plain.Progress) (plain.CallToolResult, error) {
	in, err := plainPlace(arguments)
	if err != nil {
		return plain.CallToolResult{}, err
	}
	for step := 1; step <= progressSteps; step++ {
		if err := report(float64(step), progressSteps, stepMessage(step)); err != nil {
			return plain.CallToolResult{}, err
		}
	}
	return plain.Text(forecast(in.City)), nil
}

func plainPlace(arguments json.RawMessage) (Place, error) {
	var in Place
	if err := json.Unmarshal(arguments, &in); err != nil {
		return in, fmt.Errorf("invalid arguments: %w", err)
	}
	if in.City == "" {
		return in, errors.New("invalid arguments: city is missing")
	}
	return in, nil
}
