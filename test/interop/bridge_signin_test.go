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
	u := newBridgeUser(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()

	// Hosts start at once, each with a bridge of its own: one opens a tab of the
	// browser, and the others wait.
	versions := []string{"2025-11-25", wire.Version, "2025-06-18", wire.Version}
	worked := make(chan error)
	for _, version := range versions {
		go func() { worked <- u.work(ctx, version, 5) }()
	}
	for range versions {
		if err := <-worked; err != nil {
			t.Error(err)
		}
	}
	u.signedIn(t, 1)

	// A bridge that starts later renews the token.
	if err := u.work(ctx, "2025-11-25", 1); err != nil {
		t.Error(err)
	}
	u.signedIn(t, 1)

	// If the token cannot be renewed, the person signs in again: for a bridge that
	// starts, and for a bridge that runs.
	u.provider.RevokeRefreshTokens()
	h, err := u.start(ctx, wire.Version)
	if err != nil {
		t.Fatal(err)
	}
	if err := postMessage(ctx, h); err != nil {
		t.Error(err)
	}
	u.signedIn(t, 2)
	u.provider.RevokeRefreshTokens()
	if err := postMessage(ctx, h); err != nil {
		t.Error(err)
	}
	u.signedIn(t, 3)
	if err := h.stop(ctx); err != nil {
		t.Error(err)
	}
}

// TestBridgeSignInRefused has a person refuse to sign in, and agree later.
func TestBridgeSignInRefused(t *testing.T) {
	t.Parallel()
	u := newBridgeUser(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	u.refuse(true)
	u.fails(ctx, t)
	u.signedIn(t, 1) // asked once, and not for each request
	u.refuse(false)
	if err := u.work(ctx, wire.Version, 1); err != nil {
		t.Error(err)
	}
	u.signedIn(t, 2)
}

// TestBridgeSignInWithoutProvider signs in while the provider is down.
func TestBridgeSignInWithoutProvider(t *testing.T) {
	t.Parallel()
	u := newBridgeUser(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	u.provider.Kill()
	u.fails(ctx, t)
	u.signedIn(t, 0)
}

// fails sends requests that cannot be answered. It checks that each gets an
// error, and checks the exit code.
func (u *bridgeUser) fails(ctx context.Context, t *testing.T) {
	t.Helper()
	h, err := u.start(ctx, wire.Version)
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

func (u *bridgeUser) start(ctx context.Context, version string) (*rawHost, error) {
	h, err := startRawHost(ctx, version, u.program, "board", u.env...)
	if err != nil {
		return nil, err
	}
	if err := h.begin(ctx); err != nil {
		return nil, errors.Join(err, h.stop(ctx))
	}
	return h, nil
}

// work posts messages with a bridge of its own. It sends all requests at once,
// and each has to get exactly one response.
func (u *bridgeUser) work(ctx context.Context, version string, messages int) error {
	h, err := u.start(ctx, version)
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

// postMessage posts a message, and checks that the board has it under the
// person's name.
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
