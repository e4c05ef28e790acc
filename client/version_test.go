package client_test

import (
	"io"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/client"
)

// An unknown version is an error before any request is sent.
func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	_, err := client.Attach(t.Context(), io.NopCloser(strings.NewReader("")), nil, client.WithProtocolVersion("2026-07-28", "2020-01-01"))
	if err == nil || !strings.Contains(err.Error(), `protocol version "2020-01-01" is not one of [2026-07-28 `) {
		t.Errorf("Attach: %v", err)
	}
}
