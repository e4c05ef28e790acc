package protocol

import (
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// Methods that only the handshake versions have.
const (
	MethodInitialize           = "initialize"
	MethodPing                 = "ping"
	MethodLoggingSetLevel      = "logging/setLevel"
	MethodResourcesSubscribe   = "resources/subscribe"
	MethodResourcesUnsubscribe = "resources/unsubscribe"

	MethodNotificationsInitialized = "notifications/initialized"
)

// A Subject is what a request is about. It decides whose policy applies.
type Subject int

// What a request is about.
const (
	AboutNothing   Subject = iota
	AboutServer            // what the server offers: the policy of discovery
	AboutTool              // the tool that Param names
	AboutPrompt            // the prompt that Param names
	AboutResource          // the resource whose URI is in Param
	AboutReference         // the prompt or template of a completion
	AboutFilter            // the lists and resources of a subscription
)

// A Method is a method of requests from clients.
type Method struct {
	Name  string
	About Subject

	// Param is the parameter that names what the request is about, and "" when
	// there is none.
	Param string

	// Mirrored says that clients mirror Param into the header field Mcp-Name
	// (streamable-http, "Standard Request Headers").
	Mirrored bool

	// Extension says that an extension defines the method. A row of the table is
	// then what a relay has to know of it; a server that has the extension has a
	// row of its own.
	Extension bool

	// Handshake says that only the handshake versions have the method, and
	// Stateless that only the others have.
	Handshake, Stateless bool

	// Local says that whatever keeps the connection answers, and not the engine.
	Local bool

	// Cacheable says that the result tells how long it is fresh (caching,
	// "Cacheable Results").
	Cacheable bool

	// Idempotent says that the request changes nothing, or nothing more when the
	// server gets it twice.
	Idempotent bool

	// Asks says that the server may answer with questions to the client (multi
	// round-trip requests, "Supported Requests").
	Asks bool

	// Lasts says that the request stays open, so that silence is not a fault.
	Lasts bool

	// shape turns a result into what a version allows; nil when only the members
	// of every result differ.
	shape func(v *Version, result []byte, wrapped bool) []byte
}

var methods = byName([]Method{
	{Name: mcp.MethodServerDiscover, About: AboutServer, Stateless: true, Cacheable: true, Idempotent: true},
	{Name: mcp.MethodSubscriptionsListen, About: AboutFilter, Stateless: true, Lasts: true},
	{Name: mcp.MethodToolsList, About: AboutServer, Cacheable: true, Idempotent: true, shape: shapeList("tools", Tool)},
	{Name: mcp.MethodToolsCall, About: AboutTool, Param: "name", Mirrored: true, Asks: true, shape: shapeCallResult},
	{Name: mcp.MethodResourcesList, About: AboutServer, Cacheable: true, Idempotent: true, shape: shapeList("resources", Resource)},
	{Name: mcp.MethodResourcesTemplatesList, About: AboutServer, Cacheable: true, Idempotent: true, shape: shapeList("resourceTemplates", Resource)},
	{Name: mcp.MethodResourcesRead, About: AboutResource, Param: "uri", Mirrored: true, Cacheable: true, Idempotent: true, Asks: true, shape: shapeReadResult},
	{Name: mcp.MethodPromptsList, About: AboutServer, Cacheable: true, Idempotent: true, shape: shapeList("prompts", Prompt)},
	{Name: mcp.MethodPromptsGet, About: AboutPrompt, Param: "name", Mirrored: true, Idempotent: true, Asks: true, shape: shapePromptResult},
	{Name: mcp.MethodCompletionComplete, About: AboutReference, Idempotent: true},

	{Name: MethodInitialize, About: AboutServer, Handshake: true, shape: shapeInitializeResult},
	{Name: MethodPing, About: AboutServer, Handshake: true, Idempotent: true},
	{Name: MethodLoggingSetLevel, About: AboutServer, Handshake: true, Local: true, Idempotent: true},
	{Name: MethodResourcesSubscribe, About: AboutResource, Param: "uri", Handshake: true, Local: true, Idempotent: true},
	{Name: MethodResourcesUnsubscribe, About: AboutServer, Param: "uri", Handshake: true, Local: true, Idempotent: true},

	// Tasks: experimental in 2025-11-25, an extension since (io.modelcontextprotocol/tasks).
	{Name: "tasks/get", Extension: true, Param: "taskId", Mirrored: true, Idempotent: true},
	{Name: "tasks/update", Extension: true, Param: "taskId", Mirrored: true, Idempotent: true},
	{Name: "tasks/cancel", Extension: true, Param: "taskId", Mirrored: true, Idempotent: true},
	{Name: "tasks/list", Extension: true, Idempotent: true},
})

func byName(list []Method) map[string]*Method {
	m := make(map[string]*Method, len(list))
	for i := range list {
		m[list[i].Name] = &list[i]
	}
	return m
}

// unknown stands for the methods that are not in the table.
var unknown = &Method{}

// MethodOf returns the method with that name. For a name that is not known it
// returns a method without traits, whose Name is empty.
func MethodOf(name string) *Method {
	if m := methods[name]; m != nil {
		return m
	}
	return unknown
}

// Methods finds the methods of a server: the methods of the protocol, and the
// methods of its extensions. The nil Methods has the table of the protocol alone.
type Methods func(name string) *Method

// MethodsOf returns the methods that h answers. A handler with extensions
// implements FindMethod.
func MethodsOf(h jsonrpc.Handler) Methods {
	if finder, ok := h.(interface{ FindMethod(name string) *Method }); ok {
		return finder.FindMethod
	}
	return nil
}

// Of returns the method of a request, like [MethodOf]. It looks the method up
// once: all that handle a request see the same row.
func (f Methods) Of(req *jsonrpc.Request) *Method {
	if m, ok := req.Row.(*Method); ok {
		return m
	}
	m := f.Find(req.Method)
	req.Row = m
	return m
}

// Find is [MethodOf] for the methods of the server.
func (f Methods) Find(name string) *Method {
	m := MethodOf(name)
	if f != nil && (m == unknown || m.Extension) {
		return f(name)
	}
	return m
}

// In reports whether a version with, or without, a handshake has the method.
func (m *Method) In(handshake bool) bool {
	if handshake {
		return !m.Stateless
	}
	return !m.Handshake
}

// questions are the methods by which a server asks a client, with the
// capability that a client declares when it answers them.
var questions = map[string]string{
	mcp.MethodElicitationCreate:     "elicitation",
	mcp.MethodSamplingCreateMessage: "sampling",
	mcp.MethodRootsList:             "roots",
}

// IsNotification reports whether the protocol has a notification of that name.
func IsNotification(method string) bool {
	switch method {
	case mcp.MethodNotificationsCancelled, mcp.MethodNotificationsProgress, mcp.MethodNotificationsMessage,
		mcp.MethodNotificationsToolsListChanged, mcp.MethodNotificationsPromptsListChanged, mcp.MethodNotificationsResourcesListChanged,
		mcp.MethodNotificationsResourcesUpdated, mcp.MethodNotificationsSubscriptionsAcknowledged, MethodNotificationsInitialized,
		"notifications/roots/list_changed", "notifications/elicitation/complete":
		return true
	}
	return false
}

// QuestionCapability returns the capability of a client that answers a method
// by which servers ask, and "" for any other method.
func QuestionCapability(method string) string { return questions[method] }
