package apps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mcpengine/mcpengine/mcp"
)

// Declarations returns TypeScript declarations of the arguments and the
// structured content of tools, as tools/list has them. A tool get_messages has
// the interfaces GetMessagesArguments and GetMessagesContent, and the interface
// Tools has both by the name of the tool.
//
// A test of the server compares the declarations with a file beside the view, so
// that a change of a Go type that the view does not follow fails it. A script
// without a build step uses them in comments, which TypeScript checks:
//
//	/** @type {import("./tools").GetMessagesContent} */
//
// Content that is not an object is declared in both of its forms: the versions
// before 2026-07-28 put it into an object as "result".
func Declarations(tools []mcp.Tool) ([]byte, error) {
	d := &declarer{names: map[string]string{"Tools": "the interface of all tools"}}
	var index bytes.Buffer
	for _, tool := range tools {
		name := typeName(tool.Name)
		args, err := d.declare(name+"Arguments", "The arguments of "+tool.Name+". "+tool.Description, tool.InputSchema)
		if err != nil {
			return nil, fmt.Errorf("declare the arguments of %s: %w", tool.Name, err)
		}
		content := "undefined"
		if tool.OutputSchema != nil {
			if content, err = d.declare(name+"Content", "The structured content of "+tool.Name+".", tool.OutputSchema); err != nil {
				return nil, fmt.Errorf("declare the content of %s: %w", tool.Name, err)
			}
		}
		fmt.Fprintf(&index, "  %s: { arguments: %s; content: %s };\n", quote(tool.Name), args, content)
	}
	var out bytes.Buffer
	out.WriteString("// Generated from the tools of the server. DO NOT EDIT.\n\n")
	out.Write(d.out.Bytes())
	out.WriteString("/** The tools by their names. */\nexport interface Tools {\n")
	out.Write(index.Bytes())
	out.WriteString("}\n")
	return out.Bytes(), nil
}

// A declarer writes declarations.
type declarer struct {
	out   bytes.Buffer
	names map[string]string // of the types, and what each describes
	defs  map[string]string // of the schema at hand: the types of its definitions
}

// wrapped reports whether a type belongs to the whole content of a tool.
func (d *declarer) wrapped(name string) bool {
	return name == d.defs["#"] && strings.HasSuffix(name, "Content")
}

// declare writes a type for a schema and returns the type's name.
func (d *declarer) declare(name, description string, text []byte) (string, error) {
	if other, taken := d.names[name]; taken {
		return "", fmt.Errorf("the name %s is taken by %s", name, other)
	}
	d.names[name] = strings.TrimSuffix(strings.TrimSpace(description), ".")
	var schema any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&schema); err != nil {
		return "", err
	}
	object, _ := schema.(map[string]any)
	d.defs = map[string]string{"#": name}
	d.define(name, object)
	for _, list := range []string{"$defs", "definitions"} {
		defs, _ := object[list].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(defs)) {
			d.write(d.defs["#/"+list+"/"+key], "", defs[key])
		}
	}
	d.write(name, description, schema)
	return name, nil
}

// define gives the definitions of a schema their names.
func (d *declarer) define(name string, schema map[string]any) {
	for _, list := range []string{"$defs", "definitions"} {
		defs, _ := schema[list].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(defs)) {
			def := name + typeName(key)
			for i := 2; d.names[def] != ""; i++ {
				def = name + typeName(key) + strconv.Itoa(i)
			}
			d.names[def] = "a definition of " + name
			d.defs["#/"+list+"/"+key] = def
		}
	}
}

// write writes an interface, or a type if the values are not objects.
func (d *declarer) write(name, description string, schema any) {
	d.comment("", description)
	object, ok := schema.(map[string]any)
	text := d.typeOf(schema, "")
	switch {
	case ok && object["type"] == "object" && strings.HasPrefix(text, "{") && closesAt(text) == len(text)-1:
		fmt.Fprintf(&d.out, "export interface %s %s\n\n", name, text)
	case d.wrapped(name) && (!ok || object["type"] != "object"):
		fmt.Fprintf(&d.out, "export type %s = %s | { result: %s };\n\n", name, text, text)
	default:
		fmt.Fprintf(&d.out, "export type %s = %s;\n\n", name, text)
	}
}

// closesAt returns the index of the bracket that closes the first one of a type.
func closesAt(text string) int {
	depth := 0
	for i, c := range text {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (d *declarer) comment(indent, text string) {
	d.out.WriteString(comment(indent, text))
}

// comment returns a comment on a line of its own, or "" without a text.
func comment(indent, text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "*/", "* /")), " ")
	if text == "" {
		return ""
	}
	return indent + "/** " + text + " */\n"
}

// typeName returns the name of a type for the name of a tool or a definition.
func typeName(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		runes := []rune(word)
		runes[0] = unicode.ToUpper(runes[0])
		words[i] = string(runes)
	}
	joined := strings.Join(words, "")
	if joined == "" || unicode.IsDigit([]rune(joined)[0]) {
		joined = "T" + joined
	}
	return joined
}
