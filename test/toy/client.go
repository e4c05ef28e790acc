package toy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mcpengine/mcpengine/client"
)

// Client makes a client declare the extension, follow its results and receive its
// counters.
func Client(settings Settings, changed func(Counter)) client.Option {
	return client.WithOptions(
		client.WithExtension(ID, settings),
		client.WithResultType(ResultType, follow),
		client.WithNotificationHandler(Notification, func(params json.RawMessage) {
			var c Counter
			if json.Unmarshal(params, &c) == nil {
				changed(c)
			}
		}),
	)
}

// follow asks for the counter that is the result.
func follow(ctx context.Context, f client.Followed) (json.RawMessage, error) {
	var counting Counting
	if err := json.Unmarshal(f.Result, &counting); err != nil {
		return nil, fmt.Errorf("read a counting result: %w", err)
	}
	c, err := Get(ctx, f.Client, counting.Name, f.Options...)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%s was called %d times", c.Name, c.Value)
	return json.Marshal(map[string]any{"content": []map[string]string{{"type": "text", "text": text}}})
}

// Get returns a counter of the server.
func Get(ctx context.Context, c *client.Client, name string, opts ...client.CallOption) (Counter, error) {
	opts = append([]client.CallOption{client.WithMirror(name), client.Idempotent()}, opts...)
	return client.Do[Counter](ctx, c, MethodGet, Named{name}, opts...)
}

// Add adds to a counter of the server.
func Add(ctx context.Context, c *client.Client, name string, by int, opts ...client.CallOption) (Counter, error) {
	return client.Do[Counter](ctx, c, MethodAdd, Step{name, by}, append([]client.CallOption{client.WithMirror(name)}, opts...)...)
}

// Watch calls changed with the values of a counter, the present one first, until
// ctx ends.
func Watch(ctx context.Context, c *client.Client, name string, changed func(Counter), opts ...client.CallOption) error {
	opts = append([]client.CallOption{client.Lasting(), client.WithNotifications(func(_ string, params json.RawMessage) {
		var c Counter
		if json.Unmarshal(params, &c) == nil {
			changed(c)
		}
	})}, opts...)
	_, err := client.Do[struct{}](ctx, c, MethodWatch, Named{name}, opts...)
	return err
}
