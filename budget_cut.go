package mcpengine

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/tokens"
	"github.com/mcpengine/mcpengine/mcp"
)

// tooLong reports whether the text or the structured content of a result has more
// tokens than that. Images and the like are not counted.
func tooLong(result *mcp.CallToolResult, limit int) bool {
	return tokens.Estimate(result.StructuredContent) > limit || tokens.Estimate(textOfBlocks(result.Content)) > limit
}

// textOfBlocks returns the text of all text blocks, one on a line.
func textOfBlocks(blocks mcp.ContentBlocks) string {
	var texts []string
	for _, b := range blocks {
		if text, ok := textOfBlock(b); ok {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n")
}

func textOfBlock(b mcp.ContentBlock) (string, bool) {
	switch b := b.(type) {
	case mcp.TextContent:
		return b.Text, true
	case *mcp.TextContent:
		return b.Text, true
	}
	return "", false
}

// A source is what a long result is cut in: the items of a list, or a text.
type source struct {
	list  bool
	path  []string // of the list in the JSON of the result
	items [][]byte
	text  string
}

func (s *source) len() int {
	if s.list {
		return len(s.items)
	}
	return len(s.text)
}

// size is how much memory a source takes.
func (s *source) size() (n int) {
	for _, item := range s.items {
		n += len(item) + 24
	}
	return n + len(s.text)
}

// jsonOf returns the JSON of a result: its structured content, or a text that is a
// JSON object or array. It is nil for any other text.
func jsonOf(result *mcp.CallToolResult) []byte {
	if result.StructuredContent != nil {
		return result.StructuredContent
	}
	text := []byte(textOfBlocks(result.Content))
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && jsonrpc.Valid(text) == nil {
		return text
	}
	return nil
}

// sourceOf returns what a result is cut in: its longest list, or else its text.
func sourceOf(result *mcp.CallToolResult) source {
	value := jsonOf(result)
	path, list := longestList(value, nil)
	if list == nil {
		return textSource(result)
	}
	items, _ := jsonrpc.ParseArray(list)
	return source{list: true, path: path, items: items}
}

// sourceAt returns the same part of another result of the tool.
func sourceAt(result *mcp.CallToolResult, list bool, path []string) source {
	if !list {
		return textSource(result)
	}
	value := jsonOf(result)
	for _, name := range path {
		members, _ := jsonrpc.ParseObject(value)
		value = members.Get(name)
	}
	items, _ := jsonrpc.ParseArray(value)
	return source{list: true, path: path, items: items}
}

func textSource(result *mcp.CallToolResult) source {
	if result.StructuredContent != nil {
		return source{text: string(result.StructuredContent)}
	}
	return source{text: textOfBlocks(result.Content)}
}

// longestList returns the longest list with two items or more: the value itself, or
// a member of it at any depth. Lists within lists are not looked at.
func longestList(value []byte, path []string) (found []string, list []byte) {
	if items, err := jsonrpc.ParseArray(value); err == nil {
		if len(items) < 2 {
			return nil, nil
		}
		return path, value
	}
	members, err := jsonrpc.ParseObject(value)
	if err != nil {
		return nil, nil
	}
	for _, m := range members {
		if p, l := longestList(m.Value, append(slices.Clip(path), string(m.Name))); len(l) > len(list) {
			found, list = p, l
		}
	}
	return found, list
}

// A cut shows the first part of a source.
type cut struct {
	source
	tokens int
	shown  int // items, or bytes of the text
}

// noteTokens are kept free for what is said about the rest.
const noteTokens = 100

// from returns the part of the source that begins at an item, as a text, and where
// the next part begins. A part has one item at least.
func (c *cut) from(first int) (text string, next int) {
	if c.list {
		next = first + max(1, c.fitting(c.items[min(first, len(c.items)):], 0))
		next = min(next, len(c.items))
		return "[" + string(bytes.Join(c.items[min(first, next):next], []byte(","))) + "]", next
	}
	rest := c.text[min(first, len(c.text)):]
	n := textPrefix(rest, c.tokens-noteTokens)
	return rest[:n], first + n
}

// fitting returns how many items fit, when other text takes so many tokens already.
func (c *cut) fitting(items [][]byte, used int) (n int) {
	used += noteTokens
	for n < len(items) {
		if used += tokens.Estimate(items[n]) + 1; used > c.tokens {
			break
		}
		n++
	}
	return n
}

// textPrefix returns the length of the longest part of the text that has so many
// tokens at most. It ends behind a line, unless the line alone is too long.
func textPrefix(text string, tokens int) (n int) {
	tokens = max(tokens, 1)
	ascii, others := 0, 0
	for i, c := range text {
		if c < utf8.RuneSelf {
			ascii++
		} else {
			others++
		}
		if (ascii+3)/4+others > tokens {
			if line := strings.LastIndexByte(text[:i], '\n'); line > 0 {
				return line + 1
			}
			return i
		}
	}
	return len(text)
}

// shorten returns the result without what does not fit.
func (c *cut) shorten(result *mcp.CallToolResult) *mcp.CallToolResult {
	shorter := *result
	switch {
	case c.list:
		whole := jsonOf(result)
		used := tokens.Estimate(whole)
		for _, item := range c.items {
			used -= len(item) / 4
		}
		c.shown = c.fitting(c.items, max(used, 0))
		kept := replaceAt(whole, c.path, fmt.Appendf(nil, "[%s]", bytes.Join(c.items[:c.shown], []byte(","))))
		if c.shown == 0 || tokens.Estimate(kept) > c.tokens {
			c.shown = 0
			return tooMuch(result)
		}
		text := string(kept)
		if shorter.StructuredContent != nil {
			if given := textOfBlocks(result.Content); given != string(whole) { // the tool wrote a text of its own
				text = given[:textPrefix(given, c.tokens-noteTokens)]
			}
			shorter.StructuredContent = kept
		}
		shorter.Content = withText(result.Content, text)
	case result.StructuredContent != nil:
		return tooMuch(result)
	default:
		c.shown = textPrefix(c.text, c.tokens-noteTokens)
		shorter.Content = withText(result.Content, c.text[:c.shown])
	}
	return &shorter
}

// tooMuch is the result in place of one that cannot be cut.
func tooMuch(result *mcp.CallToolResult) *mcp.CallToolResult {
	return &mcp.CallToolResult{Meta: result.Meta, ResultType: result.ResultType, IsError: true}
}

// withText returns the blocks with one text in place of all their text blocks.
func withText(blocks mcp.ContentBlocks, text string) mcp.ContentBlocks {
	kept := mcp.ContentBlocks{mcp.TextContent{Text: text}}
	for _, b := range blocks {
		if _, ok := textOfBlock(b); !ok {
			kept = append(kept, b)
		}
	}
	return kept
}

// replaceAt replaces the value at a path of members.
func replaceAt(value []byte, path []string, by []byte) []byte {
	if len(path) == 0 {
		return by
	}
	return jsonrpc.EditMember(value, path[0], func(member []byte) []byte { return replaceAt(member, path[1:], by) })
}

func (c *cut) mimeType() string {
	if c.list {
		return "application/json"
	}
	return "text/plain"
}

// says says what is shown when the part that ends at an item is.
func (c *cut) says(next int) string {
	total := c.len()
	what := "This is a part of a text: up to character"
	if c.list {
		what = "This is a part of a list"
		if len(c.path) > 0 {
			what += fmt.Sprintf(" (%s)", strings.Join(c.path, "."))
		}
		what += ": up to item"
	}
	if next == 0 {
		return "The result is too long to be shown"
	}
	return fmt.Sprintf("%s %d of %d", what, next, total)
}

// rest describes what is behind the link of a result.
func (c *cut) rest() string {
	switch {
	case c.list && c.shown > 0:
		return fmt.Sprintf("Items %d to %d of the list, as a JSON array.", c.shown+1, c.len())
	case c.list:
		return "The items of the list, as a JSON array."
	}
	return "The rest of the text."
}
