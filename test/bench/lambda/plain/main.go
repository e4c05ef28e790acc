// Command plain is a weather server for AWS Lambda as one would write it by
// hand, with a typed handler of aws-lambda-go and encoding/json. It makes the
// checks that the protocol requires. TOOLS is how many tools it has.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type request struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		Meta      struct {
			Version      string         `json:"io.modelcontextprotocol/protocolVersion"`
			Client       map[string]any `json:"io.modelcontextprotocol/clientInfo"`
			Capabilities map[string]any `json:"io.modelcontextprotocol/clientCapabilities"`
		} `json:"_meta"`
	} `json:"params"`
}

type response struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   any             `json:"error,omitempty"`
}

type content struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type result struct {
	Content    []content      `json:"content"`
	ResultType string         `json:"resultType"`
	Meta       map[string]any `json:"_meta"`
}

type tool func(arguments json.RawMessage) (string, error)

func main() {
	n, err := strconv.Atoi(os.Getenv("TOOLS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "plain: error:", err)
		os.Exit(1)
	}
	tools := make(map[string]tool, n)
	for i := range n {
		tools[fmt.Sprintf("get_weather_%04d", i)] = weather
	}
	lambda.Start(func(_ context.Context, e events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
		status, body := answer(tools, e)
		encoded, err := json.Marshal(body)
		return events.LambdaFunctionURLResponse{
			StatusCode: status,
			Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
			Body:       string(encoded),
		}, err
	})
}

func answer(tools map[string]tool, e events.LambdaFunctionURLRequest) (int, response) {
	var req request
	if err := json.Unmarshal([]byte(e.Body), &req); err != nil || req.JSONRPC != "2.0" {
		return 400, refuse(nil, -32700, "not a request")
	}
	h := e.Headers
	if h["content-type"] != "application/json" || h["mcp-method"] != req.Method || h["mcp-name"] != req.Params.Name || h["mcp-protocol-version"] != req.Params.Meta.Version {
		return 400, refuse(req.ID, -32020, "header mismatch")
	}
	call, ok := tools[req.Params.Name]
	if !ok || req.Method != "tools/call" {
		return 200, refuse(req.ID, -32602, "unknown tool")
	}
	text, err := call(req.Params.Arguments)
	if err != nil {
		return 200, refuse(req.ID, -32602, err.Error())
	}
	return 200, response{JSONRPC: "2.0", ID: req.ID, Result: result{
		Content: []content{{"text", text}}, ResultType: "complete",
		Meta: map[string]any{"io.modelcontextprotocol/serverInfo": map[string]string{"name": "weather", "version": "(devel)"}},
	}}
}

func refuse(id json.RawMessage, code int, message string) response {
	return response{JSONRPC: "2.0", ID: id, Error: map[string]any{"code": code, "message": message}}
}

func weather(arguments json.RawMessage) (string, error) {
	var in struct {
		City string `json:"city"`
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return "", fmt.Errorf("decode arguments: %w", err)
	}
	return fmt.Sprintf("Light rain in %s, 9 °C.", in.City), nil
}
