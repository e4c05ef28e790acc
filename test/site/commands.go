package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// commandsPage makes the reference of the command line from the help that the
// program prints.
func commandsPage(ctx context.Context, root string) (string, error) {
	program := filepath.Join(root, "bin", "mcpengine")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, ".") //nolint:gosec // the repository's own program
	build.Dir = filepath.Join(root, "cmd", "mcpengine")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	var b strings.Builder
	b.WriteString("# Commands\n\nThis page is what `mcpengine COMMAND -h` prints, for every command. [The command line](cli.md) explains what the commands " +
		"have in common: servers, arguments, answers, exit codes and credentials.\n\n")
	err := writeCommand(ctx, &b, program, nil)
	return b.String(), err
}

// A helpText is the help of one command, in its parts.
type helpText struct {
	short, usage, example string
	long                  []string // paragraphs
	commands              []listing
	flags                 string
}

// A listing is a list of commands below one heading.
type listing struct {
	title   string
	entries [][2]string // name and summary
}

func writeCommand(ctx context.Context, b *strings.Builder, program string, path []string) error {
	cmd := exec.CommandContext(ctx, program, append(append([]string{}, path...), "-h")...) //nolint:gosec // commands that the program lists
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("mcpengine %s -h: %w", strings.Join(path, " "), err)
	}
	h := parseHelp(string(out))
	level := min(2+max(0, len(path)-1), 3)
	if len(path) > 0 {
		fmt.Fprintf(b, "%s mcpengine %s\n\n%s.\n\n", strings.Repeat("#", level), strings.Join(path, " "), strings.TrimSuffix(h.short, "."))
	}
	fmt.Fprintf(b, "```text\n%s\n```\n\n", h.usage)
	for _, paragraph := range h.long {
		fmt.Fprintf(b, "%s\n\n", escape(paragraph))
	}
	for _, l := range h.commands {
		if len(path) == 0 {
			fmt.Fprintf(b, "**%s**\n\n", l.title)
		}
		b.WriteString("| Command | |\n|---|---|\n")
		for _, e := range l.entries {
			anchor := strings.Join(append(append([]string{"mcpengine"}, path...), e[0]), "-")
			fmt.Fprintf(b, "| [`%s`](#%s) | %s |\n", e[0], anchor, escape(e[1]))
		}
		b.WriteString("\n")
	}
	writeFlags(b, h.flags)
	if h.example != "" {
		fmt.Fprintf(b, "```sh\n%s\n```\n\n", h.example)
	}
	for _, l := range h.commands {
		for _, e := range l.entries {
			if err := writeCommand(ctx, b, program, append(append([]string{}, path...), e[0])); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	entryLine = regexp.MustCompile(`^  (\S+) +(.*)$`)
	flagLine  = regexp.MustCompile(`^ {2,6}((?:-\w, )?--\S+(?: \S+)?)  +(.*)$`)
)

// parseHelp takes apart what help in cmd/mcpengine puts together.
func parseHelp(text string) helpText {
	var h helpText
	sections := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, section := range sections {
		first, rest, _ := strings.Cut(section, "\n")
		switch {
		case i == 0:
			h.short = section
		case strings.HasPrefix(section, "usage: "):
			h.usage = strings.TrimPrefix(first, "usage: ")
			if entries := parseEntries(rest); entries != nil {
				h.commands = append(h.commands, listing{entries: entries})
			}
		case strings.HasPrefix(first, "example:"):
			h.example = strings.Join(append([]string{dedent(rest)}, sections[i+1:]...), "\n\n")
			return h
		case strings.HasSuffix(first, ":") && parseEntries(rest) != nil:
			h.commands = append(h.commands, listing{title: strings.TrimSuffix(first, ":"), entries: parseEntries(rest)})
		case flagLine.MatchString(first):
			h.flags = section
		default:
			h.long = append(h.long, section)
		}
	}
	return h
}

func parseEntries(lines string) [][2]string {
	var entries [][2]string
	for line := range strings.Lines(lines) {
		m := entryLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || strings.HasPrefix(m[1], "-") {
			return nil
		}
		entries = append(entries, [2]string{m[1], m[2]})
	}
	return entries
}

// writeFlags writes a table of flags.
func writeFlags(b *strings.Builder, flags string) {
	if flags == "" {
		return
	}
	b.WriteString("| Flag | |\n|---|---|\n")
	row := ""
	for line := range strings.Lines(flags) {
		line = strings.TrimRight(line, "\n")
		if m := flagLine.FindStringSubmatch(line); m != nil {
			if row != "" {
				b.WriteString(row + " |\n")
			}
			row = fmt.Sprintf("| `%s` | %s", strings.ReplaceAll(m[1], "|", `\|`), escape(m[2]))
			continue
		}
		row += " " + escape(strings.TrimSpace(line))
	}
	b.WriteString(row + " |\n\n")
}

// escape keeps text of the program from being read as Markdown.
func escape(s string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", "&lt;", "|", `\|`, "[", `\[`).Replace(s)
}

func dedent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
