package remote

import (
	"fmt"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/bridge"
)

// ReadPin returns the lock file of a profile, nil without one. A profile that asks
// for another protocol version than the file was recorded in is an error.
func ReadPin(p *profile.Profile) (*contract.Lock, error) {
	if p.Pin == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	lock, _, err := contract.ReadFile(p.Pin.File)
	if err != nil {
		return nil, fmt.Errorf("the server is pinned to a lock file: %w", err)
	}
	if p.Protocol != "" && p.Protocol != lock.ProtocolVersion {
		return nil, fmt.Errorf("the lock file %s is for protocol version %s, and the profile asks for %s: write the file with --protocol %s", p.Pin.File, lock.ProtocolVersion, p.Protocol, p.Protocol)
	}
	return lock, nil
}

// pinOf returns what the bridge compares.
func pinOf(lock *contract.Lock, refuse bool) *bridge.Pin {
	digests := func(entries map[string]contract.Entry) map[string]string {
		all := make(map[string]string)
		for name, entry := range entries {
			all[name] = entry.Digest
		}
		return all
	}
	return &bridge.Pin{
		Tools: digests(lock.Tools), Prompts: digests(lock.Prompts), Instructions: lock.Instructions,
		Digest: contract.Digest, Refuse: refuse,
	}
}
