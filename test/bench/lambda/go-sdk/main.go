// Command go-sdk is a weather server of the official Go SDK on AWS Lambda. The
// SDK speaks HTTP, so that an adapter makes requests of events and answers of
// responses, and aws-lambda-go carries them. TOOLS is how many tools it has.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type place struct {
	City string `json:"city" jsonschema:"the city to ask about"`
}

func main() {
	n, err := strconv.Atoi(os.Getenv("TOOLS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-sdk: error:", err)
		os.Exit(1)
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "weather", Version: "1.0.0"}, nil)
	for i := range n {
		mcp.AddTool(server, &mcp.Tool{Name: fmt.Sprintf("get_weather_%04d", i), Description: "Tells the weather in a city."}, weather)
	}
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true},
	)
	lambda.Start(adapt(handler))
}

func weather(_ context.Context, _ *mcp.CallToolRequest, in place) (*mcp.CallToolResult, any, error) {
	text := fmt.Sprintf("Light rain in %s, 9 °C.", in.City)
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
}

type typed func(context.Context, events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error)

// adapt does no more than these requests need: no Base64, no cookies, no
// repeated headers.
func adapt(h http.Handler) typed {
	return func(ctx context.Context, e events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
		r, err := http.NewRequestWithContext(ctx, e.RequestContext.HTTP.Method, "https://"+e.RequestContext.DomainName+e.RawPath, strings.NewReader(e.Body))
		if err != nil {
			return events.LambdaFunctionURLResponse{}, err
		}
		for name, value := range e.Headers {
			r.Header.Set(name, value)
		}
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(w, r)
		headers := make(map[string]string, len(w.header))
		for name, values := range w.header {
			headers[name] = strings.Join(values, ",")
		}
		return events.LambdaFunctionURLResponse{StatusCode: w.status, Headers: headers, Body: w.body.String()}, nil
	}
}

// A recorder keeps a response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }
