package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A witness observes both sides of a bridge.
type witness struct {
	mu       sync.Mutex
	received []string // method, version and outcome of each request of the host
	sent     []string // method of each request to the server, and of the host's behind it
	asked    []string // what is known of each question, and its answer
}

type behindKey struct{}

func (w *witness) note(list *[]string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, text)
}

func (w *witness) config() (config bridge.Config) {
	config.Observer = func(ctx context.Context, r bridge.Received) (context.Context, func([]byte, *jsonrpc.Error)) {
		method := strings.Clone(r.Method)
		return context.WithValue(ctx, behindKey{}, method), func(result []byte, err *jsonrpc.Error) {
			outcome := "result"
			if err != nil {
				outcome = fmt.Sprint(err.Code)
			}
			w.note(&w.received, fmt.Sprintf("%s in %s: %s", method, r.Version, outcome))
		}
	}
	config.Peer.Observer = func(ctx context.Context, sent *peer.Sent) (context.Context, func([]byte, error)) {
		behind, _ := ctx.Value(behindKey{}).(string)
		w.note(&w.sent, sent.Method+" for "+behind)
		sent.Meta = map[string]string{"traceparent": "the bridge's"}
		return ctx, nil
	}
	config.Questions = func(ctx context.Context, q *bridge.Question) (context.Context, func([]byte, error)) {
		behind, _ := ctx.Value(behindKey{}).(string)
		q.Meta = map[string]string{"traceparent": "the bridge's"}
		return ctx, func(answer []byte, err error) {
			w.note(&w.asked, fmt.Sprintf("%s for %s, id: %t in %s, host's id: %t in %s, answered: %t",
				q.Method, behind, q.ID != "", q.Version, q.HostID != "", q.HostVersion, len(answer) > 0 && err == nil))
		}
	}
	return config
}

// The observers of a bridge are told of each request of the host, of each request
// to the server, which has the context of the host's request, also when the server
// goes on with it while the host is asked, and of each question of the server.
func TestObserver(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		var w witness
		h := p.openWith(t, newEngine(), w.config())
		h.call(p.host, "1", "ask", `{}`)
		h.send(request(p.host, "2", "no/such", ""))
		h.response("2")
		if err := h.close(); err != nil {
			t.Error(err)
		}
		for _, want := range []string{"tools/call in " + p.host + ": result", "no/such in " + p.host + ": -32601"} {
			if !slices.Contains(w.received, want) {
				t.Errorf("the observer was told of %q, want %q among it", w.received, want)
			}
		}
		if want := "tools/call for tools/call"; !slices.Contains(w.sent, want) {
			t.Errorf("the observer of the connection was told of %q, want %q among it", w.sent, want)
		}
		if p.host == latest && p.server == latest {
			if len(w.asked) > 0 {
				t.Errorf("the observer of questions was told of %q, which the bridge hands on in a result", w.asked)
			}
			return
		}
		asks, hostVersion := p.server, p.host
		if asks == "sse" {
			asks = previous // as the fixture's server
		}
		if p.host == latest {
			hostVersion = "" // it is not asked by request
		}
		want := fmt.Sprintf("elicitation/create for tools/call, id: %t in %s, host's id: %t in %s, answered: true",
			p.server != latest, asks, p.host != latest, hostVersion)
		if !slices.Contains(w.asked, want) {
			t.Errorf("the observer of questions was told of %q, want %q among it", w.asked, want)
		}
	})
}

// The trace context of a host reaches the server. Where the bridge has a span of its
// own, the bridge's takes its place.
func TestTraceContext(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{latest, latest}, {latest, previous}, {previous, latest}, {previous, previous}} {
		for _, observed := range []bool{false, true} {
			t.Run(fmt.Sprint(p, observed), func(t *testing.T) {
				t.Parallel()
				s := newFake(t, p.server)
				s.answer("tools/call", `{"resultType":"complete","content":[]}`)
				config, want := bridge.Config{}, "the host's"
				if observed {
					config, want = new(witness).config(), "the bridge's"
				}
				config.URL, config.Peer.Versions = s.url, []string{p.server}
				h := newHost(t, config)
				h.begin(p.host)
				call := request(p.host, "1", "tools/call", `"name":"echo","arguments":{}`)
				if p.host == latest {
					call = strings.Replace(call, `"_meta":{`, `"_meta":{"traceparent":"the host's",`, 1)
				} else {
					call = strings.Replace(call, `"params":{`, `"params":{"_meta":{"traceparent":"the host's"},`, 1)
				}
				h.send(call)
				h.result("1")
				got := s.last("tools/call")
				if !strings.Contains(got, fmt.Sprintf(`"traceparent":%q`, want)) || strings.Count(got, "traceparent") != 1 {
					t.Errorf("the server received %s, want the traceparent %q once", got, want)
				}
			})
		}
	}
}
