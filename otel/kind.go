package otelmcp

import (
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A kind is what the requests of one kind have in common: the same method, version
// of the protocol, feature and transport. It is made once for all of them.
type kind struct {
	kindKey
	spanName   string
	attributes []attribute.KeyValue    // of spans and metrics
	named      int                     // how many of them a sampler gets
	start      []trace.SpanStartOption // with those
	record     []metric.RecordOption   // of a request without an error
}

type kindKey struct {
	method, version, feature string
	major, minor             int // of HTTP; 0 for stdio
}

// kinds are the kinds that are known. Features may come and go, so that no more
// than maxKinds are kept.
type kinds struct {
	mu    sync.Mutex
	known atomic.Pointer[map[kindKey]*kind] // never changed in place
}

const maxKinds = 1000

func (k *kinds) find(key kindKey) *kind {
	known := k.known.Load()
	if known != nil {
		if found := (*known)[key]; found != nil {
			return found
		}
	}
	made := newKind(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	if known = k.known.Load(); known == nil {
		known = &map[kindKey]*kind{}
	}
	if len(*known) < maxKinds {
		more := maps.Clone(*known)
		more[key] = made
		k.known.Store(&more)
	}
	return made
}

// kindOf returns the kind of a request. It has names that the server knows alone.
func (t *Telemetry) kindOf(req *mcpengine.Request) *kind {
	key := kindKey{method: methodOf(req), version: req.ProtocolVersion()}
	switch req.Method() {
	case mcp.MethodToolsCall, mcp.MethodPromptsGet:
		key.feature = registered(req)
	}
	if r := req.HTTP(); r != nil {
		key.major, key.minor = r.ProtoMajor, r.ProtoMinor
	}
	return t.kinds.find(key)
}

func newKind(key kindKey) *kind {
	k := &kind{kindKey: key, spanName: key.method}
	k.attributes = []attribute.KeyValue{methodName.String(key.method)}
	switch key.method {
	case mcp.MethodToolsCall:
		k.attributes = append(k.attributes, toolName.String(key.feature))
	case mcp.MethodPromptsGet:
		k.attributes = append(k.attributes, promptName.String(key.feature))
	}
	if key.feature != other {
		k.spanName = spanName(key.method, key.feature)
	}
	k.named = len(k.attributes)
	if key.method == mcp.MethodToolsCall {
		k.attributes = append(k.attributes, operationName.String(executeTool))
	}
	k.attributes = append(append(k.attributes, protocolVersion.String(key.version)), network(key.major, key.minor)...)
	k.start = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(k.attributes[:k.named]...)}
	k.record = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(k.attributes...))}
	return k
}
