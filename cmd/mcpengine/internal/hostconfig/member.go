package hostconfig

import (
	"errors"
	"slices"
	"strings"
)

// This file has the members of entries: of programs, and of remote servers in the
// hosts' own form.

// ofUser are members that an entry gets when it is made, and that belong to the user
// from then on.
var ofUser = []string{"enabled", "timeout", "tools"}

// usualProgram returns the entry that most hosts read.
func usualProgram(p program) []member {
	entry := []member{{"command", p.line[0]}, {"args", p.line[1:]}}
	if len(p.env) > 0 {
		entry = append(entry, member{"env", p.env})
	}
	return entry
}

// typed returns the usual entry with a type before it.
func typed(kind string) func(program) []member {
	return func(p program) []member { return append([]member{{"type", kind}}, usualProgram(p)...) }
}

func copilotProgram(p program) []member {
	return append(typed("local")(p), member{"tools", []string{"*"}})
}

func openCodeProgram(p program) []member {
	entry := []member{{"type", "local"}, {"command", p.line}}
	if len(p.env) > 0 {
		entry = append(entry, member{"environment", p.env})
	}
	return entry
}

func gooseProgram(p program) []member {
	env := p.env
	if env == nil {
		env = map[string]string{}
	}
	return []member{
		{"type", "stdio"},
		{"name", p.name},
		{"enabled", true},
		{"cmd", p.line[0]},
		{"args", p.line[1:]},
		{"envs", env},
		{"timeout", 300},
	}
}

// transport returns the name of the server's transport, where an entry says it.
func (s Server) transport() string {
	if s.Mode == "sse" {
		return "sse"
	}
	return "http"
}

// noOAuth returns an error for a server with a client id or scopes, for which the
// entries of some hosts have no member.
func noOAuth(s Server) error {
	if s.ClientID == "" && len(s.Scopes) == 0 {
		return nil
	}
	return withHint(errors.New("the host's own entry has no place for a client id or scopes"), "leave out --via native: the bridge signs in")
}

func urlEntry(s Server) ([]member, error) { return []member{{"url", s.URL}}, noOAuth(s) }

func serverURLEntry(s Server) ([]member, error) { return []member{{"serverUrl", s.URL}}, noOAuth(s) }

func copilotEntry(s Server) ([]member, error) {
	return []member{{"type", s.transport()}, {"url", s.URL}, {"tools", []string{"*"}}}, noOAuth(s)
}

func devinEntry(s Server) ([]member, error) {
	return []member{{"url", s.URL}, {"transport", s.transport()}}, noOAuth(s)
}

func codexEntry(s Server) ([]member, error) {
	if s.Mode == "sse" {
		return nil, withHint(errors.New("the host does not speak HTTP+SSE"), "leave out --via native: the bridge does")
	}
	entry := []member{{"url", s.URL}}
	if len(s.Scopes) > 0 {
		entry = append(entry, member{"scopes", s.Scopes})
	}
	if s.ClientID != "" {
		entry = append(entry, member{"oauth", map[string]string{"client_id": s.ClientID}})
	}
	return entry, nil
}

func openCodeEntry(s Server) ([]member, error) {
	return []member{{"type", "remote"}, {"url", s.URL}}, noOAuth(s)
}

func gooseEntry(s Server) ([]member, error) {
	if s.Mode == "sse" {
		return nil, withHint(errors.New("the host does not speak HTTP+SSE"), "leave out --via native: the bridge does")
	}
	return []member{
		{"type", "streamable_http"},
		{"name", s.Name},
		{"enabled", true},
		{"uri", s.URL},
		{"timeout", 300},
	}, noOAuth(s)
}

func clineEntry(s Server) ([]member, error) {
	kind := "streamableHttp"
	if s.Mode == "sse" {
		kind = "sse"
	}
	return []member{{"type", kind}, {"url", s.URL}}, noOAuth(s)
}

func claudeCodeEntry(s Server) ([]member, error) {
	entry := []member{{"type", s.transport()}, {"url", s.URL}}
	var oauth []member
	if s.ClientID != "" {
		oauth = append(oauth, member{"clientId", s.ClientID})
	}
	if len(s.Scopes) > 0 {
		oauth = append(oauth, member{"scopes", strings.Join(s.Scopes, " ")})
	}
	return withObject(entry, "oauth", oauth), nil
}

func cursorEntry(s Server) ([]member, error) {
	var auth []member
	if s.ClientID != "" {
		auth = append(auth, member{"CLIENT_ID", s.ClientID})
	}
	if len(s.Scopes) > 0 {
		auth = append(auth, member{"scopes", s.Scopes})
	}
	return withObject([]member{{"url", s.URL}}, "auth", auth), nil
}

func vsCodeEntry(s Server) ([]member, error) {
	entry := []member{{"type", s.transport()}, {"url", s.URL}}
	if len(s.Scopes) > 0 {
		return nil, noOAuth(Server{Scopes: s.Scopes})
	}
	if s.ClientID != "" {
		entry = append(entry, member{"oauth", []member{{"clientId", s.ClientID}}})
	}
	return entry, nil
}

func geminiEntry(s Server) ([]member, error) {
	entry := []member{{"url", s.URL}, {"type", s.transport()}}
	var oauth []member
	if s.ClientID != "" {
		oauth = append(oauth, member{"enabled", true}, member{"clientId", s.ClientID})
	}
	if len(s.Scopes) > 0 {
		oauth = append(oauth, member{"scopes", s.Scopes})
	}
	return withObject(entry, "oauth", oauth), nil
}

func withObject(entry []member, name string, object []member) []member {
	if len(object) == 0 {
		return entry
	}
	return append(entry, member{name, object})
}

// openCodeKeys returns where a file has its servers. Version 2 of opencode reads them
// in mcp.servers, version 1 in mcp itself; a file of version 1 stays one.
func openCodeKeys(doc document) []string {
	names, err := doc.names("mcp")
	if err != nil || len(names) == 0 {
		return []string{"mcp", "servers"}
	}
	if slices.Contains(names, "servers") {
		return []string{"mcp", "servers"}
	}
	if value, err := doc.get("mcp", names[0], "type"); err == nil && value != nil {
		return []string{"mcp"}
	}
	return []string{"mcp", "servers"}
}
