package mcp

import "encoding/json"

// JSONObject is an object whose members the protocol leaves open. As a
// capability, nil says that it is absent and an empty object that it is there.
type JSONObject map[string]json.RawMessage

// ClientCapabilities are the optional features a client offers, declared anew
// with every request. A nil field means the client lacks the feature.
type ClientCapabilities struct {
	// Elicitation is there when the client can ask its user for input.
	Elicitation *ElicitationCapability `json:"elicitation,omitzero"`
	// Sampling is there when the client can call a model. The specification
	// deprecates it since 2026-07-28.
	Sampling *SamplingCapability `json:"sampling,omitzero"`
	// Roots is there when the client can list roots. The specification
	// deprecates it since 2026-07-28.
	Roots *RootsCapability `json:"roots,omitzero"`
	// Extensions maps an extension's identifier to its settings object, which is
	// empty when there is nothing to set.
	Extensions map[string]json.RawMessage `json:"extensions,omitzero"`
	// Experimental maps the name of a non-standard feature to its settings.
	Experimental map[string]json.RawMessage `json:"experimental,omitzero"`
}

// ElicitationCapability says which modes of elicitation a client offers. With
// neither set it offers forms only (elicitation, "Capabilities").
type ElicitationCapability struct {
	Form JSONObject `json:"form,omitzero"`
	URL  JSONObject `json:"url,omitzero"`
}

// SamplingCapability says which parameters of sampling a client understands
// beyond the basic ones.
type SamplingCapability struct {
	// Context stands for the IncludeContext parameter.
	Context JSONObject `json:"context,omitzero"`
	// Tools stands for the Tools and ToolChoice parameters.
	Tools JSONObject `json:"tools,omitzero"`
}

// RootsCapability has no settings: that it is there is all it says.
type RootsCapability struct{}

// ServerCapabilities are the features a server offers. A nil field means the
// server lacks the feature.
type ServerCapabilities struct {
	// Tools is there when the server has tools to call.
	Tools *ToolsCapability `json:"tools,omitzero"`
	// Resources is there when the server has resources to read.
	Resources *ResourcesCapability `json:"resources,omitzero"`
	// Prompts is there when the server has prompts to get.
	Prompts *PromptsCapability `json:"prompts,omitzero"`
	// Completions is there when the server completes arguments.
	Completions JSONObject `json:"completions,omitzero"`
	// Logging is there when the server sends log messages. The specification
	// deprecates it since 2026-07-28.
	Logging JSONObject `json:"logging,omitzero"`
	// Extensions maps an extension's identifier to its settings object, which is
	// empty when there is nothing to set.
	Extensions map[string]json.RawMessage `json:"extensions,omitzero"`
	// Experimental maps the name of a non-standard feature to its settings.
	Experimental map[string]json.RawMessage `json:"experimental,omitzero"`
}

// ToolsCapability lists the notifications that a server sends about its tools.
type ToolsCapability struct {
	ListChanged bool `json:"listChanged,omitzero"`
}

// ResourcesCapability lists the notifications that a server sends about its
// resources.
type ResourcesCapability struct {
	// Subscribe says that the server reports updates of single resources.
	Subscribe   bool `json:"subscribe,omitzero"`
	ListChanged bool `json:"listChanged,omitzero"`
}

// PromptsCapability lists the notifications that a server sends about its
// prompts.
type PromptsCapability struct {
	ListChanged bool `json:"listChanged,omitzero"`
}
