package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	sessionField = "Mcp-Session-Id"
	versionField = "Mcp-Protocol-Version"
	methodField  = "Mcp-Method"
	nameField    = "Mcp-Name"
)

// A self is what a server says of itself.
type self struct {
	name     string
	release  string   // its own version
	offers   []string // capabilities
	versions []string // of server/discover
	version  string   // of initialize
	session  string
}

// protocol examines the versions, the fields, the sessions and the streams of a
// server that lets us in, and its tools.
func (x *exam) protocol(ctx context.Context) {
	var discovered *self
	if r := x.seen.discover; r.good() {
		discovered = selfOf(r)
	}
	if x.mismatch(x.seen.discover) {
		return
	}
	taken, refused := x.handshakes(ctx)
	switch {
	case discovered == nil && len(taken) == 0 && x.sse(ctx):
		return
	case discovered == nil && len(taken) == 0:
		x.fail("version", "no answer in any version: server/discover is answered with %s; initialize with %s", x.seen.discover.says(), refused)
		return
	case discovered == nil:
		x.ok("version", "the server speaks handshake versions alone: %s", strings.Join(sortedVersions(taken), ", "))
	default:
		x.ok("version", "the server speaks %s", strings.Join(discovered.versions, ", "))
	}
	if len(taken) > 0 {
		x.ok("version.handshake", "initialize is answered in %s", strings.Join(sortedVersions(taken), ", "))
	} else {
		x.warn("version.handshake", "the server takes no handshake: %s", refused)
	}
	if discovered != nil {
		x.agreement(discovered, taken)
	}
	side(
		func() { x.headers(ctx, discovered) },
		func() { x.sessions(ctx, taken) },
		func() { x.stream(ctx, discovered) },
		func() { x.tools(ctx, discovered, taken) },
		func() { x.card(ctx, discovered) },
	)
}

func sortedVersions(taken map[string]*self) []string {
	return protocol.Names(func(v *protocol.Version) bool { return taken[v.Name] != nil })
}

// selfOf reads a result of server/discover or initialize.
func selfOf(r *reply) *self {
	var said struct {
		Supported    []string                   `json:"supportedVersions"`
		Version      string                     `json:"protocolVersion"`
		Capabilities map[string]json.RawMessage `json:"capabilities"`
		Info         mcp.Implementation         `json:"serverInfo"`
		Meta         map[string]json.RawMessage `json:"_meta"`
	}
	if json.Unmarshal(r.result, &said) != nil {
		return &self{}
	}
	if info := said.Meta[mcp.MetaServerInfo]; info != nil {
		_ = json.Unmarshal(info, &said.Info) // without it the server has no name
	}
	return &self{
		name: strings.TrimSpace(said.Info.Name + " " + said.Info.Version), release: said.Info.Version, versions: said.Supported, version: said.Version,
		offers: slices.Sorted(maps.Keys(said.Capabilities)), session: r.header.Get(sessionField),
	}
}

// handshakes offers every handshake version, and returns what the server says in
// each that it takes, and its last refusal.
func (x *exam) handshakes(ctx context.Context) (taken map[string]*self, refused string) {
	taken, refused = map[string]*self{}, "no answer"
	var mu sync.Mutex
	var tries []func()
	for _, v := range protocol.Versions() {
		if !v.Handshake {
			continue
		}
		tries = append(tries, func() {
			r, err := x.ask(ctx, initialize(v))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				refused = reason(err)
			case !r.good():
				refused = r.says()
			default:
				s := selfOf(r)
				if s.version == v.Name {
					taken[v.Name] = s
				} else {
					refused = "it answers " + v.Name + " with " + s.version
				}
				if s.session != "" {
					_ = x.end(ctx, v, s.session) // sessions end by themselves too
				}
			}
		})
	}
	side(tries...)
	return taken, refused
}

// initialize is the request that offers a version.
func initialize(v *protocol.Version) request {
	return request{version: v, method: protocol.MethodInitialize, params: fmt.Sprintf(`"protocolVersion":%q,"capabilities":{},"clientInfo":%s`, v.Name, clientInfo)}
}

