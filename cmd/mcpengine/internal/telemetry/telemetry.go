package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// stopTimeout bounds the export of the last spans: hosts kill a bridge 2 seconds after
// they told it to stop, and it may have used most of them.
const stopTimeout = 300 * time.Millisecond

// A Telemetry makes spans and exports them. Nil does nothing.
type Telemetry struct {
	sampler sampler
	batch   *batch
}

// Start returns the telemetry that the environment asks for, and nil when it asks for
// none: OTEL_TRACES_EXPORTER=otlp turns it on. A configuration that does not work is
// logged, and no error: a relay works without telemetry. So is the first export that
// fails; the next ones are logged at the level debug.
func Start(ctx context.Context, getenv func(string) string, logger *slog.Logger) *Telemetry {
	switch kind := getenv("OTEL_TRACES_EXPORTER"); {
	case kind == "" || kind == "none" || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true"):
		return nil
	case kind != "otlp":
		logger.WarnContext(ctx, "no spans are exported", "error", fmt.Sprintf("OTEL_TRACES_EXPORTER is %q: use otlp or none", kind))
		return nil
	}
	s, err := newSampler(getenv)
	if err == nil {
		var e *exporter
		if e, err = newExporter(getenv); err == nil {
			return &Telemetry{s, newBatch(e, logger)}
		}
	}
	logger.WarnContext(ctx, "no spans are exported", "error", err)
	return nil
}

// Observe makes a relay tell of the requests on both sides of it.
func (t *Telemetry) Observe(config *bridge.Config) {
	if t == nil {
		return
	}
	config.Observer = t.received
	config.Peer.Observer = t.sent
	config.Questions = t.question
}

// Stop exports the spans that are left. It takes stopTimeout at most.
func (t *Telemetry) Stop() {
	if t != nil {
		t.batch.stop(stopTimeout)
	}
}

// A sampler decides which traces are exported.
type sampler struct {
	parent bool   // the decision of the parent counts, if there is one
	bound  uint64 // of the last 8 bytes of the ids of traces that are exported
}

// newSampler reads OTEL_TRACES_SAMPLER. The default, as in OpenTelemetry, is to export
// everything that a parent does not exclude.
func newSampler(getenv func(string) string) (sampler, error) {
	name := cmp.Or(getenv("OTEL_TRACES_SAMPLER"), "parentbased_always_on")
	kind, parent := strings.CutPrefix(name, "parentbased_")
	switch kind {
	case "always_on":
		return sampler{parent, math.MaxUint64}, nil
	case "always_off":
		return sampler{parent, 0}, nil
	case "traceidratio":
		text := cmp.Or(getenv("OTEL_TRACES_SAMPLER_ARG"), "1")
		ratio, err := strconv.ParseFloat(text, 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) {
			return sampler{}, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q: use a number from 0 to 1", text)
		}
		if ratio == 1 {
			return sampler{parent, math.MaxUint64}, nil
		}
		return sampler{parent, uint64(ratio * math.MaxUint64)}, nil
	}
	return sampler{}, fmt.Errorf("OTEL_TRACES_SAMPLER is %q: use always_on, always_off, traceidratio, or one of them with parentbased_ before it", name)
}

// resourceOf returns the attributes of the program.
func resourceOf(getenv func(string) string) []attribute {
	all := []attribute{{"telemetry.sdk.language", "go"}, {"telemetry.sdk.name", "mcpengine"}}
	service := cmp.Or(getenv("OTEL_SERVICE_NAME"), "mcpengine")
	for pair := range strings.SplitSeq(getenv("OTEL_RESOURCE_ATTRIBUTES"), ",") {
		key, value, ok := strings.Cut(pair, "=")
		text, err := url.PathUnescape(strings.TrimSpace(value))
		switch key = strings.TrimSpace(key); {
		case !ok || err != nil || key == "":
		case key == "service.name" && getenv("OTEL_SERVICE_NAME") == "":
			service = text
		case key != "service.name":
			all = append(all, attribute{key, text})
		}
	}
	return append(all, attribute{"service.name", service})
}
