package bridge

import (
	"fmt"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A subscription to a resource covers the resource, however its URI is spelled,
// and its parts, and no other resource.
func TestFilterWants(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		subscribed, updated string
		want                bool
	}{
		{"board://messages/1", "board://messages/1", true},
		{"board://messages/1", "board://messages/%31", true},
		{"board://messages/%31", "board://messages/1", true},
		{"BOARD://messages/1", "board://messages/1", true},
		{"board://messages/a%2fb", "board://messages/a%2Fb", true},
		{"board://messages/1", "board://messages/1/replies", true},
		{"board://messages/", "board://messages/1", true},
		{"board://messages/1", "board://messages/1#part", true},
		{"board://messages/1", "board://messages/12", false},
		{"board://messages/1", "board://messages/2", false},
		{"board://messages/1/replies", "board://messages/1", false},
	} {
		f := filter{resources: []string{test.subscribed}}
		n := jsonrpc.Notification{Method: "notifications/resources/updated", Params: fmt.Appendf(nil, `{"uri":%q}`, test.updated)}
		if got := f.wants(n); got != test.want {
			t.Errorf("a subscription to %s wants %s: %v, want %v", test.subscribed, test.updated, got, test.want)
		}
	}
}
