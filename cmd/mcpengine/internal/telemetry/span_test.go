package telemetry

import (
	"strings"
	"testing"
)

const validParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// What is not a trace context begins a trace of its own.
func TestParseContext(t *testing.T) {
	t.Parallel()
	for text, valid := range map[string]bool{
		validParent: true,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00":      true,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more": true, // a version to come
		validParent + "-more": false,
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": false,
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01": false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz": false,
		"00-zz-zz-01": false, "": false, "-": false, strings.Repeat("0-", 10_000): false,
		validParent + strings.Repeat("0", 10_000): false,
	} {
		c := parseContext(text, "a=b")
		if got := c != (spanContext{}); got != valid {
			t.Errorf("%.80q is valid: %t, want %t", text, got, valid)
		}
		if valid && strings.HasPrefix(text, "00") && c.meta()["traceparent"] != text {
			t.Errorf("%s becomes %s", text, c.meta()["traceparent"])
		}
	}
	if c := parseContext(validParent, strings.Repeat("a=b,", 2_500)); c.state != "" {
		t.Error("a tracestate of 10 kB is handed on")
	}
}

func FuzzParseContext(f *testing.F) {
	f.Add(validParent, "a=b")
	f.Fuzz(func(t *testing.T, parent, state string) {
		c := parseContext(parent, state)
		if c == (spanContext{}) {
			return
		}
		m := c.meta()
		if again := parseContext(m["traceparent"], m["tracestate"]); again != c {
			t.Errorf("%q becomes %+v and then %+v", parent, c, again)
		}
	})
}

// The sampler decides about traces that begin here, and the parent about others.
func TestSampler(t *testing.T) {
	t.Parallel()
	in, out := parseContext(validParent, ""), parseContext(strings.TrimSuffix(validParent, "1")+"0", "")
	for _, tt := range []struct {
		sampler            string
		root, below, under bool // under a parent that is not exported
	}{
		{"", true, true, false},
		{"always_on", true, true, true},
		{"always_off", false, false, false},
		{"parentbased_always_off", false, true, false},
		{"parentbased_traceidratio 0", false, true, false},
		{"traceidratio 1", true, true, true},
		{"traceidratio 0.5", false, false, false}, // of these ids, by the second half
	} {
		name, arg, _ := strings.Cut(tt.sampler, " ")
		s, err := newSampler(func(variable string) string {
			return map[string]string{"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": arg}[variable]
		})
		if err != nil {
			t.Fatal(err)
		}
		telemetry := &Telemetry{sampler: s}
		for what, of := range map[string]struct {
			parent spanContext
			want   bool
		}{"root": {spanContext{}, tt.root}, "below": {in, tt.below}, "under": {out, tt.under}} {
			if what == "root" && arg == "0.5" {
				continue // by chance
			}
			ctx, span := telemetry.begin(t.Context(), of.parent, kindServer)
			if span.sampled != of.want || parentOf(ctx) != span.spanContext {
				t.Errorf("with %q a span %s is exported: %t", tt.sampler, what, span.sampled)
			}
		}
	}
}
