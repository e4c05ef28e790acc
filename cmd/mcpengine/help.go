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
	usage, space := cmd.UseLine(), "\n"
	if cmd.HasAvailableSubCommands() {
		// Without empty lines, the list of all commands fits a screen.
		usage, space = cmd.CommandPath()+" COMMAND", ""
	}
	b.WriteString(fmt.Sprintf("%s\n%susage: %s\n", cmd.Short, space, usage))
	if cmd.HasAvailableSubCommands() {
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				b.WriteString(fmt.Sprintf("  %-*s %s\n", c.NamePadding(), c.Name(), c.Short))
			}
		}
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
