package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
)

// help fits a screen, and ends with an example. It is written out rather than a
// template: text/template finds methods by their names, and a linker that sees
// that keeps every exported method of every type, which doubles the program and
// what a bridge needs of memory.
func help(cmd *cobra.Command) string {
	var b strings.Builder
	usage := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		usage = cmd.CommandPath() + " COMMAND"
	}
	b.WriteString(fmt.Sprintf("%s\n\nusage: %s\n", cmd.Short, usage))
	switch {
	case cmd.HasParent():
		list(&b, cmd.Commands())
	default:
		listGroups(&b, cmd.Commands())
	}
	if cmd.Long != "" {
		b.WriteString(fmt.Sprintf("\n%s\n", cmd.Long))
	}
	if cmd.HasAvailableLocalFlags() {
		b.WriteString(fmt.Sprintf("\n%s\n", strings.TrimRightFunc(cmd.LocalFlags().FlagUsages(), unicode.IsSpace)))
	}
	if cmd.HasExample() {
		b.WriteString(fmt.Sprintf("\nexample:\n%s\n", cmd.Example))
	}
	return b.String()
}

// groups are the headings under which the program lists its commands.
var groups = []struct {
	title string
	names []string
}{
	{"Call servers", []string{"list", "call", "read", "prompt", "complete", "watch", "rpc", "skills", "tasks"}},
	{"Develop servers", []string{"new", "dev", "lambda", "inspect", "doctor"}},
	{"Connect hosts", []string{"proxy", "install", "auth", "bridge", "serve", "hosts", "profile", "uninstall"}},
	{"Package, publish, deploy", []string{"package", "publish", "deploy", "deployments", "url", "logs", "rollback", "destroy"}},
	{"Others", []string{"completion", "version"}},
}

// listGroups lists commands under headings.
func listGroups(b *strings.Builder, commands []*cobra.Command) {
	for _, group := range groups {
		var members []*cobra.Command
		for _, name := range group.names {
			for _, c := range commands {
				if c.Name() == name {
					members = append(members, c)
				}
			}
		}
		if len(members) > 0 {
			b.WriteString("\n" + group.title + ":\n")
			list(b, members)
		}
	}
}

func list(b *strings.Builder, commands []*cobra.Command) {
	for _, c := range commands {
		if c.IsAvailableCommand() {
			b.WriteString(fmt.Sprintf("  %-*s %s\n", c.NamePadding(), c.Name(), c.Short))
		}
	}
}
