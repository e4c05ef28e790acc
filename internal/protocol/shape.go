package protocol

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Kind is a kind of JSON objects whose members differ between versions.
type Kind int

// The kinds. A resource template counts as a resource, and so does the block
// that links to a resource.
const (
	Result Kind = iota // of any method
	Tool
	Resource
	Prompt

	progress // the parameters of notifications/progress
	form     // the parameters of an elicitation in form mode
	sampling // the parameters of a sampling request
	argument // of a prompt
	annotations
	block    // of content
	contents // of a resource
	implementation
	capabilities // of a server

	kinds // how many there are
)

// Shape returns an object of the kind without the members that the version
// lacks. The definition of a tool also gets the output schema that the version
// allows.
func (v *Version) Shape(kind Kind, object []byte) []byte {
	lacks := v.lacks[kind]
	return jsonrpc.Edit(object, func(name string, value []byte) []byte {
		switch {
		case slices.Contains(lacks, name):
			return nil
		case name == "annotations" && kind != Tool:
			return v.Shape(annotations, value)
		case name == "arguments" && kind == Prompt:
			return jsonrpc.EditElements(value, func(a []byte) []byte { return v.Shape(argument, a) })
		case name == "outputSchema" && kind == Tool:
			return v.OutputSchema(value)
		}
		return value
	})
}

// Result turns a result of the method into one that the version allows, whatever
// version it comes from. Wrapped is what [WrapsOutput] says of the tool that was
// called.
func (v *Version) Result(method string, result []byte, wrapped bool) []byte {
	if v.latest {
		return result
	}
	result = v.Shape(Result, result)
	if shape := MethodOf(method).shape; shape != nil {
		result = shape(v, result, wrapped)
	}
	return result
}

// ShapesContent reports whether the version lacks a type of content, or a member
// of a content block.
func (v *Version) ShapesContent() bool {
	return v.lacksContent != nil || v.lacks[block] != nil || v.lacks[Resource] != nil
}

func shapeList(member string, kind Kind) func(*Version, []byte, bool) []byte {
	return func(v *Version, result []byte, _ bool) []byte {
		return jsonrpc.EditMember(result, member, func(list []byte) []byte {
			return jsonrpc.EditElements(list, func(definition []byte) []byte { return v.Shape(kind, definition) })
		})
	}
}

func shapeCallResult(v *Version, result []byte, wrapped bool) []byte {
	return jsonrpc.Edit(result, func(name string, value []byte) []byte {
		switch name {
		case "content":
			return v.Content(value)
		case "structuredContent":
			return v.StructuredContent(value, wrapped)
		}
		return value
	})
}

func shapePromptResult(v *Version, result []byte, _ bool) []byte {
	return jsonrpc.EditMember(result, "messages", func(messages []byte) []byte {
		return jsonrpc.EditElements(messages, func(message []byte) []byte {
			return jsonrpc.EditMember(message, "content", v.block)
		})
	})
}

func shapeReadResult(v *Version, result []byte, _ bool) []byte {
	return jsonrpc.EditMember(result, "contents", func(list []byte) []byte {
		return jsonrpc.EditElements(list, func(c []byte) []byte { return v.Shape(contents, c) })
	})
}

func shapeInitializeResult(v *Version, result []byte, _ bool) []byte {
	return jsonrpc.Edit(result, func(name string, value []byte) []byte {
		switch name {
		case "serverInfo":
			return v.Shape(implementation, value)
		case "capabilities":
			return v.Shape(capabilities, value)
		}
		return value
	})
}

// Content returns an array of content blocks as the version allows them.
func (v *Version) Content(blocks []byte) []byte {
	if !v.ShapesContent() {
		return blocks
	}
	return jsonrpc.EditElements(blocks, v.block)
}

