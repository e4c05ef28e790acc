package redis_test

import (
	"context"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine"
	busredis "github.com/mcpengine/mcpengine/bus/redis"
)

// Replicas with the same Redis and the same MCPENGINE_KEYS need no sticky
// routing.
func Example() {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	defer client.Close()
	e := mcpengine.New("board", mcpengine.WithBus(busredis.New(client)))
	if err := e.Run(context.Background()); err != nil {
		panic(err)
	}
}

func ExampleWithChannel() {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	_ = mcpengine.New("board", mcpengine.WithBus(busredis.New(client, busredis.WithChannel("board"))))
}
