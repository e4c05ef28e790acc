package mcpengine

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A version is a protocol version and how it differs from the newest. Code
// asks a row of the table; it never compares versions.
type version struct {
	name string

	// handshake says that a connection begins with initialize, and that results
	// carry neither a type nor who produced them.
	handshake bool

	structured structuredKind

	// Codes of errors: for a resource that does not exist, and for a question
	// the client has not declared that it can answer.
	notFound, missingCapability int

	// lacks are the members of definitions that came later.
	lacks []string

	// The kinds of content that came later are replaced by text.
	lacksAudio, lacksLinks bool

	// lacksMessage says that progress has no message, and lacksMode that a form
	// does not say that it is one.
	lacksMessage, lacksMode bool
}

// A structuredKind is what a version knows of structured content.
type structuredKind int

const (
	anyStructured    structuredKind = iota // any JSON value
	objectStructured                       // objects only
	noStructured                           // nothing
)

// versions are the supported protocol versions, newest first.
var versions = []version{
	{
		name:     mcp.LatestProtocolVersion,
		notFound: mcp.CodeInvalidParams, missingCapability: mcp.CodeMissingRequiredClientCapability,
	},
	{
		name:       "2025-11-25",
		handshake:  true,
		structured: objectStructured,
		notFound:   mcp.CodeResourceNotFound, missingCapability: mcp.CodeInvalidParams,
	},
	{
		name:       "2025-06-18",
		handshake:  true,
		structured: objectStructured,
		notFound:   mcp.CodeResourceNotFound, missingCapability: mcp.CodeInvalidParams,
		lacks:     []string{"icons"},
		lacksMode: true,
	},
	{
		name:       "2025-03-26",
		handshake:  true,
		structured: noStructured,
		notFound:   mcp.CodeResourceNotFound, missingCapability: mcp.CodeInvalidParams,
		lacks:      []string{"icons", "title", "outputSchema", "_meta"},
		lacksLinks: true,
		lacksMode:  true,
	},
	{
		name:       "2024-11-05",
		handshake:  true,
		structured: noStructured,
		notFound:   mcp.CodeResourceNotFound, missingCapability: mcp.CodeInvalidParams,
		lacks:        []string{"icons", "title", "outputSchema", "_meta", "annotations"},
		lacksAudio:   true,
		lacksLinks:   true,
		lacksMessage: true,
		lacksMode:    true,
	},
}

// supportedVersions are the names of the versions that the program serves.
func supportedVersions() (names []string) {
	for i := range versions {
		if servesHandshake || !versions[i].handshake {
			names = append(names, versions[i].name)
		}
	}
	return names
}

// findVersion returns the row of the version that a JSON string names, among
// those with or without a handshake, and nil when there is none.
func findVersion(raw []byte, handshake bool) *version {
	for i := range versions {
		if v := &versions[i]; v.handshake == handshake && jsonrpc.EqualString(raw, v.name) {
			return v
		}
	}
	return nil
}

// shapeDefinition takes from a definition what the version does not know.
func (v *version) shapeDefinition(definition []byte) []byte {
	members, err := jsonrpc.ParseObject(definition)
	if err != nil {
		return definition // never: the engine has encoded it
	}
	shaped := []byte{'{'}
	for _, m := range members {
		name, value := string(m.Name), m.Value
		if slices.Contains(v.lacks, name) {
			continue
		}
		if name == "outputSchema" {
			if value = v.shapeOutputSchema(value); value == nil {
				continue
			}
		}
		if len(shaped) > 1 {
			shaped = append(shaped, ',')
		}
		shaped = append(jsonrpc.AppendString(shaped, name), ':')
		shaped = append(shaped, value...)
	}
	return append(shaped, '}')
}

// shapeOutputSchema wraps the schema of what is not an object, as
// [version.shapeStructured] wraps the value. A schema with references to its
// own root cannot be wrapped and is left out.
func (v *version) shapeOutputSchema(schema []byte) []byte {
	if v.structured == anyStructured {
		return schema
	}
	members, err := jsonrpc.ParseObject(schema)
	switch {
	case err != nil:
		return nil
	case string(members.Get("type")) == `"object"`:
		return schema
	case bytes.Contains(schema, []byte(`"$ref"`)):
		return nil
	}
	return fmt.Appendf(nil, `{"type":"object","properties":{"result":%s},"required":["result"]}`, schema)
}

// shapeStructured returns structured content as the version knows it: wrapped
// when only objects are allowed and value is none, nil when it knows none.
func (v *version) shapeStructured(value []byte) []byte {
	switch {
	case value == nil || v.structured == noStructured:
		return nil
	case v.structured == objectStructured && !isObject(value):
		return fmt.Appendf(nil, `{"result":%s}`, value)
	}
	return value
}

// shapeContent replaces a kind of content that the version does not know by
// text that says what was there.
func (v *version) shapeContent(block mcp.ContentBlock) mcp.ContentBlock {
	switch b := block.(type) {
	case *mcp.AudioContent:
		return v.shapeContent(*b)
	case mcp.AudioContent:
		if v.lacksAudio {
			return mcp.TextContent{Text: fmt.Sprintf("[%s of %d bytes: protocol version %s has no audio]", b.MIMEType, len(b.Data), v.name)}
		}
	case *mcp.ResourceLink:
		return v.shapeContent(*b)
	case mcp.ResourceLink:
		if v.lacksLinks {
			return mcp.TextContent{Text: fmt.Sprintf("[%s](%s)", b.Name, b.URI)}
		}
	}
	return block
}

// shapesContent reports whether any kind of content may have to be replaced.
func (v *version) shapesContent() bool { return v.lacksAudio || v.lacksLinks }
