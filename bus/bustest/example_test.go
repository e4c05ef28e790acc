package bustest_test

import (
	"testing"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/bus/bustest"
)

// A bus over a server has to notice that its connection is lost. Its test says
// how to stop the server, and how to start it again.
func ExampleRun() {
	test := func(t *testing.T) { // TestBus of the package with the bus
		server := startServer(t)
		bustest.Run(t, bustest.Server{
			Connect: func(t *testing.T, channel string) bus.Bus { return server.bus(t, channel) },
			Stop:    server.stop,
			Start:   server.start,
		})
	}
	_ = test
}

type exampleServer struct{}

func startServer(*testing.T) exampleServer { return exampleServer{} }

func (exampleServer) bus(*testing.T, string) bus.Bus { return bus.Memory() }

func (exampleServer) stop(*testing.T) {}

func (exampleServer) start(*testing.T) {}
