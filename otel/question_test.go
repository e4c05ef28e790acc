package otelmcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	apitrace "go.opentelemetry.io/otel/trace"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// newAsker returns a server whose tool asks the user for a city, and a model for a
// forecast.
func newAsker(r *recorder) *mcpengine.Engine {
	e := mcpengine.New("weather", r.Server(), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	mcpengine.AddTool(e, "forecast", "", func(ctx context.Context, _ struct{}) (string, error) {
		in, err := mcpengine.Elicit[place](ctx, "Where?")
		if err != nil {
			return "", err
		}
		_, err = mcpengine.CreateMessage(ctx, mcp.CreateMessageRequestParams{MaxTokens: 10})
		if errors.Is(err, mcpengine.ErrInputRequired) {
			return "", err
		}
		return "sunny in " + in.City, nil // the model has failed
	})
	return e
}

// answers are the handlers of a client whose model fails.
func answers(saw *apitrace.SpanContext) client.Option {
	return client.WithHandlers(client.Handlers{
		ElicitForm: func(ctx context.Context, _ mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			*saw = apitrace.SpanContextFromContext(ctx)
			return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(`{"city":"Oslo"}`)}, nil
		},
		CreateMessage: func(context.Context, mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			return nil, errors.New("the secret of the client")
		},
	})
}

// TestQuestions holds the spans and metrics of questions to the golden files. A question
// by request has a span of each side, in one trace. One in a result has a span of the
// client that answers it, below the span of the program.
func TestQuestions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, version string
		stdio         bool
		request       bool // the questions are requests
	}{
		{"2025-11-25", "2025-11-25", false, true},
		{"2025-06-18-stdio", "2025-06-18", true, true},
		{"2026-07-28", "2026-07-28", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t)
			var saw apitrace.SpanContext
			c := connectAsker(t, newAsker(r), tt.stdio, client.WithProtocolVersion(tt.version), r.Client(), answers(&saw))
			for range c.Tools(t.Context()) { // so that the call asks for none
			}
			r.spans.Reset()
			ctx, root := r.tracers.Tracer("program").Start(t.Context(), "program")
			_, err := c.CallTool(ctx, "forecast", nil)
			root.End()
			if (err == nil) != tt.request { // the client gives up when its own handler fails
				t.Fatalf("the call: %v", err)
			}
			spans := r.spans.GetSpans()
			golden(t, "questions-"+tt.name+".txt", r.text(t))
			answered := find(spans, apitrace.SpanKindServer, "elicitation/create")
			asked := find(spans, apitrace.SpanKindClient, "elicitation/create")
			if answered == nil || (asked != nil) != tt.request {
				t.Fatalf("the spans of the question are %v and %v", asked, answered)
			}
			if saw.SpanID() != answered.SpanContext.SpanID() {
				t.Error("the handler of the client does not run in the span")
			}
			parent := root.SpanContext().SpanID()
			if tt.request {
				parent = asked.SpanContext.SpanID()
				if call := find(spans, apitrace.SpanKindServer, "tools/call forecast"); asked.Parent.SpanID() != call.SpanContext.SpanID() {
					t.Error("the question is not below the call")
				}
			}
			if answered.Parent.SpanID() != parent {
				t.Errorf("the answer is below %v, want %v", answered.Parent.SpanID(), parent)
			}
			for _, s := range spans {
				if s.SpanContext.TraceID() != root.SpanContext().TraceID() {
					t.Errorf("%s is in another trace", s.Name)
				}
			}
		})
	}
}

func find(spans tracetest.SpanStubs, kind apitrace.SpanKind, name string) *tracetest.SpanStub {
	for i := range spans {
		if spans[i].SpanKind == kind && spans[i].Name == name {
			return &spans[i]
		}
	}
	return nil
}

func connectAsker(t *testing.T, e *mcpengine.Engine, stdio bool, opts ...client.Option) *client.Client {
	t.Helper()
	var c *client.Client
	var err error
	if stdio {
		fromServer, toClient := io.Pipe()
		fromClient, toServer := io.Pipe()
		served := make(chan error, 1)
		go func() { served <- e.ServeStdio(t.Context(), fromClient, toClient) }()
		t.Cleanup(func() { <-served })
		c, err = client.Attach(t.Context(), fromServer, toServer, opts...)
	} else {
		s := httptest.NewServer(e)
		t.Cleanup(s.Close)
		c, err = client.Connect(t.Context(), s.URL, opts...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A server makes up methods, which are not in names.
func TestQuestionMadeUp(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	var saw apitrace.SpanContext
	c := connectAsker(t, newAsker(r), false, client.WithProtocolVersion("2026-07-28"), r.Client(), answers(&saw))
	r.spans.Reset()
	if _, err := c.Answer(t.Context(), json.RawMessage(`{"q":{"method":"made/up","params":{"_meta":{"traceparent":7}}}}`)); err == nil {
		t.Error("a question that nobody knows is answered")
	}
	spans := r.spans.GetSpans()
	if len(spans) != 1 || spans[0].Name != "_OTHER" {
		t.Errorf("the spans are %v, want _OTHER", spans)
	}
}
