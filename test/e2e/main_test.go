package e2e_test

import (
	"context"
	"os"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// replicaVariable makes the test binary a server, so that the race detector
// watches the server too.
const replicaVariable = "MCPENGINE_TEST_REPLICA"

func TestMain(m *testing.M) {
	if os.Getenv(replicaVariable) == "" {
		m.Run()
		return
	}
	ctx := context.Background()
	e, err := newConnectedReplica(ctx)
	if err == nil {
		err = e.Run(ctx)
	}
	if err != nil {
		panic(err) // there is no test to fail
	}
}

// newReplica returns the engine of a replica: a tool that answers at once, and
// one that sends progress before.
func newReplica(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("replica", opts...)
	echo := func(_ context.Context, in echoInput) (string, error) { return in.Text, nil }
	mcpengine.AddTool(e, "echo", "Return the text.", echo)
	mcpengine.AddTool(e, "steps", "Return the text step by step.", func(ctx context.Context, in echoInput) (string, error) {
		for i := range 3 {
			mcpengine.Progress(ctx, float64(i), 3, "")
		}
		return in.Text, nil
	})
	return e
}
