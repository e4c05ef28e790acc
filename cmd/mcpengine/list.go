package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/terminal"
	"github.com/mcpengine/mcpengine/mcp"
)

// columns is how wide text is, which fits nearly every terminal.
const columns = 80

// kinds are the kinds of features that can be listed.
var kinds = []string{"tools", "resources", "templates", "prompts"}

// A listing holds the features of a server. Kinds that were not asked for, or that
// the server lacks, are nil.
type listing struct {
	Server            mcp.Implementation      `json:"server"`
	ProtocolVersion   string                  `json:"protocolVersion"`
	Instructions      string                  `json:"instructions,omitempty"`
	Tools             *[]mcp.Tool             `json:"tools,omitempty"`
	Resources         *[]mcp.Resource         `json:"resources,omitempty"`
	ResourceTemplates *[]mcp.ResourceTemplate `json:"resourceTemplates,omitempty"`
	Prompts           *[]mcp.Prompt           `json:"prompts,omitempty"`
}

func (c *cli) list() *cobra.Command {
	var f remoteFlags
	var schema bool
	cmd := &cobra.Command{
		Use:   "list SERVER [KIND...] [flags]",
		Short: "List what a server offers",
		Long:  remoteShape + "\nA KIND is tools, resources, templates or prompts; without one all are listed.",
		Example: `  mcpengine list https://example.com/mcp tools --schema
  mcpengine list -- go run ./examples/weather`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd, args, &f, func(ctx context.Context, conn *client.Client, rest []string, asJSON bool) error {
				l, err := collect(ctx, conn, rest)
				switch {
				case err != nil:
					return err
				case asJSON:
					return c.stdout.JSON(l)
				}
				c.printListing(l, schema)
				return nil
			}, checkKinds)
		},
		ValidArgsFunction: c.suggestList(),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&schema, "schema", false, "print the schemas of tools too (JSON has them anyway)")
	return cmd
}

func checkKinds(rest []string) error {
	for _, kind := range rest {
		if !slices.Contains(kinds, kind) {
			return fmt.Errorf("%q is not tools, resources, templates or prompts", kind)
		}
	}
	return nil
}

// collect asks for the kinds that are wanted and that the server has.
func collect(ctx context.Context, conn *client.Client, wanted []string) (*listing, error) {
	l := &listing{Server: conn.Server(), ProtocolVersion: conn.Version(), Instructions: conn.Instructions()}
	offers := conn.Capabilities()
	wants := func(kind string, offered bool) bool {
		return offered && (len(wanted) == 0 || slices.Contains(wanted, kind))
	}
	var errs []error
	if wants("tools", offers.Tools != nil) {
		l.Tools = gather(&errs, "tools", func() ([]mcp.Tool, error) { return client.Collect(conn.Tools(ctx)) })
	}
	if wants("resources", offers.Resources != nil) {
		l.Resources = gather(&errs, "resources", func() ([]mcp.Resource, error) { return client.Collect(conn.Resources(ctx)) })
	}
	if wants("templates", offers.Resources != nil) {
		l.ResourceTemplates = gather(&errs, "resource templates", func() ([]mcp.ResourceTemplate, error) {
			all, err := client.Collect(conn.ResourceTemplates(ctx))
			if e, ok := errors.AsType[*mcp.Error](err); ok && e.Code == mcp.CodeMethodNotFound {
				return nil, nil // servers with resources need not have templates
			}
			return all, err
		})
	}
	if wants("prompts", offers.Prompts != nil) {
		l.Prompts = gather(&errs, "prompts", func() ([]mcp.Prompt, error) { return client.Collect(conn.Prompts(ctx)) })
	}
	return l, errors.Join(errs...)
}

func gather[Item any](errs *[]error, what string, list func() ([]Item, error)) *[]Item {
	if len(*errs) > 0 {
		return nil
	}
	items, err := list()
	if err != nil {
		*errs = append(*errs, fmt.Errorf("list the %s: %w", what, err))
	}
	if items == nil {
		items = []Item{}
	}
	return &items
}

func (c *cli) printListing(l *listing, schema bool) {
	c.stdout.Printf("%s (protocol version %s)\n", l.Server.Name+" "+l.Server.Version, l.ProtocolVersion)
	c.indent("", l.Instructions)
	if l.Tools != nil {
		c.heading("tools", len(*l.Tools))
		for _, tool := range *l.Tools {
			c.entry(tool.Name+signature(tool.InputSchema), tool.Description)
			c.printArguments(describeArguments(tool.InputSchema))
			if schema {
				c.printSchema("input", tool.InputSchema)
				c.printSchema("output", tool.OutputSchema)
			}
		}
	}
	if l.Resources != nil {
		c.heading("resources", len(*l.Resources))
		for _, r := range *l.Resources {
			c.entry(r.URI+mimeType(r.MIMEType), r.Description)
		}
	}
	if l.ResourceTemplates != nil {
		c.heading("resource templates", len(*l.ResourceTemplates))
		for _, r := range *l.ResourceTemplates {
			c.entry(r.URITemplate+mimeType(r.MIMEType), r.Description)
		}
	}
	if l.Prompts != nil {
		c.heading("prompts", len(*l.Prompts))
		for _, p := range *l.Prompts {
			c.entry(p.Name+promptSignature(p.Arguments), p.Description)
			var arguments []describedArgument
			for _, a := range p.Arguments {
				arguments = append(arguments, describedArgument{a.Name, a.Description})
			}
			c.printArguments(arguments)
		}
	}
}