// block returns a content block without the members that the version lacks. A
// block of a type that the version lacks becomes text that says what was there.
func (v *Version) block(raw []byte) []byte {
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return raw
	}
	kind := jsonrpc.Text(members.Get("type"))
	if slices.Contains(v.lacksContent, kind) {
		b := jsonrpc.NewBuilder(64)
		b.AddString("type", "text")
		b.AddString("text", v.describe(kind, members))
		b.AddGiven("annotations", members.Get("annotations"))
		return v.block(b.Object())
	}
	if kind == "resource_link" {
		return v.Shape(Resource, raw)
	}
	raw = v.Shape(block, raw)
	return jsonrpc.EditMember(raw, "resource", func(c []byte) []byte { return v.Shape(contents, c) })
}

// describe says in text what a content block holds.
func (v *Version) describe(kind string, members jsonrpc.Object) string {
	text := func(name string) string { return jsonrpc.Text(members.Get(name)) }
	switch kind {
	case "audio":
		data := strings.TrimRight(text("data"), "=")
		return fmt.Sprintf("[%s of %d bytes: protocol version %s has no audio]", text("mimeType"), base64.RawStdEncoding.DecodedLen(len(data)), v.Name)
	case "resource_link":
		return fmt.Sprintf("[%s](%s)", text("name"), text("uri"))
	}
	return fmt.Sprintf("[%s: protocol version %s has no such content]", kind, v.Name)
}

// Notification returns a notification of a server as the version allows it.
func (v *Version) Notification(n jsonrpc.Notification) jsonrpc.Notification {
	if n.Method == mcp.MethodNotificationsProgress && v.lacks[progress] != nil {
		n.Params = v.Shape(progress, n.Params)
	}
	return n
}

// Question returns the parameters with which a server asks a client, as the
// version allows them.
func (v *Version) Question(method string, params []byte) []byte {
	switch {
	case v.latest:
	case method == mcp.MethodElicitationCreate && !isURLMode(params):
		return v.Shape(form, params)
	case method == mcp.MethodSamplingCreateMessage:
		return jsonrpc.EditMember(v.Shape(sampling, params), "messages", v.messages)
	}
	return params
}

// isURLMode reports whether an elicitation asks the user to visit a URL. No version
// before 2025-11-25 has that, and a client that declares it nevertheless needs the
// mode.
func isURLMode(params []byte) bool {
	members, err := jsonrpc.ParseObject(params)
	return err == nil && jsonrpc.EqualString(members.Get("mode"), string(mcp.ElicitModeURL))
}

// messages returns the messages of a sampling request. Where a message has one
// block of content, one with several becomes several messages.
func (v *Version) messages(list []byte) []byte {
	elements, err := jsonrpc.ParseArray(list)
	if err != nil {
		return list
	}
	var shaped [][]byte
	for _, message := range elements {
		members, err := jsonrpc.ParseObject(message)
		if err != nil {
			return list
		}
		blocks, err := jsonrpc.ParseArray(members.Get("content"))
		if err != nil || v.ManyBlocks {
			shaped = append(shaped, jsonrpc.EditMember(message, "content", v.contentOrBlock))
			continue
		}
		for _, block := range blocks {
			shaped = append(shaped, jsonrpc.Set(message, "content", v.block(block)))
		}
	}
	return append(append([]byte{'['}, bytes.Join(shaped, []byte{','})...), ']')
}

func (v *Version) contentOrBlock(content []byte) []byte {
	if jsonrpc.IsObject(content) {
		return v.block(content)
	}
	return v.Content(content)
}

// Complete adds to a result of a handshake version the members that the others
// require. How long the result is fresh is not known, so that it is not.
func Complete(method string, result []byte) []byte { return MethodOf(method).Complete(result) }

// Complete is [Complete] for a result of the method.
func (m *Method) Complete(result []byte) []byte {
	result = setDefault(result, "resultType", `"`+string(mcp.ResultTypeComplete)+`"`)
	if m.Cacheable {
		result = setDefault(result, "ttlMs", "0")
		result = setDefault(result, "cacheScope", `"`+string(mcp.CacheScopePrivate)+`"`)
	}
	return result
}

func setDefault(object []byte, name, value string) []byte {
	members, err := jsonrpc.ParseObject(object)
	if err != nil || members.Get(name) != nil {
		return object
	}
	return jsonrpc.Set(object, name, []byte(value))
}
