package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// suggestTime is how long a person waits for a shell to complete.
const suggestTime = 3 * time.Second

type suggester = func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective)

// suggest completes the name of the server, and then the names that the server
// offers. It asks only servers at a URL: pressing a key starts no program. After an
// error it completes nothing.
func (c *cli) suggest(f *remoteFlags, ask func(ctx context.Context, conn *client.Client, rest []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective)) suggester {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if dash := cmd.ArgsLenAtDash(); dash >= 0 && dash < len(args) {
			return nil, cobra.ShellCompDirectiveDefault // arguments of a command
		}
		if len(args) == 0 {
			return c.suggestServer()
		}
		const nothing = cobra.ShellCompDirectiveNoFileComp
		t, err := c.target(args[0], f)
		if err != nil {
			return nil, nothing
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), suggestTime)
		defer cancel()
		conn, err := c.dial(ctx, t, client.Handlers{})
		if err != nil {
			return nil, nothing
		}
		defer conn.Close()
		found, directive := ask(ctx, conn, args[1:], toComplete)
		return slices.DeleteFunc(found, func(s cobra.Completion) bool { return !strings.HasPrefix(s, toComplete) }), directive
	}
}

// suggestServer completes the names of profiles and of servers in hosts' files.
func (c *cli) suggestServer() ([]cobra.Completion, cobra.ShellCompDirective) {
	store, err := c.store()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := store.Names() // none is an answer too
	return names, cobra.ShellCompDirectiveNoFileComp
}

// suggestOneServer completes the only argument of a command.
func (c *cli) suggestOneServer(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.suggestServer()
}

func (c *cli) suggestCall(f *remoteFlags) suggester {
	return c.suggest(f, func(ctx context.Context, conn *client.Client, rest []string, toComplete string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		if len(rest) == 0 {
			for tool, err := range conn.Tools(ctx) {
				if err != nil {
					break
				}
				found = named(found, tool.Name, tool.Description)
			}
			return found, cobra.ShellCompDirectiveNoFileComp
		}
		tool, err := findTool(ctx, conn, rest[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		schema := parseSchema(tool.InputSchema)
		if key, _, ok := strings.Cut(toComplete, "="); ok {
			return choicesOf(key, schema), cobra.ShellCompDirectiveNoFileComp
		}
		return missing(slices.Sorted(maps.Keys(schema.Properties)), rest[1:]), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

func (c *cli) suggestPrompt(f *remoteFlags) suggester {
	return c.suggest(f, func(ctx context.Context, conn *client.Client, rest []string, _ string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		for prompt, err := range conn.Prompts(ctx) {
			switch {
			case err != nil:
				return found, cobra.ShellCompDirectiveNoFileComp
			case len(rest) == 0:
				found = named(found, prompt.Name, prompt.Description)
			case prompt.Name == rest[0]:
				var names []string
				for _, a := range prompt.Arguments {
					names = append(names, a.Name)
				}
				return missing(names, rest[1:]), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	})
}

func (c *cli) suggestRead(f *remoteFlags) suggester {
	return c.suggest(f, func(ctx context.Context, conn *client.Client, rest []string, _ string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		for r, err := range conn.Resources(ctx) {
			if err != nil || len(rest) > 0 {
				break
			}
			found = named(found, r.URI, r.Description)
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	})
}

func (c *cli) suggestList() suggester {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return c.suggestServer()
		}
		return kinds, cobra.ShellCompDirectiveNoFileComp
	}
}

// missing returns the arguments that have not been given yet.
func missing(names, given []string) []cobra.Completion {
	var found []cobra.Completion
	for _, name := range names {
		if !slices.ContainsFunc(given, func(pair string) bool { return strings.HasPrefix(pair, name+"=") || strings.HasPrefix(pair, name+":=") }) {
			if word, ok := spellKey(name); ok {
				found = append(found, word)
			}
		}
	}
	return found
}

// choicesOf returns the values that a schema lists for an argument.
func choicesOf(key string, schema *typeSchema) []cobra.Completion {
	var found []cobra.Completion
	types := schema.of(key)
	for _, v := range parseSchema(schema.Properties[key]).Enum {
		if text, ok := v.(string); ok {
			if word, ok := spellPair(key, text, types); ok {
				found = append(found, word)
			}
		}
	}
	return found
}

// named adds a name and its description, if a command line can hold the name.
func named(found []cobra.Completion, name, description string) []cobra.Completion {
	word, ok := spellArgument(name)
	if !ok {
		return found
	}
	return append(found, cobra.CompletionWithDesc(word, short(description)))
}

// short returns the beginning of a description.
func short(s string) string {
	lines := terminal.Wrap(s, 60)
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}
