package main

import (
	"regexp"
	"strings"
)

// A block is a fenced block of code in a page.
type block struct {
	language string
	info     string // what follows the language: {file="main.go"}
	code     string
	line     int // of the fence, from 1
}

// attribute returns the value of name="value" in the info of a block.
func (b block) attribute(name string) string {
	found := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(b.info)
	if found == nil {
		return ""
	}
	return found[1]
}

// walk calls prose with each line outside fenced blocks and code with each block.
func walk(text string, prose func(line string), code func(b block, raw string)) {
	var fence string
	var current block
	var raw strings.Builder
	number := 0
	for line := range strings.Lines(text) {
		number++
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case fence == "" && strings.HasPrefix(trimmed, "```"):
			fence = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
			language, info, _ := strings.Cut(strings.TrimSpace(strings.TrimLeft(trimmed, "`")), " ")
			current = block{language: language, info: info, line: number}
			raw.Reset()
			raw.WriteString(line)
		case fence != "" && strings.TrimSpace(line) == fence:
			fence = ""
			raw.WriteString(line)
			code(current, raw.String())
		case fence != "":
			current.code += line
			raw.WriteString(line)
		default:
			prose(line)
		}
	}
}

// blocks returns the fenced blocks of a page.
func blocks(text string) []block {
	var found []block
	walk(text, func(string) {}, func(b block, _ string) { found = append(found, b) })
	return found
}

// A link or an image, or code in a line, which may look like a link.
var links = regexp.MustCompile("``[^`]+``|`[^`]+`|" + `\]\(([^)\s]*)( "[^"]*")?\)|(?:href|src)="([^"]*)"`)

// mapLinks replaces the targets of links and images outside code.
func mapLinks(text string, to func(link string) (string, error)) (string, error) {
	var out strings.Builder
	var failure error
	walk(text, func(line string) {
		last := 0
		for _, m := range links.FindAllStringSubmatchIndex(line, -1) {
			from, end := m[2], m[3]
			if from < 0 {
				from, end = m[6], m[7]
			}
			if from < 0 {
				continue
			}
			target, err := to(line[from:end])
			if err != nil && failure == nil {
				failure = err
			}
			out.WriteString(line[last:from] + target)
			last = end
		}
		out.WriteString(line[last:])
	}, func(_ block, raw string) { out.WriteString(raw) })
	return out.String(), failure
}
