package dev

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// metaChanges is the member of "_meta" that says what changed in a list.
const metaChanges = "io.github.mcpengine/changes"

// kinds are the lists that clients are told of.
var kinds = []struct {
	name, filter, changed string
	entries               func(*contract.Lock) map[string]contract.Entry
}{
	{"tools", "toolsListChanged", mcp.MethodNotificationsToolsListChanged, func(l *contract.Lock) map[string]contract.Entry { return l.Tools }},
	{"prompts", "promptsListChanged", mcp.MethodNotificationsPromptsListChanged, func(l *contract.Lock) map[string]contract.Entry { return l.Prompts }},
	{"resources", "resourcesListChanged", mcp.MethodNotificationsResourcesListChanged, resourcesOf},
}

func resourcesOf(l *contract.Lock) map[string]contract.Entry {
	all := maps.Clone(l.Resources)
	if all == nil {
		all = make(map[string]contract.Entry)
	}
	maps.Copy(all, l.ResourceTemplates)
	return all
}

// A change is how one list differs from the list of the server before.
type change struct {
	Kind   string `json:"-"`
	Method string `json:"-"` // of the notification

	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
}

// compare returns the lists that differ. Anything may have changed when one of the
// servers could not be asked.
func compare(before, after *contract.Lock) (changes []change) {
	for _, kind := range kinds {
		c := change{Kind: kind.name, Method: kind.changed}
		if before == nil || after == nil {
			changes = append(changes, c)
			continue
		}
		old, present := kind.entries(before), kind.entries(after)
		for _, name := range slices.Sorted(maps.Keys(present)) {
			if entry, ok := old[name]; !ok {
				c.Added = append(c.Added, name)
			} else if entry.Digest != present[name].Digest {
				c.Changed = append(c.Changed, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(old)) {
			if _, ok := present[name]; !ok {
				c.Removed = append(c.Removed, name)
			}
		}
		if len(c.Added)+len(c.Removed)+len(c.Changed) > 0 {
			changes = append(changes, c)
		}
	}
	return changes
}

// params are the parameters of the notification.
func (c change) params() []byte {
	if len(c.Added)+len(c.Removed)+len(c.Changed) == 0 {
		return []byte("{}")
	}
	names, _ := json.Marshal(c) // lists of strings always encode
	return jsonrpc.NewObject("_meta", jsonrpc.NewObject(metaChanges, names))
}

// describe says in a line what changed, or "".
func describe(changes []change) string {
	var parts []string
	for _, c := range changes {
		for _, group := range []struct {
			sign  string
			names []string
		}{{"+", c.Added}, {"-", c.Removed}, {"~", c.Changed}} {
			for _, name := range group.names {
				parts = append(parts, fmt.Sprintf("%s%s", group.sign, name))
			}
		}
	}
	return strings.Join(parts, " ")
}
