package bustest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/bus/bustest"
)

// A faulty bus breaks a promise where a function is set.
type faulty struct {
	bus.Bus

	publish func(b bus.Bus, ctx context.Context, message []byte) error
	receive func(receive func([]byte), message []byte)
	end     func(err error) error
}

func (f faulty) Publish(ctx context.Context, message []byte) error {
	if f.publish != nil {
		return f.publish(f.Bus, ctx, message)
	}
	return f.Bus.Publish(ctx, message)
}

func (f faulty) Subscribe(ctx context.Context, ready func(), receive func([]byte)) error {
	err := f.Bus.Subscribe(ctx, ready, func(message []byte) {
		if f.receive != nil {
			f.receive(receive, message)
			return
		}
		receive(message)
	})
	if f.end != nil {
		return f.end(err)
	}
	return err
}

// receivesConcurrently does so for the second message at the latest: the fifth
// message is not published before.
func receivesConcurrently() func(bus.Bus) bus.Bus {
	var published, received atomic.Int32
	second := make(chan struct{})
	return func(b bus.Bus) bus.Bus {
		return faulty{
			Bus: b,
			publish: func(b bus.Bus, ctx context.Context, message []byte) error {
				if published.Add(1) == 5 {
					<-second
				}
				return b.Publish(ctx, message)
			},
			receive: func(receive func([]byte), message []byte) {
				n := received.Add(1)
				go func() {
					receive(message)
					if n == 2 {
						close(second)
					}
				}()
			},
		}
	}
}

const faultVariable = "BUSTEST_FAULT"

// Each fault fails the test that is named after the promise. The faulty bus runs
// in a process of its own, whose tests may fail.
func TestFaults(t *testing.T) {
	t.Parallel()
	shared := bus.Memory()
	faults := map[string]struct {
		bus    func(channel bus.Bus) bus.Bus
		failed string
	}{
		"cuts messages": {
			func(b bus.Bus) bus.Bus {
				return faulty{Bus: b, publish: func(b bus.Bus, ctx context.Context, message []byte) error {
					return b.Publish(ctx, message[:min(len(message), 8000)])
				}}
			}, "messages",
		},
		"sends twice": {
			func(b bus.Bus) bus.Bus {
				return faulty{Bus: b, receive: func(receive func([]byte), message []byte) { receive(message); receive(message) }}
			}, "messages",
		},
		"has one channel":       {func(bus.Bus) bus.Bus { return shared }, "channels"},
		"receives concurrently": {receivesConcurrently(), "concurrency"},
		"returns nil":           {func(b bus.Bus) bus.Bus { return faulty{Bus: b, end: func(error) error { return nil }} }, "end"},
	}
	if name := os.Getenv(faultVariable); name != "" {
		channels := newChannels()
		bustest.Run(t, bustest.Server{Connect: func(t *testing.T, channel string) bus.Bus {
			return faults[name].bus(channels(t, channel))
		}})
		return
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestFaults$/^"+fault.failed+"$", "-test.v")
			cmd.Env = append(os.Environ(), faultVariable+"="+name)
			output, err := cmd.CombinedOutput()
			if want := "--- FAIL: TestFaults/" + fault.failed; err == nil || !strings.Contains(string(output), want) {
				t.Errorf("the tests end with %v, and do not say %q:\n%s", err, want, output)
			}
		})
	}
}
