package mcpengine

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

// serverlessTTL is how long lists stay fresh where clients do not hear of changes,
// unless [WithCache] says otherwise.
const serverlessTTL = time.Minute

// runLambda serves the invocations of an AWS Lambda function until the
// execution environment ends.
func (e *Engine) runLambda(ctx context.Context) error {
	stream, err := lambda.ParseMode(os.Getenv)
	if err != nil {
		return err
	}
	e.logger = slog.New(lambda.NewLogHandler(e.logger.Handler()))
	e.goServerless()
	defer e.Close()
	return lambda.Run(ctx, e.mux(), lambda.Config{
		Stream:              stream,
		AuthorizationHeader: e.httpConfig.AuthorizationHeader,
		MaxBody:             e.httpConfig.MaxBodyBytes,
		Logger:              e.logger,
	})
}

// goServerless turns off what needs a process that lasts: subscriptions, sessions
// and resumable streams.
func (e *Engine) goServerless() {
	e.serverless = true
	if e.cache.ttlMs == 0 {
		e.cache.ttlMs = serverlessTTL.Milliseconds()
		e.encodeEnds()
	}
	e.httpConfig.NoSessions = true
	e.serveHTTP()
}
