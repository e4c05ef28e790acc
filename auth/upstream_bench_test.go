package auth_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/auth"
)

// BenchmarkUpstream is a token that was asked for before.
func BenchmarkUpstream(b *testing.B) {
	r := upstreamResource(b, newAPI("orders"))
	ctx := caller(b, r, "alice-"+strings.Repeat("t", 1000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := auth.Upstream(ctx, "orders"); err != nil {
			b.Fatal(err)
		}
	}
}
