package lambda

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// A registration is the result of registering an internal extension. The
// platform sends SIGTERM only to functions with an extension.
type registration struct {
	done chan struct{} // closed when the fields below are set
	id   string
	err  error
}

// begin registers the extension and asks for the first invocation. After that
// the platform does not accept extensions any more.
func (r *runtime) begin(c *connection, reg *registration) (*invocation, error) {
	resp, err := c.ask(r.registering(), nil, c.long)
	if err == nil {
		reg.id, err = identifier(resp)
		c.done(resp)
	}
	if reg.err = err; err != nil {
		reg.err = fmt.Errorf("register an extension: %w", err)
	}
	close(reg.done)
	return r.take(c)
}

// registering returns the request that registers the extension.
func (r *runtime) registering() []byte {
	const body = `{"events":[]}`
	head := r.head("POST", "/2020-01-01/extension/register")
	head = append(head, "Lambda-Extension-Name: mcpengine\r\n"...)
	return append(withBody(head, len(body)), body...)
}

// identifier returns the identifier of the extension.
func identifier(resp *http.Response) (string, error) {
	id := resp.Header.Get("Lambda-Extension-Identifier")
	if resp.StatusCode != http.StatusOK || id == "" {
		return "", unexpected(resp)
	}
	return id, nil
}

// extend keeps the extension until ctx is done or the process gets SIGTERM or
// SIGINT.
//
// It asks for signals only after the registration, because the platform sends
// none before that. Asking for them starts two threads, and the start of the
// process need not wait for those.
func (r *runtime) extend(ctx context.Context, reg *registration) {
	select {
	case <-reg.done:
	case <-ctx.Done():
		return
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := reg.err
	if err == nil {
		c := &connection{address: r.address}
		defer c.close()
		defer context.AfterFunc(ctx, c.stop)()
		err = r.rest(c, reg.id)
	}
	if err != nil && ctx.Err() == nil {
		r.adapter.config.Logger.LogAttrs(ctx, slog.LevelWarn, "SIGTERM may not come, and with it no clean-up", slog.Any("error", err))
	}
	<-ctx.Done()
}

// rest asks for the next event, which tells the platform that the extension is
// ready. An extension that listens to no events waits until it is stopped.
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

// unexpected describes an unexpected response.
func unexpected(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, 512))
	if err != nil {
		return fmt.Errorf("the platform answers %s", resp.Status)
	}
	return fmt.Errorf("the platform answers %s %q", resp.Status, text)
}
