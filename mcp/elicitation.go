package mcp

import "encoding/json"

// ElicitMode says how a client is to ask its user.
type ElicitMode string

// The elicitation modes. Empty means [ElicitModeForm].
const (
	ElicitModeForm ElicitMode = "form"
	ElicitModeURL  ElicitMode = "url"
)

// ElicitRequestFormParams ask the user to fill in a form, which must not be
// for secrets. Message and RequestedSchema are required.
type ElicitRequestFormParams struct {
	// Mode is empty or [ElicitModeForm].
	Mode    ElicitMode `json:"mode,omitzero"`
	Message string     `json:"message"`
	// RequestedSchema describes the form: a JSON Schema of an object whose
	// properties are strings, numbers, booleans and choices, never nested.
	RequestedSchema json.RawMessage `json:"requestedSchema"`
}

// ElicitRequestURLParams ask the user to open a URL. All members are required.
type ElicitRequestURLParams struct {
	// Mode is [ElicitModeURL].
	Mode    ElicitMode `json:"mode"`
	Message string     `json:"message"`
	URL     string     `json:"url"`
}

// ElicitAction is the user's reaction to a question.
type ElicitAction string

// The actions a user can take.
const (
	// ElicitActionAccept means that the user sent the form or agreed to open
	// the URL.
	ElicitActionAccept ElicitAction = "accept"
	// ElicitActionDecline means that the user said no.
	ElicitActionDecline ElicitAction = "decline"
	// ElicitActionCancel means that the user left without choosing.
	ElicitActionCancel ElicitAction = "cancel"
)

// ElicitResult is the client's answer to an elicitation.
type ElicitResult struct {
	Action ElicitAction `json:"action"`
	// Content is the object of the form's values, and nil unless a form was
	// accepted. Check it against the requested schema: it comes from the client.
	Content json.RawMessage `json:"content,omitzero"`
}
