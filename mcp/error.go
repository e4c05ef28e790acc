package mcp

// Error codes of JSON-RPC 2.0 (section 5.1, "Error object").
const (
	CodeParseError     = -32700
	CodeInvalidRequest = -32600
	CodeMethodNotFound = -32601
	// CodeInvalidParams also answers an unknown tool, resource or prompt.
	CodeInvalidParams = -32602
	CodeInternalError = -32603
)

// Error codes of the protocol, which keeps -32020 to -32099 for itself.
const (
	// CodeHeaderMismatch answers an HTTP request whose headers are missing,
	// malformed or at odds with its body.
	CodeHeaderMismatch = -32020
	// CodeMissingRequiredClientCapability comes with a
	// [MissingRequiredClientCapabilityData].
	CodeMissingRequiredClientCapability = -32021
	// CodeUnsupportedProtocolVersion comes with an
	// [UnsupportedProtocolVersionData].
	CodeUnsupportedProtocolVersion = -32022
)

// Error codes of earlier protocol versions, which are never given out again.
const (
	// CodeResourceNotFound is of 2025-11-25 and before. Since then,
	// [CodeInvalidParams] takes its place.
	CodeResourceNotFound = -32002
	// CodeURLElicitationRequired is of 2025-11-25 only.
	CodeURLElicitationRequired = -32042
)

// UnsupportedProtocolVersionData is the data of an error with
// [CodeUnsupportedProtocolVersion].
type UnsupportedProtocolVersionData struct {
	// Supported are the versions the client can choose from to try again.
	Supported List[string] `json:"supported"`
	Requested string       `json:"requested"`
}

// MissingRequiredClientCapabilityData is the data of an error with
// [CodeMissingRequiredClientCapability].
type MissingRequiredClientCapabilityData struct {
	// RequiredCapabilities are those the client did not declare.
	RequiredCapabilities ClientCapabilities `json:"requiredCapabilities"`
}
