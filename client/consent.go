package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// notificationsElicitationComplete is of 2025-11-25 only.
const notificationsElicitationComplete = "notifications/elicitation/complete"

const (
	// maxCompletions bounds the completions that are remembered, and
	// maxElicitationID the length of each.
	maxCompletions   = 64
	maxElicitationID = 256
)

// A URLElicitationRequiredError is the answer of a server of 2025-11-25 to a
// request that has to wait until the user has opened pages (2025-11-25,
// elicitation, "URL Elicitation Required Error"). It wraps the [*mcp.Error].
// With an ElicitURL among the [Handlers] the client asks for consent, waits
// until the server says that all is done, and sends the request once more. A
// call ends with this error if the user declines, if the server is silent for
// longer than the IdleTimeout of [Limits], or if it requires more pages after
// that.
type URLElicitationRequiredError struct {
	Elicitations []RequiredURLElicitation
	err          *mcp.Error
}

// A RequiredURLElicitation is a page that has to be opened first.
type RequiredURLElicitation struct {
	mcp.ElicitRequestURLParams
	ElicitationID string `json:"elicitationId"`
}

// Error returns the message with its code.
func (e *URLElicitationRequiredError) Error() string { return e.err.Error() }

// Unwrap returns the [*mcp.Error].
func (e *URLElicitationRequiredError) Unwrap() error { return e.err }

// required returns the elicitations that an error requires. It returns nil for
// another error and for a malformed one.
func required(err *mcp.Error) *URLElicitationRequiredError {
	if err.Code != mcp.CodeURLElicitationRequired {
		return nil
	}
	var data struct {
		Elicitations []RequiredURLElicitation `json:"elicitations"`
	}
	if json.Unmarshal(err.Data, &data) != nil || len(data.Elicitations) == 0 || len(data.Elicitations) > maxInputs {
		return nil
	}
	for _, e := range data.Elicitations {
		if e.Mode != mcp.ElicitModeURL || e.URL == "" || e.ElicitationID == "" || len(e.ElicitationID) > maxElicitationID {
			return nil
		}
	}
	return &URLElicitationRequiredError{Elicitations: data.Elicitations, err: err}
}

// do sends the request, and once more when pages had to be opened first.
func (c *Client) do(ctx context.Context, r *request) (result []byte, rounds int, err error) {
	result, rounds, err = c.send(ctx, r)
	e, ok := errors.AsType[*URLElicitationRequiredError](err)
	if !ok || c.config.handlers.ElicitURL == nil || !c.conn.Handshake() {
		return result, rounds, err
	}
	if err := c.consent(ctx, e); err != nil {
		return nil, rounds, err
	}
	return c.send(ctx, r)
}

// consent asks for every page, and returns when the server says that all is done.
func (c *Client) consent(ctx context.Context, required *URLElicitationRequiredError) error {
	for _, e := range required.Elicitations {
		result, err := c.config.handlers.ElicitURL(ctx, e.ElicitRequestURLParams)
		switch {
		case err != nil:
			return fmt.Errorf("answer the elicitation of a URL: %w", err)
		case result.Action != mcp.ElicitActionAccept:
			return fmt.Errorf("the elicitation of a URL was answered with %q: %w", result.Action, required)
		}
	}
	var late <-chan time.Time
	if limit := c.config.limits.IdleTimeout; limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	for _, e := range required.Elicitations {
		for {
			done, more := c.completions.has(e.ElicitationID)
			if done {
				break
			}
			select {
			case <-more:
			case <-late:
				return fmt.Errorf("wait for the elicitation of a URL: %w: %w", ErrIdle, required)
			case <-c.conn.Done():
				return ErrClosed
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// A completions remembers the last elicitations that the server reported
// complete, because the report may come before the error that names the
// elicitation. Its zero value is ready to use.
type completions struct {
	mu   sync.Mutex
	ids  []string
	more chan struct{} // closed with the next one; nil if has was not called
}

// has reports whether an elicitation is complete, and returns a channel that is
// closed when another one is.
func (c *completions) has(id string) (bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more == nil {
		c.more = make(chan struct{})
	}
	return slices.Contains(c.ids, id), c.more
}

func (c *completions) add(n jsonrpc.Notification) {
	var p struct {
		ElicitationID string `json:"elicitationId"`
	}
	if n.Method != notificationsElicitationComplete || json.Unmarshal(n.Params, &p) != nil || len(p.ElicitationID) > maxElicitationID {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ids) == maxCompletions {
		c.ids = slices.Delete(c.ids, 0, 1)
	}
	c.ids = append(c.ids, p.ElicitationID)
	if c.more != nil {
		close(c.more)
		c.more = nil
	}
}
