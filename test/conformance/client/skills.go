package main

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/skills/skillsclient"
)

// listSkills lists the skills and loads none.
func listSkills(ctx context.Context, c *client.Client, _ scenario) error {
	_, err := client.Collect(skillsclient.List(ctx, c))
	return err
}

// loadSkills reads the files of all skills, the SKILL.md of each first, up to one
// that cannot be verified.
func loadSkills(ctx context.Context, c *client.Client, _ scenario) error {
	for s, err := range skillsclient.List(ctx, c) {
		if err != nil {
			return err
		}
		for _, r := range s.Resources {
			if _, err := skillsclient.Read(ctx, c, s, r.URI); err != nil {
				return fmt.Errorf("load the skill %s: %w", s.Name, err)
			}
		}
	}
	return nil
}
