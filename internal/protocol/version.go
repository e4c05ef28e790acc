// Package protocol knows how the protocol versions differ and what the methods
// are about. The engine, the client, the bridge and the transports read its
// tables: none of them compares versions or lists methods itself.
//
// version.go is the table of versions, method.go the table of methods and
// level.go the log levels. shape.go and schema.go turn what one version says
// into what another one allows.
package protocol

import (
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Version is a protocol version. Versions are compared by their traits and
// never by their names or their order.
type Version struct {
	Name string

	// Handshake says that a connection begins with initialize, that the server
	// may send requests, that a notification cancels a request, and that results
	// carry neither a type nor the name of the server.
	Handshake bool

	// Batches says that a message may be an array of messages (2025-06-18,
	// changelog, "Major changes").
	Batches bool

	// Unnamed says that an HTTP request that names no version is in this one
	// (2025-11-25, transports, "Protocol Version Header").
	Unnamed bool

	// Resumes says that a client that has lost an event stream can resume it
	// (2025-03-26, transports, "Resumability and Redelivery").
	Resumes bool

	// StartsWithID says that an event stream begins with an event that has an id
	// and no data, and that the server may interrupt the stream (2025-11-25,
	// transports, "Sending Messages to the Server").
	StartsWithID bool

	// ManyBlocks says that a message of a sampling request may have several
	// blocks of content (2025-11-25, changelog, "Minor changes").
	ManyBlocks bool

	// Structured is what the structured content of a tool result may be.
	Structured Structured

	// NotFound is the code of the error for a resource that does not exist, and
	// MissingCapability the code for a question that the client has not declared
	// that it can answer.
	NotFound, MissingCapability int

	// adds are the members that the version added to objects of a kind, and
	// addsContent the types of content blocks that it added.
	adds        [kinds][]string
	addsContent []string

	// lacks are the members and the types of content that later versions added.
	lacks        [kinds][]string
	lacksContent []string
	latest       bool // lacks nothing
}

// Structured is what structured content may be.
type Structured int

// What structured content may be: any JSON value, objects only, or nothing.
const (
	StructuredAny Structured = iota
	StructuredObject
	StructuredNone
)

// versions are the known protocol versions, the latest first.
var versions = compile([]Version{
	{
		Name:              mcp.LatestProtocolVersion,
		NotFound:          mcp.CodeInvalidParams,
		MissingCapability: mcp.CodeMissingRequiredClientCapability,
		ManyBlocks:        true,
		adds: [kinds][]string{
			Result: {"resultType", "ttlMs", "cacheScope"},
		},
	},
	{
		Name:         "2025-11-25",
		Handshake:    true,
		Resumes:      true,
		StartsWithID: true,
		ManyBlocks:   true,
		Structured:   StructuredObject,
		NotFound:     mcp.CodeResourceNotFound, MissingCapability: mcp.CodeInvalidParams,
		adds: [kinds][]string{
			Tool:           {"icons", "execution"},
			Resource:       {"icons"},
			Prompt:         {"icons"},
			implementation: {"icons", "description", "websiteUrl"},
			form:           {"mode"},
			sampling:       {"tools", "toolChoice"},
			capabilities:   {"tasks"},
		},
		addsContent: []string{"tool_use", "tool_result"},
	},
	{
		Name:       "2025-06-18",
		Handshake:  true,
		Resumes:    true,
		Structured: StructuredObject,
		NotFound:   mcp.CodeResourceNotFound, MissingCapability: mcp.CodeInvalidParams,
		adds: [kinds][]string{
			Tool:           {"title", "outputSchema", "_meta"},
			Resource:       {"title", "_meta"},
			Prompt:         {"title", "_meta"},
			argument:       {"title"},
			annotations:    {"lastModified"},
			block:          {"_meta"},
			contents:       {"_meta"},
			implementation: {"title"},
		},
		addsContent: []string{"resource_link"},
	},
	{
		Name:       "2025-03-26",
		Handshake:  true,
		Resumes:    true,
		Batches:    true,
		Unnamed:    true,
		Structured: StructuredNone,
		NotFound:   mcp.CodeResourceNotFound, MissingCapability: mcp.CodeInvalidParams,
		adds: [kinds][]string{
			Tool:         {"annotations"},
			progress:     {"message"},
			capabilities: {"completions"},
		},
		addsContent: []string{"audio"},
	},
	{
		Name:       "2024-11-05",
		Handshake:  true,
		Structured: StructuredNone,
		NotFound:   mcp.CodeResourceNotFound, MissingCapability: mcp.CodeInvalidParams,
	},
})

// compile works out what each version lacks: all that later versions added.
func compile(versions []Version) []*Version {
	compiled := make([]*Version, len(versions))
	for i := range versions {
		v := &versions[i]
		v.latest = i == 0
		for _, later := range versions[:i] {
			for kind, members := range later.adds {
				v.lacks[kind] = append(v.lacks[kind], members...)
			}
			v.lacksContent = append(v.lacksContent, later.addsContent...)
		}
		compiled[i] = v
	}
	return compiled
}

// Versions returns the known versions, the latest first.
func Versions() []*Version { return slices.Clone(versions) }

// Names returns the names of the known versions that keep reports true for, the
// latest first. A nil keep stands for all.
func Names(keep func(*Version) bool) (names []string) {
	for _, v := range versions {
		if keep == nil || keep(v) {
			names = append(names, v.Name)
		}
	}
	return names
}

// IsHandshake reports whether v is a handshake version, for [Names].
func IsHandshake(v *Version) bool { return v.Handshake }

// IsKnown reports whether there is a version with that name, of the handshake
// versions or of the others.
func IsKnown(name string, handshake bool) bool {
	v := Find(name)
	return v != nil && v.Handshake == handshake
}

// Find returns the version with that name, and nil when it is not known.
func Find(name string) *Version {
	for _, v := range versions {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// FindJSON is [Find] for a name that is a JSON string.
func FindJSON(raw []byte) *Version {
	for _, v := range versions {
		if jsonrpc.EqualString(raw, v.Name) {
			return v
		}
	}
	return nil
}

// Latest returns the latest version, of the handshake versions or of the
// others, whose name both lists hold. A nil list holds every name. It returns
// nil when there is none.
func Latest(handshake bool, allowed, offered []string) *Version {
	holds := func(names []string, name string) bool { return names == nil || slices.Contains(names, name) }
	for _, v := range versions {
		if v.Handshake == handshake && holds(allowed, v.Name) && holds(offered, v.Name) {
			return v
		}
	}
	return nil
}

// Unnamed returns the version of an HTTP request that names none.
func Unnamed() *Version {
	for _, v := range versions {
		if v.Unnamed {
			return v
		}
	}
	return nil // never
}

// HasProgressMessage reports whether progress has a message.
func (v *Version) HasProgressMessage() bool { return v.lacks[progress] == nil }
