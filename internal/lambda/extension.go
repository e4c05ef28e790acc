package lambda

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// extend registers an internal extension, which is how a function asks for
// SIGTERM, and keeps it until ctx is done. It closes registered as soon as that
// has succeeded or failed: the platform takes no extensions any more after it
// was first asked for an invocation.
func (r *runtime) extend(ctx context.Context, registered chan<- struct{}) {
	c := &connection{address: r.address}
	defer c.close()
	defer context.AfterFunc(ctx, c.stop)()
	id, err := r.register(c)
	close(registered)
	if err == nil {
		err = r.rest(c, id)
	}
	if err != nil && ctx.Err() == nil {
		r.adapter.config.Logger.LogAttrs(ctx, slog.LevelWarn, "SIGTERM may not come, and with it no clean-up", slog.Any("error", err))
	}
}

// register returns the identifier of the extension.
func (r *runtime) register(c *connection) (string, error) {
	const body = `{"events":[]}`
	head := r.head("POST", "/2020-01-01/extension/register")
	head = append(head, "Lambda-Extension-Name: mcpengine\r\n"...)
	resp, err := c.ask(withBody(head, len(body)), []byte(body), c.long)
	if err != nil {
		return "", fmt.Errorf("register an extension: %w", err)
	}
	defer c.done(resp)
	id := resp.Header.Get("Lambda-Extension-Identifier")
	if resp.StatusCode != http.StatusOK || id == "" {
		return "", fmt.Errorf("register an extension: %w", unexpected(resp))
	}
	return id, nil
}

// rest asks for the next event, which tells the platform that the extension is
// ready. Without events to listen to it waits for ever.
func (r *runtime) rest(c *connection, id string) error {
	head := r.head("GET", "/2020-01-01/extension/event/next")
	head = append(head, "Lambda-Extension-Identifier: "+id+"\r\n\r\n"...)
	resp, err := c.ask(head, nil, c.long)
	if err != nil {
		return fmt.Errorf("wait as an extension: %w", err)
	}
	defer c.done(resp)
	return fmt.Errorf("wait as an extension: %w", unexpected(resp))
}

// unexpected describes a response that has no business to be there.
func unexpected(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, 512))
	if err != nil {
		return fmt.Errorf("the platform answers %s", resp.Status)
	}
	return fmt.Errorf("the platform answers %s %q", resp.Status, text)
}
