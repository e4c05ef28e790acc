package otelmcp

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A value that is cut stays UTF-8: OTLP does not encode any other text, and the
// whole batch would be lost.
func TestBounded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"short", strings.Repeat("é", maxValue), strings.Repeat("a", maxValue-1) + "é", "a" + strings.Repeat("🌧", maxValue)} {
		got := bounded(text, maxValue)
		if !utf8.ValidString(got) || len(got) > maxValue || !strings.HasPrefix(text, got) {
			t.Errorf("bounded(%.8q…) has %d bytes, UTF-8: %v", text, len(got), utf8.ValidString(got))
		}
	}
}
