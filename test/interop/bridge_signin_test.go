package interop_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// TestBridgeSignIn has a person sign in, in the browser, through the bridge.
func TestBridgeSignIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()

	// Two hosts start at once, and each has its bridge.
	both := make(chan error)
	for _, version := range []string{"2025-11-25", wire.Version} {
		go func() { both <- d.work(ctx, version, 10) }()
	}
	if err := errors.Join(<-both, <-both); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 1)

	// The next day a bridge renews what there is.
	if err := d.work(ctx, "2025-11-25", 1); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 1)

	// What cannot be renewed is asked for again: by a bridge that starts, and by
	// one under way.
	d.provider.RevokeRefreshTokens()
	h, err := d.start(ctx, wire.Version)
	if err != nil {
		t.Fatal(err)
	}
	if err := postMessage(ctx, h); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 2)
	d.provider.RevokeRefreshTokens()
	if err := postMessage(ctx, h); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 3)
	if err := h.stop(ctx); err != nil {
		t.Error(err)
	}
}

// TestBridgeSignInRefused has a person say no, and later yes.
func TestBridgeSignInRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	d.refuse(true)
	d.fails(ctx, t)
	d.signedIn(t, 1) // asked once, and not for each request
	d.refuse(false)
	if err := d.work(ctx, wire.Version, 1); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 2)
}

// TestBridgeSignInWithoutProvider has nobody who could vouch for the person.
func TestBridgeSignInWithoutProvider(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	d.provider.Kill()
	d.fails(ctx, t)
	d.signedIn(t, 0)
}

// fails sends requests that cannot be answered, and wants an error to each, and
// the exit code for it.
func (d *desk) fails(ctx context.Context, t *testing.T) {
	t.Helper()
	h, err := d.start(ctx, wire.Version)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := h.send("tools/call", message(), nil); err != nil {
			t.Fatal(err)
		}
	}
	for id := range h.wanted {
		if _, err := h.response(ctx, id); err == nil || !strings.Contains(err.Error(), "error -32603") {
			t.Errorf("the response is %v, want an error", err)
		}
	}
	err = h.stop(ctx)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 {
		t.Errorf("the bridge: %v, want exit code 3", err)
	}
	for id := range h.wanted {
		if h.responses[id] != 1 {
			t.Errorf("%d responses, want 1", h.responses[id])
		}
	}
}

func (d *desk) start(ctx context.Context, version string) (*rawHost, error) {
	h, err := startRawHost(ctx, version, d.program, "board", d.env...)
	if err != nil {
		return nil, err
	}
	if err := h.begin(ctx); err != nil {
		return nil, errors.Join(err, h.stop(ctx))
	}
	return h, nil
}

// work posts messages with a bridge of its own. All requests are sent at once,
// and each has to have its one response.
func (d *desk) work(ctx context.Context, version string, messages int) error {
	h, err := d.start(ctx, version)
	if err != nil {
		return err
	}
	ids := make([]string, messages)
	for i := range ids {
		if ids[i], err = h.send("tools/call", message(), nil); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if _, err := h.response(ctx, id); err != nil {
			return errors.Join(err, h.stop(ctx))
		}
	}
	return errors.Join(postMessage(ctx, h), h.stop(ctx))
}

func message() map[string]any {
	return map[string]any{"name": "post_message", "arguments": map[string]any{"text": "hello"}}
}

// postMessage wants the board to have the message under the person's name.
func postMessage(ctx context.Context, h *rawHost) error {
	if _, err := h.call(ctx, "post_message", map[string]any{"text": "hello"}, nil); err != nil {
		return err
	}
	board, err := h.call(ctx, "get_messages", map[string]any{}, nil)
	if err != nil {
		return err
	}
	if !strings.Contains(board, "alice") {
		return fmt.Errorf("the board is %s", board)
	}
	return nil
}
