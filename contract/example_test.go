package contract_test

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A test of a server compares it with the lock file beside it. Here the lock is
// read of an earlier build.
func ExampleCompare() {
	build := func(addTools func(*mcpengine.Engine)) *contract.Lock {
		e := mcpengine.New("weather")
		addTools(e)
		lock, err := contract.Read(context.Background(), mcptest.New(e))
		if err != nil {
			panic(err)
		}
		return lock
	}
	type city struct {
		City string `json:"city"`
	}
	type cityAndDays struct {
		City string `json:"city"`
		Days int    `json:"days"`
	}
	before := build(func(e *mcpengine.Engine) {
		mcpengine.AddTool(e, "get_weather", "Return the weather.", func(context.Context, city) (string, error) { return "sunny", nil })
	})
	after := build(func(e *mcpengine.Engine) {
		mcpengine.AddTool(e, "get_weather", "Return the weather.", func(context.Context, cityAndDays) (string, error) { return "sunny", nil })
	})
	changes := contract.Compare(before, after)
	fmt.Print(changes.Text())
	fmt.Println(changes.Worst() >= contract.Breaking)
	// Output:
	// breaking    tool get_weather: new required argument "days" at /inputSchema/properties/days
	// true
}
