package main

import (
	"context"
	"net/http"

	"github.com/mcpengine/mcpengine"
)

// serveOurs returns our server as a user would write it.
func serveOurs(s setup) http.Handler { return newOurs(s) }

// serveOursWithoutSessions returns our server as a user would write it if its
// features neither ask clients nor notify them.
func serveOursWithoutSessions(s setup) http.Handler {
	return newOurs(s, mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true}))
}

func newOurs(s setup, opts ...mcpengine.Option) *mcpengine.Engine {
	engine := mcpengine.New("weather", opts...)
	for i := range s.tools {
		switch s.kind {
		case text:
			mcpengine.AddTool(engine, toolName(i), toolDescription, oursText)
		case structured:
			mcpengine.AddTool(engine, toolName(i), toolDescription, oursStructured)
		case progress:
			mcpengine.AddTool(engine, toolName(i), toolDescription, oursProgress)
		}
	}
	return engine
}

func oursText(_ context.Context, in Place) (string, error) {
	return forecast(in.City), nil
}

func oursStructured(_ context.Context, in Place) (Weather, error) {
	return measured(in.City), nil
}

func oursProgress(ctx context.Context, in Place) (string, error) {
	for step := 1; step <= progressSteps; step++ {
		mcpengine.Progress(ctx, float64(step), progressSteps, stepMessage(step))
	}
	return forecast(in.City), nil
}
