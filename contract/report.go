package contract

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Summary says in one line how many changes each class has, such as
// "2 breaking, 1 notice".
func (c Changes) Summary() string {
	var parts []string
	for class := Breaking; class >= Compatible; class-- {
		if n := c.Count(class); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, class))
		}
	}
	if len(parts) == 0 {
		return "nothing has changed"
	}
	return strings.Join(parts, ", ")
}

// Text returns the changes for a terminal, one a line.
func (c Changes) Text() string {
	var b strings.Builder
	for _, change := range c {
		fmt.Fprintf(&b, "%-10s  %s\n", change.Class, change)
	}
	return b.String()
}

// String returns the change without its class, such as
// `tool get_weather: new required argument "days" at /inputSchema/properties/days`.
func (c Change) String() string {
	text := c.subject() + ": " + c.Text + c.tokenText()
	if c.Path != "" {
		text += " at " + c.Path
	}
	return text
}

func (c Change) tokenText() string {
	if c.Tokens == 0 {
		return ""
	}
	return fmt.Sprintf(" (%+d tokens)", c.Tokens)
}

// Markdown returns the changes as a comment for a pull request: a line that sums
// up, and a table for each class.
func (c Changes) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### MCP contract: %s\n", c.Summary())
	for class := Breaking; class >= Compatible; class-- {
		if c.Count(class) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n**%s**\n\n| Feature | Place | Change |\n|---|---|---|\n", class)
		for _, change := range c {
			if change.Class == class {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", code(change.subject()), code(change.Path), cell(change.Text+change.tokenText()))
			}
		}
	}
	return b.String()
}

// code returns foreign text as code in a table.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "<code>" + cell(text) + "</code>"
}

// cell escapes foreign text so that it is nothing but text in a table: no markup,
// no link, no mention of a person.
func cell(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_{}[]()<>#+-!|@~&:/.", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// The parts of SARIF 2.1.0 that a report of changes has.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// classes has the SARIF level of each class, and what it means.
var classes = map[Class]struct{ level, means string }{
	Breaking:   {"error", "A call that worked may fail, or hosts that approve tools by their annotations approve something else."},
	Security:   {"error", "Who may use a feature, or what a view may do, has changed."},
	Notice:     {"warning", "A text that models read has changed, but no call fails."},
	Compatible: {"note", "Everything that worked works as before."},
}

// SARIF returns the changes as a log of SARIF 2.1.0. The results point to the lines
// of a lock file, of which uri is the name in the repository and text the contents.
func (c Changes) SARIF(uri string, text []byte) ([]byte, error) {
	lines := linesOf(text)
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "mcpengine"}}, Results: []sarifResult{}}
	for class := Breaking; class >= Compatible; class-- {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{class.String(), sarifText{classes[class].means}})
	}
	for _, change := range c {
		run.Results = append(run.Results, sarifResult{
			RuleID:    change.Class.String(),
			Level:     classes[change.Class].level,
			Message:   sarifText{change.String()},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{uri}, sarifRegion{lines.of(change)}}}},
		})
	}
	return stdjson.MarshalIndent(sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	}, "", "  ")
}

// lines has the line of each member of a lock file, by its JSON Pointer.
type lines map[jsontext.Pointer]int

// linesOf finds the lines of the members, down to the members of definitions.
func linesOf(text []byte) lines {
	found := make(lines)
	d := jsontext.NewDecoder(bytes.NewReader(text))
	line, counted := 1, 0
	for {
		if _, err := d.ReadToken(); err != nil {
			return found
		}
		if d.StackDepth() > 5 {
			continue
		}
		offset := min(int(d.InputOffset()), len(text))
		line, counted = line+bytes.Count(text[counted:offset], []byte{'\n'}), offset
		if _, ok := found[d.StackPointer()]; !ok {
			found[d.StackPointer()] = line
		}
	}
}

// of returns the line of a change: of the place in the definition or, where the
// file lacks it, of the nearest member around it.
func (l lines) of(c Change) int {
	pointer := jsontext.Pointer("")
	switch c.Kind {
	case "server":
		pointer = jsontext.Pointer(c.Path)
	case "extension":
		pointer = pointer.AppendToken("extensions").AppendToken(c.Name)
	default:
		for _, k := range kinds {
			if k.name == c.Kind {
				pointer = pointer.AppendToken(k.member).AppendToken(c.Name).AppendToken("definition") + jsontext.Pointer(c.Path)
			}
		}
	}
	for pointer != "" {
		if line, ok := l[pointer]; ok {
			return line
		}
		pointer = pointer.Parent()
	}
	return 1
}