func (c *cli) heading(what string, n int) { c.stdout.Printf("\n%s (%d)\n", what, n) }

// entry prints the text to type, and below it the description.
func (c *cli) entry(usage, description string) {
	for i, line := range terminal.Wrap(usage, columns-6) {
		c.stdout.Printf("%s%s\n", strings.Repeat(" ", 2+4*min(i, 1)), line)
	}
	c.indent("      ", description)
}

func (c *cli) indent(by, text string) {
	for _, line := range terminal.Wrap(text, columns-len(by)) {
		c.stdout.Printf("%s%s\n", by, line)
	}
}

// A describedArgument is an argument of a tool or a prompt, and what is said of it.
type describedArgument struct{ name, about string }

// describeArguments returns the arguments of a tool of which the schema says more
// than the type: a description, the values, the bounds, the default.
func describeArguments(schema json.RawMessage) []describedArgument {
	s := parseSchema(schema)
	var all []describedArgument
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if about := describeValue(s.Properties[name]); about != "" {
			all = append(all, describedArgument{name, about})
		}
	}
	return all
}

// describeValue says in words what a schema says of a value.
func describeValue(schema json.RawMessage) string {
	var value struct {
		Description string            `json:"description"`
		Enum        []json.RawMessage `json:"enum"`
		Default     json.RawMessage   `json:"default"`
		Format      string            `json:"format"`
		Minimum     json.RawMessage   `json:"minimum"`
		Maximum     json.RawMessage   `json:"maximum"`
	}
	if json.Unmarshal(schema, &value) != nil {
		return ""
	}
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if value.Description != "" {
		add("%s", value.Description)
	}
	if len(value.Enum) > 0 {
		var values []string
		for _, v := range value.Enum {
			values = append(values, string(v))
		}
		add("one of %s", strings.Join(values, ", "))
	}
	switch {
	case value.Minimum != nil && value.Maximum != nil:
		add("%s to %s", value.Minimum, value.Maximum)
	case value.Minimum != nil:
		add("at least %s", value.Minimum)
	case value.Maximum != nil:
		add("at most %s", value.Maximum)
	}
	if value.Format != "" {
		add("format %s", value.Format)
	}
	if value.Default != nil {
		add("default %s", value.Default)
	}
	return strings.Join(parts, "; ")
}

// maxAligned is the longest name beside which descriptions stand in a column.
const maxAligned = 20

// printArguments prints one argument a line, descriptions in a column.
func (c *cli) printArguments(arguments []describedArgument) {
	width := 0
	for _, a := range arguments {
		width = max(width, min(maxAligned, len(a.name)))
	}
	for _, a := range arguments {
		if a.about == "" {
			continue
		}
		lines := terminal.Wrap(a.about, max(columns-10-width, columns/2))
		for i, line := range lines {
			name := ""
			if i == 0 {
				name = a.name
			}
			c.stdout.Printf("        %-*s  %s\n", width, name, line)
		}
	}
}

func (c *cli) printSchema(what string, schema json.RawMessage) {
	if schema == nil {
		return
	}
	text, err := terminal.JSON(schema)
	if err != nil {
		return
	}
	c.stdout.Printf("      %s schema:\n", what)
	c.stdout.Block(text, "        ")
}

func mimeType(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// signature returns the arguments of a tool as call takes them, optional ones in
// brackets.
func signature(schema json.RawMessage) string {
	s := parseSchema(schema)
	var required, optional strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		what := strings.Join(slices.Sorted(maps.Keys(s.of(name))), "|")
		if what == "" {
			what = "any"
		}
		if slices.Contains(s.Required, name) {
			required.WriteString(fmt.Sprintf(" %s=%s", name, what))
		} else {
			optional.WriteString(fmt.Sprintf(" [%s=%s]", name, what))
		}
	}
	return required.String() + optional.String()
}

func promptSignature(arguments []mcp.PromptArgument) string {
	var required, optional strings.Builder
	for _, a := range arguments {
		if a.Required {
			required.WriteString(fmt.Sprintf(" %s=string", a.Name))
		} else {
			optional.WriteString(fmt.Sprintf(" [%s=string]", a.Name))
		}
	}
	return required.String() + optional.String()
}
