package doctor

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// Look asks a server once, and says in at most three lines what it has found: the
// server and its version, what it wants of callers, and how many tools it has. One
// that is away is no error.
func Look(ctx context.Context, t Target, c Config) []string {
	x := newExam(t, c)
	defer x.direct.CloseIdleConnections()
	if !x.reach(ctx) {
		why := "it does not answer"
		for _, f := range x.Findings() {
			if f.Level == Failure {
				why = f.Text
			}
		}
		return []string{"the server cannot be asked now: " + why, "see why with mcpengine doctor " + t.Name + "; what was set up stays"}
	}
	if !x.admit(ctx) {
		return []string{"the server wants credentials", x.credentials(ctx)}
	}
	q, found := listTools(), (*self)(nil)
	end := func() {}
	switch {
	case x.seen.discover.good():
		found = selfOf(x.seen.discover)
	default:
		q.version = protocol.Latest(true, nil, nil)
		r, err := x.ask(ctx, initialize(q.version))
		if err != nil || !r.good() || protocol.Find(selfOf(r).version) == nil {
			if conn, tools, err := x.overSSE(ctx); err == nil {
				defer conn.Close()
				return []string{fmt.Sprintf("found: a server of HTTP+SSE, protocol version %s, %s", conn.Version(), number(len(tools), "tool"))}
			}
			return []string{"what answers at the URL speaks no version of the protocol that this program knows", "see why with mcpengine doctor " + t.Name}
		}
		found = selfOf(r)
		q.version = protocol.Find(found.version)
		if end = x.session(ctx, &q); end == nil {
			end = func() {}
		}
	}
	defer end()
	speaks := q.version.Name
	lines := []string{fmt.Sprintf("found: %s, protocol version %s", found.name, speaks)}
	if x.seen.token {
		lines = append(lines, "it takes the token that is kept")
	} else if !x.hasCredential() {
		lines = append(lines, "it wants no token")
	}
	if tools, _, err := pages(q, func(q request) (*reply, error) { return x.ask(ctx, q) }); err == nil {
		lines[0] += fmt.Sprintf(", %s", number(len(tools), "tool"))
	}
	return lines
}

// credentials says how the client will get a token.
func (x *exam) credentials(ctx context.Context) string {
	if x.has("auth.accepted", Failure) {
		return "it refuses the credentials that it got: see why with mcpengine doctor " + x.Name
	}
	if x.Authorizer == nil {
		return "see which with mcpengine doctor " + x.Name
	}
	how, where := "", ""
	for _, s := range x.Authorizer.Explain(ctx, x.seen.refusal) {
		switch {
		case s.Fault != nil:
			return "signing in will fail: " + s.Decision + "; see mcpengine doctor " + x.Name
		case s.Name == oauth.StepServer:
			where = s.Decision
		case s.Name == oauth.StepRegistration:
			how = s.Decision
		}
	}
	return fmt.Sprintf("sign in at %s (%s), at the first request or with mcpengine auth login %s", where, how, x.Name)
}
