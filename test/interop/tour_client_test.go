package interop_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

func visitProgress(ctx context.Context, t *testing.T, v *visitor) {
	params := &mcp.CallToolParams{Name: "climb", Meta: mcp.Meta{"progressToken": "ascent"}}
	if _, err := v.CallTool(ctx, params); err != nil {
		t.Fatal(err)
	}
	for step := 1; step <= 3; step++ {
		got := receive(ctx, t, v.progress)
		message := fmt.Sprintf("camp %d", step)
		if v.version < "2025-03-26" { // progress has no message yet
			message = ""
		}
		if got.ProgressToken != "ascent" || got.Progress != float64(step) || got.Total != 3 || got.Message != message {
			t.Errorf("notification %d: %+v", step, got)
		}
	}
}

// visitPing pings in the handshake versions. 2026-07-28 has no ping.
func visitPing(ctx context.Context, t *testing.T, v *visitor) {
	if v.version == wire.Version {
		return
	}
	if err := v.Ping(ctx, nil); err != nil {
		t.Error(err)
	}
}

// visitLogging asks for warnings: for the session in the handshake versions,
// for the request in 2026-07-28.
//
//nolint:staticcheck // deprecated is not gone: the features are tested as long as they are there
func visitLogging(ctx context.Context, t *testing.T, v *visitor) {
	params := &mcp.CallToolParams{Name: "complain"}
	if v.version < wire.Version {
		if err := v.SetLoggingLevel(ctx, &mcp.SetLoggingLevelParams{Level: "warning"}); err != nil {
			t.Fatal(err)
		}
	} else {
		params.Meta = mcp.Meta{"io.modelcontextprotocol/logLevel": "warning"}
	}
	if _, err := v.CallTool(ctx, params); err != nil {
		t.Fatal(err)
	}
	got := receive(ctx, t, v.logs)
	if got.Level != "warning" || got.Logger != "fixture" || got.Data != "a complaint" {
		t.Errorf("log message %+v", got)
	}
}

// visitElicitation lets the client answer a request of the server. In
// 2026-07-28 the client answers an input_required result and sends the call
// again (mrtr).
func visitElicitation(ctx context.Context, t *testing.T, v *visitor) {
	if v.version < "2025-06-18" { // there is no elicitation yet
		v.refused(ctx, t, "sign_up")
		return
	}
	if got := v.text(ctx, t, "sign_up", nil); got != "signed up ada" {
		t.Errorf("sign_up = %q", got)
	}
	if got := receive(ctx, t, v.asked); got.Message != "Your GitHub user name?" || got.RequestedSchema == nil {
		t.Errorf("the user was asked %+v", got)
	}
}

func visitElicitationByURL(ctx context.Context, t *testing.T, v *visitor) {
	if v.version < "2025-11-25" { // elicitation has no URLs yet
		v.refused(ctx, t, "sign_in")
		return
	}
	if got := v.text(ctx, t, "sign_in", nil); got != "signed in" {
		t.Errorf("sign_in = %q", got)
	}
	if got := receive(ctx, t, v.asked); got.Mode != "url" || got.URL != "https://login.example/start" {
		t.Errorf("the user was asked %+v", got)
	}
}

func visitSampling(ctx context.Context, t *testing.T, v *visitor) {
	if got := v.text(ctx, t, "ask_model", nil); got != "oracle says Paris" {
		t.Errorf("ask_model = %q", got)
	}
}

func visitRoots(ctx context.Context, t *testing.T, v *visitor) {
	if got := v.text(ctx, t, "list_roots", nil); got != "file:///home/ada" {
		t.Errorf("list_roots = %q", got)
	}
}

// visitCancellation cancels a call once its handler runs, and asks the server
// whether the handler's context was cancelled.
func visitCancellation(ctx context.Context, t *testing.T, v *visitor) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := v.CallTool(waiting, &mcp.CallToolParams{Name: "wait", Meta: mcp.Meta{"progressToken": "wait"}})
		ended <- err
	}()
	receive(ctx, t, v.progress)
	cancel()
	if err := receive(ctx, t, ended); err == nil {
		t.Error("the cancelled call succeeds")
	}
	if got := v.text(ctx, t, "wait_cancelled", nil); got != "cancelled" {
		t.Errorf("wait_cancelled = %q", got)
	}
}

func visitSubscription(ctx context.Context, t *testing.T, v *visitor) {
	if err := v.Subscribe(ctx, &mcp.SubscribeParams{URI: "note://welcome"}); err != nil {
		t.Fatal(err)
	}
	// In 2026-07-28 the client does not wait for the acknowledgement, and is not
	// notified of changes before the server has the subscription.
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for received := false; !received; {
		if got := v.text(ctx, t, "touch", nil); got != "touched" {
			t.Fatalf("touch = %q", got)
		}
		select {
		case got := <-v.updated:
			if received = true; got != "note://welcome" {
				t.Errorf("updated %q, want note://welcome", got)
			}
		case <-again.C:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	if err := v.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: "note://welcome"}); err != nil {
		t.Error(err)
	}
}

func visitListChanged(ctx context.Context, t *testing.T, v *visitor) {
	if got := v.text(ctx, t, "learn", nil); got != "learned" {
		t.Fatalf("learn = %q", got)
	}
	receive(ctx, t, v.changed)
	if got := v.text(ctx, t, "new_trick", nil); got != "ta-da" {
		t.Errorf("new_trick = %q", got)
	}
}

// refused calls a tool that asks what the client cannot answer.
func (v *visitor) refused(ctx context.Context, t *testing.T, tool string) {
	t.Helper()
	result, err := v.CallTool(ctx, &mcp.CallToolParams{Name: tool})
	var refusal *jsonrpc.Error
	if !errors.As(err, &refusal) || refusal.Code != jsonrpc.CodeInvalidParams {
		t.Errorf("%s = %+v, %v, want error %d", tool, result, err, jsonrpc.CodeInvalidParams)
	}
}
