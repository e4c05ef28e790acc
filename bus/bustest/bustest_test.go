package bustest_test

import (
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/bus/bustest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	bustest.Run(t, bustest.Server{Connect: newChannels()})
}

// newChannels returns a function that connects to a channel in memory.
func newChannels() func(t *testing.T, channel string) bus.Bus {
	var mu sync.Mutex
	channels := map[string]bus.Bus{}
	return func(_ *testing.T, channel string) bus.Bus {
		mu.Lock()
		defer mu.Unlock()
		if channels[channel] == nil {
			channels[channel] = bus.Memory()
		}
		return channels[channel]
	}
}
