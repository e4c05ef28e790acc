package limit_test

import (
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/bus/redis/limit"
)

// All replicas together allow a caller 600 calls a minute.
func Example() {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	_ = mcpengine.New("board", mcpengine.CallsPerMinute(600), mcpengine.WithLimiter(limit.New(client)))
}
