package mcpengine_test

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/bus"
)

// A server with several replicas takes a bus between processes: package
// bus/postgres or bus/redis instead of bus.Memory.
func ExampleWithBus() {
	between := bus.Memory()
	keys, err := mcpengine.ParseKeys("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	if err != nil {
		panic(err)
	}
	var replicas []*mcpengine.Engine
	for range 2 {
		e := mcpengine.New("board", mcpengine.WithBus(between), mcpengine.WithKeys(keys[0]))
		mcpengine.AddResource(e, "board://rules", "The rules of the board.",
			func(context.Context, struct{}) (string, error) { return "Be kind.", nil })
		replicas = append(replicas, e)
	}
	// Clients of both replicas are told, once they are served.
	replicas[0].ResourceUpdated("board://rules")
}

func ExampleEngine_BusState() {
	e := mcpengine.New("board", mcpengine.WithBus(bus.Memory()))
	state, ok := e.BusState()
	fmt.Println(ok, state.Connected)
	// Output: true false
}
