package e2e_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/bus/postgres"
	busredis "github.com/mcpengine/mcpengine/bus/redis"
	"github.com/mcpengine/mcpengine/mcp"
)

// busVariable has the URL of the bus of a replica, a PostgreSQL or a Redis.
const busVariable = "MCPENGINE_TEST_BUS"

// A fleetReply is the answer to a question.
type fleetReply struct {
	Word string `json:"word"`
}

type fleetInput struct {
	URI string `json:"uri,omitempty"`
}

// newConnectedReplica returns a replica with the bus of the environment, if
// there is one. It asks questions and changes what clients listen for.
func newConnectedReplica(ctx context.Context) (*mcpengine.Engine, error) {
	opts, err := busOptions(ctx, os.Getenv(busVariable))
	if err != nil {
		return nil, err
	}
	e := newReplica(opts...)
	mcpengine.AddTool(e, "ask", "Ask for a word.", func(ctx context.Context, _ struct{}) (string, error) {
		reply, err := mcpengine.Elicit[fleetReply](ctx, "A word?")
		return reply.Word, err
	})
	mcpengine.AddTool(e, "touch", "Say that a resource has changed.", func(_ context.Context, in fleetInput) (string, error) {
		e.ResourceUpdated(in.URI)
		return "", nil
	})
	mcpengine.AddTool(e, "report", "Send log messages.", func(ctx context.Context, _ struct{}) (string, error) {
		mcpengine.Log(ctx, mcp.LoggingLevelInfo, "", "too much")
		mcpengine.Log(ctx, mcp.LoggingLevelError, "", "enough")
		return "", nil
	})
	mcpengine.AddTool(e, "wait", "Wait to be cancelled.", func(ctx context.Context, _ struct{}) (string, error) {
		mcpengine.Log(ctx, mcp.LoggingLevelError, "", "begun")
		<-ctx.Done()
		return "", ctx.Err()
	})
	mcpengine.AddTool(e, "leave", "End the connection, and go on.", func(ctx context.Context, _ struct{}) (string, error) {
		mcpengine.Log(ctx, mcp.LoggingLevelError, "", "begun")
		mcpengine.RequestFrom(ctx).CloseStream(time.Millisecond)
		return "done", nil
	})
	mcpengine.AddResource(e, "state:{name}", "", func(context.Context, struct {
		Name string `json:"name"`
	},
	) (string, error) {
		return "", nil
	})
	return e, nil
}

func busOptions(ctx context.Context, address string) ([]mcpengine.Option, error) {
	switch {
	case address == "":
		return nil, nil
	case strings.HasPrefix(address, "postgres:"):
		pool, err := pgxpool.New(ctx, address)
		if err != nil {
			return nil, err
		}
		return []mcpengine.Option{
			mcpengine.WithBus(postgres.New(pool)),
			mcpengine.WithHTTP(mcpengine.HTTPConfig{Events: postgres.NewEvents(pool, nil)}),
		}, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return []mcpengine.Option{mcpengine.WithBus(busredis.New(redis.NewClient(&redis.Options{Addr: u.Host})))}, nil
}
