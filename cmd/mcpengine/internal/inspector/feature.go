package inspector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/tokens"
	"github.com/mcpengine/mcpengine/mcp"
)

// Bounds of a list with all its pages.
const (
	maxPages     = 1000
	maxListBytes = 32 << 20
)

// A featureKind is a list of the server.
type featureKind struct {
	name   string // in the API of the page
	member string // of the result
	method string
	key    string // the member by which a definition is known
	policy string // the kind in a policy
	token  bool   // the definition costs a model tokens
}

var featureKinds = []featureKind{
	{"tools", "tools", mcp.MethodToolsList, "name", "tool", true},
	{"resources", "resources", mcp.MethodResourcesList, "uri", "resource", false},
	{"templates", "resourceTemplates", mcp.MethodResourcesTemplatesList, "uriTemplate", "template", false},
	{"prompts", "prompts", mcp.MethodPromptsList, "name", "prompt", false},
}

// A feature is a definition as the server lists it.
type feature struct {
	Definition json.RawMessage        `json:"definition"`
	Tokens     int                    `json:"tokens"`
	Policy     *mcpengine.PolicyEntry `json:"policy"`
	key        string
}

// A catalog holds the features by kind.
type catalog map[string][]feature

func (i *Inspector) getFeatures(w http.ResponseWriter, r *http.Request) error {
	s, err := i.current()
	if err != nil {
		return err
	}
	i.listing.Lock()
	defer i.listing.Unlock()
	all, err := s.features(r.Context())
	if err != nil {
		return err
	}
	i.catalog = all
	source := "The target does not say who may use what."
	var policy mcpengine.Policy
	if s.policy != nil {
		policy, source = s.policy()
	}
	total := 0
	answer := map[string]any{"policySource": source}
	for _, kind := range featureKinds {
		for n := range all[kind.name] {
			f := &all[kind.name][n]
			f.Policy = policyOf(policy, kind.policy, f.key)
			total += f.Tokens
		}
		answer[kind.name] = all[kind.name]
	}
	answer["totalTokens"] = total
	writeJSON(w, http.StatusOK, answer)
	return nil
}

func policyOf(policy mcpengine.Policy, kind, name string) *mcpengine.PolicyEntry {
	for n := range policy {
		if policy[n].Kind == kind && policy[n].Name == name {
			return &policy[n]
		}
	}
	return nil
}

// features asks the server for all lists. A list that it lacks is empty.
func (s *session) features(ctx context.Context) (catalog, error) {
	offers := s.client.Capabilities()
	has := map[string]bool{
		"tools": offers.Tools != nil, "prompts": offers.Prompts != nil,
		"resources": offers.Resources != nil, "templates": offers.Resources != nil,
	}
	all := make(catalog)
	for _, kind := range featureKinds {
		all[kind.name] = []feature{}
		if !has[kind.name] {
			continue
		}
		definitions, err := s.list(ctx, kind)
		if refused, ok := errors.AsType[*mcp.Error](err); ok && refused.Code == mcp.CodeMethodNotFound {
			continue // servers with resources need not have templates
		}
		if err != nil {
			return nil, fmt.Errorf("list the %s: %w", kind.name, err)
		}
		for _, definition := range definitions {
			f := feature{Definition: definition, key: member(definition, kind.key)}
			if kind.token {
				f.Tokens = tokens.Estimate(compact(definition))
			}
			all[kind.name] = append(all[kind.name], f)
		}
	}
	return all, nil
}

// list returns the definitions of all pages of a list, as the server sends them.
func (s *session) list(ctx context.Context, kind featureKind) ([]json.RawMessage, error) {
	var all []json.RawMessage
	params, size := map[string]any{}, 0
	for range maxPages {
		page, err := client.Do[map[string]json.RawMessage](ctx, s.client, kind.method, params)
		if err != nil {
			return nil, err
		}
		var definitions []json.RawMessage
		if err := json.Unmarshal(page[kind.member], &definitions); err != nil {
			return nil, fmt.Errorf("read the list: %w", err)
		}
		all = append(all, definitions...)
		if size += len(page[kind.member]); size > maxListBytes {
			return nil, fmt.Errorf("the list has more than %d bytes", maxListBytes)
		}
		cursor := page["nextCursor"]
		if cursor == nil || string(cursor) == "null" {
			return all, nil
		}
		params = map[string]any{"cursor": cursor}
	}
	return nil, fmt.Errorf("the list has more than %d pages", maxPages)
}

// member returns a member of an object that is a string.
func member(object json.RawMessage, name string) string {
	var members map[string]json.RawMessage
	var text string
	if json.Unmarshal(object, &members) == nil {
		_ = json.Unmarshal(members[name], &text) // then it is ""
	}
	return text
}

func compact(text json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}

// A change is what differs between two lists of a kind.
type change struct {
	Type    string   `json:"type"` // "changed"
	Kind    string   `json:"kind"`
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Changed []string `json:"changed"`
}

// changes compares the lists of a kind. It returns nil when they do not differ.
func changes(kind string, before, after []feature) *change {
	c := &change{Type: "changed", Kind: kind, Added: []string{}, Removed: []string{}, Changed: []string{}}
	old := make(map[string]json.RawMessage)
	for _, f := range before {
		old[f.key] = f.Definition
	}
	for _, f := range after {
		definition, known := old[f.key]
		switch {
		case !known:
			c.Added = append(c.Added, f.key)
		case !bytes.Equal(compact(definition), compact(f.Definition)):
			c.Changed = append(c.Changed, f.key)
		}
		delete(old, f.key)
	}
	for _, f := range before {
		if _, left := old[f.key]; left {
			c.Removed = append(c.Removed, f.key)
			delete(old, f.key)
		}
	}
	if len(c.Added)+len(c.Removed)+len(c.Changed) == 0 {
		return nil
	}
	return c
}
