package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// fromHost takes the server from the entry of that name in the user's files of hosts,
// and reports whether there is one. The values of the entry are used and not printed,
// because they may be secrets.
func (t *target) fromHost(c *cli, store *profile.Store, name string) (bool, error) {
	e, err := c.hostEnvironment(store.Home(), false)
	if err != nil {
		return false, nil //nolint:nilerr // without a home directory no host has a file
	}
	var found []hostconfig.Entry
	for _, host := range hostconfig.Hosts() {
		entries, err := host.Entries(e, name)
		if err != nil {
			c.stderr.Printf("left out: %v\n", err)
		}
		found = append(found, entries...)
	}
	if len(found) == 0 {
		return false, nil
	}
	if slices.ContainsFunc(found[1:], func(other hostconfig.Entry) bool { return !found[0].Same(other) }) {
		return true, ambiguous(name, found)
	}
	entry, err := found[0].Expand(c.getenv)
	if err != nil {
		return true, err
	}
	t.Profile = &profile.Profile{URL: entry.URL}
	if entry.Program != nil {
		t.command, t.env, t.dir = entry.Program, entry.Env, entry.Dir
		return true, nil
	}
	for _, header := range slices.Sorted(maps.Keys(entry.Headers)) {
		value := strings.TrimSpace(entry.Headers[header])
		if value != "" && !profile.BelongsToProtocol(header) {
			t.Headers = append(t.Headers, profile.Header{Name: header, Value: value})
		}
	}
	return true, nil
}

// ambiguous says which hosts mean different servers by one name.
func ambiguous(name string, found []hostconfig.Entry) error {
	var hosts []string
	for _, entry := range found {
		if !slices.Contains(hosts, entry.Host.Name) {
			hosts = append(hosts, entry.Host.Name)
		}
	}
	return hintError{
		fmt.Errorf("%q is not the same server in the files of %s", name, strings.Join(hosts, ", ")),
		"name the URL, or the command after --",
	}
}

// hostNames returns the names in the user's files of hosts, for completion.
func (c *cli) hostNames(store *profile.Store) []string {
	e, err := c.hostEnvironment(store.Home(), false)
	if err != nil {
		return nil
	}
	var names []string
	for _, host := range hostconfig.Hosts() {
		names = append(names, host.Names(e)...)
	}
	return names
}
