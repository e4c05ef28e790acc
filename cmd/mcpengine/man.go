package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPages returns the pages of the manual by their file names: one for the program and
// one for each command. They have the text of help, and also the flags that help leaves
// out to fit a screen.
func manPages(root *cobra.Command, version, date string) map[string]string {
	pages := map[string]string{}
	var add func(cmd *cobra.Command)
	add = func(cmd *cobra.Command) {
		pages[manName(cmd)+".1"] = manPage(cmd, version, date)
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				add(sub)
			}
		}
	}
	add(root)
	return pages
}

// manName returns the name of a command's page: mcpengine-auth-login.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func manPage(cmd *cobra.Command, version, date string) string {
	var b strings.Builder
	name := manName(cmd)
	b.WriteString(".TH " + manQuote(strings.ToUpper(name)) + " 1 " + manQuote(date) + " " + manQuote("mcpengine "+version) + "\n")
	b.WriteString(".SH NAME\n" + manText(name) + ` \- ` + manText(cmd.Short) + "\n")
	usage := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		usage = cmd.CommandPath() + " COMMAND"
	}
	b.WriteString(".SH SYNOPSIS\n.nf\n" + manText(usage) + "\n.fi\n")
	if cmd.Long != "" {
		b.WriteString(".SH DESCRIPTION\n.nf\n" + manText(strings.TrimSpace(cmd.Long)) + "\n.fi\n")
	}
	manCommands(&b, cmd)
	manFlags(&b, cmd)
	if !cmd.HasParent() {
		manExitCodes(&b)
	}
	if cmd.HasExample() {
		b.WriteString(".SH EXAMPLES\n.nf\n" + manText(cmd.Example) + "\n.fi\n")
	}
	if cmd.HasParent() {
		b.WriteString(".SH SEE ALSO\n" + manText(manName(cmd.Parent())) + "(1)\n")
	}
	return b.String()
}

// manCommands writes the commands below a command, each with its page.
func manCommands(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	b.WriteString(".SH COMMANDS\n")
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			b.WriteString(".TP\n" + manText(manName(sub)) + "(1)\n" + manText(sub.Short) + "\n")
		}
	}
}

func manFlags(b *strings.Builder, cmd *cobra.Command) {
	first := true
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		if first {
			b.WriteString(".SH OPTIONS\n")
			first = false
		}
		value, text := pflag.UnquoteUsage(f)
		head := `\fB` + manText("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			head = `\fB` + manText("-"+f.Shorthand) + `\fR, ` + head
		}
		if value != "" {
			head += ` \fI` + manText(value) + `\fR`
		}
		if text != "" && f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" && !strings.Contains(text, "default") {
			text += " (default " + f.DefValue + ")"
		}
		b.WriteString(".TP\n" + head + "\n" + manText(text) + "\n")
	})
}

func manExitCodes(b *strings.Builder) {
	b.WriteString(".SH EXIT STATUS\n")
	for _, row := range exitCodes {
		b.WriteString(".TP\n" + strconv.Itoa(row.code) + "\n" + manText(strings.ReplaceAll(row.meaning, "`", "")) + "\n")
	}
}

// manText writes text of the program so that no formatter takes a part of it for its
// own.
func manText(s string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`, "\u2026", "...").Replace(s), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func manQuote(s string) string { return fmt.Sprintf("%q", s) }