// end ends a session.
func (x *exam) end(ctx context.Context, v *protocol.Version, id string) error {
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	r, err := x.http(ctx, request{version: v, method: protocol.MethodPing})
	if err != nil {
		return err
	}
	r.Method, r.Body, r.ContentLength = http.MethodDelete, http.NoBody, 0
	r.Header.Set(sessionField, id)
	resp, err := x.send.RoundTrip(r)
	if err != nil {
		return plain(err)
	}
	return resp.Body.Close()
}

// agreement compares what the server says in the two ways.
func (x *exam) agreement(d *self, taken map[string]*self) {
	for _, name := range d.versions {
		if v := protocol.Find(name); v != nil && v.Handshake && taken[name] == nil {
			x.fail("version.agreement", "server/discover lists %s, in which initialize is not answered", name)
			return
		}
	}
	// A list without any handshake version is of the others alone.
	mixed := slices.ContainsFunc(d.versions, func(name string) bool { return protocol.IsKnown(name, true) })
	for name, s := range taken {
		switch {
		case mixed && !slices.Contains(d.versions, name):
			x.warn("version.agreement", "initialize is answered in %s, which server/discover does not list", name)
			return
		case s.name != d.name:
			x.warn("version.agreement", "server/discover names the server %q, and initialize %q", d.name, s.name)
			return
		case !slices.Equal(features(s.offers), features(d.offers)):
			x.warn("version.agreement", "server/discover offers %s, and initialize in %s offers %s", strings.Join(d.offers, ", "), name, strings.Join(s.offers, ", "))
			return
		}
	}
	if len(taken) > 0 {
		x.ok("version.agreement", "server/discover and initialize agree")
	}
}

// features are the capabilities that every version has.
func features(offers []string) []string {
	return slices.DeleteFunc(slices.Clone(offers), func(s string) bool { return s != "tools" && s != "prompts" && s != "resources" })
}

// fieldChecks are the checks of the fields that a refusal may name.
var fieldChecks = map[string]string{versionField: "header.version", methodField: "header.method", nameField: "header.name"}

// mismatch reports whether a reply says that a field does not match the message. We
// sent fields that match, so that something on the way has changed them.
func (x *exam) mismatch(r *reply) bool {
	if r == nil || r.refused == nil || r.refused.Code != mcp.CodeHeaderMismatch {
		return false
	}
	text := strings.ToLower(r.refused.Message)
	for _, field := range []string{versionField, nameField, methodField} {
		if strings.Contains(text, strings.ToLower(field)) {
			x.fail(fieldChecks[field], "%s was sent and did not arrive as it was: %s", field, r.refused.Message)
			return true
		}
	}
	x.fail("header.method", "a field was sent and did not arrive as it was: %s", r.refused.Message)
	return true
}

// headers sends fields that are right, which must arrive, and fields that are wrong,
// which must be refused.
func (x *exam) headers(ctx context.Context, discovered *self) {
	if discovered == nil {
		x.handshakeVersionField(ctx)
		return
	}
	x.ok("header.version", "MCP-Protocol-Version arrives")
	q := discover()
	q.edit = func(h http.Header) { h.Set(methodField, mcp.MethodToolsList) }
	switch r, err := x.ask(ctx, q); {
	case err != nil:
		return
	case r.good():
		x.warn("header.method", "a request whose Mcp-Method differs from its message is answered: the field is lost on the way, or not compared")
	default:
		x.ok("header.method", "Mcp-Method arrives, and is compared with the message")
	}
	// A prompt that nobody has: the fields are compared before it is looked for.
	const nobody = "mcpengine-doctor-has-no-such-prompt"
	q = request{version: stateless(), method: mcp.MethodPromptsGet, params: fmt.Sprintf(`"name":%q`, nobody), edit: func(h http.Header) { h.Set(nameField, nobody) }}
	r, err := x.ask(ctx, q)
	if err == nil && !x.mismatch(r) {
		x.ok("header.name", "Mcp-Name arrives")
	}
}

// handshakeVersionField sends a version that there is not. A server has to refuse it,
// unless the field is lost on the way (transports, "Protocol Version Header").
func (x *exam) handshakeVersionField(ctx context.Context) {
	v := protocol.Latest(true, nil, nil)
	r, err := x.ask(ctx, request{version: v, method: protocol.MethodPing, edit: func(h http.Header) { h.Set(versionField, "1999-12-31") }})
	if err == nil && r.good() {
		x.warn("header.version", "a version that does not exist is taken: the field is lost on the way, or not read")
	}
}
