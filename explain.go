package mcpengine

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/tokens"
	"github.com/mcpengine/mcpengine/internal/uritemplate"
)

// A Policy says which callers may use the features of an engine: it has an entry
// for each authorization server that the engine serves itself, one for each API that
// handlers call as their callers, one for discovery, and one for each feature in the
// order of their registration.
type Policy []PolicyEntry

// A PolicyEntry is the policy of one feature.
type PolicyEntry struct {
	// Kind is "sign-in", "upstream", "discovery", "extension", "method", "tool", "resource",
	// "template" or "prompt". An extension is declared to everybody who may use
	// discovery.
	Kind string `json:"kind"`

	// Name is the name, method, URI or URI template that the feature is registered
	// by, the ID of an extension, the authorization server of a sign-in, or the
	// audience of an API.
	Name string `json:"name"`

	// Tokens estimates what the definition of a tool, as it is listed, costs a model:
	// one token for four ASCII characters and one for each other character. Models
	// count differently. [Engine.Explain] alone sets it.
	Tokens int `json:"tokens,omitempty"`

	// Who may use it, a phrase such as "a caller with the scope mcp:read".
	Who string `json:"who"`

	// Why names the options that decide it.
	Why string `json:"why"`

	// Except are, for a template, the URIs and URI templates of the features with
	// another policy that are read in its place at some of the URIs it matches.
	Except []string `json:"except,omitempty"`
}

// String returns the policy as a table with a line for each entry.
func (p Policy) String() string {
	rows := append([]PolicyEntry{{Kind: "KIND", Name: "NAME", Who: "WHO", Why: "WHY"}}, p...)
	var kind, name, who int
	for _, r := range rows {
		kind, name, who = max(kind, len(r.Kind)), max(name, len(r.Name)), max(who, len(r.Who))
	}
	var b strings.Builder
	for i, r := range rows {
		if len(r.Except) > 0 {
			r.Why += "; not for " + strings.Join(r.Except, ", ")
		}
		tokens := ""
		switch {
		case i == 0:
			tokens = "TOKENS"
		case r.Tokens > 0:
			tokens = strconv.Itoa(r.Tokens)
		}
		fmt.Fprintf(&b, "%-*s  %-*s  %6s  %-*s  %s\n", kind, r.Kind, name, r.Name, tokens, who, r.Who, r.Why)
	}
	return b.String()
}

// Explain returns the policy that is in effect now, defaults included.
func (e *Engine) Explain() Policy {
	discovery := e.explainDiscovery()
	p := append(append(e.explainSignIn(), e.explainUpstream()...), discovery)
	c := e.registry.catalog()
	for _, x := range c.extensions {
		p = append(p, PolicyEntry{Kind: "extension", Name: x.id, Who: discovery.Who, Why: discovery.Why})
		for _, m := range c.order {
			if m.extension == x {
				p = append(p, e.explain(kindMethod, &m.feature))
			}
		}
	}
	for _, t := range c.tools.list {
		entry := e.explain("tool", &t.feature)
		entry.Tokens = tokens.Estimate(t.wire(protocol.Versions()[0]))
		p = append(p, entry)
	}
	for _, r := range c.resources.list {
		p = append(p, e.explain("resource", &r.feature))
	}
	for _, r := range c.templates.list {
		entry := e.explain("template", &r.feature)
		for _, other := range c.before(r) {
			if e.explain("", &other.feature).Who != entry.Who {
				entry.Except = append(entry.Except, other.name)
			}
		}
		p = append(p, entry)
	}
	for _, f := range c.prompts.list {
		p = append(p, e.explain("prompt", &f.feature))
	}
	return p
}

// writePolicy writes the policy to the file that MCPENGINE_EXPLAIN names.
func (e *Engine) writePolicy(getenv func(string) string) error {
	const variable = "MCPENGINE_EXPLAIN"
	name := getenv(variable)
	if name == "" {
		return nil
	}
	text, err := json.Marshal(e.Explain())
	if err == nil {
		err = os.WriteFile(name, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the policy for %s: %w", variable, err)
	}
	return nil
}

// before returns the resources and templates that are read in place of a
// template at some of the URIs it matches.
func (c *catalog) before(template *resource) (others []*resource) {
	for _, r := range c.resources.list {
		if template.template.MatchFolded(r.folded) {
			others = append(others, r)
		}
	}
	for _, r := range c.matching {
		if r == template {
			break
		}
		if uritemplate.Overlap(r.template, template.template) {
			others = append(others, r)
		}
	}
	return others
}

const (
	everybody = "everybody"
	noAuth    = "no WithAuth"
)

// explainSignIn has an entry for each authorization server that the engine
// serves itself.
func (e *Engine) explainSignIn() (p Policy) {
	server, ok := e.auth.(interface{ SignIns() []auth.SignIn })
	if !ok {
		return nil
	}
	for _, s := range server.SignIns() {
		p = append(p, PolicyEntry{Kind: "sign-in", Name: s.Server, Who: s.Who, Why: s.Why})
	}
	return p
}

// explainUpstream has an entry for each API that handlers may get tokens for.
func (e *Engine) explainUpstream() (p Policy) {
	source, ok := e.auth.(interface{ Upstreams() []auth.UpstreamUse })
	if !ok {
		return nil
	}
	for _, u := range source.Upstreams() {
		p = append(p, PolicyEntry{Kind: "upstream", Name: u.Audience, Who: u.Who, Why: u.Why})
	}
	return p
}

func (e *Engine) explainDiscovery() PolicyEntry {
	entry := PolicyEntry{Kind: "discovery", Name: "lists, server/discover", Who: everybody, Why: noAuth}
	switch {
	case e.auth == nil:
	case e.auth.DiscoveryOpen():
		entry.Why = "auth.OpenDiscovery"
	default:
		entry.Who, entry.Why = "a verified caller", "default of WithAuth"
	}
	return entry
}

func (e *Engine) explain(kind string, f *feature) PolicyEntry {
	p, entry := &f.policy, PolicyEntry{Kind: kind, Name: f.name, Who: everybody, Why: noAuth}
	if e.auth != nil {
		entry.Who, entry.Why = p.who(), p.why()
	}
	return entry
}

func (p *policy) who() string {
	if p.public {
		return everybody
	}
	who := "a verified caller"
	switch len(p.scopes) {
	case 0:
	case 1:
		who += " with the scope " + p.scopes[0]
	default:
		who += " with the scopes " + strings.Join(p.scopes, " ")
	}
	if len(p.rules) == 0 {
		return who
	}
	rules := make([]string, len(p.rules))
	for i, rule := range p.rules {
		rules[i] = rule.String()
	}
	return who + ", who must " + strings.Join(rules, " and ")
}

func (p *policy) why() string {
	var why []string
	if p.public {
		why = append(why, "Public")
	}
	if len(p.scopes) > 0 {
		why = append(why, "RequireScopes")
	}
	if len(p.rules) > 0 {
		why = append(why, "Allow")
	}
	if len(why) == 0 {
		why = append(why, "default of WithAuth")
	}
	if p.hidden {
		why = append(why, "Hidden")
	}
	return strings.Join(why, ", ")
}
