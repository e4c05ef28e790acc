package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/mcpengine/mcpengine/internal/protocol"
)

// connections is over how many connections a session is used: with two replicas, all
// of them reach the same one in one case of 256.
const connections = 9

// sessions begins a session and uses it over new connections, which a balancer may
// lead to other replicas.
func (x *exam) sessions(ctx context.Context, taken map[string]*self) {
	v := protocol.Latest(true, nil, sortedVersions(taken))
	if v == nil || len(taken) == 0 {
		return
	}
	first, err := x.ask(ctx, initialize(v))
	if err != nil || !first.good() {
		x.add("session.kept", Failure, "Look into the log of the server.", "initialize was answered before, and is not any more: %s", outcome(first, err))
		return
	}
	id := first.header.Get(sessionField)
	lost, missing, last := 0, 0, ""
	for range connections {
		switch r, err := x.ping(ctx, v, id); {
		case err == nil && r.good():
		case err == nil && r.status == http.StatusBadRequest && saysMissing(r):
			missing, last = missing+1, outcome(r, err)
		default:
			lost, last = lost+1, outcome(r, err)
		}
	}
	switch {
	case id == "" && missing+lost > 0:
		x.fail("header.session", "the server wants a session and the answer to initialize has no Mcp-Session-Id: %s", last)
		return
	case id == "":
		x.ok("session.kept", "the server keeps no sessions")
		return
	case missing == connections:
		x.fail("header.session", "Mcp-Session-Id was sent and did not arrive: %s", last)
		return
	case missing+lost > 0:
		x.fail("session.kept", "%d of %d requests of one session were refused: %s", missing+lost, connections, last)
	default:
		x.ok("session.kept", "a session is known over %d connections", connections)
	}
	x.foreign(ctx, v)
	_ = x.end(ctx, v, id) // it ends by itself too
}

// outcome describes what came of a request that has no result.
func outcome(r *reply, err error) string {
	if err != nil {
		return reason(err)
	}
	return r.says()
}

func saysMissing(r *reply) bool {
	text := strings.ToLower(r.text)
	return strings.Contains(text, "session") && (strings.Contains(text, "missing") || strings.Contains(text, "required") || strings.Contains(text, "no valid session"))
}

func (x *exam) ping(ctx context.Context, v *protocol.Version, id string) (*reply, error) {
	return x.ask(ctx, request{version: v, method: protocol.MethodPing, fresh: true, edit: func(h http.Header) {
		if id != "" {
			h.Set(sessionField, id)
		}
	}})
}

// foreign uses a session that the server has not begun.
func (x *exam) foreign(ctx context.Context, v *protocol.Version) {
	r, err := x.ping(ctx, v, fmt.Sprintf("mcpengine-doctor-%032d", 0))
	switch {
	case err != nil:
	case r.good():
		x.fail("session.foreign", "a session id that the server has not given out is taken")
	case r.status == http.StatusNotFound:
		x.ok("session.foreign", "an unknown session is answered with 404")
	default:
		x.warn("session.foreign", "an unknown session is answered with %d: clients do not begin a new one", r.status)
	}
}
