package main

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/terminal"
	"github.com/mcpengine/mcpengine/mcp"
)

type suggester = func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective)

const (
	noFiles = cobra.ShellCompDirectiveNoFileComp
	goesOn  = noFiles | cobra.ShellCompDirectiveNoSpace // the word is not complete yet
)

// suggest completes the name of the server, and then the names that the server
// offers. It asks only servers at a URL: pressing a key starts no program. After an
// error it completes nothing.
func (c *cli) suggest(f *remoteFlags, ask func(k *catalog, rest []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective)) suggester {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if dash := cmd.ArgsLenAtDash(); dash >= 0 && dash < len(args) {
			return nil, cobra.ShellCompDirectiveDefault // arguments of a command
		}
		if len(args) == 0 {
			return c.suggestServer()
		}
		t, err := c.target(args[0], f)
		if err != nil || t.command != nil {
			return nil, noFiles
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), c.suggestLimit())
		defer cancel()
		k := c.openCatalog(ctx, t)
		defer k.close()
		found, directive := ask(k, args[1:], toComplete)
		return slices.DeleteFunc(found, func(s cobra.Completion) bool { return !strings.HasPrefix(s, toComplete) }), directive
	}
}

// suggestServer completes the names of profiles and of servers in hosts' files.
func (c *cli) suggestServer() ([]cobra.Completion, cobra.ShellCompDirective) {
	store, err := c.store()
	if err != nil {
		return nil, noFiles
	}
	names, _ := store.Names() // none is an answer too
	for _, name := range c.hostNames(store) {
		if word, ok := spellArgument(name); ok {
			names = append(names, word)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), noFiles
}

// suggestOneServer completes the only argument of a command.
func (c *cli) suggestOneServer(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return c.suggestServer()
}

// suggestProfile completes the only argument of a command, the name of a profile.
func (c *cli) suggestProfile(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	store, err := c.store()
	if err != nil || len(args) > 0 {
		return nil, noFiles
	}
	names, _ := store.Names() // none is an answer too
	return names, noFiles
}

func (c *cli) suggestCall(f *remoteFlags) suggester {
	return c.suggest(f, func(k *catalog, rest []string, toComplete string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		tools := k.tools()
		if len(rest) == 0 {
			for _, tool := range tools {
				found = named(found, tool.Name, tool.Description)
			}
			return found, noFiles
		}
		at := slices.IndexFunc(tools, func(t mcp.Tool) bool { return t.Name == rest[0] })
		if at < 0 {
			return nil, noFiles
		}
		schema := parseSchema(tools[at].InputSchema)
		if key, _, ok := strings.Cut(toComplete, "="); ok {
			return choicesOf(strings.TrimSuffix(key, ":"), schema), noFiles
		}
		return missing(slices.Sorted(maps.Keys(schema.Properties)), rest[1:]), goesOn
	})
}

func (c *cli) suggestPrompt(f *remoteFlags) suggester {
	return c.suggest(f, func(k *catalog, rest []string, toComplete string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		for _, prompt := range k.prompts() {
			switch {
			case len(rest) == 0:
				found = named(found, prompt.Name, prompt.Description)
			case prompt.Name == rest[0]:
				return promptArguments(k, prompt, rest[1:], toComplete)
			}
		}
		return found, noFiles
	})
}

// promptArguments completes the names of arguments, and their values as the server
// completes them.
func promptArguments(k *catalog, prompt mcp.Prompt, given []string, toComplete string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
	key, begin, ok := strings.Cut(toComplete, "=")
	if !ok {
		var names []string
		for _, a := range prompt.Arguments {
			names = append(names, a.Name)
		}
		return missing(names, given), goesOn
	}
	resolved := map[string]string{}
	for _, pair := range given {
		if name, value, ok := strings.Cut(pair, "="); ok {
			resolved[name] = value
		}
	}
	for _, value := range k.complete(mcp.PromptReference{Name: prompt.Name}, key, begin, resolved) {
		if word, ok := spellPair(key, value, nil); ok {
			found = append(found, word)
		}
	}
	return found, noFiles
}

func (c *cli) suggestRead(f *remoteFlags) suggester {
	return c.suggest(f, func(k *catalog, rest []string, toComplete string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		if len(rest) > 0 {
			return nil, noFiles
		}
		for _, r := range k.resources() {
			found = named(found, r.URI, r.Description)
		}
		for _, t := range k.templates() {
			words, whole := fillTemplate(k, t.URITemplate, toComplete)
			if len(words) > 0 && !whole {
				return append(found, words...), goesOn
			}
			found = append(found, words...)
		}
		return found, noFiles
	})
}

// variable is a place of a URI template for one simple value.
var variable = regexp.MustCompile(`\{([A-Za-z0-9_.]+)\}`)

// fillTemplate completes a URI of a template: what stands before the first variable
// that has no value yet, or values of that variable as the server completes them. Whole
// reports that the words are URIs and not beginnings.
func fillTemplate(k *catalog, template, toComplete string) (words []cobra.Completion, whole bool) {
	resolved := map[string]string{}
	done, left, rest := "", toComplete, template
	for {
		at := variable.FindStringSubmatchIndex(rest)
		if at == nil {
			return nil, false
		}
		literal, name := rest[:at[0]], rest[at[2]:at[3]]
		rest = rest[at[1]:]
		if !strings.HasPrefix(left, literal) {
			if word, ok := spellArgument(done + literal); ok && strings.HasPrefix(literal, left) {
				words = append(words, word)
			}
			return words, false
		}
		done, left = done+literal, left[len(literal):]
		after, _, _ := strings.Cut(rest, "{")
		if value, _, found := strings.Cut(left, after); after != "" && found {
			resolved[name] = value
			done, left = done+value, left[len(value):]
			continue
		}
		for _, value := range k.complete(mcp.ResourceTemplateReference{URI: template}, name, left, resolved) {
			if word, ok := spellArgument(done + value + after); ok {
				words = append(words, word)
			}
		}
		return words, after == rest
	}
}

func (c *cli) suggestList() suggester {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return c.suggestServer()
		}
		return kinds, noFiles
	}
}

// suggestValues completes the values of a flag.
func suggestValues(cmd *cobra.Command, flag string, values ...string) {
	complete := cobra.FixedCompletions(values, noFiles)
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // the flag does not exist, or was registered before
	}
}

// versions are the protocol versions, the latest first.
func versions() []string { return protocol.Names(nil) }

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

// choicesOf returns the values that a schema lists for an argument: of enum, const and
// default, and those of a boolean.
func choicesOf(key string, schema *typeSchema) []cobra.Completion {
	types := schema.of(key)
	property := parseSchema(schema.Properties[key])
	values := property.Enum
	if property.Const != nil {
		values = append(values, decoded(*property.Const))
	}
	if len(values) == 0 && types["boolean"] {
		values = []any{true, false}
	}
	if len(values) == 0 && property.Default != nil {
		values = []any{decoded(*property.Default)}
	}
	var found []cobra.Completion
	for _, v := range values {
		if text, ok := v.(string); ok {
			if word, ok := spellPair(key, text, types); ok {
				found = append(found, word)
			}
			continue
		}
		text, err := json.Marshal(v)
		prefix, ok := spellKey(key)
		if err == nil && ok && len(types) > 0 && !types["string"] && harmless(prefix+string(text)) {
			found = append(found, prefix+string(text)) // it is read as JSON
		}
	}
	return found
}

// decoded returns a value that has been read before.
func decoded(raw json.RawMessage) (v any) {
	_ = json.Unmarshal(raw, &v)
	return v
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
